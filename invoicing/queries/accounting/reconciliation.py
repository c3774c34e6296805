"""Ledger = documents: what the accounts of parties hold against what is open on their documents, by party."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import ContractKind, Operator
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import (
    CLAIMS,
    AccountRole,
    Allocation,
    Invoice,
    InvoiceKind,
    InvoiceState,
    JournalLine,
)
from invoicing.queries.accounting.report import Column
from invoicing.queries.documents import CREDIT_PREFIX

PARTY_ROLES = (AccountRole.RECEIVABLE, AccountRole.SPONSOR_RECEIVABLE, AccountRole.HOST_PAYABLE)
DIFFERENCES = (
    Column("party", _("party")),
    Column("ledger", _("ledger"), "money", adds=True),
    Column("other", _("documents"), "money", adds=True),
    Column("difference", _("difference"), "money", adds=True),
)
Key = tuple[int, str, int, str]
"""Operator, role, party (0: none) and currency."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides of one account, one party and one currency; what customers owe and what we owe are positive."""

    operator_id: int
    role: AccountRole
    party_id: int
    currency: str
    ledger: Decimal
    documents: Decimal

    @property
    def difference(self) -> Decimal:
        """Zero in good books."""
        return self.ledger - self.documents


def ledger_balances(roles: tuple[AccountRole, ...], operator: Operator | None = None) -> dict[Key, Decimal]:
    """Balance per operator, role, party and currency; credit accounts count positive. One query."""
    lines = JournalLine.objects.filter(account__role__in=roles)
    if operator is not None:
        lines = lines.filter(account__operator=operator)
    sums = (
        lines.order_by()
        .values_list("account__operator_id", "account__role", "party_id", "entry__currency")
        .annotate(total=amount_sum("amount"))
    )
    return {
        (operator_id, role, party_id or 0, currency): total if role in _DEBIT else -total
        for operator_id, role, party_id, currency, total in sums
    }


_DEBIT = {AccountRole.RECEIVABLE.value, AccountRole.SPONSOR_RECEIVABLE.value}


def document_balances(operator: Operator | None = None) -> dict[Key, Decimal]:
    """What is open per operator, role, party and currency: claims (or settlements) less credit notes and money.

    A credit note settles a document without a booking: both sides of that stand here already. Two queries.
    """
    issued = Q(state=InvoiceState.ISSUED)
    invoices, settled = Invoice.objects.filter(issued), Allocation.objects.exclude(source__startswith=CREDIT_PREFIX)
    if operator is not None:
        invoices, settled = invoices.filter(operator=operator), settled.filter(invoice__operator=operator)
    found: dict[Key, Decimal] = defaultdict(lambda: ZERO)
    sums = (
        invoices.order_by()
        .values_list("operator_id", "party_id", "currency", "kind", "corrects__kind", "contract__kind")
        .annotate(total=amount_sum("gross_amount"))
    )
    for operator_id, party_id, currency, kind, corrected, contract, total in sums:
        role = _role(corrected or kind if kind == InvoiceKind.CREDIT_NOTE else kind, contract)
        found[operator_id, role, party_id, currency] += -total if kind == InvoiceKind.CREDIT_NOTE else total
    paid = (
        settled.order_by()
        .values_list(
            "invoice__operator_id", "invoice__party_id", "currency", "invoice__kind", "invoice__contract__kind"
        )
        .annotate(total=amount_sum("amount"))
    )
    for operator_id, party_id, currency, kind, contract, total in paid:
        found[operator_id, _role(kind, contract), party_id, currency] -= total
    return found


def _role(kind: str, contract: str) -> str:
    if kind not in CLAIMS:
        return AccountRole.HOST_PAYABLE.value
    sponsored = contract == ContractKind.SPONSORSHIP
    return (AccountRole.SPONSOR_RECEIVABLE if sponsored else AccountRole.RECEIVABLE).value


def compare(ledger: dict[Key, Decimal], documents: dict[Key, Decimal]) -> list[Comparison]:
    """Both sides side by side; pairs that are zero on both are left out."""
    found = []
    for key in sorted({*ledger, *documents}):
        operator_id, role, party_id, currency = key
        both = (quantise(side.get(key, ZERO), currency) for side in (ledger, documents))
        left, right = both
        if left or right:
            found.append(Comparison(operator_id, AccountRole(role), party_id, currency, left, right))
    return found


def party_balances(operator: Operator | None = None) -> list[Comparison]:
    """Receivables and payables of the ledger against the documents. Three queries."""
    return compare(ledger_balances(PARTY_ROLES, operator), document_balances(operator))
