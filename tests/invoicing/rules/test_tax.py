"""Category, rate and ground of a line."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import translation

from invoicing.rules.tax import (
    Category,
    Ground,
    HostStatus,
    MissingTaxRate,
    Place,
    RateRow,
    Tax,
    TaxTable,
    Treatment,
    host_tax,
    supply_tax,
)

D = Decimal
DAY = dt.date(2026, 10, 31)
GERMANY = Place("DE")
CALIFORNIA = Place("US", "California")
TABLE = TaxTable(
    [
        RateRow(GERMANY, D(16), dt.date(2020, 7, 1), dt.date(2021, 1, 1)),
        RateRow(GERMANY, D(19), dt.date(2021, 1, 1)),
        RateRow(Place("US"), D(0), dt.date(2000, 1, 1)),
        RateRow(CALIFORNIA, D("7.25"), dt.date(2017, 1, 1)),
    ]
)


def test_given_a_rate_of_the_country_when_supplied_there_then_it_is_charged() -> None:
    assert supply_tax(Treatment.STANDARD, None, GERMANY, DAY, TABLE) == Tax(Category.STANDARD, D(19))


def test_given_a_rate_of_the_region_when_supplied_there_then_the_region_beats_the_country() -> None:
    assert TABLE.percent(CALIFORNIA, DAY) == D("7.25")
    assert TABLE.percent(Place("us", "CALIFORNIA "), DAY) == D("7.25")


def test_given_a_region_without_a_rate_of_its_own_when_supplied_there_then_the_countrys_holds() -> None:
    assert TABLE.percent(Place("DE", "Bavaria"), DAY) == D(19)


def test_given_a_change_of_rate_when_its_day_comes_then_the_new_rate_holds_from_that_day() -> None:
    assert TABLE.percent(GERMANY, dt.date(2020, 12, 31)) == D(16)
    assert TABLE.percent(GERMANY, dt.date(2021, 1, 1)) == D(19)


def test_given_no_rate_for_the_place_when_supplied_then_the_error_names_place_and_day() -> None:
    with pytest.raises(MissingTaxRate) as error:
        supply_tax(Treatment.STANDARD, None, Place("FR", "Île-de-France"), DAY, TABLE)
    assert str(error.value) == (
        "There is no tax rate for FR Île-de-France on 31 Oct 2026. Add it to the tax rates, then bill again."
    )


def test_given_a_german_reader_then_a_refusal_names_the_day_as_germans_write_it() -> None:
    with translation.override("de"):
        assert "31.10.2026" in MissingTaxRate(Place("FR"), DAY).message


def test_given_no_rate_on_that_day_when_supplied_then_it_is_missing_and_not_zero() -> None:
    with pytest.raises(MissingTaxRate):
        TABLE.percent(GERMANY, dt.date(2020, 6, 30))


def test_given_a_rate_in_the_tariff_when_taxed_as_standard_then_it_wins_over_the_table() -> None:
    assert supply_tax(Treatment.STANDARD, D(7), GERMANY, DAY, TABLE) == Tax(Category.STANDARD, D(7))
    assert supply_tax(Treatment.STANDARD, D(7), Place("FR"), DAY, TABLE).percent == D(7)


def test_given_a_rate_of_zero_when_taxed_then_the_category_says_zero_rate() -> None:
    assert supply_tax(Treatment.STANDARD, None, Place("US", "Oregon"), DAY, TABLE) == Tax(Category.ZERO, D(0))


@pytest.mark.parametrize(
    ("treatment", "category", "ground"),
    [
        (Treatment.REVERSE_CHARGE, Category.REVERSE_CHARGE, Ground.REVERSE_CHARGE),
        (Treatment.EXEMPT, Category.EXEMPT, Ground.EXEMPT),
    ],
)
def test_given_an_untaxed_treatment_when_the_tariff_states_a_rate_then_none_is_charged_and_the_ground_says_why(
    treatment: Treatment, category: Category, ground: Ground
) -> None:
    assert supply_tax(treatment, D(19), GERMANY, DAY, TABLE) == Tax(category, D(0), ground)


@pytest.mark.parametrize(
    ("status", "tax"),
    [
        (HostStatus.REGISTERED, Tax(Category.STANDARD, D(19))),
        (HostStatus.EXEMPT_SMALL, Tax(Category.EXEMPT, D(0), Ground.SMALL_BUSINESS)),
        (HostStatus.NOT_TAXABLE, Tax(Category.OUTSIDE, D(0), Ground.NOT_TAXABLE)),
    ],
)
def test_given_a_hosts_tax_status_when_he_is_settled_then_his_tax_follows_from_it(status: HostStatus, tax: Tax) -> None:
    assert host_tax(status, GERMANY, DAY, TABLE) == tax
