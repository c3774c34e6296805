"""The because read aloud: restrictions, steps and limits in words, never in field names."""

from dataclasses import replace
from decimal import Decimal

import pytest

from sessions.rules.rating import Because, RatingLine, because_data, because_sentence, because_short

ENERGY = RatingLine(
    dimension="ENERGY",
    volume=Decimal("7.05"),
    billed_volume=Decimal("7.05"),
    unit_price=Decimal("0.26"),
    amount_excl_vat=Decimal("1.833"),
    vat_rate=None,
    amount_incl_vat=None,
    because=Because("WORK-RESEARCH", 0, 0, (), 1, False, False),
)
OVERSTAY = ENERGY._replace(
    dimension="TIME",
    volume=Decimal("0.896944"),
    billed_volume=Decimal("0.9"),
    unit_price=Decimal("1.2"),
    because=Because("WORK-RESEARCH", 1, 0, (("min_duration", "14400"),), 60, True, False),
)
CAP = ENERGY._replace(
    dimension="MAX_PRICE",
    amount_excl_vat=Decimal("-2.5"),
    because=Because("T", None, None, (), 0, False, False, clamp="max_price", limit=Decimal(10)),
)


def plainly(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def short(*lines: RatingLine, currency: str = "USD", language: str = "en") -> str:
    return plainly(because_short(lines, currency, language))


def under(**restrictions: str) -> RatingLine:
    return ENERGY._replace(because=replace(ENERGY.because, restrictions=tuple(restrictions.items())))


def test_given_a_price_then_its_short_form_reads_like_a_bill() -> None:
    assert short(ENERGY, OVERSTAY) == (
        "Energy 7.05 kWh at $0.26/kWh · time after 4 h: 54 min at $1.20/h (counted in minutes)"
    )
    assert short(ENERGY, OVERSTAY, currency="EUR", language="de") == (
        "Energie 7,05 kWh zu 0,26 €/kWh · Zeit nach 4 h: 54 min zu 1,20 €/h (nach Minuten gezählt)"
    )


def test_given_a_stepped_line_then_the_sentence_says_used_and_billed_and_where_it_stands_in_the_tariff() -> None:
    assert plainly(because_sentence(OVERSTAY, "USD")) == (
        "Charging time after 4 h: 53 min 49 s, billed as 54 min in steps of 1 min, at $1.20 per hour"
        " (tariff WORK-RESEARCH, element 2)."
    )


@pytest.mark.parametrize(
    ("restrictions", "english", "german"),
    [
        ({"start_time": "08:00", "end_time": "20:30"}, "8 AM–8:30 PM", "08:00–20:30"),
        ({"start_time": "00:00"}, "from 12 AM", "ab 00:00"),
        ({"end_time": "12:00"}, "until 12 PM", "bis 12:00"),
        ({"day_of_week": "MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY"}, "Mon–Fri", "Mo–Fr"),
        ({"day_of_week": "SUNDAY, SATURDAY", "start_time": "06:00"}, "Sat, Sun from 6 AM", "Sa, So ab 06:00"),
        ({"start_date": "2026-11-01"}, "from Nov 1, 2026 on", "ab 01.11.2026"),
        ({"end_date": "2026-12-01"}, "before Dec 1, 2026", "vor dem 01.12.2026"),
        ({"min_kwh": "10"}, "after 10 kWh", "nach 10 kWh"),
        ({"min_kwh": "0", "max_kwh": "10.5"}, "within the first 10.5 kWh", "in den ersten 10,5 kWh"),
        ({"min_duration": "5400", "max_duration": "7200"}, "between 1 h 30 min and 2 h", "zwischen 1 h 30 min und 2 h"),
        ({"min_power": "50"}, "at 50 kW or more", "ab 50 kW"),
        ({"max_power": "22"}, "below 22 kW", "unter 22 kW"),
        ({"min_current": "16", "max_current": "32"}, "between 16 A and 32 A", "zwischen 16 A und 32 A"),
        (
            {"day_of_week": "MONDAY", "min_kwh": "10", "max_duration": "600"},
            "Mon, after 10 kWh, within the first 10 min",
            "Mo, nach 10 kWh, in den ersten 10 min",
        ),
    ],
)
def test_given_a_restriction_then_it_is_said_in_words(restrictions: dict[str, str], english: str, german: str) -> None:
    line = under(**restrictions)
    assert short(line) == f"Energy {english}: 7.05 kWh at $0.26/kWh"
    assert short(line, currency="EUR", language="de") == f"Energie {german}: 7,05 kWh zu 0,26 €/kWh"
    assert because_data(line)["restrictions"] == restrictions


def test_given_all_seven_weekdays_then_nothing_is_restricted() -> None:
    every = "MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY"
    assert short(under(day_of_week=every)) == "Energy 7.05 kWh at $0.26/kWh"


@pytest.mark.parametrize(
    ("dimension", "step", "note"),
    [
        ("TIME", 3600, "counted in hours"),
        ("PARKING_TIME", 900, "counted in steps of 15 min"),
        ("ENERGY", 1000, "counted in whole kWh"),
        ("ENERGY", 100, "counted in steps of 0.1 kWh"),
    ],
)
def test_given_a_step_that_changed_the_volume_then_the_short_form_says_how_it_was_counted(
    dimension: str, step: int, note: str
) -> None:
    line = ENERGY._replace(dimension=dimension, because=replace(ENERGY.because, step_size=step, step_applied=True))
    assert short(line).endswith(f" ({note})")


def test_given_a_fee_a_free_part_and_a_limit_then_each_reads_on_its_own() -> None:
    fee = ENERGY._replace(dimension="FLAT", unit_price=Decimal(1))
    reserved = fee._replace(because=replace(fee.because, reservation="RESERVATION"))
    free = ENERGY._replace(unit_price=Decimal(0))
    taxed = ENERGY._replace(because=replace(ENERGY.because, tax_included=True))
    assert short(fee, reserved) == "Fee $1.00 · reservation fee $1.00"
    assert short(free) == "Energy 7.05 kWh free of charge"
    assert short(ENERGY, CAP) == "Energy 7.05 kWh at $0.26/kWh · at most $10.00: −$2.50"
    assert short(taxed) == "Energy 7.05 kWh at $0.26/kWh (tax included)"


def test_given_no_line_then_there_is_nothing_to_say() -> None:
    assert short() == ""
