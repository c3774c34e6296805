"""Given a contract's terms and what happened under it, when a month is assessed, then each penalty is found once."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import StationOutage
from contracts.operations.ending import end_contract
from evbilling.kernel.errors import BadInput, NotFound
from evbilling.kernel.models import AuditRecord
from invoicing.models import Penalty, PenaltyKind, ReferenceRate
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.penalties import assess_failed_payment, assess_penalties
from invoicing.queries.penalties import PenaltyStatus, sentence_of, with_status
from sessions.models import HoldKind
from tests.factories import maker
from tests.invoicing.penalties.world import (
    AT,
    EU_LATE,
    FAILED,
    LATE,
    MINUTE,
    MORNING,
    NO_SHOW,
    NOVEMBER,
    OCTOBER,
    OVERSTAY,
    UPTIME,
    late_invoice,
    make_fleet,
    pay,
)

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def amounts(found: list[Penalty]) -> list[tuple[str, Decimal]]:
    return [(each.kind, each.amount) for each in found]


def test_without_terms_nothing_is_assessed() -> None:
    fleet = make_fleet()
    fleet.charge("S-1", parked=600)
    assert fleet.assess() == []


def test_an_unknown_contract_is_not_found() -> None:
    with pytest.raises(NotFound):
        assess_penalties(contract_id=4711, period=OCTOBER, by=None, at=AT)


def test_a_month_that_is_not_over_is_not_assessed() -> None:
    fleet = make_fleet(OVERSTAY)
    fleet.charge("S-1", parked=75)
    almost = dt.datetime(2026, 10, 31, 22, 59, tzinfo=dt.UTC)
    with pytest.raises(BadInput, match="once the period is over"):
        assess_penalties(contract_id=fleet.contract.pk, period=OCTOBER, by=None, at=almost)
    assert not Penalty.objects.exists()
    assess_penalties(contract_id=fleet.contract.pk, period=OCTOBER, by=None, at=almost + MINUTE)
    assert Penalty.objects.count() == 1


def test_overstay_is_assessed_once_with_its_evidence() -> None:
    fleet = make_fleet(OVERSTAY)
    session = fleet.charge("S-1", parked=75)
    (penalty,) = fleet.assess()
    assert (penalty.kind, penalty.amount, penalty.session_id) == ("overstay", Decimal("6.00"), session.pk)
    assert penalty.source == f"overstay:{session.pk}"
    assert penalty.occurred_on == dt.date(2026, 10, 5)
    assert penalty.because["billed_minutes"] == 60
    assert "after 15 min of grace 60 min at €0.10 are €6.00" in sentence_of(penalty, "en")
    assert AuditRecord.objects.get(action="invoicing.penalty.assess").members == [penalty.source]
    assert fleet.assess() == []


def test_no_overstay_inside_the_grace_or_without_a_known_end_of_charging() -> None:
    fleet = make_fleet(OVERSTAY)
    fleet.charge("S-1", parked=15)
    fleet.charge("S-2", start=MORNING + DAY)
    assert fleet.assess() == []


def test_the_cap_of_a_day_counts_what_was_assessed_before() -> None:
    fleet = make_fleet(OVERSTAY)
    fleet.charge("S-1", parked=135)
    assert amounts(fleet.assess()) == [("overstay", Decimal("12.00"))]
    fleet.charge("S-2", parked=135, start=MORNING + 240 * MINUTE)
    assert amounts(fleet.assess()) == [("overstay", Decimal("8.00"))]


def test_a_held_session_is_assessed_when_it_is_released() -> None:
    fleet = make_fleet(OVERSTAY)
    session = fleet.charge("S-1", parked=75)
    hold = session.holds.create(kind=HoldKind.OVER_LONG, opened_at=AT)
    assert fleet.assess() == []
    hold.delete()
    assert amounts(fleet.assess()) == [("overstay", Decimal("6.00"))]


def test_a_changed_copy_voids_the_penalty_of_the_one_before() -> None:
    fleet = make_fleet(OVERSTAY)
    fleet.charge("S-1", parked=75)
    fleet.assess()
    fleet.charge("S-1", parked=25)
    assert amounts(fleet.assess()) == [("overstay", Decimal("1.00"))]
    status = dict(with_status(Penalty.objects.all()).values_list("amount", "status"))
    assert status == {Decimal("6.00"): PenaltyStatus.VOID, Decimal("1.00"): PenaltyStatus.OPEN}


@pytest.mark.parametrize(("minutes", "fees"), [(15, []), (16, [("no_show", Decimal("7.50"))])])
def test_a_reservation_that_nobody_used(minutes: int, fees: list[tuple[str, Decimal]]) -> None:
    fleet = make_fleet(NO_SHOW)
    fleet.reserve("R-1", minutes)
    assert amounts(fleet.assess()) == fees
    assert fleet.assess() == []


def test_late_payment_costs_a_flat_fee_once_and_interest_month_by_month() -> None:
    fleet = make_fleet(LATE)
    invoice = late_invoice(fleet)
    assert amounts(fleet.assess()) == [("late_fee", Decimal("5.00")), ("interest", Decimal("0.74"))]  # 31 x 0.0238
    assert fleet.assess() == []
    (second,) = fleet.assess(NOVEMBER)
    assert (second.amount, second.period_from, second.period_to) == (Decimal("0.71"), NOVEMBER.start, NOVEMBER.end)
    assert second.source == f"interest:{invoice.pk}:2026-11-01"
    assert second.because["booked_before"] == "0.74"


def test_interest_follows_what_was_open_on_each_day() -> None:
    fleet = make_fleet(LATE)
    invoice = late_invoice(fleet)
    pay(invoice.pk, "100.00", dt.date(2026, 10, 11))
    interest = next(each for each in fleet.assess() if each.kind == PenaltyKind.INTEREST)
    assert interest.amount == Decimal("0.32")  # 10 x 0.0238 + 21 x 0.0038
    assert [(each["days"], each["open"]) for each in interest.because["segments"]] == [(10, "119"), (21, "19")]


def test_an_invoice_paid_when_due_costs_nothing() -> None:
    fleet = make_fleet(LATE)
    pay(late_invoice(fleet).pk, "119.00", dt.date(2026, 9, 30))
    assert fleet.assess() == []


def test_a_credited_invoice_was_never_late() -> None:
    fleet = make_fleet(LATE)
    invoice = late_invoice(fleet)
    fleet.assess()
    credit_invoice(invoice_id=invoice.pk, reason="Wrong", by=None, at=AT)
    assert set(with_status(Penalty.objects.all()).values_list("status", flat=True)) == {PenaltyStatus.VOID}
    assert fleet.assess(NOVEMBER) == []


@pytest.mark.usefixtures("without_protections")
def test_the_statutory_default_needs_a_reference_rate_and_makes_up_for_the_days() -> None:
    ReferenceRate.objects.all().delete()
    fleet = make_fleet(EU_LATE)
    late_invoice(fleet)
    assert amounts(fleet.assess()) == [("late_fee", Decimal("40.00"))]
    ReferenceRate.objects.create(valid_from=dt.date(2026, 6, 1), percent=Decimal("2.00"), source="test")
    (interest,) = fleet.assess(NOVEMBER)
    assert (interest.amount, interest.period_from) == (Decimal("1.99"), dt.date(2026, 10, 1))  # 61 days at 10 %


def test_the_statutory_default_does_not_bind_a_consumer() -> None:
    fleet = make_fleet(EU_LATE, party={"is_business": False})
    late_invoice(fleet)
    assert fleet.assess() == []


def test_a_failed_payment_is_assessed_once() -> None:
    fleet = make_fleet(FAILED)
    invoice = late_invoice(fleet)
    about = {"invoice_id": invoice.pk, "payment_ref": "PAY-1", "failure": "declined", "by": None, "at": AT}
    penalty = assess_failed_payment(**about)
    assert penalty is not None
    assert (penalty.amount, penalty.occurred_on) == (Decimal("3.50"), dt.date(2026, 11, 2))
    assert assess_failed_payment(**about) is None
    assert Penalty.objects.count() == 1


def test_a_failed_payment_costs_nothing_without_the_term() -> None:
    invoice = late_invoice(make_fleet(LATE))
    found = assess_failed_payment(invoice_id=invoice.pk, payment_ref="PAY-1", failure="", by=None, at=AT)
    assert found is None
    assert not Penalty.objects.exists()


def test_an_early_end_costs_the_agreed_months_of_base_fee() -> None:
    fleet = make_fleet(
        ("base_fee", {"amount": "49.90", "per": "contract"}), ("early_termination", {"months_of_base_fee": 2})
    )
    day = dt.date(2026, 10, 16)
    end_contract(
        contract_id=fleet.contract.pk,
        ends_on=day,
        reason="By consent",
        early=True,
        by=maker(),
        at=dt.datetime(2026, 10, 10, 9, 0, tzinfo=dt.UTC),
    )
    (penalty,) = fleet.assess()
    assert (penalty.kind, penalty.amount) == ("early_termination", Decimal("99.80"))
    assert penalty.because["may_end_on"] == "2026-11-09"
    assert fleet.assess(NOVEMBER) == []


def outage(fleet, hours: int, *, planned: bool = False) -> None:
    start = dt.datetime(2026, 10, 10, 6, 0, tzinfo=dt.UTC)
    StationOutage.objects.create(
        station=fleet.stations[0],
        started_at=start,
        ended_at=start + dt.timedelta(hours=hours),
        planned=planned,
        cause="Fuse",
        recorded_at=AT,
    )


def test_missed_uptime_is_credited_per_station() -> None:
    fleet = make_fleet(UPTIME)
    fleet.charge("S-1", kwh=100)  # 50.00
    outage(fleet, 149)  # 149 of 745 hours: 80 %
    (penalty,) = fleet.assess()
    assert (penalty.kind, penalty.amount) == ("uptime", Decimal("95.00"))  # 19 points at 10 % of 50.00
    assert penalty.because["whole_minutes"] == str(745 * 60)
    assert fleet.assess() == []


def test_planned_outages_and_recorded_nothing_cost_the_operator_nothing() -> None:
    fleet = make_fleet(UPTIME)
    fleet.charge("S-1", kwh=100)
    outage(fleet, 149, planned=True)
    assert fleet.assess() == []
