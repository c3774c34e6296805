"""Drafting: from session charges to a document without a number; a constant number of queries per contract.

    charging      the contract's sessions that ended before the period's end and are on no document yet
    sponsorship   the sponsor's parts of its customers' sessions, split when the customer was drafted
    hosting       a settlement: the host's share of what was billed at his sites (settling.py)

After a customer's or sponsor's charges come, in the order of SOURCES, the lines that its terms make of the month.

Late sessions of earlier periods join the first document drafted after they arrived. The same contract, period and
kind has one live document (I10): drafting again returns it.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import batched

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import Contract, ContractKind, ContractVersion, LineGrouping
from contracts.queries import version_on, versions_of
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import Period, local_date
from evbilling.kernel.errors import BillingError, MoneyError, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from evbilling.shell.formats import format_day
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceState, LineKind
from invoicing.operations.issuing import InvoiceNotDraft
from invoicing.operations.monthly import monthly_lines
from invoicing.operations.penalty_lines import penalty_lines, uptime_lines
from invoicing.operations.settling import NothingToSettle, settlement_lines
from invoicing.operations.writing import Drafting, NewLine, tax_table, write_draft
from invoicing.queries.charges import ChargeRow, charge_rows, live_documents, unbilled_charges
from invoicing.rules.lines import ChargeFact, group_charges
from invoicing.rules.tax import MissingCustomerTaxId, Place, Tax, TaxTable, Treatment, supply_tax
from sessions.models import SessionCharge
from sessions.operations.charges import delete_charges, split_charges
from sessions.queries import billable_sessions

__all__ = ["NoTermsInForce", "NothingToSettle", "discard_draft", "draft_invoice"]


SOURCES: tuple[Callable[[Drafting], list[NewLine]], ...] = (monthly_lines, penalty_lines, uptime_lines)
"""What adds lines to an invoice after its session charges, in the documented order; each sees the lines before it."""


class NoTermsInForce(BillingError):
    """The contract has no approved version in the period."""

    code = "no_terms_in_force"

    def __init__(self, contract: Contract, on: dt.date) -> None:
        super().__init__(
            _("Contract %(contract)s has no approved terms on %(day)s. Approve a version, then bill again.")
            % {"contract": contract.number, "day": on.isoformat()}
        )


def draft_invoice(*, contract_id: int, period: Period, at: dt.datetime, by: User | None = None) -> Invoice | None:
    """Draft the document of a contract for a period; None when there is nothing to bill.

    Returns the live document where there is one, draft or issued. Raises NothingToSettle with the reason where a host
    cannot be settled now; NoTermsInForce, MissingTaxRate, MissingCustomerTaxId, TooManyLines, MoneyError concern this
    contract alone (I17).
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        kind = InvoiceKind.SETTLEMENT if contract.kind == ContractKind.HOSTING else InvoiceKind.INVOICE
        live = live_documents(contract, period, kind).first()
        if live is not None:
            return live
        require(
            contract.kind in {ContractKind.CHARGING, ContractKind.SPONSORSHIP, ContractKind.HOSTING},
            WrongState(
                _("Contract %(contract)s is of a kind that is not billed monthly.") % {"contract": contract.number}
            ),
        )
        version = version_on(contract, period.last_day)
        if version is None:
            raise NoTermsInForce(contract, period.last_day)
        with override(contract.party.language):
            lines = (
                settlement_lines(contract, version, period)
                if kind == InvoiceKind.SETTLEMENT
                else _invoice_lines(contract, version, period, at)
            )
            reason = _final(contract, period)
        if not lines:
            return None
        step("invoicing.draft.split")
        invoice = write_draft(
            contract=contract, version=version, period=period, kind=kind, lines=lines, at=at, reason=reason
        )
        step("invoicing.draft.written")
        record_audit(
            action="invoicing.invoice.draft",
            obj=invoice,
            by=by,
            at=at,
            changes={"contract": contract.number, "period": period.code, "gross_amount": invoice.gross_amount},
        )
    return invoice


def discard_draft(*, invoice_id: int, by: User | None, at: dt.datetime) -> None:
    """Remove a draft; its sessions are billed by the next one.

    The split of a session is undone with the last document that holds a part of it: as long as another payer's holds
    one, the parts stand. Raises NotFound, InvoiceNotDraft.
    """
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        require(invoice.state == InvoiceState.DRAFT, InvoiceNotDraft(invoice))
        billed = BilledCharge.objects.filter(line__invoice=invoice, use=ChargeUse.BILLED)
        in_split = SessionCharge.objects.filter(session_id__in=billed.values("charge__session_id"))
        parts = list(in_split.values_list("pk", "contract_id", "session_id"))
        record_audit(
            action="invoicing.invoice.discard",
            obj=invoice,
            by=by,
            at=at,
            changes={"contract": invoice.contract.number, "gross_amount": invoice.gross_amount},
        )
        invoice.delete()
        _undo_split(parts)
        step("invoicing.draft.discarded")


def _undo_split(parts: Iterable[tuple[int, int, int]]) -> None:
    """Remove these (charge, contract, session) unless a document holds a charge of the same session."""
    by_session: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for charge_id, contract_id, session_id in parts:
        by_session[session_id].append((charge_id, contract_id))
    held: set[int] = set()
    for chunk in batched(sorted(by_session), 5000):
        still = BilledCharge.objects.filter(charge__session_id__in=chunk)
        held.update(still.values_list("charge__session_id", flat=True))
    by_contract: dict[int, list[int]] = defaultdict(list)
    for session_id, charges in by_session.items():
        for charge_id, contract_id in charges if session_id not in held else ():
            by_contract[contract_id].append(charge_id)
    for contract_id, charge_ids in sorted(by_contract.items()):
        delete_charges(contract_id=contract_id, charge_ids=charge_ids)


def _invoice_lines(contract: Contract, version: ContractVersion, period: Period, at: dt.datetime) -> list[NewLine]:
    table = tax_table()
    lines = _charge_lines(contract, version, period, table, at)
    drafting = Drafting(contract, version, period, table, at, tuple(lines))
    for source in SOURCES:
        drafting = replace(drafting, lines=(*drafting.lines, *source(drafting)))
    return list(drafting.lines)


def _final(contract: Contract, period: Period) -> str:
    """What is printed on the last regular document of a contract that has ended; empty on others."""
    ends_on = contract.ends_on
    if ends_on is None or not period.start < ends_on <= period.end:
        return ""
    last = ends_on - dt.timedelta(days=1)
    return _("Final invoice: contract %(contract)s ended with %(day)s.") % {
        "contract": contract.number,
        "day": format_day(last),
    }


def _charge_lines(
    contract: Contract, version: ContractVersion, period: Period, table: TaxTable, at: dt.datetime
) -> list[NewLine]:
    until = period.instants(contract.zone)[1]
    if contract.kind == ContractKind.CHARGING:
        split_charges(billable_sessions(contract, until), at=at)
    rows = list(charge_rows(unbilled_charges(contract, until)))
    if not rows:
        return []
    kind = LineKind.CHARGING if contract.kind == ContractKind.CHARGING else LineKind.SPONSORED
    facts = list(_facts(contract, version, kind, rows, table))
    return [
        NewLine(
            kind=kind,
            group=line.group,
            text=line.text,
            tax=line.tax,
            net=line.net,
            session_count=line.session_count,
            energy_wh=line.energy_wh,
            uses=tuple((charge_id, ChargeUse.BILLED) for charge_id in line.charge_ids),
        )
        for line in group_charges(facts, several=_text(kind, _("several places")))
    ]


def _facts(
    contract: Contract, version: ContractVersion, kind: LineKind, rows: Sequence[ChargeRow], table: TaxTable
) -> Iterable[ChargeFact]:
    terms = versions_of(contract)
    for row in rows:
        treatment = Treatment((terms.at(local_date(row.ended_at, contract.zone)) or version).tax_treatment)
        require(
            treatment is not Treatment.REVERSE_CHARGE or contract.party.vat_id,
            MissingCustomerTaxId(contract.party.legal_name),
        )
        if row.charge_currency != contract.currency:
            raise MoneyError(
                _("Session %(session)s is priced in %(priced)s, but contract %(contract)s bills in %(bills)s.")
                % {
                    "session": row.session_ref,
                    "priced": row.charge_currency,
                    "contract": contract.number,
                    "bills": contract.currency,
                }
            )
        group, text = _labels(contract, version, kind, row)
        yield ChargeFact(
            charge_id=row.charge_id,
            session_id=row.session_pk,
            session_ref=row.session_ref,
            ended_at=row.ended_at,
            energy_wh=row.energy_wh,
            group=group[:160],
            text=text[:300],
            tax=_tax(contract, treatment, row, table),
            net=row.net,
        )


def _tax(contract: Contract, treatment: Treatment, row: ChargeRow, table: TaxTable) -> Tax:
    on = local_date(row.ended_at, row.zone or contract.zone)
    return supply_tax(treatment, row.stated_rate, Place(row.country, row.region), on, table)


def _labels(contract: Contract, version: ContractVersion, kind: LineKind, row: ChargeRow) -> tuple[str, str]:
    """Group and text of a charge's line. A sponsor sees vehicles or sites, never its customers' cost centres."""
    site = row.site or _("unknown place")
    if version.group_lines_by == LineGrouping.SITE:
        return site, _text(kind, site)
    if version.group_lines_by == LineGrouping.VEHICLE or contract.kind == ContractKind.SPONSORSHIP:
        return row.vehicle, _text(kind, site)
    return f"{row.cost_centre_code} {row.cost_centre_name}".strip(), _text(kind, site)


def _text(kind: LineKind, place: str) -> str:
    words = _("Charging at %(place)s") if kind == LineKind.CHARGING else _("Sponsored charging at %(place)s")
    return words % {"place": place}
