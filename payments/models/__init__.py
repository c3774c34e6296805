"""Tables of payments; one file per aggregate."""

from payments.models.inbox import ProcessorEvent
from payments.models.method import MethodState, PaymentMethod, WalletType
from payments.models.payment import OPEN_STATES, Payment, PaymentEvent, PaymentEventKind, PaymentState
from payments.models.sandbox import SandboxCharge, SandboxState

__all__ = [
    "OPEN_STATES",
    "MethodState",
    "Payment",
    "PaymentEvent",
    "PaymentEventKind",
    "PaymentMethod",
    "PaymentState",
    "ProcessorEvent",
    "SandboxCharge",
    "SandboxState",
    "WalletType",
]
