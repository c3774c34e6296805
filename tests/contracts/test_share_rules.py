"""Revenue shares and sponsorships: which figures each kind takes, which share a site has, and the words for them."""

from decimal import Decimal
from typing import Any

import pytest

from contracts.rules.shares import (
    Share,
    ShareTerms,
    share_at,
    share_in_short,
    share_sentence,
    share_terms,
    sponsor_in_short,
    sponsor_sentence,
    sponsor_terms,
)
from evbilling.kernel.errors import BadInput

D = Decimal


@pytest.mark.parametrize(
    ("kind", "figures", "sentence"),
    [
        ("percent", (D(60), None, None), "60\N{NO-BREAK SPACE}% of the net charging revenue at each site."),
        ("per_kwh", (None, D("0.035"), None), "€0.035 for each kWh charged and billed at each site."),
        (
            "fixed_rent",
            (None, None, D(500)),
            "A rent of €500.00 a month for each site, by the day where a month is not whole.",
        ),
        (
            "cost",
            (None, D("0.31"), None),
            "€0.31 for each kWh that was metered at each site, also of sessions that nobody pays for.",
        ),
        (
            "greater_of",
            (D(50), None, D(500)),
            "At each site the greater of 50\N{NO-BREAK SPACE}% of the month's net charging revenue and a rent of "
            "€500.00.",
        ),
    ],
)
def test_each_kind_takes_its_figures_and_says_them(kind: str, figures: tuple[Any, Any, Any], sentence: str) -> None:
    assert share_sentence(share_terms(kind, *figures), "EUR") == sentence


@pytest.mark.parametrize(
    ("kind", "figures", "field"),
    [
        ("percent", (None, None, None), "percent_of_net"),
        ("percent", (D("100.01"), None, None), "percent_of_net"),
        ("percent", (D(50), D(1), None), "per_kwh_amount"),
        ("per_kwh", (D(50), D(1), None), "percent_of_net"),
        ("per_kwh", (None, None, None), "per_kwh_amount"),
        ("per_kwh", (None, D("-0.01"), None), "per_kwh_amount"),
        ("fixed_rent", (None, None, None), "rent_amount"),
        ("fixed_rent", (None, D(1), D(1)), "per_kwh_amount"),
        ("greater_of", (D(50), None, None), "rent_amount"),
        ("greater_of", (None, None, D(5)), "percent_of_net"),
        ("cost", (None, D("NaN"), None), "per_kwh_amount"),
        ("rent", (None, None, D(1)), "kind"),
    ],
)
def test_a_share_that_lacks_a_figure_or_has_one_too_many_is_refused_by_field(
    kind: str, figures: tuple[Any, Any, Any], field: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        share_terms(kind, *figures)
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("kind", "percent", "figures", "field"),
    [
        ("percent", D(0), {}, "percent"),
        ("percent", D(50), {"kwh_per_month": D(1)}, "kwh_per_month"),
        ("first_kwh", D(50), {}, "kwh_per_month"),
        ("first_kwh", D(50), {"kwh_per_month": D("0.0001")}, "kwh_per_month"),
        ("first_kwh", D(50), {"kwh_per_month": D("1.0005")}, "kwh_per_month"),
        ("budget", D(50), {"span": "month"}, "budget_amount"),
        ("budget", D(50), {"budget": D(100)}, "budget_period"),
        ("budget", D(50), {"budget": D(100), "span": "year"}, "budget_period"),
        ("budget", D(50), {"budget": D(100), "span": "month", "alert_percent": D(101)}, "alert_percent"),
        ("budget", D(50), {"budget": D(100), "span": "month", "kwh_per_month": D(5)}, "kwh_per_month"),
        ("all", D(50), {}, "kind"),
    ],
)
def test_a_sponsorship_that_lacks_a_figure_or_has_one_too_many_is_refused_by_field(
    kind: str, percent: Decimal, figures: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadInput) as refusal:
        sponsor_terms(kind, percent, **figures)
    assert refusal.value.field == field


def test_a_sponsor_reads_its_limit() -> None:
    kwh = sponsor_terms("first_kwh", D(100), kwh_per_month=D(200))
    assert "the first 200 kWh that each sponsored vehicle charges in a month" in sponsor_sentence(kwh, "EUR")
    assert sponsor_in_short(kwh, "EUR") == "sponsor pays 100\N{NO-BREAK SPACE}%, first 200 kWh a month"
    budget = sponsor_terms("budget", D(50), budget=D(10_000), span="contract")
    assert sponsor_sentence(budget, "EUR").endswith("until €10,000.00 are used in all.")
    assert sponsor_in_short(budget, "EUR") == "sponsor pays 50\N{NO-BREAK SPACE}%, up to €10,000.00"


def test_the_share_of_the_site_beats_the_one_for_all() -> None:
    everywhere, here = ShareTerms(Share.PERCENT, D(50)), ShareTerms(Share.FIXED_RENT, rent=D(500))
    shares = [(None, everywhere), (7, here)]
    assert (share_at(shares, 7), share_at(shares, 8)) == (here, everywhere)
    assert share_at([(7, here)], 8) is None


def test_a_share_in_few_words() -> None:
    assert share_in_short(share_terms("greater_of", D(50), D("0.03"), D(500)), "EUR") == (
        "50\N{NO-BREAK SPACE}% of net revenue or €0.03 a kWh or €500.00 rent a month"
    )
