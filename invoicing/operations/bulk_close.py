"""Many plain contracts billed together: one transaction with shared reads and bulk writes, by the rules of one.

A contract is plain when its month is one document of its own that needs no look at anything before: no billing group,
no parts, no smallest invoice, no penalty that waits for a document, no advance payment, no document of this month yet.
The others go one by one (runs.py), and so does everything in a chunk in which anything goes wrong: its transaction is
rolled back, numbers and all (I9, I17). Here is only the order of work; lines, tax, totals, numbers and bookings are
made by the functions that make them for one document.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import Contract, ContractKind, ContractTerm, ContractVersion, DocumentSplit
from contracts.queries import Timeline, versions_of_all
from evbilling.kernel.bulk import check_references, insert_all, save_all
from evbilling.kernel.clock import Period, start_of_day
from evbilling.kernel.errors import BillingError
from evbilling.kernel.locks import lock_all
from evbilling.kernel.steps import step
from invoicing.models import BillingRun, BillingRunItem, Invoice, InvoiceKind, ItemState, Penalty
from invoicing.operations.charge_lines import lines_of_rows
from invoicing.operations.drafting import draft_record, final_words, lines_with_terms
from invoicing.operations.issuing import issue_drafts
from invoicing.operations.penalties import assess_penalties
from invoicing.operations.writing import Drafting, NewDocument, write_drafts
from invoicing.queries.charges import ChargeRow, charge_rows, unbilled_of
from invoicing.queries.due import BY_INVOICE
from invoicing.queries.monthly import MONTHLY_KINDS
from invoicing.queries.penalties import unbilled_penalties
from invoicing.queries.taxes import tax_table
from invoicing.rules.tax import TaxTable
from sessions.models import ChargingSession, SessionPrice
from sessions.operations.charges import split_charges
from sessions.operations.rating import rate_sessions
from sessions.queries import billable_of, unrated_of

MOST_SESSIONS = 10_000
"""So many sessions are billed in one transaction; a contract that has more goes alone."""


class NotAllTogether(Exception):
    """Some contracts of a chunk cannot be billed with the others; `item_ids` are theirs."""

    def __init__(self, item_ids: Collection[int]) -> None:
        super().__init__(f"{len(item_ids)} contracts of the chunk are billed alone")
        self.item_ids = frozenset(item_ids)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What the contracts of a chunk have agreed: versions in time, which have any terms, which monthly ones."""

    versions: Mapping[int, Timeline[dt.date, ContractVersion]]
    any: frozenset[int]
    monthly: frozenset[int]


def bill_together(*, run: BillingRun, items: Sequence[BillingRunItem], at: dt.datetime) -> dict[int, str]:
    """Rate, assess, draft and issue those of these locked, pending items whose contracts are plain; their new states.

    Items that are left out stay as they are. Runs in the caller's transaction. Raises NotAllTogether naming items
    whose contract cannot be billed: the caller rolls back and leaves them out. Whatever else is raised concerns the
    chunk; the caller rolls back and bills its items one by one.
    """
    period = run.period
    contracts = _locked(items)
    terms = _terms_of(contracts)
    plain = _plain(contracts.values(), terms, period)
    fresh = _rate(plain, period, at)
    step("invoicing.run.rated")
    for contract in plain:
        if contract.pk in terms.any:
            assess_penalties(contract_id=contract.pk, period=period, by=run.created_by, at=at)
    fined = set(
        unbilled_penalties().filter(contract__in=[each.pk for each in plain]).values_list("contract_id", flat=True)
    )
    plain = [contract for contract in plain if contract.pk not in fined]
    by_contract = {item.contract_id: item for item in items}
    documents = _documents(plain, by_contract, terms, period, at, fresh)
    step("invoicing.draft.split")
    drafts = write_drafts([document for document in documents.values() if document is not None], at=at)
    insert_all([draft_record(draft, period, run.created_by, at) for draft in drafts])
    step("invoicing.draft.written")
    step("invoicing.run.drafted")
    if run.issue and drafts:
        issue_drafts(drafts=drafts, issued_on=run.issued_on, by=run.created_by, at=at)
        step("invoicing.run.issued")
    done = _note(documents, by_contract, drafts, run, at)
    check_references()
    step("invoicing.run.noted")
    return done


def groups_of(item_ids: Sequence[int]) -> list[list[int]]:
    """Items that go together, so many that their sessions fit into memory and one short transaction."""
    if len(item_ids) < 2:
        return []
    rows = BillingRunItem.objects.filter(pk__in=item_ids).values_list("pk", "contract_id", "run__period_from")
    contract_of = {pk: contract_id for pk, contract_id, _day in rows}
    since = min(start_of_day(day, "UTC") for _pk, _contract, day in rows) - dt.timedelta(days=1)
    counts: dict[int, int] = dict(
        ChargingSession.objects.filter(contract__in=contract_of.values(), ended_at__gte=since)
        .order_by()
        .values_list("contract_id")
        .annotate(Count("pk"))
    )
    groups: list[list[int]] = [[]]
    room = MOST_SESSIONS
    for item_id in item_ids:
        sessions = counts.get(contract_of.get(item_id, 0), 0)
        if sessions > room and groups[-1]:
            groups.append([])
            room = MOST_SESSIONS
        groups[-1].append(item_id)
        room -= sessions
    return [group for group in groups if len(group) > 1]


def _locked(items: Sequence[BillingRunItem]) -> dict[int, Contract]:
    """The contracts of the items that may go together, locked in the order of their keys, in the order of the items."""
    lock_all(Contract, [item.contract_id for item in items])
    rows = Contract.objects.select_related("party").filter(
        pk__in=[item.contract_id for item in items], kind__in=BY_INVOICE, billing_group=None
    )
    found = rows.in_bulk()
    operators = {item.run.operator_id: item.run.operator for item in items}
    for contract in found.values():
        contract.operator = operators[contract.operator_id]
    return {item.contract_id: found[item.contract_id] for item in items if item.contract_id in found}


def _terms_of(contracts: Collection[int]) -> _Terms:
    rows = ContractTerm.objects.filter(version__contract__in=contracts)
    kinds = set(rows.values_list("version__contract_id", "kind").distinct())
    return _Terms(
        versions_of_all(contracts),
        frozenset(contract_id for contract_id, _kind in kinds),
        frozenset(contract_id for contract_id, kind in kinds if kind in MONTHLY_KINDS),
    )


def _plain(contracts: Iterable[Contract], terms: _Terms, period: Period) -> list[Contract]:
    """Those whose month is one document of their own and that have nothing which the document has to look at."""
    contracts = list(contracts)
    ids = [contract.pk for contract in contracts]
    of_month = Q(period_from=period.start, period_to=period.end)
    met = set(
        Invoice.objects.filter(of_month | Q(kind=InvoiceKind.ADVANCE), contract__in=ids).values_list(
            "contract_id", flat=True
        )
    )
    met |= set(Penalty.objects.filter(contract__in=ids, line__isnull=True).values_list("contract_id", flat=True))
    found = []
    for contract in contracts:
        version = terms.versions[contract.pk].at(period.last_day) if contract.pk in terms.versions else None
        if (
            version is not None
            and contract.pk not in met
            and version.split_documents_by == DocumentSplit.NONE
            and version.minimum_invoice_amount is None
        ):
            found.append(contract)
    return found


def _by_end(contracts: Iterable[Contract], period: Period) -> dict[dt.datetime, list[int]]:
    """Contracts by the instant at which the period ends for them."""
    found: dict[dt.datetime, list[int]] = defaultdict(list)
    for contract in contracts:
        found[period.instants(contract.zone)[1]].append(contract.pk)
    return found


def _rate(contracts: Sequence[Contract], period: Period, at: dt.datetime) -> list[SessionPrice]:
    """The prices that were made, their sessions locked."""
    fresh: list[SessionPrice] = []
    charging = [contract for contract in contracts if contract.kind == ContractKind.CHARGING]
    for until, ids in _by_end(charging, period).items():
        rate_sessions(list(unrated_of(ids, until).values_list("pk", flat=True)), at=at, kept=fresh)
    return fresh


def _documents(  # noqa: PLR0917 - what a chunk shares, passed on once
    contracts: Sequence[Contract],
    items: Mapping[int, BillingRunItem],
    terms: _Terms,
    period: Period,
    at: dt.datetime,
    fresh: Sequence[SessionPrice],
) -> dict[int, NewDocument | None]:
    """What is to be drafted for each contract, in their order; None where there is nothing to bill.

    Raises NotAllTogether for all contracts that cannot be billed.
    """
    charging = [contract for contract in contracts if contract.kind == ContractKind.CHARGING]
    for until, ids in _by_end(charging, period).items():
        split_charges(billable_of(ids, until), at=at, fresh=fresh)
    rows: dict[int, list[ChargeRow]] = defaultdict(list)
    for until, ids in _by_end(contracts, period).items():
        for row in charge_rows(unbilled_of(ids, until)):
            rows[row.contract_pk].append(row)
    table = tax_table()
    found: dict[int, NewDocument | None] = {}
    failed = []
    for contract in contracts:
        try:
            found[contract.pk] = _document(contract, terms, rows.pop(contract.pk, []), table, period, at)
        except BillingError:
            failed.append(items[contract.pk].pk)
    if failed:
        raise NotAllTogether(failed)
    return found


def _document(  # noqa: PLR0917 - what a chunk shares, passed on once
    contract: Contract, terms: _Terms, rows: Sequence[ChargeRow], table: TaxTable, period: Period, at: dt.datetime
) -> NewDocument | None:
    versions = terms.versions[contract.pk]
    version = versions.at(period.last_day)
    assert version is not None  # noqa: S101 - a plain contract has terms in force
    with override(contract.party.language):
        lines = lines_of_rows(contract, version, rows, table, versions) if rows else []
        if contract.pk in terms.monthly:
            lines = lines_with_terms(Drafting(contract, version, period, table, at, tuple(lines)), penalties=False)
        reason = final_words(contract, period)
    if not lines:
        return None
    return NewDocument(
        contract=contract,
        version=version,
        period=period,
        kind=InvoiceKind.INVOICE,
        lines=lines,
        reason=reason,
        purchase_order=contract.purchase_order,
        price_basis=version.price_basis,
    )


def _note(
    documents: Mapping[int, NewDocument | None],
    items: Mapping[int, BillingRunItem],
    drafts: Sequence[Invoice],
    run: BillingRun,
    at: dt.datetime,
) -> dict[int, str]:
    """Write on each item what became of it."""
    invoices = {draft.contract_id: draft for draft in drafts}
    noted = []
    for contract_id in documents:
        item, invoice = items[contract_id], invoices.get(contract_id)
        done = ItemState.ISSUED if run.issue else ItemState.DRAFTED
        item.state = done if invoice is not None else ItemState.SKIPPED
        item.invoice, item.reason = invoice, "" if invoice is not None else _("Nothing to bill.")
        item.carried_amount, item.finished_at = None, at
        noted.append(item)
    save_all(noted)
    return {item.pk: str(item.state) for item in noted}
