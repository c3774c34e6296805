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
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import batched

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import Contract, ContractKind, ContractVersion
from contracts.queries import version_on
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BillingError, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from evbilling.shell.formats import format_day
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceState
from invoicing.operations.charge_lines import charge_lines
from invoicing.operations.issuing import InvoiceNotDraft
from invoicing.operations.monthly import monthly_lines
from invoicing.operations.penalty_lines import penalty_lines, uptime_lines
from invoicing.operations.settling import NothingToSettle, settlement_lines
from invoicing.operations.writing import Drafting, NewLine, tax_table, write_draft
from invoicing.queries.charges import live_documents
from sessions.models import SessionCharge
from sessions.operations.charges import delete_charges

__all__ = ["NoTermsInForce", "NothingToSettle", "discard_draft", "draft_documents", "draft_invoice"]


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
    """The first of a contract's documents for a period, drafted if need be (draft_documents); None without any."""
    return next(iter(draft_documents(contract_id=contract_id, period=period, at=at, by=by)), None)


def draft_documents(*, contract_id: int, period: Period, at: dt.datetime, by: User | None = None) -> list[Invoice]:
    """Draft the documents of a contract for a period; none when there is nothing to bill.

    Returns the live documents where there are some, draft or issued. Raises NothingToSettle with the reason where a
    host cannot be settled now; NoTermsInForce, MissingTaxRate, MissingCustomerTaxId, TooManyLines, MoneyError concern
    this contract alone (I17).
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        kind = InvoiceKind.SETTLEMENT if contract.kind == ContractKind.HOSTING else InvoiceKind.INVOICE
        live = list(live_documents(contract, period, kind))
        if live:
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
            return []
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
    return [invoice]


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
    lines = charge_lines(contract, version, period, table, at)
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
