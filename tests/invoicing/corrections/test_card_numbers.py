"""No card number enters by what staff type as a reason, a note or an answer (I21): refused, and nothing has changed."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest

from contracts.operations.guards import require_reason
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput
from invoicing.models import Allocation, Correction, Dispute, DisputeState, DunningStop, Invoice, PaymentPromise
from invoicing.operations import disputes
from invoicing.operations.allocations import allocate, reverse_allocation
from invoicing.operations.crediting import Whole, credit
from invoicing.operations.deliveries import resend_delivery
from invoicing.operations.disputes import decide_dispute, raise_dispute
from invoicing.operations.dunning_decisions import promise_to_pay, stop_dunning
from invoicing.operations.write_offs import write_off
from tests.invoicing.corrections.conftest import World
from tests.invoicing.month import LATER

CARD = "He paid with 4111 1111 1111 1111 last week"
BY_THEIR_OWN_ID = "PAY-4111111111111111"


def as_credit(world: World) -> None:
    credit(invoice_id=world.invoice.pk, what=Whole(), reason=CARD, by=world.clerk, at=LATER)


def as_write_off(world: World) -> None:
    write_off(invoice_id=world.invoice.pk, reason=CARD, with_tax=True, by=world.clerk, at=LATER)


def as_promise(world: World) -> None:
    promise_to_pay(
        invoice_id=world.invoice.pk,
        amount=Decimal("1.00"),
        promised_on=dt.date(2026, 12, 1),
        note=CARD,
        by=world.clerk,
        at=LATER,
    )


def as_stop(world: World) -> None:
    stop_dunning(party_id=world.invoice.party_id, reason=CARD, by=world.clerk, at=LATER)


def as_resending(world: World) -> None:
    resend_delivery(invoice_id=world.invoice.pk, reason=CARD, by=world.clerk, at=LATER)


def as_refusal(world: World) -> None:
    decide_dispute(
        dispute_id=Dispute.objects.get().pk, decision=DisputeState.REFUSED, answer=CARD, by=world.clerk, at=LATER
    )


def as_acceptance(world: World) -> None:
    decide_dispute(
        dispute_id=Dispute.objects.get().pk, decision=DisputeState.ACCEPTED, answer=CARD, by=world.clerk, at=LATER
    )


def contested(world: World) -> Dispute:
    return raise_dispute(
        invoice_id=world.invoice.pk, session_id=world.session().pk, message="Wrong", by=world.manager, at=LATER
    )


def counted() -> tuple[int, ...]:
    rows = (Invoice, Correction, Dispute, DunningStop, PaymentPromise, AuditRecord)
    return tuple(model.objects.count() for model in rows)


@pytest.mark.parametrize(
    "work", [as_credit, as_write_off, as_promise, as_stop, as_resending, as_refusal, as_acceptance]
)
def test_it_is_refused_wherever_staff_give_a_reason(world: World, work: Callable[[World], None]) -> None:
    contested(world)
    before = counted()
    with pytest.raises(BadInput, match="looks like a card number") as refusal:
        work(world)
    assert "4111" not in refusal.value.message
    assert counted() == before
    assert Dispute.objects.get().state == DisputeState.OPEN


def test_a_session_whose_number_looks_like_a_cards_is_credited_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispute = contested(world)
    monkeypatch.setattr(disputes, "_reason", lambda _dispute: "Dispute about session 4111111111111111")
    decided = decide_dispute(
        dispute_id=dispute.pk, decision=DisputeState.ACCEPTED, answer="Sorry", by=world.clerk, at=LATER
    )
    assert decided.credit_note is not None
    assert Correction.objects.get().reason == "Dispute about session 4111111111111111"


def test_an_allocation_is_undone_by_the_number_of_its_payment_but_not_by_a_cards(world: World) -> None:
    made = allocate(
        invoice_id=world.invoice.pk,
        amount=Decimal("1.00"),
        source=f"payment:{BY_THEIR_OWN_ID}",
        allocated_on=LATER.date(),
        by=None,
        at=LATER,
    )
    with pytest.raises(BadInput, match="looks like a card number"):
        reverse_allocation(allocation_id=made.pk, reason=CARD, by=world.clerk, at=LATER)
    undone = reverse_allocation(allocation_id=made.pk, reason=f"{BY_THEIR_OWN_ID} went back", by=world.clerk, at=LATER)
    assert undone.amount == Decimal("-1.00")


def test_a_short_number_of_its_own_hides_no_card(world: World) -> None:
    made = allocate(
        invoice_id=world.invoice.pk,
        amount=Decimal("1.00"),
        source="payment:1",
        allocated_on=LATER.date(),
        by=None,
        at=LATER,
    )
    with pytest.raises(BadInput, match="looks like a card number"):
        reverse_allocation(allocation_id=made.pk, reason=CARD, by=world.clerk, at=LATER)
    assert Allocation.objects.get(reverses=None, source="payment:1") == made
    assert not AuditRecord.objects.filter(reason__contains="4111").exists()


def test_the_guard_of_contracts_refuses_it_as_well() -> None:
    with pytest.raises(BadInput, match="looks like a card number"):
        require_reason(CARD)
    assert require_reason(" Unpaid ") == "Unpaid"
