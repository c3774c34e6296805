"""What customers owe, now and on an earlier day, by the same rule."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import CharField, QuerySet, Value

from contracts.models import Operator
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, add, quantise
from invoicing.models import CLAIMS, Allocation, Invoice, InvoiceState
from invoicing.queries.aging import AgingBucket, aging


@dataclass(frozen=True, slots=True)
class Receivables:
    """Open invoices by age in the operator's currency; `before` is what was open at the end of the day `before_on`."""

    buckets: tuple[AgingBucket, ...]
    currency: str
    before_on: dt.date
    before: Decimal

    @property
    def open_amount(self) -> Decimal:
        """All that is open in the operator's currency."""
        return add(bucket.amounts.get(self.currency, ZERO) for bucket in self.buckets)

    @property
    def overdue_amount(self) -> Decimal:
        """What of it is past due."""
        return add(bucket.amounts.get(self.currency, ZERO) for bucket in self.buckets[1:])

    @property
    def overdue_count(self) -> int:
        """Invoices past due, whatever their currency."""
        return sum(bucket.count for bucket in self.buckets[1:])

    @property
    def others(self) -> dict[str, Decimal]:
        """Open amounts in other currencies."""
        found: dict[str, Decimal] = {}
        for bucket in self.buckets:
            for currency, amount in bucket.amounts.items():
                if currency != self.currency:
                    found[currency] = found.get(currency, ZERO) + amount
        return found


def receivables(operator: Operator, *, today: dt.date) -> Receivables:
    """The operator's open invoices today, and what was open at the end of the last calendar month. Two queries."""
    before_on = today.replace(day=1) - dt.timedelta(days=1)
    return Receivables(
        buckets=tuple(aging(operator, on=today)),
        currency=operator.currency,
        before_on=before_on,
        before=_open_on(operator, before_on),
    )


def _open_on(operator: Operator, on: dt.date) -> Decimal:
    """Invoices issued by the day, less what payments and credits of that day or before settle of them."""
    issued = Invoice.objects.filter(
        operator=operator,
        state=InvoiceState.ISSUED,
        kind__in=CLAIMS,
        currency=operator.currency,
        issued_on__lte=on,
    )
    settled = Allocation.objects.filter(
        invoice__operator=operator,
        invoice__kind__in=CLAIMS,
        invoice__issued_on__lte=on,
        currency=operator.currency,
        allocated_on__lte=on,
    )
    sides = dict(
        _side("issued", issued, "gross_amount").union(_side("settled", settled, "amount"), all=True).order_by()
    )
    return quantise((sides.get("issued") or ZERO) - (sides.get("settled") or ZERO), operator.currency)


def _side(name: str, rows: QuerySet[Any], amount: str) -> QuerySet[Any]:
    """One row: the name and the sum, to be put under others in one query."""
    named = rows.order_by().annotate(side=Value(name, output_field=CharField())).values("side")
    return named.annotate(total=amount_sum(amount)).values_list("side", "total")
