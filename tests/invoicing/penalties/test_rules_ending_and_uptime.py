"""Given how a contract ends, or outages of a month, when the penalty is computed, then limits are exact."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.rules.terms import EarlyTermination, FailedPayment, UptimePromise
from evbilling.kernel.clock import month_of
from invoicing.rules.penalties import (
    Ending,
    Fee,
    StationTime,
    Unit,
    early_termination,
    failed_payment,
    missed_uptime,
    penalty_sentence,
)

END = dt.date(2026, 10, 16)
OCTOBER = month_of(END).instants("Europe/Berlin")
APRIL = month_of(dt.date(2026, 4, 1)).instants("Europe/Berlin")
HOUR = dt.timedelta(hours=1)


def ending(may_end_on: dt.date = END) -> Ending:
    return Ending(END, may_end_on, dt.date(2026, 10, 1), 30, dt.date(2026, 10, 10))


def fee_of(how: Ending, term: EarlyTermination, base: str = "0", commitment: str = "0") -> Fee:
    return early_termination(
        term, how, monthly_base_fee=Decimal(base), monthly_commitment=Decimal(commitment), currency="EUR"
    )


FIXED = EarlyTermination(Decimal("250"), None, None)


@pytest.mark.parametrize(
    ("how", "amount"),
    [
        (ending(END - dt.timedelta(days=1)), "0.00"),
        (ending(END), "0.00"),
        (ending(END + dt.timedelta(days=1)), "250.00"),
    ],
)
def test_the_fee_is_due_when_term_or_notice_was_not_kept(how: Ending, amount: str) -> None:
    assert fee_of(how, FIXED).amount == Decimal(amount)


def test_months_of_base_fee() -> None:
    how = ending(dt.date(2027, 1, 1))
    assert fee_of(how, EarlyTermination(None, 3, None), base="49.90").amount == Decimal("149.70")
    assert fee_of(how, EarlyTermination(None, 3, None)).amount == Decimal("0.00")


def test_a_percent_of_the_remaining_commitment_counts_months_in_part_by_days() -> None:
    how = ending(dt.date(2026, 12, 1))  # 16 of 31 days of October, and November
    fee = fee_of(how, EarlyTermination(None, None, Decimal(50)), commitment="310")
    assert fee.amount == Decimal("235.00")  # (160 + 310) x 50 %
    assert penalty_sentence("early_termination", fee.because, "EUR") == (
        "The contract ends on 16 Oct 2026; under its terms it could end on 1 Dec 2026, "
        "50 % of the €470.00 committed until then."
    )


def test_a_failed_payment_costs_its_amount() -> None:
    fee = failed_payment(
        FailedPayment(Decimal("3.5")), payment="PAY-1", document="INV-1", failure="declined", currency="EUR"
    )
    assert fee.amount == Decimal("3.50")
    assert penalty_sentence("failed_payment", fee.because, "EUR") == "Payment PAY-1 of INV-1 was refused: declined."


def promise(percent: str = "99", per_point: str | None = "10", amount: str | None = None, cap: str | None = None):
    numbers = [None if each is None else Decimal(each) for each in (per_point, amount, cap)]
    return UptimePromise(Decimal(percent), "station", *numbers)


def uptime(
    term: UptimePromise, *hours: tuple[int, int | None], net: str = "500", month=APRIL, stations: int = 1
) -> Fee:
    start, end = month
    outages = tuple((start + low * HOUR, None if high is None else start + high * HOUR) for low, high in hours)
    idle = [StationTime(f"E{number}") for number in range(2, stations + 1)]
    return missed_uptime(term, Unit("E1", (StationTime("E1", outages), *idle), Decimal(net)), start, end, "EUR")


def test_without_a_recorded_outage_nothing_is_credited() -> None:
    assert uptime(promise("100")).amount == Decimal("0.00")


def test_a_promise_that_is_exactly_reached_is_kept() -> None:
    assert uptime(promise("99"), (0, None)).amount == Decimal("4950.00")  # all month: 99 points at 10 % of 500
    term = promise("90")
    assert uptime(term, (0, 72)).amount == Decimal("0.00")  # 72 of 720 hours: 90 %
    assert uptime(term, (0, 79)).amount == Decimal("48.61")  # 0.9722 points at 10 % of 500 = 48.611


def test_overlapping_outages_count_once_and_those_around_the_month_in_part() -> None:
    term = promise("100")
    assert uptime(term, (-50, 36), (30, 72), (72, 72 + 36), (40, 41)).because["down_minutes"] == str(108 * 60)
    assert uptime(term, (700, 900)).because["down_minutes"] == str(20 * 60)
    assert uptime(term, (700, None)).because["down_minutes"] == str(20 * 60)


@pytest.mark.parametrize(("month", "hours"), [(3, 743), (4, 720), (10, 745)])
def test_a_month_with_a_clock_change_is_an_hour_shorter_or_longer(month: int, hours: int) -> None:
    start = dt.date(2026, month, 1)
    fee = uptime(promise(), month=month_of(start).instants("Europe/Berlin"))
    assert fee.because["whole_minutes"] == str(hours * 60)


def test_a_site_is_the_mean_of_its_stations() -> None:
    fee = uptime(promise("95"), (0, 144), stations=2)
    assert fee.because["uptime_percent"] == "90"
    assert fee.amount == Decimal("250.00")  # 5 points at 10 % of 500


def test_the_credit_is_capped_by_the_charges_there() -> None:
    assert uptime(promise("90", cap="20"), (0, 360)).amount == Decimal("100.00")
    assert uptime(promise("90", None, "30", "20"), (0, 360)).amount == Decimal("30.00")
    assert uptime(promise("90", None, "30", "20"), (0, 360), net="0").amount == Decimal("0.00")


def test_the_credit_says_minutes_and_points() -> None:
    fee = uptime(promise("90", cap="1"), (0, 79))
    assert penalty_sentence("uptime", fee.because, "EUR") == (
        "E1 was in service 89.0278 % of the time, 90 % were promised: 4740 of 43200 min out of service, "
        "0.9722 points at 10 % of €500.00, €5.00 are credited, at most €5.00."
    )
