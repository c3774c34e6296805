"""What a processor's adapter offers. It declares its capabilities; callers ask for those alone."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol


class Capability(StrEnum):
    """What an adapter can do."""

    CHARGE_OFF_SESSION = "charge_off_session"
    CHECKOUT = "checkout"
    METHOD_SETUP = "method_setup"
    REFUND = "refund"


class ProcessorUnreachable(Exception):
    """No answer: the request may or may not have reached the processor. Ask later, never charge again."""


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """An amount to collect with a saved token. The idempotency key stays the same for every retry."""

    idempotency_key: str
    token: str
    amount: Decimal
    currency: str
    description: str


@dataclass(frozen=True, slots=True)
class ProcessorPayment:
    """A payment as its processor sees it now. `state` is one of payments.rules.state."""

    ref: str
    state: str
    amount: Decimal
    currency: str
    failure: str = ""
    brand: str = ""
    last4: str = ""


@dataclass(frozen=True, slots=True)
class ProcessorRefund:
    """A refund as its processor sees it now: done, or failed with the reason."""

    ref: str
    done: bool
    amount: Decimal
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Checkout:
    """A hosted page on which the customer pays: its address and the processor's reference."""

    ref: str
    url: str


class Processor(Protocol):
    """One processor. Amounts are in the major unit; every call may raise ProcessorUnreachable."""

    code: str
    capabilities: frozenset[Capability]

    def charge_off_session(self, request: ChargeRequest) -> ProcessorPayment:
        """Collect without the customer present."""

    def create_checkout(self, request: ChargeRequest, *, return_url: str) -> Checkout:
        """Open a hosted page; `token` of the request is empty."""

    def expire_checkout(self, ref: str) -> ProcessorPayment:
        """Close a hosted page that was not used."""

    def fetch_payment(self, ref: str) -> ProcessorPayment | None:
        """The payment with that reference, or None when the processor does not know it."""

    def find_payment(self, idempotency_key: str) -> ProcessorPayment | None:
        """The payment made under that key, or None when none was made."""

    def refund(self, ref: str, *, amount: Decimal, idempotency_key: str) -> ProcessorRefund:
        """Give back part of a captured payment; the same key gives the same refund."""

    def find_refund(self, idempotency_key: str) -> ProcessorRefund | None:
        """The refund made under that key, or None when none was made."""
