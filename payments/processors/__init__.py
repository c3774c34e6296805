"""Payment processors behind one protocol."""

from payments.processors.protocol import (
    Capability,
    ChargeRequest,
    Checkout,
    Processor,
    ProcessorPayment,
    ProcessorRefund,
    ProcessorUnreachable,
)
from payments.processors.registry import available_processors, processor_for

__all__ = [
    "Capability",
    "ChargeRequest",
    "Checkout",
    "Processor",
    "ProcessorPayment",
    "ProcessorRefund",
    "ProcessorUnreachable",
    "available_processors",
    "processor_for",
]
