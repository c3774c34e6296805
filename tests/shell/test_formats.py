"""Figures read the same on every screen: exact, in the reader's language, never from a float."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from django.template import Context, Template
from django.utils import translation

from evbilling.shell import formats

NBSP = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        ("1234.5", "EUR", "en", "€1,234.50"),
        ("1234.5", "EUR", "de", f"1.234,50{NBSP}€"),
        ("-0.01", "EUR", "en", "-€0.01"),
        ("0", "EUR", "en", "€0.00"),
        ("1234", "JPY", "en", "JP¥1,234"),
        ("9999999999.99", "USD", "en", "$9,999,999,999.99"),
    ],
)
def test_money_carries_its_currency_and_digits(amount: str, currency: str, language: str, text: str) -> None:
    assert formats.format_money(Decimal(amount), currency, language) == text


@pytest.mark.parametrize(
    ("price", "language", "text"),
    [
        (Decimal("0.543"), "en", "€0.543"),
        (Decimal("0.5"), "en", "€0.50"),
        (Decimal("10"), "en", "€10.00"),
        (Decimal("0.4933333333"), "en", "€0.493333"),
        (Fraction(1, 3), "en", "€0.333333"),
        (Decimal("0.543"), "de", f"0,543{NBSP}€"),
    ],
)
def test_a_price_per_unit_keeps_its_decimals(price: Decimal | Fraction, language: str, text: str) -> None:
    assert formats.format_unit_price(price, "EUR", language) == text


@pytest.mark.parametrize(
    ("wh", "language", "text"),
    [(0, "en", "0.00 kWh"), (1, "en", "0.00 kWh"), (5, "en", "0.01 kWh"), (1_234_565, "en", "1,234.57 kWh"),
     (12_345, "de", "12,35 kWh"), (-5, "en", "-0.01 kWh")],
)  # fmt: skip
def test_energy_is_rounded_half_up_from_watt_hours(wh: int, language: str, text: str) -> None:
    assert formats.format_kwh(wh, locale=language) == text.replace(" ", NBSP)


@pytest.mark.parametrize(
    ("watts", "language", "text"),
    [(0, "en", "0"), (50_000, "en", "50"), (11_500, "en", "11.5"), (11_500, "de", "11,5"), (3_682, "de", "3,682"),
     (1_000_000, "de", "1.000")],
)  # fmt: skip
def test_power_keeps_the_decimals_that_it_has(watts: int, language: str, text: str) -> None:
    assert formats.format_kw(watts, locale=language) == text


@pytest.mark.parametrize(
    ("value", "english", "german"),
    [("19.0000", "19", "19"), ("7.1250", "7.125", "7,125"), ("0", "0", "0"), ("1000", "1,000", "1.000"),
     ("-0.5", "-0.5", "-0,5")],
)  # fmt: skip
def test_a_plain_number_keeps_the_decimals_that_it_has(value: str, english: str, german: str) -> None:
    assert [formats.format_exact(Decimal(value), each) for each in ("en", "de")] == [english, german]


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [("1234.5", "EUR", "en", "1,234.50"), ("1234.5000", "EUR", "de", "1.234,50"), ("1234", "JPY", "de", "1.234")],
)
def test_an_amount_beside_its_currency_has_that_currencys_digits(
    amount: str, currency: str, language: str, text: str
) -> None:
    assert formats.format_minor(Decimal(amount), currency, language) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (5700, "1 h 35 min"),
     (90_061, "25 h 1 min"), (-5700, "-1 h 35 min")],
)  # fmt: skip
def test_durations_read_in_hours_and_minutes(seconds: int, text: str) -> None:
    assert formats.format_duration(seconds).replace(NBSP, " ") == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        ("0.19", "19 %"),
        ("0.077", "7.7 %"),
        ("0", "0 %"),
        ("0.2105", "21.05 %"),
        ("0.088750", "8.875 %"),
        ("0.333333", "33.3333 %"),
    ],
)
def test_rates_read_as_percent(rate: str, text: str) -> None:
    assert formats.format_percent(Decimal(rate), "en") == text.replace(" ", NBSP)


def test_dates_put_the_day_first_and_instants_name_their_zone() -> None:
    at = dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)
    assert formats.format_day(at.date(), "en") == "25 Oct 2026"
    assert formats.format_month(at.date(), "de") == "Oktober 2026"
    assert formats.format_instant(at, "Europe/Berlin", "en") == f"25 Oct 2026, 02:30{NBSP}CEST"
    assert formats.format_instant(at + dt.timedelta(hours=1), "Europe/Berlin", "en") == f"25 Oct 2026, 02:30{NBSP}CET"


def test_periods_are_named_by_their_month_or_both_days() -> None:
    assert formats.format_period(dt.date(2026, 11, 1), dt.date(2026, 12, 1), "en") == "November 2026"
    assert formats.format_period(dt.date(2026, 11, 1), dt.date(2026, 11, 15), "en") == "1 Nov 2026 to 14 Nov 2026"
    assert formats.format_period(dt.date(2025, 11, 1), dt.date(2026, 12, 1), "en") == "1 Nov 2025 to 30 Nov 2026"


@pytest.mark.parametrize(
    "call",
    [
        lambda: formats.format_money(1.1, "EUR"),
        lambda: formats.format_unit_price(0.5, "EUR"),
        lambda: formats.format_kwh(1.5),
        lambda: formats.format_duration(1.5),
        lambda: formats.format_percent(0.19),
    ],
)
def test_floats_are_refused(call) -> None:
    with pytest.raises(TypeError, match="float"):
        call()


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        formats.format_instant(dt.datetime(2026, 1, 1), "UTC")  # noqa: DTZ001 - what is refused


def test_templates_format_in_the_language_of_the_page_and_show_a_dash_for_nothing() -> None:
    page = Template(
        "{% load shell %}{{ amount|money:'EUR' }} {{ wh|kwh }} {{ seconds|duration }} {{ on|day }} "
        "{{ at|instant:'Europe/Berlin' }} {{ rate|percent }} {{ none|money:'EUR' }}{{ none|kwh }}{{ none|day }}"
    )
    context = Context(
        {
            "amount": Decimal("1234.5"),
            "wh": 1500,
            "seconds": 60,
            "on": dt.date(2026, 11, 22),
            "at": dt.datetime(2026, 11, 22, 13, 5, tzinfo=dt.UTC),
            "rate": Decimal("0.19"),
            "none": None,
        }
    )
    with translation.override("de"):
        text = page.render(context).replace(NBSP, " ")
    assert text == "1.234,50 € 1,50 kWh 1 min 22.11.2026 22.11.2026, 14:05 CET 19 % –––"


def test_the_day_of_an_instant_is_the_day_in_its_zone() -> None:
    page = Template("{% load shell %}{{ at|day:'Europe/Berlin' }}, {{ at|day:'America/New_York' }}, {{ at|day }}")
    late = dt.datetime(2026, 11, 21, 23, 30, tzinfo=dt.UTC)
    assert page.render(Context({"at": late})) == "22 Nov 2026, 21 Nov 2026, 21 Nov 2026"


def test_badges_and_icons_escape_what_they_show() -> None:
    page = Template("{% load shell %}{% badge label 'success' %}{% icon 'bolt' %}")
    text = page.render(Context({"label": "<b>Paid</b>"}))
    assert text.startswith('<span class="badge badge-success">&lt;b&gt;Paid&lt;/b&gt;</span><svg class="icon"')
    with pytest.raises(KeyError):
        Template("{% load shell %}{% icon 'unicorn' %}").render(Context())
