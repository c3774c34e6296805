"""Simple prices become OCPI documents and come back; any document is told in plain words, in both languages."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from contracts.rules.tariff_simple import SimplePrices, build_document, read_document
from contracts.rules.tariff_shape import require_tariff_document
from contracts.rules.tariff_text import describe
from evbilling.kernel import strict_json
from evbilling.kernel.errors import BadInput
from sessions.rules.rating.tariff import parse_tariff

AT = "2026-01-01T00:00:00Z"
prices = st.none() | st.decimals(0, 1000, places=4)


def built(figures: SimplePrices, currency: str = "EUR") -> dict[str, Any]:
    return build_document(figures, code="T1", currency=currency, country="DE", updated=AT)


simple = st.builds(
    SimplePrices,
    energy_price=prices,
    time_price=prices,
    time_after_hours=st.integers(0, 240).map(lambda quarters: Decimal(quarters) / 4),
    start_fee=prices,
    vat_percent=st.none() | st.decimals(0, 100, places=2),
).filter(lambda found: any(each is not None for each in (found.energy_price, found.time_price, found.start_fee)))


@given(figures=simple)
def test_simple_prices_come_back_from_their_document(figures: SimplePrices) -> None:
    document = strict_json.loads(strict_json.dumps(built(figures)))
    require_tariff_document(document, currency="EUR")
    found = read_document(document)
    assert found is not None
    if figures.time_price is None:
        assert found.time_after_hours == 0
    else:
        assert found.time_after_hours == figures.time_after_hours
    for name in ("energy_price", "time_price", "start_fee", "vat_percent"):
        assert getattr(found, name) == getattr(figures, name)


@given(figures=simple)
def test_the_rating_engine_accepts_every_built_document(figures: SimplePrices) -> None:
    document = built(figures)
    for element in document["elements"]:
        for component in element["price_components"]:
            component |= {name: Decimal(component[name]) for name in ("price", "vat") if name in component}
    tariff, findings = parse_tariff(document, "2.2.1")
    assert tariff is not None
    assert [finding for finding in findings if finding.severity == "error"] == []


def test_the_document_of_energy_and_time_after_four_hours() -> None:
    figures = SimplePrices(Decimal("0.45"), Decimal("2.00"), Decimal(4), None, Decimal(19))
    assert built(figures)["elements"] == [
        {
            "price_components": [{"type": "TIME", "price": "2", "step_size": 1, "vat": "19"}],
            "restrictions": {"min_duration": 14400},
        },
        {"price_components": [{"type": "ENERGY", "price": "0.45", "step_size": 1, "vat": "19"}]},
    ]


@pytest.mark.parametrize(
    "figures",
    [
        SimplePrices(),
        SimplePrices(energy_price=Decimal(-1)),
        SimplePrices(time_price=Decimal(1), time_after_hours=Decimal("0.0001")),
        SimplePrices(energy_price=Decimal(1), vat_percent=Decimal(-1)),
    ],
)
def test_figures_that_make_no_tariff_are_refused(figures: SimplePrices) -> None:
    with pytest.raises(BadInput):
        built(figures)


@pytest.mark.parametrize(
    "change",
    [
        {"min_price": {"excl_vat": "1"}},
        {"elements": [{"price_components": [{"type": "ENERGY", "price": "1", "step_size": 1000}]}]},
        {
            "elements": [
                {"price_components": [{"type": "ENERGY", "price": "1", "step_size": 1}]},
                {"price_components": [{"type": "ENERGY", "price": "2", "step_size": 1}]},
            ]
        },
        {
            "elements": [
                {
                    "price_components": [{"type": "TIME", "price": "1", "step_size": 1}],
                    "restrictions": {"max_duration": 60},
                }
            ]
        },
        {"elements": [{"price_components": [{"type": "PARKING_TIME", "price": "1", "step_size": 1}]}]},
    ],
)
def test_a_richer_document_is_no_simple_tariff(change: dict[str, Any]) -> None:
    assert read_document(built(SimplePrices(energy_price=Decimal(1))) | change) is None


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


@pytest.mark.parametrize("language", ["en", "de"])
@given(figures=simple)
def test_every_price_gets_a_line(language: str, figures: SimplePrices) -> None:
    given_prices = [figures.energy_price, figures.time_price, figures.start_fee]
    assert len(lines(language, built(figures))) == sum(price is not None for price in given_prices)
