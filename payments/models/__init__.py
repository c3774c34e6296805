"""Tables of payments; one file per aggregate."""

from payments.models.inbox import ProcessorEvent
from payments.models.method import MethodState, PaymentMethod, WalletType
from payments.models.payment import OPEN_STATES, Payment, PaymentEvent, PaymentEventKind, PaymentState
from payments.models.refund import RESERVED_STATES, Refund, RefundState
from payments.models.sandbox import SandboxCharge, SandboxRefund, SandboxState

__all__ = [
    "OPEN_STATES",
    "RESERVED_STATES",
    "MethodState",
    "Payment",
    "PaymentEvent",
    "PaymentEventKind",
    "PaymentMethod",
    "PaymentState",
    "ProcessorEvent",
    "Refund",
    "RefundState",
    "SandboxCharge",
    "SandboxRefund",
    "SandboxState",
    "WalletType",
]
