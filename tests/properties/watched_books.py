"""Books under watch: what a refusal must leave as it was, and what must hold after each step."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Model
from hypothesis.stateful import RuleBasedStateMachine

from contracts.models import Contract, TariffVersion, TokenAssignment
from evbilling.access.models import User
from evbilling.kernel.books import check_books
from evbilling.kernel.errors import BillingError
from evbilling.kernel.models import AuditRecord, OutboxMessage
from invoicing.models import (
    AccountingPeriod,
    Allocation,
    BilledCharge,
    BillingRun,
    BillingRunItem,
    Correction,
    CreditedCharge,
    Deposit,
    Dispute,
    DunningStep,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    JournalEntry,
    JournalLine,
    NumberSeries,
    Penalty,
    ReleasedPenalty,
)
from invoicing.queries.documents import open_amount
from payments.models import Payment, Refund
from payments.queries import unallocated_amount
from sessions.models import ChargingSession, Hold, SessionCharge, SessionPrice
from tests.invoicing.month import AT, Month

WATCHED: tuple[type[Model], ...] = (
    ChargingSession, Hold, SessionPrice, SessionCharge, TariffVersion, TokenAssignment, Invoice, InvoiceLine,
    InvoiceTax, BilledCharge, CreditedCharge, Penalty, ReleasedPenalty, Correction, Dispute, Allocation, JournalEntry,
    JournalLine, NumberSeries, AccountingPeriod, Payment, Refund, Deposit, DunningStep, BillingRun, BillingRunItem,
    OutboxMessage, AuditRecord,
)  # fmt: skip
"""What a refused operation leaves as it was: rows, ledger, outbox, audit trail."""
CENT = Decimal("0.01")


def rows() -> list[object]:
    """All that is watched, as it stands."""
    return [list(model._default_manager.order_by("pk").values_list()) for model in WATCHED]


def part(amount: Decimal, percent: int) -> Decimal:
    """So much of an amount, at least a cent."""
    return max((amount * percent / 100).quantize(CENT), CENT)


class WatchedBooks(RuleBasedStateMachine):
    """One operator's books; `world` is set by the test that runs it, in its own transaction, and so are the counts."""

    world: tuple[Month, User, User]
    done: Counter[tuple[str, str]]
    refused: Counter[tuple[str, str, type[BillingError]]]

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.month, self.clerk, self.second = self.world
        self.now = AT
        self.made = 100

    def teardown(self) -> None:
        """The next example begins with the same world."""
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    def attempt(self, work: Callable[[], object], choice: str = "") -> None:
        """Do it; when it is refused nothing has changed, else the books are right.

        What changed something is counted by the rule that `work` is made in and its choice, what was refused by its
        error too.
        """
        rule, before, refused = work.__qualname__.split(".")[1], rows(), None
        try:
            work()
        except BillingError as error:
            refused = error
        if refused is None:
            self.prove()
            self.done[rule, choice] += rows() != before
        else:
            assert rows() == before, f"refused, but something changed: {refused}"
            self.refused[rule, choice, type(refused)] += 1

    def prove(self) -> None:
        """The checks of the books, and what must hold besides."""
        findings = [str(finding) for result in check_books() for finding in result.findings]
        assert findings == []
        for invoice in self.documents():
            assert 0 <= open_amount(invoice) <= invoice.gross_amount, invoice
        for payment in Payment.objects.all():
            assert 0 <= unallocated_amount(payment) <= payment.amount, payment

    def documents(self, **about: Any) -> list[Invoice]:
        """Issued documents but credit notes."""
        issued = Invoice.objects.filter(state=InvoiceState.ISSUED, **about)
        return list(issued.exclude(kind=InvoiceKind.CREDIT_NOTE).order_by("pk"))

    def payers(self) -> list[Contract]:
        """Who is billed or settled."""
        return [*self.month.contracts.values()]

    @property
    def by(self) -> dict[str, Any]:
        """Who does it, and when."""
        return {"by": self.clerk, "at": self.now}


def pick[T](found: Sequence[T], number: int) -> T:
    """One of them, by a number of any size."""
    return found[number % len(found)]


def sessions_of(invoice: Invoice) -> list[ChargingSession]:
    """The sessions that a document bills."""
    billed = BilledCharge.objects.filter(line__invoice=invoice)
    return list(ChargingSession.objects.filter(pk__in=billed.values("charge__session")).order_by("pk"))
