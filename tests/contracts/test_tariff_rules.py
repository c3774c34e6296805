"""Any tariff is told in plain words, in both languages, and in the order of the AFIR; changes are named."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given

from contracts.rules.tariff_diff import PriceChange, price_changes
from contracts.rules.tariff_form import PriceLimit, PriceRow, TariffRows
from contracts.rules.tariff_text import describe, display_parts, display_text
from tests.contracts.tariffs import document_of, energy, of_vectors, tariffs

RICH = {
    "currency": "EUR",
    "elements": [
        {
            "price_components": [{"type": "ENERGY", "price": "0.39", "vat": "19", "step_size": 100}],
            "restrictions": {
                "start_time": "22:00",
                "end_time": "06:00",
                "day_of_week": ["SATURDAY", "SUNDAY"],
                "max_kwh": "40",
            },
        },
        {"price_components": [{"type": "ENERGY", "price": "0.49", "vat": "19", "step_size": 1}]},
        {
            "price_components": [{"type": "PARKING_TIME", "price": "6", "vat": "19", "step_size": 900}],
            "restrictions": {"min_duration": 14400},
        },
        {"price_components": [{"type": "FLAT", "price": "0"}]},
        {
            "price_components": [{"type": "TIME", "price": "1.5", "step_size": 60}],
            "restrictions": {"min_power": "11", "max_power": "50.5", "start_date": "2026-05-01"},
        },
        {"price_components": [{"type": "FLAT", "price": "2"}], "restrictions": {"reservation": "RESERVATION"}},
    ],
    "min_price": {"excl_vat": "1.00"},
    "max_price": {"excl_vat": "50", "incl_vat": "59.50"},
}


def lines(language: str, document: dict[str, Any] = RICH) -> list[str]:
    with translation.override(language):
        return [line.replace("\N{NO-BREAK SPACE}", " ") for line in describe(document)]


def test_a_tariff_in_plain_english() -> None:
    assert lines("en") == [
        "no fee per session",
        "€2.00 per session, for a reservation",
        "€0.39 per kWh plus 19 % tax, counted in steps of 0.1 kWh, between 22:00 and 06:00, on Saturdays, Sundays, "
        "for the first 40 kWh of a session",
        "otherwise €0.49 per kWh plus 19 % tax",
        "€1.50 per hour of charging, counted in steps of 1 minute, from 1 May 2026 on, "
        "while charging at 11 kW or more and below 50.5 kW",
        "€6.00 per hour without charging plus 19 % tax, counted in steps of 15 minutes, "
        "from 4 hours after the start on",
        "a session costs at least €1.00 without tax",
        "a session costs at most €50.00 without tax",
        "a session costs at most €59.50 with tax",
    ]


def test_a_tariff_in_plain_german() -> None:
    assert lines("de") == [
        "keine Gebühr je Ladevorgang",
        "2,00 € je Ladevorgang, für eine Reservierung",
        "0,39 € je kWh zuzüglich 19 % Steuer, gezählt in Schritten von 0,1 kWh, zwischen 22:00 und 06:00 Uhr, "
        "samstags, sonntags, für die ersten 40 kWh eines Ladevorgangs",
        "sonst 0,49 € je kWh zuzüglich 19 % Steuer",
        "1,50 € je Stunde Laden, gezählt in Schritten von 1 Minute, ab dem 01.05.2026, "
        "beim Laden mit mindestens 11 kW und weniger als 50,5 kW",
        "6,00 € je Stunde ohne Laden zuzüglich 19 % Steuer, gezählt in Schritten von 15 Minuten, "
        "ab 4 Stunden nach Beginn",
        "ein Ladevorgang kostet mindestens 1,00 € ohne Steuer",
        "ein Ladevorgang kostet höchstens 50,00 € ohne Steuer",
        "ein Ladevorgang kostet höchstens 59,50 € mit Steuer",
    ]


def spoken(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("language", ["en", "de"])
@given(tariff=tariffs())
def test_every_price_and_limit_gets_a_line(language: str, tariff: TariffRows) -> None:
    limits = [limit for limit in (tariff.min_price, tariff.max_price) if limit is not None]
    stated = sum((limit.excl is not None) + (limit.incl is not None) for limit in limits)
    document = document_of(tariff)
    assert len(lines(language, document)) == len(tariff.rows) + stated
    with translation.override(language):
        assert sum(len(part.lines) for part in display_parts(document)) == len(tariff.rows) + stated


@pytest.mark.parametrize(("version", "document"), [(v, d) for _n, v, d in of_vectors()])
def test_the_examples_of_ocpi_can_be_told(version: str, document: dict[str, Any]) -> None:
    assert display_text(document)


def test_the_display_has_the_order_of_the_afir() -> None:
    assert [(part.heading, [spoken(line) for line in part.lines]) for part in display_parts(RICH)] == [
        (
            "Price per kWh",
            [
                "€0.39 per kWh plus 19 % tax, counted in steps of 0.1 kWh, between 22:00 and 06:00, on Saturdays, "
                "Sundays, for the first 40 kWh of a session",
                "Otherwise €0.49 per kWh plus 19 % tax",
            ],
        ),
        (
            "Price per minute",
            [
                "€0.025 per minute of charging, counted in steps of 1 minute, from 1 May 2026 on, "
                "while charging at 11 kW or more and below 50.5 kW",
                "€0.10 per minute without charging plus 19 % tax, counted in steps of 15 minutes, "
                "from 4 hours after the start on",
            ],
        ),
        ("Price per session", ["No fee per session"]),
        (
            "Other parts of the price",
            [
                "€2.00 per session, for a reservation",
                "A session costs at least €1.00 without tax",
                "A session costs at most €50.00 without tax",
                "A session costs at most €59.50 with tax",
            ],
        ),
    ]


def test_the_display_in_one_line() -> None:
    document = document_of(TariffRows((PriceRow("FLAT", Decimal(1)), PriceRow("TIME", Decimal(6)), energy("0.45"))))
    assert spoken(display_text(document)) == (
        "€0.45 per kWh plus 19 % tax \N{MIDDLE DOT} €0.10 per minute of charging \N{MIDDLE DOT} €1.00 per session"
    )


def test_a_price_that_holds_its_tax_is_not_told_as_without() -> None:
    document = document_of(TariffRows((energy("0.45"),), tax_included="YES"), "2.3.0")
    assert lines("en", document) == ["€0.45 per kWh with 19 % tax included"]


def changes(before: TariffRows | None, after: TariffRows) -> list[tuple[str, str]]:
    found = price_changes(None if before is None else document_of(before), document_of(after))
    return [(spoken(each.before), spoken(each.after)) for each in found]


NIGHT = {"start_time": "22:00", "end_time": "06:00"}


def test_what_changes_is_told_before_and_after() -> None:
    before = TariffRows((energy("0.39", **NIGHT), energy("0.45"), PriceRow("FLAT", Decimal(1))))
    after = TariffRows((energy("0.39", **NIGHT), energy("0.49")), max_price=PriceLimit(Decimal(50)))
    assert changes(before, after) == [
        ("€0.45 per kWh plus 19 % tax", "€0.49 per kWh plus 19 % tax"),
        ("", "a session costs at most €50.00 without tax"),
        ("€1.00 per session", ""),
    ]
    assert changes(after, after) == []
    assert changes(None, TariffRows((energy("0.45"),))) == [("", "€0.45 per kWh plus 19 % tax")]


def test_another_order_of_the_same_prices_is_a_change() -> None:
    special, general = energy("0.39", **NIGHT), energy("0.45")
    assert changes(TariffRows((special, general)), TariffRows((general, special))) == [
        ("the order of the prices", "another one: the first price that fits counts")
    ]


@given(tariff=tariffs())
def test_a_tariff_does_not_differ_from_itself(tariff: TariffRows) -> None:
    document = document_of(tariff)
    assert price_changes(document, document) == ()
    assert PriceChange("", "") not in price_changes(None, document)
