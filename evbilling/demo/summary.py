"""What the sample year came to: counted from the books, never from what was intended."""

from dataclasses import asdict, dataclass
from decimal import Decimal

from contracts.models import Operator
from evbilling.demo.company import CURRENCY
from evbilling.demo.sample import Sample
from evbilling.kernel.books import check_books
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import quantise
from invoicing.models import (
    BilledCharge,
    ChargeUse,
    Delivery,
    DeliveryState,
    Document,
    DocumentKind,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    LineKind,
    Penalty,
    PenaltyKind,
    PenaltyState,
)
from invoicing.queries.completeness import completeness
from payments.models import PaymentEvent


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
    fee_notes: int
    drafts: int
    documents: int
    mails: int
    penalties_billed: int
    penalties_asked: int
    penalties_waived: int
    uptime_credited: Decimal
    allowances: Decimal
    invoiced_amount: Decimal
    paid_amount: Decimal
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
    """Count sessions, documents, mails and money, and check the books."""
    months = [completeness(operator, month) for month in sample.months]
    issued = Invoice.objects.filter(operator=operator, state=InvoiceState.ISSUED)
    invoices = issued.filter(kind=InvoiceKind.INVOICE)
    gross = invoices.aggregate(total=amount_sum("gross_amount"))["total"] or Decimal(0)
    paid = PaymentEvent.objects.filter(kind="captured").aggregate(total=amount_sum("amount"))["total"] or Decimal(0)
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
        fee_notes=issued.filter(kind=InvoiceKind.FEE_NOTE).count(),
        drafts=Invoice.objects.filter(operator=operator, state=InvoiceState.DRAFT).count(),
        documents=Document.objects.filter(kind=DocumentKind.PDF).count(),
        mails=Delivery.objects.filter(state=DeliveryState.SENT).count(),
        penalties_billed=owed.filter(line__invoice__state=InvoiceState.ISSUED).count(),
        penalties_asked=owed.filter(state=PenaltyState.WAIVER_ASKED).count(),
        penalties_waived=owed.filter(state=PenaltyState.WAIVED).count(),
        uptime_credited=_taken_off(operator, LineKind.UPTIME_CREDIT),
        allowances=_taken_off(operator, LineKind.ALLOWANCE),
        invoiced_amount=quantise(gross, CURRENCY),
        paid_amount=quantise(paid, CURRENCY),
        books_clean=not any(result.findings for result in check_books()),
        seconds=seconds,
    )


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
    ("fee_notes", "Fee notes (interest and flat fees)"),
    ("drafts", "Drafts left for you to issue"),
    ("documents", "PDF documents"),
    ("mails", "Mails to accountants"),
    ("penalties_billed", "Penalties billed"),
    ("penalties_asked", "  waiver waits for a second person"),
    ("penalties_waived", "  waived by two people"),
    ("uptime_credited", f"Credited for missed uptime ({CURRENCY})"),
    ("allowances", f"Included energy and discounts ({CURRENCY})"),
    ("invoiced_amount", f"Invoiced ({CURRENCY})"),
    ("paid_amount", f"Paid ({CURRENCY})"),
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
