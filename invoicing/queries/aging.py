"""Open receivables by how long they are overdue."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count

from contracts.models import Operator
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import CLAIMS, Invoice, InvoiceState
from invoicing.queries.documents import with_open_amount

BUCKETS: tuple[tuple[int | None, int | None], ...] = ((None, 0), (1, 30), (31, 60), (61, 90), (91, None))
"""From so many days after the due date to so many, both included: the first holds what is not due yet, the last all
beyond."""


def bucket_of(days: int) -> int:
    """Which of BUCKETS holds what is overdue by so many days (not due yet: zero or less)."""
    return sum(days > last for _first, last in BUCKETS if last is not None)


@dataclass(frozen=True, slots=True)
class AgingBucket:
    """Open amounts overdue by `from_days` to `to_days` (both included; None: without a limit), per currency."""

    from_days: int | None
    to_days: int | None
    count: int
    amounts: dict[str, Decimal]


def aging(operator: Operator | None, *, on: dt.date) -> list[AgingBucket]:
    """Five buckets: not due, 1 to 30 days, 31 to 60, 61 to 90, beyond. None means all operators. One query."""
    rows = Invoice.objects.filter(state=InvoiceState.ISSUED, kind__in=CLAIMS)
    if operator is not None:
        rows = rows.filter(operator=operator)
    counts = [0] * len(BUCKETS)
    amounts: list[dict[str, Decimal]] = [{} for _bucket in BUCKETS]
    open_rows = (
        with_open_amount(rows)
        .filter(open_amount__gt=ZERO)
        .order_by()
        .values("due_on", "currency")
        .annotate(count=Count("pk"), total=amount_sum("open_amount"))
    )
    for row in open_rows:
        days = (on - row["due_on"]).days if row["due_on"] else 0
        index = bucket_of(days)
        counts[index] += row["count"]
        bucket, currency = amounts[index], row["currency"]
        bucket[currency] = bucket.get(currency, ZERO) + quantise(row["total"], currency)
    return [
        AgingBucket(low, high, count, held) for (low, high), count, held in zip(BUCKETS, counts, amounts, strict=True)
    ]
