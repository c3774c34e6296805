"""Given a month with penalties, when it is corrupted, then the books report it; the good month is clean."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import connection

from evbilling.kernel.books import Finding, check_books
from invoicing.models import InvoiceLine, Penalty, PenaltyKind, PenaltyState
from invoicing.operations.penalties import ask_waiver, grant_waiver
from tests.factories import make_user
from tests.invoicing.penalties.world import (
    AT,
    LATE,
    NO_SHOW,
    NOVEMBER,
    OVERSTAY,
    Fleet,
    late_invoice,
    make_fleet,
    pay,
)
from tests.invoicing.quiet import nothing_is_drawn

__all__ = ["nothing_is_drawn"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_protections")]
OURS = frozenset({"I10", "I14", "I18"})


@pytest.fixture
def fleet() -> Fleet:
    """Two months of interest with a part payment between, an overstay, and a no-show that was waived."""
    fleet = make_fleet(OVERSTAY, NO_SHOW, LATE)
    invoice = late_invoice(fleet)
    fleet.charge("S-1", parked=75)
    fleet.reserve("R-1", 60, start=dt.datetime(2026, 10, 7, 7, 0, tzinfo=dt.UTC))
    (show,) = [each for each in fleet.assess() if each.kind == PenaltyKind.NO_SHOW]
    ask_waiver(penalty_id=show.pk, reason="Blocked", by=make_user("billing-clerk"), at=AT)
    grant_waiver(penalty_id=show.pk, by=make_user("billing-clerk"), at=AT)
    fleet.close()
    pay(invoice.pk, "100.00", dt.date(2026, 11, 11), dt.datetime(2026, 11, 12, tzinfo=dt.UTC))
    fleet.close(NOVEMBER)
    return fleet


def findings() -> list[Finding]:
    return [finding for result in check_books(OURS) for finding in result.findings]


def penalty(kind: str, last: bool = False) -> Penalty:
    rows = Penalty.objects.filter(kind=kind).order_by("pk")
    found = rows.last() if last else rows.first()
    assert found is not None
    return found


def test_the_good_month_is_clean_also_when_money_is_found_later(fleet: Fleet) -> None:
    assert findings() == []
    invoice = penalty("interest").invoice
    assert invoice is not None
    pay(invoice.pk, "19.00", dt.date(2026, 10, 20), dt.datetime(2026, 12, 20, tzinfo=dt.UTC))
    assert findings() == []


def a_day_twice() -> None:
    second = penalty("interest", last=True)
    Penalty.objects.filter(pk=second.pk).update(period_from=second.period_from - dt.timedelta(days=1))


def a_day_left_out() -> None:
    first = penalty("interest")
    Penalty.objects.filter(pk=first.pk).update(period_to=first.period_to - dt.timedelta(days=1))


def a_cent_more() -> None:
    first = penalty("interest")
    Penalty.objects.filter(pk=first.pk).update(amount=first.amount + Decimal("0.01"))


def a_line_changed() -> None:
    row = penalty("overstay").line
    assert row is not None
    InvoiceLine.objects.filter(pk=row.pk).update(net_amount=Decimal("5.99"))


def a_line_without_penalty() -> None:
    Penalty.objects.filter(pk=penalty("overstay").pk).update(line=None)


def billed_twice() -> None:
    one, spare = penalty("late_fee"), penalty("interest", last=True)
    line, spare_line = one.line, spare.line
    Penalty.objects.filter(pk=spare.pk).update(line=None)
    one.pk, one.source, one.line, one.amount = None, "late_fee:copy", spare_line, spare.amount
    one.save(force_insert=True)
    assert line is not None


def waived_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute("UPDATE invoicing_penalty SET waived_by_id = asked_by_id WHERE state = 'waived'")
        cursor.execute("PRAGMA ignore_check_constraints = OFF")


CORRUPTIONS: list[tuple[str, str, Callable[[], None]]] = [
    ("I14", "the next day without interest", a_day_twice),
    ("I14", "the next day without interest", a_day_left_out),
    ("I14", "computed again it is", a_cent_more),
    ("I10", "its line says", a_line_changed),
    ("I10", "a penalty that is not there", a_line_without_penalty),
    ("I10", "billed 2 times", billed_twice),
    ("I18", "not waived by a second person", waived_alone),
]


@pytest.mark.parametrize(
    ("invariant", "problem", "corrupt"), CORRUPTIONS, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_corruption_is_reported(fleet: Fleet, invariant: str, problem: str, corrupt: Callable[[], None]) -> None:
    if corrupt is waived_alone and connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no way around its constraint")
    corrupt()
    assert [each for each in findings() if each.invariant == invariant and problem in each.problem]


def test_a_waived_penalty_on_a_document_is_reported(fleet: Fleet) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no way around its constraint")
    stay = penalty("overstay")
    first, second = make_user("billing-clerk"), make_user("billing-clerk")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute(
            "UPDATE invoicing_penalty SET state = %s, asked_by_id = %s, waived_by_id = %s WHERE id = %s",
            [PenaltyState.WAIVED.value, first.pk, second.pk, stay.pk],
        )
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    assert [each.problem for each in findings()] == ["It was waived, but stands on a document."]
