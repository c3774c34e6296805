"""What is open on a day, per party, with its age; and money of others that we hold."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import CLAIMS, AccountRole, Allocation, Invoice, InvoiceKind, InvoiceState, JournalLine
from invoicing.queries.accounting.report import Column, Report, Row, Section, Text, summed
from invoicing.queries.aging import BUCKETS, bucket_of
from invoicing.queries.documents import CREDIT_PREFIX

TOTAL = _("Total")
_AGES: tuple[tuple[str, Text], ...] = (
    ("not_due", _("not due")),
    ("to_30", _("1 to 30 days")),
    ("to_60", _("31 to 60 days")),
    ("to_90", _("61 to 90 days")),
    ("over", _("over 90 days")),
)
OPEN = (
    Column("party", _("party")),
    Column("number", _("document")),
    Column("kind", _("kind")),
    Column("issued", _("issued on"), "day"),
    Column("due", _("due on"), "day"),
    Column("days", _("days overdue"), "number"),
    *(Column(key, label, "money", adds=True) for key, label in _AGES),
    Column("open", _("open"), "money", adds=True),
)
CREDITS = (
    Column("party", _("party")),
    Column("number", _("document")),
    Column("issued", _("issued on"), "day"),
    Column("open", _("open"), "money", adds=True),
)
HELD = (
    Column("account", _("account")),
    Column("name", _("name")),
    Column("party", _("party")),
    Column("held", _("held"), "money", adds=True),
)
HELD_ROLES = (AccountRole.ADVANCE_RECEIVED, AccountRole.DEPOSIT_HELD, AccountRole.CUSTOMER_CREDIT)


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An issued document and what of it is open on a day; a credit note's rest is what its party can still use."""

    invoice: Invoice
    amount: Decimal

    @property
    def host_side(self) -> bool:
        """Whether it is about what we owe a host: a settlement, or a credit note on one."""
        about = self.invoice.corrects if self.invoice.kind == InvoiceKind.CREDIT_NOTE else self.invoice
        return about is not None and about.kind == InvoiceKind.SETTLEMENT

    @property
    def is_credit(self) -> bool:
        """Whether it lowers what the party owes (or is owed)."""
        return self.invoice.kind == InvoiceKind.CREDIT_NOTE


def open_documents(operator: Operator, *, on: dt.date, currency: str = "") -> list[OpenItem]:
    """All documents issued by a day that are not settled at its end, by party and due date. Three queries."""
    rows = Invoice.objects.filter(operator=operator, state=InvoiceState.ISSUED, issued_on__lte=on)
    settled = Allocation.objects.filter(invoice__operator=operator, allocated_on__lte=on)
    if currency:
        rows, settled = rows.filter(currency=currency), settled.filter(currency=currency)
    onto = dict(_sums(settled, "invoice_id"))
    used = {
        int(str(source).removeprefix(CREDIT_PREFIX)): total
        for source, total in _sums(settled.filter(source__startswith=CREDIT_PREFIX), "source")
    }
    found = []
    documents = rows.select_related("party", "corrects").defer("issuer_details", "recipient_details")
    for invoice in documents.order_by("party__legal_name", "due_on", "pk").iterator(chunk_size=2000):
        taken = (used if invoice.kind == InvoiceKind.CREDIT_NOTE else onto).get(invoice.pk, ZERO)
        left = quantise(invoice.gross_amount - taken, invoice.currency)
        if left:
            found.append(OpenItem(invoice, left))
    return found


def _sums(rows: QuerySet[Allocation], key: str) -> QuerySet[Allocation, tuple[object, Decimal]]:
    return rows.order_by().values_list(key).annotate(total=amount_sum("amount"))


def open_items(operator: Operator, *, on: dt.date, currency: str = "") -> Report:
    """Claims by age and party, unused credit notes, settlements to pay, per currency, at the end of a day."""
    items = open_documents(operator, on=on, currency=currency)
    sections = []
    for code in sorted({item.invoice.currency for item in items}):
        of_code = [item for item in items if item.invoice.currency == code]
        claims = [item for item in of_code if item.invoice.kind in CLAIMS]
        rows = [_aged(item, on) for item in claims]
        sections.append(Section(_("Claims on customers"), code, OPEN, rows, totals=summed(OPEN, rows, TOTAL)))
        for title, chosen in (
            (_("Credit notes not used"), [item for item in of_code if item.is_credit and not item.host_side]),
            (_("Settlements to pay"), [item for item in of_code if item.invoice.kind == InvoiceKind.SETTLEMENT]),
            (_("Credits on settlements"), [item for item in of_code if item.is_credit and item.host_side]),
        ):
            lines = [
                Row(
                    (item.invoice.party.legal_name, str(item.invoice), item.invoice.issued_on, item.amount),
                    ("invoice", item.invoice.pk),
                )
                for item in chosen
            ]
            if lines:
                sections.append(Section(title, code, CREDITS, lines, totals=summed(CREDITS, lines, TOTAL)))
    return Report("open-items", _("Open items"), on.isoformat(), sections)


def _aged(item: OpenItem, on: dt.date) -> Row:
    invoice = item.invoice
    days = (on - invoice.due_on).days if invoice.due_on else 0
    ages = tuple(item.amount if index == bucket_of(days) else None for index in range(len(BUCKETS)))
    head = (invoice.party.legal_name, str(invoice), invoice.get_kind_display(), invoice.issued_on, invoice.due_on)
    return Row((*head, max(days, 0), *ages, item.amount), ("invoice", invoice.pk))


def deferred(operator: Operator, *, on: dt.date, currency: str = "") -> Report:
    """Money of others at the end of a day: advance payments, deposits, unallocated money, per party. One query."""
    lines = JournalLine.objects.filter(
        entry__operator=operator, entry__booked_on__lte=on, account__role__in=HELD_ROLES
    ).filter(Q(entry__currency=currency) if currency else Q())
    sums = (
        lines.order_by("entry__currency", "account__code", "party__legal_name")
        .values_list("entry__currency", "account_id", "account__code", "account__name", "party__legal_name")
        .annotate(total=amount_sum("amount"))
    )
    found: dict[str, list[Row]] = defaultdict(list)
    for code, pk, number, name, party, total in sums:
        held = quantise(-total, code)
        if held:
            found[code].append(Row((number, name, party or "", held), ("account", pk)))
    sections = [
        Section(_("Money of others"), code, HELD, rows, totals=summed(HELD, rows, TOTAL))
        for code, rows in sorted(found.items())
    ]
    return Report("deferred", _("Deferred amounts"), on.isoformat(), sections)
