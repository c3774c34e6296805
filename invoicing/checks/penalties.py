"""Penalties: no interest day twice and what accrued is what was booked (I14), each billed once and as assessed (I10),
waived by two people (I18)."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Count, Exists, F, OuterRef, Q

from contracts.queries import terms_of
from contracts.rules.terms import LatePayment
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import ZERO
from invoicing.models import (
    Allocation,
    Invoice,
    InvoiceLine,
    LineKind,
    Penalty,
    PenaltyKind,
    PenaltyState,
    ReferenceRate,
    ReleasedPenalty,
)
from invoicing.queries.cancelled import cancelled
from invoicing.queries.late_debts import LateDebts
from invoicing.rules.penalties import Debt, late_interest, yearly_rates


def _named(penalty: Penalty) -> str:
    return f"penalty {penalty.source}"


@proves("I14", "No day of a document bears interest twice, and none is left out")
def days_follow() -> Iterator[Finding]:
    """Per document the days of its interest follow one another from the day after it was due."""
    expected: dict[int, object] = {}
    for penalty in _interest():
        invoice = penalty.invoice
        if invoice is None or invoice.due_on is None:
            yield Finding("I14", _named(penalty), "It is interest on no document that is due.")
            continue
        first = expected.get(invoice.pk, Debt(invoice.gross_amount, invoice.due_on).late_from)
        if penalty.period_from != first:
            yield Finding(
                "I14",
                _named(penalty),
                f"It covers the days from {penalty.period_from}; the next day without interest is {first}.",
            )
        expected[invoice.pk] = penalty.period_to


@proves("I14", "Interest is what accrued on the open amount, less what was booked before")
def interest_is_what_accrued() -> Iterator[Finding]:
    """Computed again from terms, reference rates, and what was allocated and contested when it was assessed."""
    references = list(ReferenceRate.objects.values_list("valid_from", "percent"))
    settled: dict[int, list[Allocation]] = defaultdict(list)
    late = Penalty.objects.filter(kind=PenaltyKind.INTEREST).values("invoice")
    for allocation in Allocation.objects.filter(invoice__in=late).order_by("pk"):
        settled[allocation.invoice_id].append(allocation)
    debts = LateDebts(Invoice.objects.filter(pk__in=late))
    booked: dict[int, Decimal] = defaultdict(lambda: ZERO)
    for penalty in _interest():
        invoice = penalty.invoice
        if invoice is None or invoice.due_on is None:
            continue
        known = [each for each in settled[invoice.pk] if each.allocated_at <= penalty.assessed_at]
        debt = debts.of(invoice, known, at=penalty.assessed_at)
        term = next((term for term in terms_of(penalty.contract_version) if isinstance(term, LatePayment)), None)
        try:
            rates = [] if term is None else yearly_rates(term, references, debt.late_from, penalty.period_to)
        except BillingError as missing:
            yield Finding("I14", _named(penalty), missing.message)
            continue
        due = late_interest(debt, rates, penalty.period_to, booked[invoice.pk], invoice.currency).amount
        if due != penalty.amount:
            yield Finding("I14", _named(penalty), f"It is {penalty.amount}; computed again it is {due}.")
        booked[invoice.pk] += penalty.amount


def _interest() -> Iterator[Penalty]:
    rows = Penalty.objects.filter(kind=PenaltyKind.INTEREST).select_related("invoice", "contract_version")
    return rows.order_by("invoice", "period_from", "pk").iterator(chunk_size=2000)


@proves("I10", "A penalty is billed at most once, as it was assessed")
def billed_as_assessed() -> Iterator[Finding]:
    """Its line has its amount and kind of document and its contract; each line of a penalty has its penalty; nothing
    is billed twice for the same session or document and days."""
    billed = Penalty.objects.filter(line__isnull=False).select_related("line__invoice")
    for penalty in billed.iterator(chunk_size=2000):
        line = penalty.line
        if line is None:
            continue
        net = -line.net_amount if penalty.kind == PenaltyKind.UPTIME else line.net_amount
        if net != penalty.amount:
            yield Finding("I10", _named(penalty), f"It is {penalty.amount}; its line says {net}.")
        if line.contract_id != penalty.contract_id:
            yield Finding("I10", _named(penalty), "It is billed under another contract.")
    own = Penalty.objects.filter(line=OuterRef("pk"))
    before = ReleasedPenalty.objects.filter(line=OuterRef("pk"))
    lines = InvoiceLine.objects.filter(
        ~Exists(own), ~Exists(before), kind__in=[LineKind.PENALTY, LineKind.UPTIME_CREDIT]
    )
    for line in lines.select_related("invoice").order_by("pk"):
        yield Finding("I10", f"document {line.invoice}", f"Line {line.position} bills a penalty that is not there.")
    twice = (
        Penalty.objects.filter(~cancelled("line__invoice"), line__isnull=False)
        .exclude(kind__in=[PenaltyKind.UPTIME, PenaltyKind.FAILED_PAYMENT])
        .order_by()
        .values("kind", "contract__number", "session__provider_ref", "invoice__number", "period_from")
        .annotate(times=Count("pk"))
        .filter(times__gt=1)
    )
    for row in twice:
        about = row["session__provider_ref"] or row["invoice__number"] or row["contract__number"]
        yield Finding("I10", f"{row['kind']} {about}", f"It is billed {row['times']} times; credit one document.")


@proves("I18", "Penalties were waived by a second person, and are on no document")
def waived_by_second_person() -> Iterator[Finding]:
    """A waived penalty names who asked and who granted, two people."""
    alone = Q(waived_by__isnull=True) | Q(asked_by__isnull=True) | Q(waived_by=F("asked_by"))
    waived = Penalty.objects.filter(state=PenaltyState.WAIVED).order_by("pk")
    for penalty in waived.filter(alone):
        yield Finding("I18", _named(penalty), "It was not waived by a second person.")
    for penalty in waived.filter(line__isnull=False):
        yield Finding("I18", _named(penalty), "It was waived, but stands on a document.")
