"""Drafting: from session charges to documents without a number; a constant number of queries per contract.

    charging      the contract's sessions that ended before the period's end and are on no document yet
    sponsorship   the sponsor's parts of its customers' sessions, split when the customer was drafted
    hosting       a settlement: the host's share of what was billed at his sites (settling.py)

After a customer's or sponsor's charges come, in the order of SOURCES, the lines that its terms make of the month, and
last what was paid in advance (advances.py). The contracts of a billing group stand on one document, each with its own
terms; a contract's month may be split over several (splitting.py). A month below the smallest invoice is carried over.

Late sessions of earlier periods join the first document drafted after they arrived. The same contract or group,
period, kind and part has one live document (I10): drafting again returns it.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import batched

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import Contract, ContractKind, ContractVersion, PriceBasis
from contracts.queries import version_on
from evbilling.access.models import User
from evbilling.kernel.audit import AuditRecord, audit_row, record_audit
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BillingError, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.money import add
from evbilling.kernel.steps import step
from evbilling.shell.formats import format_day, format_money
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceState
from invoicing.operations.charge_lines import charge_lines
from invoicing.operations.grouping import as_member, lock_members
from invoicing.operations.guards import require_right
from invoicing.operations.issuing import InvoiceNotDraft
from invoicing.operations.monthly import monthly_lines
from invoicing.operations.penalty_lines import penalty_lines, uptime_lines
from invoicing.operations.setting_off import advance_used_lines
from invoicing.operations.settling import NothingToSettle, settlement_lines
from invoicing.operations.splitting import gross_of, in_parts, is_split, part_with_most, purchase_order_of
from invoicing.operations.writing import Drafting, NewLine, write_draft
from invoicing.queries.charges import live_documents
from invoicing.queries.shapes import carried_before
from invoicing.queries.taxes import tax_table
from invoicing.rules.parts import is_carried
from sessions.models import SessionCharge
from sessions.operations.charges import delete_charges

__all__ = [
    "MonthCarriedOver",
    "NoTermsInForce",
    "NothingToSettle",
    "discard_draft",
    "draft_documents",
    "draft_invoice",
]


SOURCES: tuple[Callable[[Drafting], list[NewLine]], ...] = (monthly_lines, penalty_lines, uptime_lines)
"""What adds lines to an invoice after its session charges, in the documented order; each sees the lines before it."""


class NoTermsInForce(BillingError):
    """The contract has no approved version in the period."""

    code = "no_terms_in_force"

    def __init__(self, contract: Contract, on: dt.date) -> None:
        super().__init__(
            _("Contract %(contract)s has no approved terms on %(day)s. Approve a version, then bill again.")
            % {"contract": contract.number, "day": format_day(on)}
        )


class MonthCarriedOver(BillingError):
    """The month is below the contract's smallest invoice: nothing is drafted, the next document bills it.

    `amount` is the month's total with tax.
    """

    code = "month_carried_over"

    def __init__(self, amount: Decimal, minimum: Decimal, currency: str) -> None:
        self.amount = amount
        super().__init__(
            _("Carried over: %(amount)s is below the smallest invoice of %(minimum)s. The next invoice bills it.")
            % {"amount": format_money(amount, currency), "minimum": format_money(minimum, currency)}
        )


class MixedPrices(BillingError):
    """Contracts of a group whose prices include tax stand beside others whose prices do not."""

    code = "mixed_prices"

    def __init__(self, contract: Contract, first: Contract) -> None:
        super().__init__(
            _(
                "Prices of contract %(contract)s and of contract %(first)s differ in whether they include tax; "
                "one invoice cannot hold both. Take one of them out of the group."
            )
            % {"contract": contract.number, "first": first.number}
        )


def draft_invoice(*, contract_id: int, period: Period, at: dt.datetime, by: User | None = None) -> Invoice | None:
    """The first of a contract's documents for a period, drafted if need be (draft_documents); None without any."""
    return next(iter(draft_documents(contract_id=contract_id, period=period, at=at, by=by)), None)


def draft_documents(*, contract_id: int, period: Period, at: dt.datetime, by: User | None = None) -> list[Invoice]:
    """Draft the documents of a contract for a period, or of its whole billing group; none when nothing is to be billed.

    Returns the live documents too, draft or issued; where a month is split, parts that have none yet are added to them.
    Raises NothingToSettle with the reason where a host cannot be settled now, MonthCarriedOver where the month is too
    small for a document; NoTermsInForce, MixedPrices, MissingTaxRate, MissingCustomerTaxId, TooManyLines, MoneyError
    concern this contract alone, GroupBlocked its group (I17).
    """
    with transaction.atomic():
        members = lock_members(contract_id=contract_id, period=period)
        contract = next(member for member in members if member.pk == contract_id)
        kind = InvoiceKind.SETTLEMENT if contract.kind == ContractKind.HOSTING else InvoiceKind.INVOICE
        live = list(live_documents(contract, period, kind))
        live = [each for each in live if each.billing_group_id is None] or live  # billed alone before it joined a group
        first = members[0]
        version = version_on(first, period.last_day)
        if live and (version is None or not is_split(first, version)):
            return live
        require(
            contract.kind in {ContractKind.CHARGING, ContractKind.SPONSORSHIP, ContractKind.HOSTING},
            WrongState(
                _("Contract %(contract)s is of a kind that is not billed monthly.") % {"contract": contract.number}
            ),
        )
        group = contract.billing_group
        with override(first.party.language):
            if kind == InvoiceKind.SETTLEMENT:
                terms = _in_force(first, version, period)
                lines = settlement_lines(first, terms, period)
            else:
                lines = _lines_of_all(members, period, at, {each.split_key for each in live})
            if not lines:
                return live
            terms = _in_force(first, version, period)
            if kind == InvoiceKind.INVOICE and not live:
                _require_large_enough(members, terms, period, lines)
            reason = " ".join(filter(None, (final_words(member, period) for member in members)))
            if kind == InvoiceKind.INVOICE:
                lines = [*lines, *advance_used_lines(members, lines)]
        step("invoicing.draft.split")
        for part, of_part in _by_part(lines).items():
            drafted = write_draft(
                contract=first,
                version=terms,
                period=period,
                kind=kind,
                lines=of_part,
                at=at,
                reason=reason,
                billing_group=group if kind == InvoiceKind.INVOICE else None,
                split_key=part,
                purchase_order=purchase_order_of(first, terms, part),
                price_basis=terms.price_basis if kind == InvoiceKind.INVOICE else PriceBasis.NET,
            )
            live.append(drafted)
            step("invoicing.draft.written")
            draft_record(drafted, period, by, at).save(force_insert=True)
    return sorted(live, key=lambda invoice: (invoice.split_key, invoice.pk))


def draft_record(invoice: Invoice, period: Period, by: User | None, at: dt.datetime) -> AuditRecord:
    """What the audit trail says of a draft; not written yet."""
    changes = {"contract": invoice.contract.number, "period": period.code, "gross_amount": invoice.gross_amount}
    about = {"group": str(invoice.billing_group) if invoice.billing_group else "", "part": invoice.split_key}
    return audit_row(
        action="invoicing.invoice.draft",
        obj=invoice,
        by=by,
        at=at,
        changes=changes | {name: value for name, value in about.items() if value},
    )


def discard_draft(*, invoice_id: int, by: User | None, at: dt.datetime) -> None:
    """Remove a draft; its sessions are billed by the next one.

    The split of a session is undone with the last document that holds a part of it: as long as another payer's holds
    one, the parts stand. Raises NotAllowed, NotFound, InvoiceNotDraft.
    """
    require_right(by, "issue_invoice")
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


def _in_force(contract: Contract, version: ContractVersion | None, period: Period) -> ContractVersion:
    if version is None:
        raise NoTermsInForce(contract, period.last_day)
    return version


def _lines_of_all(members: Sequence[Contract], period: Period, at: dt.datetime, taken: set[str]) -> list[NewLine]:
    """The lines of every contract, by contract; those of parts that have a document already wait for the next one."""
    table = tax_table()
    found: list[NewLine] = []
    basis = None
    for contract in members:
        with as_member(contract):
            version = _in_force(contract, version_on(contract, period.last_day), period)
            basis = basis or version.price_basis
            if version.price_basis != basis:
                raise MixedPrices(contract, members[0])
            lines = _invoice_lines(Drafting(contract, version, period, table, at, ()), taken)
        found += [_of_member(line, contract) for line in lines]
    return found


def _of_member(line: NewLine, contract: Contract) -> NewLine:
    """On a group's document a line says whose it is, and its contract's number leads its group."""
    if contract.billing_group_id is None:
        return line
    group = f"{contract.number}: {line.group}" if line.group else contract.number
    return replace(line, contract_id=contract.pk, group=group[:160])


def _invoice_lines(empty: Drafting, taken: set[str]) -> list[NewLine]:
    """A contract's session charges and what its terms make of the month."""
    contract, version = empty.contract, empty.version
    lines = charge_lines(contract, version, empty.period, empty.table, empty.at)
    if taken:
        lines = [line for line in lines if line.part not in taken]
        if not lines:
            return []
    return lines_with_terms(replace(empty, lines=tuple(lines)))


def lines_with_terms(drafting: Drafting, *, penalties: bool = True) -> list[NewLine]:
    """The lines of the session charges and those that the contract's terms make of the month, in the order of SOURCES;
    without `penalties` where the contract is known to have none that wait for a document.
    """
    contract, version = drafting.contract, drafting.version
    for source in SOURCES if penalties else (monthly_lines,):
        if source is uptime_lines and is_split(contract, version):
            drafting = replace(drafting, lines=tuple(in_parts(drafting.lines, contract.currency)))
            drafting = replace(drafting, lines=(*drafting.lines, *_uptime_of_part(drafting)))
        else:
            drafting = replace(drafting, lines=(*drafting.lines, *source(drafting)))
    return list(drafting.lines)


def _uptime_of_part(drafting: Drafting) -> list[NewLine]:
    """A credit for missed uptime stands on the part that has most room for it."""
    part = part_with_most(drafting.lines, drafting.contract.currency)
    of_part = replace(drafting, lines=tuple(line for line in drafting.lines if line.part == part))
    return [replace(line, part=part) for line in uptime_lines(of_part)]


def _by_part(lines: Iterable[NewLine]) -> dict[str, list[NewLine]]:
    found: dict[str, list[NewLine]] = {}
    for line in lines:
        found.setdefault(line.part, []).append(line)
    return dict(sorted(found.items()))


def _require_large_enough(
    members: Sequence[Contract], version: ContractVersion, period: Period, lines: Sequence[NewLine]
) -> None:
    """Raises MonthCarriedOver; a group goes by the smallest invoice of its first contract, and ends with its last."""
    minimum = version.minimum_invoice_amount
    if minimum is None:
        return
    first = members[0]
    gross = add(gross_of(of_part, first.currency) for of_part in _by_part(lines).values())
    ends = [member.ends_on for member in members if member.ends_on is not None]
    if is_carried(
        gross,
        minimum,
        period=period,
        ends_on=max(ends) if len(ends) == len(members) else None,
        carried_before=carried_before(first, period),
    ):
        raise MonthCarriedOver(gross, minimum, first.currency)


def final_words(contract: Contract, period: Period) -> str:
    """What is printed on the last regular document of a contract that has ended; empty on others."""
    ends_on = contract.ends_on
    if ends_on is None or not period.start < ends_on <= period.end:
        return ""
    last = ends_on - dt.timedelta(days=1)
    return _("Final invoice: contract %(contract)s ended with %(day)s.") % {
        "contract": contract.number,
        "day": format_day(last),
    }
