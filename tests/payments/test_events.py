"""Events of processors: stored first, applied once, unknown ones kept (I13), card numbers masked (I21)."""

import pytest

from evbilling.kernel import outbox
from payments.models import Payment, ProcessorEvent, SandboxCharge
from payments.operations.events import receive_event
from payments.operations.payments import start_checkout
from payments.processors.sandbox import decide
from tests.payments.world import AT, make_issued_invoice

pytestmark = pytest.mark.django_db


def receive(event_ref: str, object_ref: str, **body: object) -> bool:
    return receive_event(processor="sandbox", event_ref=event_ref, object_ref=object_ref, body=body, at=AT)[1]


def test_an_event_makes_us_fetch_the_payment_and_never_believes_its_body() -> None:
    invoice = make_issued_invoice()
    payment, _address = start_checkout(
        invoice_id=invoice.pk, processor="sandbox", return_address="/payments/{}/return".format, by=None, at=AT
    )
    receive("evt_1", payment.processor_ref, type="payment.succeeded")
    outbox.drain(at=AT, kinds={"payments.event"})
    payment.refresh_from_db()
    assert payment.state == "requires_action"
    decide(SandboxCharge.objects.get(), "approve")
    receive("evt_2", payment.processor_ref, type="payment.succeeded")
    outbox.drain(at=AT, kinds={"payments.event"})
    payment.refresh_from_db()
    assert payment.state == "captured"


def test_the_same_event_again_is_no_new_event() -> None:
    assert [receive("evt_1", "sbx_x"), receive("evt_1", "sbx_x")] == [True, False]
    assert ProcessorEvent.objects.count() == 1


def test_an_event_about_nothing_of_ours_is_kept() -> None:
    receive("evt_1", "sbx_unknown")
    outbox.drain(at=AT, kinds={"payments.event"})
    event = ProcessorEvent.objects.get()
    assert (event.outcome, event.processed_at) == ("no payment of ours", AT)
    assert not Payment.objects.exists()


def test_a_card_number_in_a_body_is_masked_not_lost() -> None:
    receive("evt_1", "sbx_x", note="paid with 4242424242424242", nested={"list": ["4242 4242 4242 4242"]})
    assert ProcessorEvent.objects.get().body == {
        "note": "paid with [card ending 4242]",
        "nested": {"list": ["[card ending 4242]"]},
    }
