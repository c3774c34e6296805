"""A dunning run takes each overdue document to the level that it has reached, once (I10)."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import OperationalError

from contracts.models import DunningPlan
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.clock import parse_month
from evbilling.kernel.errors import NotFound
from invoicing.checks.dunning import fees_match_steps
from invoicing.models import Delivery, DunningStep, Invoice, Letter, Penalty, PenaltyKind
from invoicing.operations import dunning
from invoicing.operations.allocations import allocate
from invoicing.operations.dunning import run_dunning
from invoicing.operations.fee_notes import draft_fee_note
from tests.factories import make_operator
from tests.invoicing.dunning.world import contest, day, dun, make_debtor, make_overdue, make_plan

pytestmark = pytest.mark.django_db


def steps() -> list[tuple[str, int, str, bool, str]]:
    """(document, level, action, has a letter, skipped) of every step, in order."""
    rows = DunningStep.objects.order_by("invoice__number", "level").select_related("invoice")
    return [(str(row.invoice), row.level, row.action, row.letter_id is not None, row.skipped) for row in rows]


def test_a_level_is_reached_on_its_day_and_not_before() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    invoice = make_overdue(contract)
    assert dun(contract, 2).reminded == []
    assert dun(contract, 3).reminded == [(invoice.number, 1)]
    (taken,) = DunningStep.objects.all()
    assert (taken.level, taken.open_amount, taken.taken_on) == (1, Decimal("119.00"), day(3))


def test_a_second_run_on_the_same_day_writes_nothing() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    make_overdue(contract)
    dun(contract, 3)
    before = (Letter.objects.count(), Delivery.objects.count(), AuditRecord.objects.count())
    assert dun(contract, 3).reminded == []
    assert (Letter.objects.count(), Delivery.objects.count(), AuditRecord.objects.count()) == before
    assert DunningStep.objects.count() == 1


def test_levels_follow_one_another_up_to_a_person() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    number = make_overdue(contract).number
    for overdue in range(1, 40):
        dun(contract, overdue)
    assert steps() == [
        (number, 1, "remind", True, ""),
        (number, 2, "remind", True, ""),
        (number, 3, "escalate", False, ""),
    ]
    assert Letter.objects.count() == Delivery.objects.filter(letter__isnull=False).count() == 2


def test_missed_levels_are_skipped_and_one_notice_goes_out() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    number = make_overdue(contract).number
    run = dun(contract, 20)
    assert (run.skipped, run.reminded) == ([(number, 1)], [(number, 2)])
    assert steps() == [
        (number, 1, "remind", False, "Level 2 was reached before."),
        (number, 2, "remind", True, ""),
    ]
    assert Letter.objects.count() == 1


def test_one_notice_names_all_documents_of_a_party() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    make_overdue(contract)
    make_overdue(contract, "50.00", period=(dt.date(2026, 9, 1), dt.date(2026, 10, 1)))
    dun(contract, 3)
    letter = Letter.objects.get()
    assert letter.steps.count() == 2
    assert letter.party == contract.party
    assert Delivery.objects.get(letter=letter).recipients == ["books@fleet.example"]


def test_each_party_gets_its_own_notice() -> None:
    operator = make_operator()
    make_plan(operator)
    for _number in range(2):
        make_overdue(make_debtor(operator))
    run = run_dunning(operator_id=operator.pk, on=day(3), by=None, at=dt.datetime(2026, 11, 18, 6, tzinfo=dt.UTC))
    assert len(run.notices) == 2
    assert {letter.party_id for letter in run.notices} == {
        each.party_id for each in Invoice.objects.filter(dunning_steps__isnull=False)
    }


def test_a_dry_run_says_what_it_would_do_and_writes_nothing() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    invoice = make_overdue(contract)
    run = dun(contract, 20, dry=True)
    assert (run.reminded, run.skipped, run.notices) == ([(invoice.number, 2)], [(invoice.number, 1)], [])
    assert not DunningStep.objects.exists()
    assert not Letter.objects.exists()


def test_without_a_plan_nobody_is_reminded_and_the_run_says_so() -> None:
    contract = make_debtor()
    invoice = make_overdue(contract)
    run = dun(contract, 20)
    assert (run.no_plan, run.waiting) == (["EUR"], [(invoice.number, "no dunning plan in EUR")])
    assert not DunningStep.objects.exists()


def test_the_plan_that_the_terms_name_beats_the_default_one() -> None:
    operator = make_operator()
    plan = make_plan(operator, is_default=False, name="Patient")
    contract = make_debtor(operator, agreed=True)
    DunningPlan.objects.create(operator=operator, name="Default", currency="EUR", is_default=True)
    invoice = make_overdue(contract)
    assert invoice.contract_version.dunning_plan == plan
    assert dun(contract, 3).reminded == [(invoice.number, 1)]


def test_a_paid_document_is_left_alone_and_a_partly_paid_one_asks_for_the_rest() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    paid, partly = make_overdue(contract), make_overdue(contract, "200.00")
    for invoice, amount in ((paid, "119.00"), (partly, "38.00")):
        allocate(
            invoice_id=invoice.pk,
            amount=Decimal(amount),
            source=f"payment:{invoice.pk}",
            allocated_on=day(1),
            by=None,
            at=dt.datetime(2026, 11, 16, tzinfo=dt.UTC),
        )
    assert dun(contract, 3).reminded == [(partly.number, 1)]
    assert DunningStep.objects.get().open_amount == Decimal("200.00")


def test_what_is_contested_is_not_asked_for() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    invoice = make_overdue(contract)
    contest(invoice, "19.00")
    dun(contract, 3)
    assert DunningStep.objects.get().open_amount == Decimal("100.00")


def test_a_document_that_is_contested_whole_waits() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    invoice = make_overdue(contract)
    contest(invoice, "119.00")
    run = dun(contract, 3)
    assert (run.reminded, run.waiting) == ([], [(invoice.number, "contested")])


def test_a_document_that_a_payment_is_under_way_for_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    invoice = make_overdue(contract)
    monkeypatch.setattr("invoicing.queries.dunning._payments", [set])
    run = dun(contract, 3)
    assert (run.reminded, run.waiting) == ([], [(invoice.number, "a payment is under way")])


def test_a_fee_that_the_terms_agree_to_becomes_a_penalty_of_the_next_fee_note() -> None:
    operator = make_operator()
    make_plan(operator)
    contract = make_debtor(operator, agreed=True)
    invoice = make_overdue(contract)
    dun(contract, 3)
    assert not Penalty.objects.exists()
    dun(contract, 14)
    fee = Penalty.objects.get()
    assert (fee.kind, fee.source, fee.amount) == (PenaltyKind.DUNNING_FEE, f"dunning:{invoice.pk}:2", Decimal("5.00"))
    assert DunningStep.objects.get(level=2).fee == fee


def test_the_next_fee_note_bills_the_fee_outside_of_tax_and_once() -> None:
    operator = make_operator()
    make_plan(operator)
    contract = make_debtor(operator, agreed=True)
    invoice = make_overdue(contract)
    dun(contract, 14)
    november, at = parse_month("2026-11"), dt.datetime(2026, 12, 2, tzinfo=dt.UTC)
    note = draft_fee_note(contract_id=contract.pk, period=november, at=at)
    assert note is not None
    (line,) = note.lines.all()
    assert (line.net_amount, line.tax_category) == (Decimal("5.00"), "O")
    assert invoice.number in line.text
    assert "reminder of level 2 with €119.00 open" in line.because["sentence"]
    assert draft_fee_note(contract_id=contract.pk, period=november, at=at) == note
    assert list(fees_match_steps()) == []


def test_the_default_plan_charges_no_fee_that_the_terms_do_not_name() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    make_overdue(contract)
    dun(contract, 14)
    assert DunningStep.objects.get(level=2).letter is not None
    assert not Penalty.objects.exists()


def test_a_flat_amount_for_late_payment_takes_the_place_of_the_fee() -> None:
    operator = make_operator()
    make_plan(operator)
    flat = ("late_payment", {"yearly_percent": "9", "eu_default": False, "flat_amount": "40"})
    contract = make_debtor(operator, agreed=True, terms=[flat])
    make_overdue(contract)
    dun(contract, 14)
    assert DunningStep.objects.filter(level=2, fee__isnull=True).count() == 1
    assert not Penalty.objects.filter(kind=PenaltyKind.DUNNING_FEE).exists()


@pytest.mark.parametrize(
    ("error", "told"), [(NotFound("No logo."), "No logo."), (ValueError("bad SVG"), "Unexpected: ValueError: bad SVG")]
)
def test_a_party_that_fails_does_not_keep_the_others_from_their_notices(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = make_operator()
    make_plan(operator)
    bad, good = make_debtor(operator), make_debtor(operator)
    make_overdue(bad)
    invoice = make_overdue(good)

    def draw(_operator: object, reminded: list[dunning.Case], **_values: object) -> bytes:
        if reminded[0].invoice.party_id == bad.party_id:
            raise error
        return b"%PDF-1.7"

    monkeypatch.setattr(dunning, "draw_notice", draw)
    run = dun(good, 3)
    assert run.failures == [(str(bad.party), told)]
    assert [str(each.invoice) for each in DunningStep.objects.all()] == [invoice.number]


def test_a_database_that_is_busy_is_not_the_partys_failure_and_the_next_run_takes_it_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Given two debtors, and a deadlock while the steps of the first are written
    operator = make_operator()
    make_plan(operator)
    first, other = make_debtor(operator), make_debtor(operator)
    late, later = make_overdue(first), make_overdue(other)
    record = dunning.record_audit

    def deadlock(*, obj: Any, **values: Any) -> Any:
        if obj == first.party:
            raise OperationalError("deadlock detected")
        return record(obj=obj, **values)

    with monkeypatch.context() as patched:
        patched.setattr(dunning, "record_audit", deadlock)

        # When the run is made
        run = dun(other, 3)

    # Then the party is left for the next run with nothing written, and the other has its notice
    assert (run.busy, run.failures) == ([str(first.party)], [])
    assert "busy database" in caplog.text
    assert [each.invoice for each in DunningStep.objects.all()] == [later]

    # And the next run reminds it
    again = dun(first, 3)
    assert (again.busy, again.reminded) == ([], [(str(late), 1)])


def test_money_that_comes_in_while_the_notice_is_drawn_is_taken_into_account(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    invoice = make_overdue(contract)
    drawings = []

    def draw(_operator: object, reminded: list[dunning.Case], **_values: object) -> bytes:
        drawings.append(reminded[0].asked_amount)
        if len(drawings) == 1:
            at = dt.datetime(2026, 11, 18, tzinfo=dt.UTC)
            allocate(
                invoice_id=invoice.pk, amount=Decimal("19.00"), source="payment:x", allocated_on=day(3), by=None, at=at
            )
        return b"%PDF-1.7"

    monkeypatch.setattr(dunning, "draw_notice", draw)
    dun(contract, 3)
    assert drawings == [Decimal("119.00"), Decimal("100.00")]
    assert DunningStep.objects.get().open_amount == Decimal("100.00")


def test_an_operator_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotFound):
        run_dunning(operator_id=0, on=day(3), by=None, at=dt.datetime(2026, 11, 18, tzinfo=dt.UTC))
