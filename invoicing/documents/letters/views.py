"""What a letter shows, finished: the caller computes, `pdf` only sets it in type.

As with `DocumentView` a view is frozen and holds no model, so the same view always gives the same bytes. Amounts are
Decimals in the major unit of the currency with at most its minor digits, energy is in Wh, days are counted whole.
Texts come in the letter's language; words that belong to the letter itself are the renderer's. `check_letter` refuses
a view whose figures contradict each other, so nothing wrong can be put on paper.
"""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from evbilling.kernel.money import add, require_minor
from evbilling.shell.paper.letterhead import BankAccount, Letterhead, PartyBlock
from invoicing.documents.view import DocumentDoesNotAddUp, DocumentTooLarge, References

MAX_ROWS = 25_000
"""Rows of one list of a letter: beyond it the caller sums up or sends a file."""

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterView:
    """What every letter has. `introduction` and `closing` are the operator's own sentences; empty ones are left out."""

    language: str
    currency: str
    dated_on: date
    issuer: PartyBlock
    letterhead: Letterhead
    recipient: PartyBlock
    references: References = field(default_factory=References)
    introduction: str = ""
    closing: str = ""


@dataclass(frozen=True, slots=True)
class OverdueItem:
    """One overdue document. `contested_amount` is the part of the open amount that is disputed and not asked for."""

    number: str
    issued_on: date
    due_on: date
    days_overdue: int
    total_amount: Decimal
    open_amount: Decimal
    contested_amount: Decimal = _ZERO

    @property
    def asked_amount(self) -> Decimal:
        """What the notice asks for."""
        return self.open_amount - self.contested_amount


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeView(LetterView):
    """A reminder of overdue documents, level 1 the friendliest; `last` says that no further one follows.

    `sum_amount` is what the items ask for plus `fee_amount`. A fee that comes on a fee note of its own stays out of
    both and is announced by `fee_text`; `interest_text` says how interest accrues until payment.
    """

    level: int
    items: tuple[OverdueItem, ...]
    sum_amount: Decimal
    pay_by_on: date
    reference: str
    fee_amount: Decimal = _ZERO
    fee_text: str = ""
    interest_text: str = ""
    bank: BankAccount | None = None
    pay_url: str = ""
    last: bool = False


class EntryKind(StrEnum):
    """What moved, or explains, a party's balance."""

    DOCUMENT = "document"  # an invoice, fee note or advance invoice: owed to us
    CREDIT = "credit"  # a credit note
    SETTLEMENT = "settlement"  # a self-billed document: owed by us
    PAYMENT = "payment"  # money received
    REFUND = "refund"  # money sent back or paid out
    ALLOCATION = "allocation"  # which money settles which document: moves nothing
    WRITE_OFF = "write_off"
    DEPOSIT = "deposit"  # money taken as security, or returned from it
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One dated entry. Debit raises what the party owes, credit lowers it; `balance_amount` is what stands after it.

    An allocation has neither and the balance of the entry before it; its `text` says what settled what.
    """

    on: date
    kind: EntryKind
    reference: str
    balance_amount: Decimal
    debit_amount: Decimal = _ZERO
    credit_amount: Decimal = _ZERO
    text: str = ""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A document that is not settled on the closing day; `days_overdue` is 0 or less before it is due."""

    number: str
    issued_on: date
    due_on: date
    days_overdue: int
    total_amount: Decimal
    open_amount: Decimal


@dataclass(frozen=True, slots=True)
class AgingSum:
    """Open amounts overdue by `from_days` to `to_days`, both included; (None, 0) is what is not due yet."""

    from_days: int | None
    to_days: int | None
    open_amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView(LetterView):
    """The account of one party in one currency from `from_on` to `to_on`, both included.

    A positive balance is owed by the party, a negative one is its credit. `open_items` are those of the closing day;
    `aging` sorts them; `credit_amount` is money kept that settles nothing yet.
    """

    from_on: date
    to_on: date
    opening_amount: Decimal
    entries: tuple[StatementEntry, ...]
    closing_amount: Decimal
    open_items: tuple[OpenItem, ...] = ()
    aging: tuple[AgingSum, ...] = ()
    credit_amount: Decimal = _ZERO
    bank: BankAccount | None = None
    pay_url: str = ""


@dataclass(frozen=True, slots=True)
class SettledItem:
    """A document that the payment settled, by how much, and what is left open on it."""

    number: str
    issued_on: date
    total_amount: Decimal
    paid_amount: Decimal
    left_amount: Decimal = _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptView(LetterView):
    """Money received: `method` in words ("Visa •••• 4242"), `number` the payment's own, `reference` the payer's.

    What settles no document stays as the party's credit.
    """

    number: str
    paid_on: date
    amount: Decimal
    method: str
    reference: str = ""
    items: tuple[SettledItem, ...] = ()
    credit_amount: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class FateSum:
    """What became of so many sessions; `amounts` are their net prices, one (currency, amount) per currency."""

    label: str
    sessions: int
    energy_wh: int
    amounts: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class ContractResult:
    """What a billing run made of one contract; without a document, `document` is empty and `text` says why."""

    contract_no: str
    party: str
    result: str
    currency: str
    document: str = ""
    sessions: int = 0
    energy_wh: int = 0
    net_amount: Decimal = _ZERO
    tax_amount: Decimal = _ZERO
    gross_amount: Decimal = _ZERO
    text: str = ""
    failed: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """Documents of a run in one currency and, where they differ, of one `kind`: what we are owed and what we owe."""

    currency: str
    documents: int
    net_amount: Decimal
    tax_amount: Decimal
    gross_amount: Decimal
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView(LetterView):
    """The completeness report of a billing run, from `from_on` to `to_on`, both included; it stays in the house.

    `sessions_in` = the sum of `fates` (billed, held, excluded, late, still waiting), to the kWh and cent. `facts` are
    (label, value) of the run: who started and approved it, when. `remarks` are whole sentences, such as the result of
    the checks of the books.
    """

    title: str
    from_on: date
    to_on: date
    facts: tuple[tuple[str, str], ...]
    sessions_in: FateSum
    fates: tuple[FateSum, ...]
    totals: tuple[CurrencyTotal, ...]
    contracts: tuple[ContractResult, ...]
    remarks: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[ContractResult, ...]:
        """The contracts that could not be billed."""
        return tuple(row for row in self.contracts if row.failed)


def check_letter(view: LetterView) -> None:
    """Refuse a letter that is too long or whose figures contradict each other.

    Raises DocumentTooLarge, DocumentDoesNotAddUp, or MoneyError for a float or a fraction of the minor unit.
    """
    match view:
        case NoticeView():
            _check_notice(view)
        case StatementView():
            _check_statement(view)
        case ReceiptView():
            _check_receipt(view)
        case ReportView():
            _check_report(view)


def _check_notice(view: NoticeView) -> None:
    _limit(view.reference, "documents", len(view.items))
    for item in view.items:
        _minor(item.total_amount, view.currency, f"the total of {item.number}")
        _minor(item.contested_amount, view.currency, f"the contested part of {item.number}")
    asked = (item.asked_amount for item in view.items)
    _same(view.reference, view.currency, "the sum to pay", view.sum_amount, *asked, view.fee_amount)


def _check_statement(view: StatementView) -> None:
    name = f"{view.from_on} - {view.to_on}"
    _limit(name, "entries", len(view.entries))
    _limit(name, "open documents", len(view.open_items))
    balance = view.opening_amount
    for entry in view.entries:
        what = f"the balance after {entry.reference or entry.text}"
        _same(name, view.currency, what, entry.balance_amount, balance, entry.debit_amount, -entry.credit_amount)
        balance = entry.balance_amount
    _same(name, view.currency, "the closing balance", view.closing_amount, balance)
    if view.aging:
        opened = add(item.open_amount for item in view.open_items)
        _same(name, view.currency, "what is open", opened, *(each.open_amount for each in view.aging))


def _check_receipt(view: ReceiptView) -> None:
    _limit(view.number, "documents", len(view.items))
    settled = (item.paid_amount for item in view.items)
    _same(view.number, view.currency, "the payment", view.amount, *settled, view.credit_amount)


def _check_report(view: ReportView) -> None:
    name = view.title
    _limit(name, "contracts", len(view.contracts))
    whole = view.sessions_in
    _count(name, "the sessions", whole.sessions, sum(row.sessions for row in view.fates))
    _count(name, "the energy in Wh", whole.energy_wh, sum(row.energy_wh for row in view.fates))
    amounts = [pair for row in view.fates for pair in row.amounts]
    for currency in {pair[0] for pair in (*amounts, *whole.amounts)}:
        given = add(amount for code, amount in whole.amounts if code == currency)
        _same(name, currency, f"the price in {currency}", given, *(part for code, part in amounts if code == currency))
    for total in view.totals:
        same = (total.currency, total.kind)
        rows = [row for row in view.contracts if row.document and (row.currency, row.kind) == same]
        for what in ("net_amount", "tax_amount", "gross_amount"):
            parts = (getattr(row, what) for row in rows)
            _same(name, total.currency, f"{what} in {total.currency}", getattr(total, what), *parts)
        _same(name, total.currency, "the gross total", total.gross_amount, total.net_amount, total.tax_amount)


def _limit(name: str, what: str, count: int) -> None:
    if count > MAX_ROWS:
        raise DocumentTooLarge(name, what, count, MAX_ROWS)


def _minor(amount: Decimal, currency: str, what: str) -> None:
    require_minor(amount, currency, field=what)


def _same(name: str, currency: str, what: str, shown: Decimal, *parts: Decimal) -> None:
    _minor(shown, currency, what)
    computed = add(parts)
    if shown != computed:
        raise DocumentDoesNotAddUp(name, what, shown, computed)


def _count(name: str, what: str, shown: int, computed: int) -> None:
    if shown != computed:
        raise DocumentDoesNotAddUp(name, what, shown, computed)
