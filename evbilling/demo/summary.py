"""What the sample year came to: counted from the books, never from what was intended."""

from dataclasses import asdict, dataclass
from decimal import Decimal

from contracts.models import Operator
from evbilling.demo.company import CURRENCY
from evbilling.demo.sample import Sample
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import quantise
from invoicing.models import (
    AccountingPeriod,
    BilledCharge,
    BillingRun,
    BooksCheck,
    ChargeUse,
    Correction,
    CorrectionKind,
    CorrectionState,
    Delivery,
    DeliveryState,
    Dispute,
    DisputeState,
    Document,
    DocumentKind,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    JournalEntry,
    Letter,
    LetterKind,
    LineKind,
    PaymentPromise,
    Penalty,
    PenaltyKind,
    PenaltyState,
)
from invoicing.queries.completeness import completeness
from payments.models import PaymentEvent, Refund, RefundState


@dataclass(frozen=True, slots=True)
class Summary:
    """The demo's closing table; amounts in the operator's currency. `drafted` are of `billed` on drafts still."""

    sessions_in: int
    billed: int
    drafted: int
    held: int
    excluded: int
    late: int
    invoices: int
    settlements: int
    advances: int
    credit_notes: int
    fee_notes: int
    drafts: int
    documents: int
    mails: int
    completeness_reports: int
    second_persons: int
    disputes_open: int
    disputes_decided: int
    written_off: Decimal
    refunds: int
    notices: int
    promises: int
    months_closed: int
    months_reopened: int
    journal_entries: int
    penalties_billed: int
    penalties_asked: int
    penalties_waived: int
    uptime_credited: Decimal
    allowances: Decimal
    invoiced_amount: Decimal
    credited_amount: Decimal
    paid_amount: Decimal
    books_checks: int
    books_clean: bool
    seconds: int

    @property
    def adds_up(self) -> bool:
        """Every session that came in is in exactly one list (I2)."""
        return self.sessions_in == self.billed + self.held + self.excluded + self.late

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return asdict(self)


def summarise(operator: Operator, sample: Sample, *, seconds: int) -> Summary:
    """Count sessions, documents, mails and money; the books are as the last kept check of them found."""
    months = [completeness(operator, month) for month in sample.months]
    issued = Invoice.objects.filter(operator=operator, state=InvoiceState.ISSUED)
    invoices = issued.filter(kind=InvoiceKind.INVOICE)
    gross = invoices.aggregate(total=amount_sum("gross_amount"))["total"] or Decimal(0)
    notes = issued.filter(kind=InvoiceKind.CREDIT_NOTE)
    credited = notes.aggregate(total=amount_sum("gross_amount"))["total"] or Decimal(0)
    paid = PaymentEvent.objects.filter(kind="captured").aggregate(total=amount_sum("amount"))["total"] or Decimal(0)
    last = BooksCheck.objects.order_by("-started_at", "-pk").first()
    sent, letters = Delivery.objects.filter(state=DeliveryState.SENT), Letter.objects.filter(operator=operator)
    disputes = Dispute.objects.filter(invoice__operator=operator)
    closed = AccountingPeriod.objects.filter(operator=operator)
    done = Correction.objects.filter(invoice__operator=operator, state=CorrectionState.DONE)
    lost = done.filter(kind=CorrectionKind.WRITE_OFF).aggregate(total=amount_sum("amount"))
    given_up = lost["total"] or Decimal(0)
    owed = Penalty.objects.filter(contract__operator=operator).exclude(kind=PenaltyKind.UPTIME)
    return Summary(
        sessions_in=sum(month.sessions_in for month in months),
        billed=sum(month.billed for month in months),
        drafted=_sessions_on_drafts(operator),
        held=sum(month.held for month in months),
        excluded=sum(month.excluded for month in months),
        late=sum(month.late for month in months),
        invoices=invoices.count(),
        settlements=issued.filter(kind=InvoiceKind.SETTLEMENT).count(),
        advances=issued.filter(kind=InvoiceKind.ADVANCE).count(),
        credit_notes=issued.filter(kind=InvoiceKind.CREDIT_NOTE).count(),
        fee_notes=issued.filter(kind=InvoiceKind.FEE_NOTE).count(),
        drafts=Invoice.objects.filter(operator=operator, state=InvoiceState.DRAFT).count(),
        documents=Document.objects.filter(kind=DocumentKind.PDF).count(),
        mails=sent.filter(letter=None).count(),
        completeness_reports=letters.filter(kind=LetterKind.RUN_REPORT, content_type="application/pdf").count(),
        second_persons=_approved_by_two(operator),
        disputes_open=disputes.filter(state=DisputeState.OPEN).count(),
        disputes_decided=disputes.exclude(state=DisputeState.OPEN).count(),
        written_off=quantise(given_up, CURRENCY),
        refunds=Refund.objects.filter(payment__operator=operator, state=RefundState.DONE).count(),
        notices=sent.filter(letter__kind=LetterKind.DUNNING_NOTICE).count(),
        promises=PaymentPromise.objects.filter(invoice__operator=operator, withdrawn_at=None).count(),
        months_closed=closed.filter(reopened_at=None).count(),
        months_reopened=closed.exclude(reopened_at=None).count(),
        journal_entries=JournalEntry.objects.filter(operator=operator).count(),
        penalties_billed=owed.filter(line__invoice__state=InvoiceState.ISSUED).count(),
        penalties_asked=owed.filter(state=PenaltyState.WAIVER_ASKED).count(),
        penalties_waived=owed.filter(state=PenaltyState.WAIVED).count(),
        uptime_credited=_taken_off(operator, LineKind.UPTIME_CREDIT),
        allowances=_taken_off(operator, LineKind.ALLOWANCE),
        invoiced_amount=quantise(gross, CURRENCY),
        credited_amount=quantise(credited, CURRENCY),
        paid_amount=quantise(paid, CURRENCY),
        books_checks=BooksCheck.objects.count(),
        books_clean=last is not None and not last.findings,
        seconds=seconds,
    )


def _approved_by_two(operator: Operator) -> int:
    """Month closes, credits, write-offs and refunds that a second person let go (I18)."""
    runs = BillingRun.objects.filter(operator=operator, needs_second=True, approved_by__isnull=False)
    done = Correction.objects.filter(invoice__operator=operator, needs_second=True, state=CorrectionState.DONE)
    refunds = Refund.objects.filter(payment__operator=operator, needs_second=True, state=RefundState.DONE)
    return runs.count() + done.count() + refunds.count()


def _sessions_on_drafts(operator: Operator) -> int:
    on_drafts = BilledCharge.objects.filter(
        use=ChargeUse.BILLED, line__invoice__operator=operator, line__invoice__state=InvoiceState.DRAFT
    )
    return on_drafts.values("charge__session").distinct().count()


def _taken_off(operator: Operator, kind: LineKind) -> Decimal:
    """What lines of a kind took off issued documents, net."""
    lines = InvoiceLine.objects.filter(kind=kind, invoice__operator=operator, invoice__state=InvoiceState.ISSUED)
    return quantise(-(lines.aggregate(total=amount_sum("net_amount"))["total"] or Decimal(0)), CURRENCY)


LABELS = (
    ("sessions_in", "Sessions in"),
    ("billed", "  billed"),
    ("drafted", "    of these on drafts"),
    ("held", "  held for the operator"),
    ("excluded", "  excluded with a reason"),
    ("late", "  late, billed with a later month"),
    ("invoices", "Invoices issued"),
    ("settlements", "Settlements with property owners"),
    ("advances", "Advance invoices, paid and set off"),
    ("credit_notes", "Credit notes"),
    ("fee_notes", "Fee notes (interest and flat fees)"),
    ("drafts", "Drafts left for you to issue"),
    ("documents", "PDF documents"),
    ("mails", "Mails to accountants"),
    ("completeness_reports", "Completeness reports of month closes"),
    ("second_persons", "Let go by a second person"),
    ("disputes_open", "Disputes that wait for your answer"),
    ("disputes_decided", "  decided"),
    ("written_off", f"Written off ({CURRENCY})"),
    ("refunds", "Refunds done"),
    ("notices", "Dunning notices mailed"),
    ("promises", "  promises to pay"),
    ("months_closed", "Months closed in the ledger"),
    ("months_reopened", "  opened again by two people"),
    ("journal_entries", "Journal entries to export"),
    ("penalties_billed", "Penalties billed"),
    ("penalties_asked", "  waiver waits for a second person"),
    ("penalties_waived", "  waived by two people"),
    ("uptime_credited", f"Credited for missed uptime ({CURRENCY})"),
    ("allowances", f"Included energy and discounts ({CURRENCY})"),
    ("invoiced_amount", f"Invoiced ({CURRENCY})"),
    ("credited_amount", f"  credited ({CURRENCY})"),
    ("paid_amount", f"Paid ({CURRENCY})"),
    ("books_checks", "Proofs of the books kept"),
    ("books_clean", "Books"),
    ("seconds", "Seconds"),
)


def as_table(summary: Summary) -> str:
    """For people."""
    lines = []
    for name, label in LABELS:
        value = getattr(summary, name)
        if name == "books_clean":
            shown = "clean" if value else "NOT CLEAN: see manage.py check_books"
        else:
            shown = f"{value:,}"
        lines.append(f"  {label:<36} {shown:>14}")
    return "\n".join(lines)
