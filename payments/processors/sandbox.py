"""The sandbox: a processor that answers like a real one, without money. What it does follows from the token's ending.

    ..._approve   captured at once
    ..._decline   declined (insufficient funds)
    ..._delayed   processing, settles a few minutes later, as SEPA or a bank would
    ..._timeout   takes the money, but its answer is lost: the caller learns it only by asking

It is on in MODE=demo only by default and cannot be switched on in MODE=live.
"""

import datetime as dt
import secrets
from decimal import Decimal

from django.urls import reverse
from django.utils import timezone

from evbilling.kernel.fields import amount_sum
from payments.models.sandbox import SandboxCharge, SandboxRefund, SandboxState
from payments.processors.protocol import (
    Capability,
    ChargeRequest,
    Checkout,
    ProcessorPayment,
    ProcessorRefund,
    ProcessorUnreachable,
)
from payments.rules import state

SETTLES_AFTER = dt.timedelta(minutes=3)
DECLINED = "insufficient_funds"
TOO_MUCH = "charge_already_refunded"
LOST_ANSWER = Decimal("0.99")
"""The fraction of a refund whose answer the sandbox loses."""
_STATES = {
    SandboxState.OPEN: state.REQUIRES_ACTION,
    SandboxState.PENDING: state.PROCESSING,
    SandboxState.SUCCEEDED: state.CAPTURED,
    SandboxState.DECLINED: state.FAILED,
    SandboxState.EXPIRED: state.CANCELLED,
}


class SandboxProcessor:
    """See the module."""

    code = "sandbox"
    capabilities = frozenset(
        {Capability.CHARGE_OFF_SESSION, Capability.CHECKOUT, Capability.METHOD_SETUP, Capability.REFUND}
    )

    def charge_off_session(self, request: ChargeRequest) -> ProcessorPayment:
        """Collect with a saved test token; the same idempotency key gives the same charge."""
        charge = self._open(request, return_url="")
        if charge.state == SandboxState.OPEN:
            decide(charge, request.token.rsplit("_", 1)[-1])
            if request.token.endswith("_timeout"):
                raise ProcessorUnreachable("The sandbox did not answer in time.")
        return _seen(charge)

    def create_checkout(self, request: ChargeRequest, *, return_url: str) -> Checkout:
        """Open the hosted test page."""
        charge = self._open(request, return_url=return_url)
        return Checkout(ref=charge.ref, url=reverse("sandbox_checkout", args=[charge.ref]))

    def expire_checkout(self, ref: str) -> ProcessorPayment:
        """Close a page nobody used."""
        SandboxCharge.objects.filter(ref=ref, state=SandboxState.OPEN).update(state=SandboxState.EXPIRED)
        return _seen(SandboxCharge.objects.get(ref=ref))

    def fetch_payment(self, ref: str) -> ProcessorPayment | None:
        """The charge as it stands now; a pending one settles when its time has come."""
        return _settled(SandboxCharge.objects.filter(ref=ref).first())

    def find_payment(self, idempotency_key: str) -> ProcessorPayment | None:
        """The charge made under that key."""
        return _settled(SandboxCharge.objects.filter(idempotency_key=idempotency_key).first())

    def refund(self, ref: str, *, amount: Decimal, idempotency_key: str) -> ProcessorRefund:
        """Give money back, never more than the charge brought. An amount ending in .99 loses its answer."""
        charge = SandboxCharge.objects.get(ref=ref)
        given = charge.refunds.exclude(idempotency_key=idempotency_key).filter(failure="")
        left = charge.amount - (given.aggregate(total=amount_sum("amount"))["total"] or 0)
        made, new = SandboxRefund.objects.get_or_create(
            idempotency_key=idempotency_key,
            defaults={
                "ref": f"sbr_{secrets.token_hex(12)}",
                "charge": charge,
                "amount": amount,
                "failure": "" if amount <= left else TOO_MUCH,
            },
        )
        if new and amount % 1 == LOST_ANSWER:
            raise ProcessorUnreachable("The sandbox did not answer in time.")
        return _refunded(made)

    def find_refund(self, idempotency_key: str) -> ProcessorRefund | None:
        """The refund made under that key."""
        made = SandboxRefund.objects.filter(idempotency_key=idempotency_key).first()
        return None if made is None else _refunded(made)

    def _open(self, request: ChargeRequest, *, return_url: str) -> SandboxCharge:
        charge, _created = SandboxCharge.objects.get_or_create(
            idempotency_key=request.idempotency_key,
            defaults={
                "ref": f"sbx_{secrets.token_hex(12)}",
                "amount": request.amount,
                "currency": request.currency,
                "description": request.description,
                "state": SandboxState.OPEN,
                "return_url": return_url,
            },
        )
        return charge


def decide(charge: SandboxCharge, outcome: str) -> None:
    """Let a charge be approved, declined, delayed, or lose its answer (timeout: it is approved all the same)."""
    if outcome == "decline":
        charge.state, charge.failure = SandboxState.DECLINED, DECLINED
    elif outcome == "delayed":
        charge.state, charge.settles_at = SandboxState.PENDING, timezone.now() + SETTLES_AFTER
    else:
        charge.state = SandboxState.SUCCEEDED
    charge.brand, charge.last4 = "Test card", "4242"
    charge.save(update_fields=["state", "failure", "settles_at", "brand", "last4"])


def _refunded(made: SandboxRefund) -> ProcessorRefund:
    return ProcessorRefund(ref=made.ref, done=not made.failure, amount=made.amount, failure=made.failure)


def _settled(charge: SandboxCharge | None) -> ProcessorPayment | None:
    if charge is None:
        return None
    if charge.state == SandboxState.PENDING and charge.settles_at and charge.settles_at <= timezone.now():
        charge.state = SandboxState.SUCCEEDED
        charge.save(update_fields=["state"])
    return _seen(charge)


def _seen(charge: SandboxCharge) -> ProcessorPayment:
    return ProcessorPayment(
        ref=charge.ref,
        state=_STATES[SandboxState(charge.state)],
        amount=charge.amount,
        currency=charge.currency,
        failure=charge.failure,
        brand=charge.brand,
        last4=charge.last4,
    )
