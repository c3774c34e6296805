"""Files for the tax adviser: a month's bookings for DATEV, and the journal. Each export is on the audit trail.

An export marks nothing as exported: the trail is the list of exports made, each with its figures and SHA-256.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contracts.models import Operator, Party
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BadInput, NotFound, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.money import ZERO
from invoicing.models import (
    AccountRole,
    AccountRule,
    DatevSettings,
    Invoice,
    JournalEntry,
    JournalLine,
    PersonalAccount,
    PersonalKind,
)
from invoicing.operations.guards import require_right
from invoicing.queries.accounting import files
from invoicing.queries.accounting.ledger import journal, lines_of
from invoicing.queries.accounting.references import reference_of, references
from invoicing.queries.accounting.splits import Rate, RateSplit, rate_splits
from invoicing.rules.datev import (
    NO_AUTOMATIC,
    Header,
    Posting,
    Side,
    Voucher,
    batch,
    is_automatic_exact,
    merged,
    pairs,
)

DEBTOR_ROLES = (AccountRole.RECEIVABLE, AccountRole.SPONSOR_RECEIVABLE, AccountRole.CUSTOMER_CREDIT)
TAX_ROLES = (AccountRole.OUTPUT_TAX, AccountRole.INPUT_TAX)
CHARTS = {"skr03": "03", "skr04": "04"}
INVOICE = "invoice:"


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file as it was made. `entries` were booked, `rows` stand in it; `left_out` entries move no account there."""

    name: str
    content: bytes
    sha256: str
    entries: int
    rows: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Accounts:
    """What an operator's roles and parties are called in DATEV."""

    codes: dict[str, str]
    rules: dict[str, list[AccountRule]]
    personal: dict[tuple[str, int], int]
    length: int

    def of(self, role: str, rate: Rate | None = None) -> tuple[str, bool]:
        """(number, whether it reckons the tax itself). Raises BadInput for a number that DATEV cannot take."""
        rules = self.rules.get(role, []) if rate is not None else []
        for rule in rules:
            if rate is not None and rule.tax_category == rate[0] and rule.tax_rate in (rate[1], None):
                return self._number(rule.code), rule.automatic
        return self._number(self.codes[role]), False

    def party(self, kind: PersonalKind, party_id: int) -> str:
        """The personal account."""
        return str(self.personal[kind.value, party_id])

    def _number(self, code: str) -> str:
        require(
            code.isdecimal() and len(code) <= self.length,
            BadInput(
                "code",
                code,
                _("Accounts in DATEV have %(length)s digits; change it under Set-up > Accounts.")
                % {"length": self.length},
            ),
        )
        return code.ljust(self.length, "0")


def export_datev(*, operator_id: int, period: Period, currency: str, by: User | None, at: dt.datetime) -> ExportFile:
    """The bookings of a period in one currency as a DATEV Buchungsstapel (rules/datev.py has the format).

    Parties get their personal account numbers, which are kept. Money that settles nothing yet stands on the customer's
    own account, so that its allocation moves nothing and is left out. Raises NotAllowed, NotFound, WrongState without
    DATEV settings, BadInput for a period beyond one fiscal year, or an account number or a currency that DATEV cannot
    take.
    """
    require_right(by, "export_books")
    with transaction.atomic():
        operator = lock(Operator, operator_id)
        settings = DatevSettings.objects.filter(operator=operator).first()
        if settings is None:
            raise WrongState(
                _("%(operator)s has no DATEV settings; enter consultant and client number under Set-up.")
                % {"operator": operator}
            )
        fiscal_year = _fiscal_year(settings, period)
        entries: dict[int, list[JournalLine]] = defaultdict(list)
        for line in lines_of(operator, period, currency).iterator(chunk_size=5000):
            entries[line.entry_id].append(line)
        accounts = _accounts(operator, settings, entries.values())
        made = list(_postings(operator, period, currency, entries, accounts))
        header = Header(
            created_at=at,
            exported_by=str(by) if by else "evbilling",
            consultant_number=settings.consultant_number,
            client_number=settings.client_number,
            fiscal_year=fiscal_year,
            account_length=settings.account_length,
            first_day=period.start,
            last_day=period.last_day,
            title=f"evbilling {period.code} {currency}",
            currency=currency,
            chart=CHARTS.get(operator.chart, ""),
            is_final=settings.is_final,
        )
        content = batch(header, [pair for _entry, found in made for pair in found])
        file = ExportFile(
            name=f"EXTF_Buchungsstapel_{period.code}_{currency}.csv",
            content=content,
            sha256=sha256(content).hexdigest(),
            entries=len(entries),
            rows=sum(len(found) for _entry, found in made),
            left_out=sum(not found for _entry, found in made),
        )
        _record(what="datev", operator=operator, file=file, period=period, currency=currency, by=by, at=at)
    return file


def export_journal(
    *, operator_id: int, period: Period, currency: str, kind: str, by: User | None, at: dt.datetime
) -> ExportFile:
    """The journal of a period ("" for all currencies) as "csv" or "xlsx". Raises NotAllowed, NotFound, BadInput."""
    require_right(by, "export_books")
    require(kind in {"csv", "xlsx"}, BadInput("format", kind, _("Write csv or xlsx.")))
    with transaction.atomic():
        operator = _operator(operator_id)
        report = journal(operator, period, currency)
        content = files.as_csv(report) if kind == "csv" else files.as_xlsx(report)
        rows = [row for section in report.sections for row in section.rows]
        file = ExportFile(
            name=f"journal_{period.code}{'_' if currency else ''}{currency}.{kind}",
            content=content,
            sha256=sha256(content).hexdigest(),
            entries=len({row.about for row in rows}),
            rows=len(rows),
        )
        _record(what="journal", operator=operator, file=file, period=period, currency=currency, by=by, at=at)
    return file


def _postings(
    operator: Operator,
    period: Period,
    currency: str,
    entries: dict[int, list[JournalLine]],
    accounts: _Accounts,
) -> Iterator[tuple[JournalEntry, list[tuple[Posting, Voucher]]]]:
    """Each entry with its lines of the file."""
    sources = {pk: lines[0].entry.source for pk, lines in entries.items()}
    documents = {pk: int(source.removeprefix(INVOICE)) for pk, source in sources.items() if source.startswith(INVOICE)}
    issued = Invoice.objects.filter(
        operator=operator, currency=currency, issued_on__gte=period.start, issued_on__lt=period.end
    )
    booked: dict[int, dict[str, Decimal]] = {}
    for pk, invoice_id in documents.items():
        booked[invoice_id] = {line.account.role: line.amount for line in entries[pk]}
    splits = rate_splits(issued, booked)
    due = dict(issued.values_list("pk", "due_on"))
    found = references(operator, period, currency)
    for pk, lines in entries.items():
        entry = lines[0].entry
        reference = reference_of(entry.source, found)
        voucher = Voucher(entry.booked_on, reference, entry.text, due.get(documents.get(pk, 0)))
        sides = _sides(lines, splits.get(documents.get(pk, 0)), accounts, currency)
        yield entry, [(posting, voucher) for posting in pairs(merged(sides))]


def _sides(lines: Iterable[JournalLine], split: RateSplit | None, accounts: _Accounts, currency: str) -> Iterator[Side]:
    """An entry's lines on the accounts of the file; those of a document by tax rate."""
    split_roles = {role for role, _rate in split.nets} | {str(role) for role in TAX_ROLES} if split else set()
    for line in lines:
        role = line.account.role
        if line.party_id is not None and role in DEBTOR_ROLES:
            yield Side(accounts.party(PersonalKind.DEBTOR, line.party_id), line.amount)
        elif line.party_id is not None and role == AccountRole.HOST_PAYABLE:
            yield Side(accounts.party(PersonalKind.CREDITOR, line.party_id), line.amount)
        elif role not in split_roles:
            yield Side(accounts.of(role)[0], line.amount)
    if split is not None:
        tax_role = next((str(line.account.role) for line in lines if line.account.role in TAX_ROLES), None)
        for rate, tax in {**{rate: ZERO for _role, rate in split.nets}, **split.taxes}.items():
            yield from _at_rate(
                split=split, rate=rate, tax=tax, tax_role=tax_role, accounts=accounts, currency=currency
            )


def _at_rate(
    *, split: RateSplit, rate: Rate, tax: Decimal, tax_role: str | None, accounts: _Accounts, currency: str
) -> Iterator[Side]:
    """The nets of one rate and its tax: gross on one automatic account where that comes to our cents, else apart."""
    nets = [(role, net) for (role, at_rate), net in split.nets.items() if at_rate == rate]
    if len(nets) == 1:
        (role, net) = nets[0]
        number, automatic = accounts.of(role, rate)
        if automatic and is_automatic_exact(net, tax, rate[1], currency):
            yield Side(number, net + tax)
            return
    for role, net in nets:
        number, automatic = accounts.of(role, rate)
        yield Side(number, net, NO_AUTOMATIC if automatic else "")
    if tax and tax_role is not None:
        yield Side(accounts.of(tax_role, rate)[0], tax)


def _accounts(operator: Operator, settings: DatevSettings, entries: Iterable[Iterable[JournalLine]]) -> _Accounts:
    """With personal accounts for every party of these bookings; those that have none get the next number."""
    wanted: set[tuple[str, int]] = set()
    for lines in entries:
        for line in lines:
            if line.party_id is not None and line.account.role in DEBTOR_ROLES:
                wanted.add((PersonalKind.DEBTOR.value, line.party_id))
            elif line.party_id is not None and line.account.role == AccountRole.HOST_PAYABLE:
                wanted.add((PersonalKind.CREDITOR.value, line.party_id))
    rules: dict[str, list[AccountRule]] = defaultdict(list)
    for rule in AccountRule.objects.filter(account__operator=operator).select_related("account"):
        rules[rule.account.role].append(rule)
    for found in rules.values():
        found.sort(key=lambda rule: (rule.tax_rate is None, rule.pk))
    codes = dict(operator.accounts.values_list("role", "code"))
    return _Accounts(codes, rules, _personal(operator, settings, wanted), settings.account_length)


def _personal(operator: Operator, settings: DatevSettings, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
    given = PersonalAccount.objects.filter(operator=operator)
    known = {(kind, party): number for kind, party, number in given.values_list("kind", "party_id", "number")}
    starts = {
        PersonalKind.DEBTOR.value: (settings.debtors_from, settings.creditors_from),
        PersonalKind.CREDITOR.value: (settings.creditors_from, 10 ** (settings.account_length + 1)),
    }
    new: list[PersonalAccount] = []
    taken = set(known.values())
    for kind, (first, end) in starts.items():
        last = given.filter(number__gte=first, number__lt=end).aggregate(last=Max("number"))["last"]
        following = first if last is None else last + 1
        for party_id in (
            Party.objects.filter(
                pk__in=[party for of_kind, party in wanted if of_kind == kind and (kind, party) not in known]
            )
            .order_by("number")
            .values_list("pk", flat=True)
        ):
            while following in taken:
                following += 1
            require(
                following < end,
                WrongState(_("The range of personal accounts from %(first)s is used up.") % {"first": first}),
            )
            new.append(PersonalAccount(operator=operator, party_id=party_id, kind=kind, number=following))
            known[kind, party_id] = following
            taken.add(following)
    PersonalAccount.objects.bulk_create(new, batch_size=1000)
    return known


def _fiscal_year(settings: DatevSettings, period: Period) -> dt.date:
    year = period.start.year - (period.start.month < settings.fiscal_year_month)
    begin = dt.date(year, settings.fiscal_year_month, 1)
    require(
        period.end <= dt.date(year + 1, settings.fiscal_year_month, 1),
        BadInput("period", period.code, _("A DATEV file holds days of one fiscal year; export month by month.")),
    )
    return begin


def _operator(operator_id: int) -> Operator:
    operator = Operator.objects.filter(pk=operator_id).first()
    if operator is None:
        raise NotFound(_("There is no operator with the id %(id)s.") % {"id": operator_id})
    return operator


def _record(
    *, what: str, operator: Operator, file: ExportFile, period: Period, currency: str, by: User | None, at: dt.datetime
) -> None:
    changes: dict[str, Any] = {
        "period": period.code,
        "currency": currency or "*",
        "file": file.name,
        "sha256": file.sha256,
        "entries": file.entries,
        "rows": file.rows,
        "left_out": file.left_out,
    }
    record_audit(action=f"invoicing.export.{what}", obj=operator, by=by, at=at, changes=changes)
