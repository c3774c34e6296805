"""The document's own number setting against Babel's."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.errors import BadInput
from evbilling.shell.paper.formats import MINUS, formats_of

LANGUAGES = [("en", "USD"), ("en", "EUR"), ("de", "EUR"), ("de_CH", "CHF"), ("fr", "EUR")]


@pytest.mark.parametrize(("language", "currency"), LANGUAGES)
@given(cents=st.integers(-(10**13), 10**13))
def test_given_any_amount_then_it_is_set_as_babel_sets_it(language, currency, cents):
    formats = formats_of(language, currency)
    amount = Decimal(cents).scaleb(-2)
    expected = format_decimal(amount, "#,##0.00", locale=formats.locale).replace("-", MINUS)
    assert formats.amount(amount) == expected


@pytest.mark.parametrize(("language", "currency"), LANGUAGES)
@given(energy_wh=st.integers(0, 10**12))
def test_given_any_energy_then_it_is_set_to_the_watt_hour(language, currency, energy_wh):
    formats = formats_of(language, currency)
    assert formats.kwh(energy_wh) == format_decimal(Decimal(energy_wh) / 1000, "#,##0.000", locale=formats.locale)


def test_given_currencies_without_or_with_three_minor_digits_then_amounts_keep_theirs():
    assert formats_of("en", "JPY").amount(Decimal(1234)) == "1,234"
    assert formats_of("en", "KWD").amount(Decimal("0.005")) == "0.005"


def test_given_seconds_then_hours_and_whole_minutes_or_a_dash():
    formats = formats_of("en", "EUR")
    assert [formats.duration(seconds) for seconds in (0, 59, 3_600, 5_999, 360_000)] == [
        "\N{EN DASH}", "0:00", "1:00", "1:39", "100:00",
    ]  # fmt: skip


def test_given_a_bare_en_then_dollars_are_american_and_euros_british():
    day = date(2026, 11, 2)
    assert formats_of("en", "USD").long_date(day) == "November 2, 2026"
    assert formats_of("en", "EUR").long_date(day) == "2 November 2026"
    assert formats_of("de", "EUR").clock(datetime(2026, 11, 2, 8, 5, tzinfo=UTC)) == "08:05"


def test_given_an_unknown_language_then_it_is_refused_with_advice():
    with pytest.raises(BadInput, match="language: 'tlh_QQ'"):
        formats_of("tlh_QQ", "EUR")
