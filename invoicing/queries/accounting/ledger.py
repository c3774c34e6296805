"""The ledger as an accountant reads it: journal, account sheet, trial balance."""

from collections import defaultdict
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from contracts.models import Operator
from evbilling.kernel.clock import Period
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import Account, JournalLine
from invoicing.queries.accounting.report import Column, Report, Row, Section, summed

DEBIT = Column("debit", pgettext_lazy("ledger", "debit"), "money", adds=True)
CREDIT = Column("credit", pgettext_lazy("ledger", "credit"), "money", adds=True)
TOTAL = _("Total")
JOURNAL = (
    Column("day", _("booked on"), "day"),
    Column("entry", _("entry"), "number"),
    Column("source", _("source")),
    Column("text", _("text")),
    Column("account", _("account")),
    Column("name", _("name")),
    Column("party", _("party")),
    DEBIT,
    CREDIT,
)
SHEET = (
    Column("day", _("booked on"), "day"),
    Column("entry", _("entry"), "number"),
    Column("source", _("source")),
    Column("text", _("text")),
    Column("party", _("party")),
    DEBIT,
    CREDIT,
    Column("balance", _("balance"), "money"),
)
TRIAL = (
    Column("account", _("account")),
    Column("name", _("name")),
    Column("opening", _("opening"), "money", adds=True),
    DEBIT,
    CREDIT,
    Column("closing", _("closing"), "money", adds=True),
)


def lines_of(operator: Operator, period: Period, currency: str = "") -> QuerySet[JournalLine]:
    """The journal lines booked in a period, in the order of booking."""
    rows = JournalLine.objects.filter(
        entry__operator=operator, entry__booked_on__gte=period.start, entry__booked_on__lt=period.end
    )
    if currency:
        rows = rows.filter(entry__currency=currency)
    return rows.select_related("entry", "account", "party").order_by("entry__booked_on", "entry_id", "pk")


def sides(amount: Decimal, currency: str) -> tuple[Decimal | None, Decimal | None]:
    """(debit, credit) of a signed amount; the other side is empty."""
    exact = quantise(amount, currency)
    return (exact, None) if exact >= 0 else (None, -exact)


def journal(operator: Operator, period: Period, currency: str = "") -> Report:
    """All bookings of a period, per currency. One query."""
    found: dict[str, list[Row]] = defaultdict(list)
    for line in lines_of(operator, period, currency).iterator(chunk_size=5000):
        entry = line.entry
        cells = (entry.booked_on, entry.pk, entry.source, entry.text, line.account.code, line.account.name)
        party = line.party.legal_name if line.party else ""
        both = sides(line.amount, entry.currency)
        found[entry.currency].append(Row((*cells, party, *both), ("journalentry", entry.pk)))
    sections = [
        Section(_("Journal"), code, JOURNAL, rows, totals=summed(JOURNAL, rows, TOTAL))
        for code, rows in sorted(found.items())
    ]
    return Report("journal", _("Journal"), period.code, sections)


def account_sheet(account: Account, period: Period, currency: str = "") -> Report:
    """One account with its running balance, per currency, from the balance before the period. Two queries."""
    before = JournalLine.objects.filter(account=account, entry__booked_on__lt=period.start)
    if currency:
        before = before.filter(entry__currency=currency)
    opening = {
        code: quantise(total, code)
        for code, total in before.order_by().values_list("entry__currency").annotate(total=amount_sum("amount"))
    }
    found: dict[str, list[Row]] = {code: [] for code in opening}
    balance = dict(opening)
    for line in lines_of(account.operator, period, currency).filter(account=account).iterator(chunk_size=5000):
        entry, code = line.entry, line.entry.currency
        balance[code] = quantise(balance.get(code, ZERO) + line.amount, code)
        party = line.party.legal_name if line.party else ""
        cells = (entry.booked_on, entry.pk, entry.source, entry.text, party, *sides(line.amount, code), balance[code])
        found.setdefault(code, []).append(Row(cells, ("journalentry", entry.pk)))
    sections = []
    for code, rows in sorted(found.items()):
        first = opening.get(code, quantise(ZERO, code))
        head = Row((period.start, None, "", str(_("Balance brought forward")), "", None, None, first), strong=True)
        totals = summed(SHEET, rows, TOTAL)[:-1] + (balance.get(code, first),)
        sections.append(Section(str(account), code, SHEET, [head, *rows], totals=totals))
    return Report("account", str(account), period.code, sections)


def trial_balance(operator: Operator, period: Period, currency: str = "") -> Report:
    """Opening, movement and closing of every account, per currency; each column of balances adds up to zero. One query.

    Debit balances are positive, credit balances negative.
    """
    rows = JournalLine.objects.filter(entry__operator=operator, entry__booked_on__lt=period.end)
    if currency:
        rows = rows.filter(entry__currency=currency)
    inside = Q(entry__booked_on__gte=period.start)
    sums = (
        rows.order_by("entry__currency", "account__code")
        .values_list("entry__currency", "account_id", "account__code", "account__name")
        .annotate(
            opening=amount_sum("amount", filter=~inside),
            debit=amount_sum("amount", filter=inside & Q(amount__gt=0)),
            credit=amount_sum("amount", filter=inside & Q(amount__lt=0)),
        )
    )
    found: dict[str, list[Row]] = defaultdict(list)
    for code, pk, number, name, *amounts in sums:
        opening, debit, credit = (quantise(amount or ZERO, code) for amount in amounts)
        cells = (number, name, opening, debit, -credit, opening + debit + credit)
        found[code].append(Row(cells, ("account", pk)))
    sections, findings = [], []
    for code, table in sorted(found.items()):
        totals = summed(TRIAL, table, TOTAL)
        sections.append(Section(_("Trial balance"), code, TRIAL, table, totals=totals))
        if totals[2] or totals[5]:
            findings.append(_("The balances in %(currency)s do not add up to zero.") % {"currency": code})
    return Report("trial-balance", _("Trial balance"), period.code, sections, findings)
