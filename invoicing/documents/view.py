"""What a document shows, finished: the caller computes, the renderer only sets it in type.

A view is frozen and holds no model, so the same view always gives the same bytes. Amounts are Decimals in the major
unit of the document's currency with at most its minor digits, energy is in Wh, durations are in seconds, and instants
carry the zone in which they are to be read (the site's). Every text comes in the document's language. `check_view`
refuses a view whose figures do not add up (invariant I7), so nothing wrong can be put on paper.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import add, require_minor
from evbilling.shell.paper.letterhead import BankAccount, Letterhead, PartyBlock

MAX_LINES = 2_000
"""Lines on a document: beyond it the caller sums up (per site, tariff or cost centre)."""
MAX_ANNEX_ROWS = 25_000
"""Sessions in the annex: beyond it the annex goes out as CSV or XLSX only."""


class DocumentError(BillingError):
    """A document cannot be made from this view."""

    code = "document_error"


class DocumentTooLarge(DocumentError):
    """More lines or sessions than a document can show."""

    code = "document_too_large"

    def __init__(self, number: str, what: str, count: int, limit: int) -> None:
        super().__init__(
            f"{number}: {count} {what} are more than a document can show ({limit}). "
            "Sum them up by site or cost centre, or send them as a CSV file."
        )


class DocumentDoesNotAddUp(DocumentError):
    """Two figures of one document contradict each other (invariant I7)."""

    code = "document_does_not_add_up"

    def __init__(self, number: str, what: str, shown: Decimal | int, computed: Decimal | int) -> None:
        super().__init__(f"{number}: {what} is given as {shown} but its parts add up to {computed}. Recompute it.")


class Kind(StrEnum):
    """What the document is; it decides the words on it."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    SETTLEMENT = "settlement"  # self-billed by the operator for a property owner (UNTDID 1001 code 389)
    STATEMENT = "statement"  # the same for an owner who is no taxable person: no tax, no self-billed invoice
    FEE_NOTE = "fee_note"
    ADVANCE = "advance"
    RECEIPT = "receipt"


class PaymentMethod(StrEnum):
    """How the amount of the document is paid."""

    TRANSFER = "transfer"  # the recipient sends a bank transfer: account, reference and, in EUR, the QR code
    DIRECT_DEBIT = "direct_debit"  # we collect it: `text` carries the pre-notification
    CARD = "card"
    PAID = "paid"  # `text` says how and when
    PAYOUT = "payout"  # we pay the recipient
    NONE = "none"  # nothing to pay, for example a credit set off against an invoice


@dataclass(frozen=True, slots=True)
class References:
    """What the recipient's accounting files the document by; `more` are further (label, value) pairs."""

    customer_no: str = ""
    contract_no: str = ""
    purchase_order: str = ""
    cost_centre: str = ""
    original_document: str = ""  # number and date of what a credit note credits
    replaced_document: str = ""  # number and date of the cancelled document in whose place this one is
    more: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line of page one. `sessions` and `energy_wh` are None where they mean nothing (a fee, a discount).

    `gross_amount` is set on documents whose prices include tax, on all lines or on none.
    """

    label: str
    net_amount: Decimal
    text: str = ""
    sessions: int | None = None
    energy_wh: int | None = None
    gross_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LineGroup:
    """Lines of one cost centre, vehicle, site or contract with their subtotal; an empty label means: ungrouped."""

    lines: tuple[Line, ...]
    net_amount: Decimal
    label: str = ""
    gross_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class TaxRow:
    """Tax of one rate or ground: label such as "VAT 19 %" or "Reverse charge"."""

    label: str
    net_amount: Decimal
    tax_amount: Decimal
    gross_amount: Decimal


@dataclass(frozen=True, slots=True)
class PaymentBlock:
    """How it is paid. `pay_url` is the signed link to pay without login, `text` a whole sentence or several."""

    method: PaymentMethod
    reference: str = ""
    text: str = ""
    bank: BankAccount | None = None
    pay_url: str = ""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session of the annex; `because` says in one sentence how its price came about."""

    session_ref: str
    started_at: datetime
    site: str
    station: str
    vehicle: str
    energy_wh: int
    duration_s: int
    amount: Decimal
    idle_s: int = 0
    driver: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True)
class AnnexSection:
    """Sessions of one group, with the group's sum; an empty label means: not grouped."""

    rows: tuple[SessionRow, ...]
    amount: Decimal
    label: str = ""


@dataclass(frozen=True, slots=True)
class DocumentView:
    """One document, ready to set. `supply_to` is the last day itself. `title` overrides the kind's own word.

    `introduction` stands above the lines, `remarks` are about them and stand right below, `closing` and `notes` end the
    page; `mail_text` is the operator's sentence in the mail that carries the document.
    """

    kind: Kind
    number: str
    issued_on: date
    language: str
    currency: str
    issuer: PartyBlock
    recipient: PartyBlock
    letterhead: Letterhead
    groups: tuple[LineGroup, ...]
    tax_rows: tuple[TaxRow, ...]
    net_amount: Decimal
    tax_amount: Decimal
    total_amount: Decimal
    amount_due: Decimal
    due_on: date | None = None
    supply_from: date | None = None
    supply_to: date | None = None
    paid_amount: Decimal = Decimal(0)
    references: References = field(default_factory=References)
    payment: PaymentBlock | None = None
    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    annex: tuple[AnnexSection, ...] = ()
    annex_amount_label: str = ""
    title: str = ""
    draft: bool = False
    introduction: str = ""
    closing: str = ""
    mail_text: str = ""

    @property
    def prices_with_tax(self) -> bool:
        """Whether the lines show prices that include tax."""
        return any(group.gross_amount is not None for group in self.groups)

    @property
    def annex_rows(self) -> int:
        """Sessions in the annex."""
        return sum(len(section.rows) for section in self.annex)


def check_view(view: DocumentView) -> None:
    """Refuse a view that is too large or whose figures contradict each other.

    Raises DocumentTooLarge, DocumentDoesNotAddUp, or MoneyError for a float or a fraction of the minor unit.
    """
    lines = sum(len(group.lines) for group in view.groups)
    if lines > MAX_LINES:
        raise DocumentTooLarge(view.number, "lines", lines, MAX_LINES)
    if view.annex_rows > MAX_ANNEX_ROWS:
        raise DocumentTooLarge(view.number, "sessions", view.annex_rows, MAX_ANNEX_ROWS)
    for group in view.groups:
        _same(
            view,
            f"the subtotal of {group.label or 'the lines'}",
            group.net_amount,
            *(line.net_amount for line in group.lines),
        )
    if view.prices_with_tax:
        _check_gross(view)
    _same(view, "the net total", view.net_amount, *(group.net_amount for group in view.groups))
    _same(view, "the net total", view.net_amount, *(row.net_amount for row in view.tax_rows))
    _same(view, "the tax", view.tax_amount, *(row.tax_amount for row in view.tax_rows))
    for row in view.tax_rows:
        _same(view, f"the gross of {row.label}", row.gross_amount, row.net_amount, row.tax_amount)
    _same(view, "the total", view.total_amount, view.net_amount, view.tax_amount)
    _same(view, "the amount due", view.amount_due, view.total_amount, -view.paid_amount)
    for section in view.annex:
        _same(
            view,
            f"the annex sum of {section.label or 'all sessions'}",
            section.amount,
            *(r.amount for r in section.rows),
        )


def _check_gross(view: DocumentView) -> None:
    """Lines with tax add up to their groups' and these to the total."""
    for group in view.groups:
        grosses = (line.gross_amount or Decimal(0) for line in group.lines)
        what = f"the subtotal with tax of {group.label or 'the lines'}"
        _same(view, what, group.gross_amount or Decimal(0), *grosses)
    _same(view, "the total", view.total_amount, *(group.gross_amount or Decimal(0) for group in view.groups))


def _same(view: DocumentView, what: str, shown: Decimal, *parts: Decimal) -> None:
    require_minor(shown, view.currency, field=what)
    computed = add(parts)
    if shown != computed:
        raise DocumentDoesNotAddUp(view.number, what, shown, computed)
