"""Lives the sample year: sessions come in, are billed, drawn, mailed and paid, by the product's own operations."""

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

from contracts.models import Operator, Party
from evbilling.demo.affairs import Clerks, put_right
from evbilling.demo.agreements import PROFILE
from evbilling.demo.company import FLEETS, MANUFACTURER, ZONE
from evbilling.demo.events import LATE_STATEMENT, LATE_TRANSFERS, book_transfer, decide_fees, happen, issued
from evbilling.demo.sample import DATA_FILE, Sample
from evbilling.kernel import outbox
from evbilling.kernel.clock import Period
from invoicing.models import InvoiceKind, RunState
from invoicing.operations import inline, runs
from invoicing.operations.run_approval import approve_run
from invoicing.queries.documents import open_amount
from payments.models import PaymentMethod
from payments.operations.methods import add_method
from payments.operations.payments import CHARGE_STEP, start_payment
from sessions.models import Hold, HoldKind, HoldState, ImportProfile
from sessions.operations.holds import reject_hold, release_hold
from sessions.operations.imports import import_file

OPEN_MONTHS = 1
"""So many of the last months stay as drafts, for the operator to issue."""
UNPAID_MONTHS = 2
"""The documents of so many issued months before them are not paid yet."""
HOLDS_CLEARED_UNTIL = dt.date(2015, 6, 30)
"""Holds of sessions that ended until then were worked off by the clerk; the later ones wait for the operator."""
AGREED_AT = dt.datetime(2014, 11, 3, 15, tzinfo=dt.UTC)
WAYS = (
    (FLEETS[0].company.number, "approve", "Visa", "4242", ""),
    (FLEETS[2].company.number, "approve", "Mastercard", "4444", "apple_pay"),
    (FLEETS[3].company.number, "decline", "Visa", "0002", ""),
)
"""How fleets pay: a card, a wallet, a card that is declined. The second fleet and the manufacturer pay by transfer."""
SLOW_WAY = (FLEETS[2].company.number, "delayed", "Bank debit", "6789", "")
"""The last month's charge of the third fleet is still on its way."""
ZERO_REASON = "The meter delivered no energy; nothing to bill"
SUSPENDED_REASON = "The customer asked that these charges be billed"
OVERLAP_REASON = "Checked with the station log: the driver swapped cables, both sessions are real"


def month_is_over(month: Period) -> dt.datetime:
    """Eight in the morning on the first day of the following month, where the operator is."""
    return dt.datetime.combine(month.end, dt.time(8), tzinfo=ZoneInfo(ZONE)).astimezone(dt.UTC)


def live_year(operator: Operator, sample: Sample, clerks: Clerks, progress: Callable[[str], None]) -> None:
    """Month by month from the first session to the last; `progress` hears of every piece of work."""
    methods = {ways[0]: add_method_of(*ways) for ways in WAYS}
    slow = {SLOW_WAY[0]: add_method_of(*SLOW_WAY)}
    months = sample.months
    for index, month in enumerate(months):
        left = len(months) - index - 1
        happen(operator, month, clerks.contracts, clerks.payments)
        put_right(operator, month, clerks)
        _take_in(sample, month, clerks)
        progress(f"{month.code} sessions")
        close_month(operator, month, clerks, issue=left >= OPEN_MONTHS, progress=progress)
        if month.last_day <= HOLDS_CLEARED_UNTIL:
            work_off_holds(month, clerks)
        if left >= OPEN_MONTHS + UNPAID_MONTHS:
            collect(operator, month, methods, clerks)
            decide_fees(month, clerks.billing, clerks.contracts.checker, month_is_over(month) + dt.timedelta(days=9))
        elif left == OPEN_MONTHS:
            charge_cards(month, slow)
        progress(f"{month.code} done")


def _take_in(sample: Sample, month: Period, clerks: Clerks) -> None:
    import_file(
        profile_id=ImportProfile.objects.get(code=PROFILE).pk,
        file_name=f"{DATA_FILE.stem}_{month.code}.csv",
        content=sample.file_of(month),
        by=clerks.billing,
        at=month_is_over(month) - dt.timedelta(hours=2),
    )


def close_month(
    operator: Operator, month: Period, clerks: Clerks, *, issue: bool, progress: Callable[[str], None]
) -> None:
    """The month close, in this process: drafts, numbers, documents, mails; from the limit on two people are needed."""
    at = month_is_over(month)
    run = runs.start_run(
        operator_id=operator.pk, period=month, issued_on=month.end, issue=issue, by=clerks.billing, at=at
    )
    if run.state == RunState.ASKED:
        approve_run(run_id=run.pk, by=clerks.second, at=at + dt.timedelta(minutes=20))
    inline.work_off(run_id=run.pk, clock=lambda: at, progress=lambda: progress(f"{month.code} documents"))


def work_off_holds(month: Period, clerks: Clerks) -> None:
    """Sessions without energy are rejected, overlaps released: those are billed with the next month, as late ones."""
    at = month_is_over(month) + dt.timedelta(days=2)
    for hold in Hold.objects.filter(state=HoldState.OPEN, session__ended_at__lt=month_is_over(month)).order_by("pk"):
        if hold.kind == HoldKind.ZERO_ENERGY:
            reject_hold(hold_id=hold.pk, reason=ZERO_REASON, by=clerks.billing, at=at)
        elif hold.kind == HoldKind.SUSPENDED:
            release_hold(hold_id=hold.pk, reason=SUSPENDED_REASON, by=clerks.billing, at=at)
        elif hold.kind in {HoldKind.OVERLAP_STATION, HoldKind.OVERLAP_TOKEN}:
            session_rejected = hold.session.holds.filter(
                state__in=[HoldState.OPEN, HoldState.REJECTED], kind=HoldKind.ZERO_ENERGY
            ).exists()
            if not session_rejected:
                release_hold(hold_id=hold.pk, reason=OVERLAP_REASON, by=clerks.billing, at=at)


def add_method_of(number: str, outcome: str, brand: str, last4: str, wallet: str) -> PaymentMethod:
    """A saved test token of a party; what becomes of its charges follows from its ending."""
    return add_method(
        party_id=Party.objects.get(number=number).pk,
        processor="sandbox",
        token=f"tok_demo_{number}_{outcome}",
        brand=brand,
        last4=last4,
        expires_on=dt.date(2030, 12, 31),
        wallet_type=wallet,
        consent=True,
        by=None,
        at=AGREED_AT,
    )


def charge_cards(month: Period, methods: dict[str, PaymentMethod]) -> None:
    """Charge the invoices of a month to their payers' saved methods."""
    at = month_is_over(month) + dt.timedelta(days=5)
    for invoice in issued(month.start):
        method = methods.get(invoice.party.number)
        if method is not None and open_amount(invoice) > 0:
            start_payment(invoice_id=invoice.pk, method_id=method.pk, by=None, at=at)
    outbox.drain(at=at, kinds={CHARGE_STEP})


def collect(operator: Operator, month: Period, methods: dict[str, PaymentMethod], clerks: Clerks) -> None:
    """Cards are charged; transfers arrive two days before they are due and are booked by the payments officer."""
    charge_cards(month, methods)
    late = {*LATE_TRANSFERS, LATE_STATEMENT[0]}
    by_transfer = {FLEETS[1].company.number, MANUFACTURER.number}
    for invoice in issued(month.start, InvoiceKind.INVOICE, InvoiceKind.FEE_NOTE):
        is_late = invoice.kind == InvoiceKind.INVOICE and (invoice.party.number, month.start) in late
        if is_late or invoice.party.number not in by_transfer or open_amount(invoice) == 0 or invoice.due_on is None:
            continue
        book_transfer(operator, invoice, invoice.due_on - dt.timedelta(days=2), clerks.payments)
