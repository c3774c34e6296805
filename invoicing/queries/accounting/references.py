"""What a clerk looks a booking up by: the number of the document that it moves, or the reference of its money."""

from contracts.models import Operator
from evbilling.kernel.clock import Period
from invoicing.models import Allocation, Deposit, Invoice, InvoiceState


def references(operator: Operator, period: Period, currency: str) -> dict[str, str]:
    """By the source of each booking of a period whose name is not the reference itself; `reference_of` reads it.

    A document has its number, an allocation and a write-off that of the document settled, a deposit the reference of
    the payment that brought it. Three queries, however many bookings.
    """
    issued = Invoice.objects.filter(
        operator=operator,
        currency=currency,
        state=InvoiceState.ISSUED,
        issued_on__gte=period.start,
        issued_on__lt=period.end,
    )
    settled = Allocation.objects.filter(
        invoice__operator=operator,
        currency=currency,
        allocated_on__gte=period.start,
        allocated_on__lt=period.end,
    )
    held = Deposit.objects.filter(
        contract__operator=operator, currency=currency, moved_on__gte=period.start, moved_on__lt=period.end
    )
    return (
        {f"invoice:{pk}": number or "" for pk, number in issued.order_by().values_list("pk", "number")}
        | {f"allocation:{pk}": number or "" for pk, number in settled.order_by().values_list("pk", "invoice__number")}
        | {f"deposit:{pk}": own_part(money) for pk, money in held.order_by().values_list("pk", "source")}
    )


def reference_of(source: str, found: dict[str, str]) -> str:
    """The reference of a booking: as found, else the one that its source carries (a payment, a refund)."""
    return found.get(source) or own_part(source)


def own_part(source: str) -> str:
    """The second part of a source: PAY-1 of payment:PAY-1:captured."""
    return source.split(":")[1]
