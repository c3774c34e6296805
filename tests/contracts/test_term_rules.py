"""Terms beyond OCPI: what a clerk writes is read strictly, comes back as it was, and is said in one sentence."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from contracts.models import ContractKind, TermKind
from contracts.rules import terms
from evbilling.kernel import strict_json
from evbilling.kernel.errors import BadInput

EXAMPLES: dict[str, dict[str, Any]] = {
    "window_cap": {"dimension": "TIME", "start_time": "22:00", "end_time": "06:00", "max_amount": "8"},
    "base_fee": {"amount": "49.90", "per": "vehicle"},
    "included_energy": {"kwh": "100", "per": "contract"},
    "graduated_discount": {"tiers": [{"from_kwh": "1000", "percent": "5"}, {"from_kwh": "5000", "percent": "10"}]},
    "volume_discount": {"tiers": [{"from_kwh": "0", "percent": "1.5"}]},
    "minimum_commitment": {"kwh": "2000", "price_per_kwh": "0.10"},
    "overstay": {"price_per_minute": "0.10", "grace_minutes": 15, "session_cap": "12", "day_cap": "20"},
    "no_show": {"amount": "5", "grace_minutes": 10},
    "late_payment": {"eu_default": True},
    "failed_payment": {"amount": "7.50"},
    "early_termination": {"months_of_base_fee": 3},
    "uptime_promise": {"percent": "98", "per": "station", "credit_percent_per_point": "2", "cap_percent": "20"},
}


def test_there_is_a_reader_for_every_kind() -> None:
    assert set(terms.ORDER) == set(TermKind.values) == set(EXAMPLES)


@pytest.mark.parametrize("kind", terms.ORDER)
def test_a_term_comes_back_from_what_is_stored(kind: str) -> None:
    term = terms.parse(kind, EXAMPLES[kind])
    stored = strict_json.loads(strict_json.dumps(term.to_figures()))
    assert terms.parse(kind, stored) == term


@pytest.mark.parametrize("kind", terms.ORDER)
@pytest.mark.parametrize("language", ["en", "de"])
def test_a_term_is_one_sentence(kind: str, language: str) -> None:
    with translation.override(language):
        said = terms.describe(terms.parse(kind, EXAMPLES[kind]), "EUR")
    assert said.endswith(".")
    assert "%(" not in said
    assert said[0].isupper()


def test_sentences_name_the_figures() -> None:
    with translation.override("en"):
        said = {kind: terms.describe(terms.parse(kind, figures), "EUR") for kind, figures in EXAMPLES.items()}
    assert said["window_cap"] == "Charging time between 22:00 and 06:00 costs at most €8.00 a session and window."
    assert said["base_fee"] == "The base fee is €49.90 a month for each vehicle."
    assert said["included_energy"] == "The first 100\N{NO-BREAK SPACE}kWh of a month are included."
    assert said["graduated_discount"] == (
        "Discount on the kWh of the month inside each tier: from 1,000\N{NO-BREAK SPACE}kWh 5\N{NO-BREAK SPACE}%; "
        "from 5,000\N{NO-BREAK SPACE}kWh 10\N{NO-BREAK SPACE}%."
    )
    assert said["overstay"] == (
        "Staying after charging has ended costs €0.10 a minute, from 15 minutes after the end on, at most €12.00 a "
        "session, at most €20.00 a day."
    )
    assert said["early_termination"] == "Ending the contract before its minimum term costs 3 months of base fee."


def test_amounts_are_decimals_and_times_are_times() -> None:
    cap = terms.parse("window_cap", EXAMPLES["window_cap"] | {"days": ["SUNDAY", "MONDAY"]})
    assert cap == terms.WindowCap("TIME", dt.time(22), dt.time(6), ("MONDAY", "SUNDAY"), Decimal(8))


REFUSED = [
    ("window_cap", {"dimension": "FLAT"}, "FLAT"),
    ("window_cap", {"start_time": "24:00"}, "24:00"),
    ("window_cap", {"end_time": 600}, "600"),
    ("window_cap", {"days": ["MON"]}, "MON"),
    ("window_cap", {"days": ["MONDAY", "MONDAY"]}, "MONDAY"),
    ("window_cap", {"max_amount": "0"}, "0"),
    ("window_cap", {"max_amount": "-1"}, "-1"),
    ("window_cap", {"max_amonut": "8"}, "max_amonut"),
    ("base_fee", {"amount": 49.9}, "49.9"),
    ("base_fee", {"amount": "NaN"}, "NaN"),
    ("base_fee", {"amount": "1.0000001"}, "1.0000001"),
    ("base_fee", {"amount": "1000000001"}, "1000000001"),
    ("base_fee", {"amount": True}, "True"),
    ("base_fee", {"per": "station"}, "station"),
    ("included_energy", {"kwh": ""}, "''"),
    ("graduated_discount", {"tiers": []}, "[]"),
    ("graduated_discount", {"tiers": [{"from_kwh": "0", "percent": "101"}]}, "101"),
    ("graduated_discount", {"tiers": [{"from_kwh": "0", "percent": "0"}]}, "0"),
    ("graduated_discount", {"tiers": [{"from_kwh": "5", "percent": "1"}, {"from_kwh": "5", "percent": "2"}]}, "5"),
    ("volume_discount", {"tiers": [{"from_kwh": "0", "percent": "1", "to_kwh": "9"}]}, "to_kwh"),
    ("volume_discount", {"tiers": ["0"]}, "0"),
    ("minimum_commitment", {"amount": "100"}, "amount"),
    ("minimum_commitment", {"price_per_kwh": None}, "price per missing kWh"),
    ("overstay", {"grace_minutes": "1.5"}, "1.5"),
    ("overstay", {"grace_minutes": -1}, "-1"),
    ("late_payment", {"yearly_percent": "9"}, "9"),
    ("late_payment", {"eu_default": "yes"}, "yes"),
    ("late_payment", {"eu_default": False}, "interest"),
    ("early_termination", {"amount": "100"}, "months of base fee"),
    ("early_termination", {"months_of_base_fee": 0}, "0"),
    ("uptime_promise", {"credit_amount": "5"}, "credit"),
    ("uptime_promise", {"percent": "100.1"}, "100.1"),
]


@pytest.mark.parametrize(("kind", "change", "named"), REFUSED)
def test_figures_that_cannot_be_used_are_refused_by_name(kind: str, change: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInput) as refusal:
        terms.parse(kind, EXAMPLES[kind] | change)
    assert named in refusal.value.message


def test_an_unknown_kind_and_figures_that_are_no_object_are_refused() -> None:
    with pytest.raises(BadInput, match="rebate"):
        terms.parse("rebate", {})
    with pytest.raises(BadInput, match="one value for each figure"):
        terms.parse("base_fee", ["49.90"])


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
names = sorted({name for figures in EXAMPLES.values() for name in figures} | {"amount", "credit_amount"})


@given(kind=st.sampled_from(terms.ORDER), change=st.dictionaries(st.sampled_from(names), anything, max_size=3))
def test_no_figures_do_anything_but_parse_or_be_refused(kind: str, change: dict[str, Any]) -> None:
    try:
        term = terms.parse(kind, EXAMPLES[kind] | change)
    except BadInput:
        return
    assert terms.parse(kind, term.to_figures()) == term
    assert terms.describe(term, "EUR")


def test_terms_about_sessions_fit_charging_contracts_alone() -> None:
    fitting = {kind: {name for name in ContractKind.values if terms.fits(kind, name)} for kind in terms.ORDER}
    assert fitting["window_cap"] == {"charging", "roaming"}
    assert fitting["included_energy"] == {"charging"}
    assert fitting["base_fee"] == {"charging", "sponsorship"}
    assert all("hosting" not in kinds for kinds in fitting.values())


def test_one_kind_stands_once_and_one_discount_excludes_the_other() -> None:
    assert terms.clash("base_fee", ["base_fee"]) == ""
    assert terms.clash("no_show", ["base_fee", "no_show"]) == "no_show"
    assert terms.clash("volume_discount", ["graduated_discount"]) == "graduated_discount"
    assert terms.clash("volume_discount", ["included_energy"]) == ""
