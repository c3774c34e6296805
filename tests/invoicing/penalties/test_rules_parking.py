"""Given a stay or a reservation, when its fee is computed, then grace and caps hold to the minute and the cent."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.rules.terms import NoShow, Overstay
from invoicing.rules.penalties import Stay, end_of_charging, no_show, overstays, penalty_sentence

START = dt.datetime(2026, 10, 5, 8, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def period(minutes: int, *, charging: int = 0, parking: int = 0, energy: int = 0) -> dict[str, object]:
    at = (START + minutes * MINUTE).isoformat()
    return {"start_at": at, "energy_wh": energy, "charging_s": charging * 60, "parking_s": parking * 60}


def stay(minutes: int, number: int = 1, who: str = "van", seconds: int = 0, zone: str = "Europe/Berlin") -> Stay:
    left = START + minutes * MINUTE + dt.timedelta(seconds=seconds)
    return Stay(number, f"S-{number}", who, START, left, zone)


def terms(session_cap: str | None = None, day_cap: str | None = None, grace: int = 15) -> Overstay:
    caps = [None if cap is None else Decimal(cap) for cap in (session_cap, day_cap)]
    return Overstay(Decimal("0.10"), grace, *caps)


def amount(minutes: int, term: Overstay, seconds: int = 0) -> Decimal:
    return overstays([(stay(minutes, seconds=seconds), term)], "EUR", {})[0][1].amount


@pytest.mark.parametrize(
    ("periods", "minutes"),
    [
        ([period(0, charging=60, energy=9000), period(60, parking=30)], 60),
        ([period(0, charging=60, energy=9000), period(60, parking=30), period(90, parking=30)], 60),
        ([period(0, parking=10), period(10, charging=60, energy=1), period(70, parking=5)], 70),
    ],
)
def test_charging_ends_where_the_trailing_parking_begins(periods: list[dict[str, object]], minutes: int) -> None:
    assert end_of_charging(periods) == START + minutes * MINUTE


@pytest.mark.parametrize(
    "periods",
    [
        [],
        [period(0, charging=60, energy=9000)],
        [period(0, parking=60)],
        [period(0, parking=20), period(20, charging=60, energy=9000)],
        [period(0, charging=60, parking=30, energy=9000)],
    ],
)
def test_without_trailing_parking_after_a_charge_the_end_is_unknown(periods: list[dict[str, object]]) -> None:
    assert end_of_charging(periods) is None


@pytest.mark.parametrize(
    ("minutes", "seconds", "fee"),
    [(10, 0, "0.00"), (15, 0, "0.00"), (15, 59, "0.00"), (16, 0, "0.10"), (16, 59, "0.10"), (75, 0, "6.00")],
)
def test_whole_minutes_after_the_grace_are_billed(minutes: int, seconds: int, fee: str) -> None:
    assert amount(minutes, terms(), seconds) == Decimal(fee)


def test_the_session_cap_holds() -> None:
    assert amount(15 + 119, terms("12")) == Decimal("11.90")
    assert amount(15 + 120, terms("12")) == Decimal("12.00")
    assert amount(15 + 121, terms("12")) == Decimal("12.00")


def test_a_price_below_a_cent_is_rounded_once() -> None:
    assert amount(18, Overstay(Decimal("0.015"), 15, None, None)) == Decimal("0.05")  # 3 x 0.015 = 0.045


def test_the_day_cap_is_used_up_in_the_order_of_session_end_then_reference() -> None:
    term = terms(day_cap="10")
    found = overstays([(stay(95, 3), term), (stay(95, 2), term), (stay(45, 9), term)], "EUR", {})
    assert [(each.ref, fee.amount) for each, fee in found] == [
        ("S-9", Decimal("3.00")),
        ("S-2", Decimal("7.00")),
        ("S-3", Decimal("0.00")),
    ]


def test_the_day_cap_is_of_one_vehicle_and_counts_what_was_billed_before() -> None:
    term = terms(day_cap="10")
    used = {("van", dt.date(2026, 10, 5)): Decimal("9.50")}
    found = overstays([(stay(95, 1), term), (stay(95, 2, who="car"), term)], "EUR", used)
    assert [fee.amount for _stay, fee in found] == [Decimal("0.50"), Decimal("8.00")]


def test_the_day_is_the_local_day_at_the_site() -> None:
    left = (dt.datetime(2026, 10, 5, 22, 30, tzinfo=dt.UTC) - START) // MINUTE
    assert stay(left, zone="Europe/Berlin").day == ("van", dt.date(2026, 10, 6))
    assert stay(left, zone="Europe/London").day == ("van", dt.date(2026, 10, 5))


def show(minutes: int, *, energy: int = 0, priced: str = "0") -> Decimal:
    fee = no_show(
        NoShow(Decimal("7.50"), 15),
        ref="R-1",
        reserved_from=START,
        ended_at=START + minutes * MINUTE,
        energy_wh=energy,
        priced=Decimal(priced),
        currency="EUR",
    )
    return fee.amount


def test_a_reservation_that_nobody_used_costs_the_amount_after_its_grace() -> None:
    assert show(15) == Decimal("0.00")
    assert show(16) == Decimal("7.50")


def test_a_reservation_is_free_once_energy_was_drawn_or_the_tariff_priced_it() -> None:
    assert show(60, energy=1) == Decimal("0.00")
    assert show(60, priced="2.00") == Decimal("0.00")


def test_the_overstay_says_grace_minutes_price_and_caps() -> None:
    fee = overstays([(stay(95), terms("6", "5"))], "EUR", {("van", dt.date(2026, 10, 5)): Decimal(1)})[0][1]
    assert fee.amount == Decimal("4.00")
    assert penalty_sentence("overstay", fee.because, "EUR", "en") == (
        "Session S-1 stayed 95 min after charging had ended; after 15 min of grace 80 min at €0.10 are €8.00, "
        "at most €6.00 a session, at most €5.00 a day, of which €1.00 were used."
    )
    assert "höchstens 6,00\N{NO-BREAK SPACE}€ je Ladevorgang" in penalty_sentence("overstay", fee.because, "EUR", "de")
