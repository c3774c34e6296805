"""Which contracts share a month's document, and how many months before were carried over."""

import datetime as dt

from contracts.models import Contract
from contracts.queries import IN_FORCE
from evbilling.kernel.clock import Period
from invoicing.models import BillingRunItem, Invoice, InvoiceKind
from invoicing.queries.cancelled import cancelled


def members_of(contract: Contract, period: Period) -> list[Contract]:
    """The contracts whose month is one document with this one's, by number; alone where it is in no group.

    Of a group those that have begun by the period's end. One that was billed alone for the period, before it joined,
    stays alone in it; so does one that has not begun, whatever it is asked for.
    """
    if contract.billing_group_id is None:
        return [contract]
    group = Contract.objects.filter(
        billing_group=contract.billing_group_id, state__in=IN_FORCE, starts_on__lt=period.end
    )
    alone = Invoice.objects.filter(
        ~cancelled("pk"),
        contract__in=group,
        billing_group=None,
        kind=InvoiceKind.INVOICE,
        period_from=period.start,
        period_to=period.end,
    )
    members = list(
        group.exclude(pk__in=alone.values("contract"))
        .select_related("party", "operator", "billing_group")
        .order_by("number")
    )
    return members if contract in members else [contract]


def carried_before(contract: Contract, period: Period) -> int:
    """How many months right before this one its runs carried over."""
    rows = BillingRunItem.objects.filter(contract=contract, run__period_from__lt=period.start)
    carried: dict[dt.date, bool] = {
        month: amount is not None
        for month, amount in rows.order_by("-run__period_from").values_list("run__period_from", "carried_amount")[:12]
    }
    count, month = 0, period.previous_month()
    while carried.get(month.start, False):
        count, month = count + 1, month.previous_month()
    return count
