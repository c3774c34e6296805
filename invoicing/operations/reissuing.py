"""Cancel and issue again: the document is credited whole, what it billed is released, and the next document bills it.

    reissue            cancels; then, if wanted, drafts the replacement under today's terms and parties, and issues it
    decide_correction  the second person's word on any correction, with all that follows from it

Who pays which part of a session stays as it was issued; prices stay too. A session whose facts were wrong comes again
from its source (a changed copy), which is billed once its documents are credited.
"""

import datetime as dt
from collections.abc import Callable
from enum import StrEnum

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from contracts.models import Contract
from evbilling.access.models import User
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from invoicing.models import Correction, CorrectionState, Invoice, InvoiceKind, InvoiceState
from invoicing.operations.corrections import approve_correction, refuse_correction
from invoicing.operations.crediting import Whole, credit
from invoicing.operations.drafting import draft_documents
from invoicing.operations.fee_notes import draft_fee_note
from invoicing.operations.grouping import lock_members
from invoicing.operations.issuing import issue_invoice
from invoicing.queries.cancelled import cancelled as is_cancelled

__all__ = ["Then", "decide_correction", "reissue"]


class Then(StrEnum):
    """What follows the cancellation: the next billing run drafts it, it is drafted now, or drafted and issued now."""

    LATER = ""
    DRAFT = "draft"
    ISSUE = "issue"


class CreditedInPart(WrongState):
    """A document of which something was credited: billed again in full, its customer would lose that credit."""

    code = "credited_in_part"

    def __init__(self, invoice: Invoice, notes: str) -> None:
        super().__init__(
            _(
                "%(document)s was credited in part by %(notes)s; issued again it would bill that once more. "
                "Credit what is wrong on it instead."
            )
            % {"document": invoice, "notes": notes}
        )


def reissue(
    *,
    invoice_id: int,
    reason: str,
    then: Then = Then.DRAFT,
    issued_on: dt.date | None = None,
    by: User | None,
    at: dt.datetime,
) -> tuple[Correction, list[Invoice]]:
    """Cancel a document so that what it billed is billed again; the correction, and the documents in its place.

    From the operator's limit on it waits for a second person first, and what follows is done with the approval.
    Raises what `credit` and drafting raise, CreditedInPart, WrongState for an advance invoice, which is made anew
    instead.
    """
    with transaction.atomic():
        _lock_contracts(invoice_id)
        invoice = lock(Invoice, invoice_id)
        require(
            invoice.kind != InvoiceKind.ADVANCE,
            WrongState(
                _("%(document)s is an advance invoice; credit it, then make a new one.") % {"document": invoice}
            ),
        )
        notes = invoice.corrections.filter(state=InvoiceState.ISSUED).order_by("pk")
        if notes and not Invoice.objects.filter(is_cancelled("pk"), pk=invoice_id).exists():
            raise CreditedInPart(invoice, ", ".join(str(note) for note in notes))
        correction = credit(
            invoice_id=invoice_id,
            what=Whole(),
            reason=reason,
            reissue=True,
            issued_on=issued_on,
            by=by,
            at=at,
            notes={"then": then.value} if then else None,
        )
        return correction, _follow(correction, issued_on, by, at)


def try_out(correct: Callable[[], object]) -> None:
    """Do a correction and take all of it back: a preview refuses what the correction itself would. Raises as it does.

    Nothing leaves meanwhile: documents are drawn and mails sent by steps that begin once a correction is kept.
    """
    with transaction.atomic():
        correct()
        transaction.set_rollback(True)


def decide_correction(
    *,
    correction_id: int,
    approve: bool,
    reason: str = "",
    issued_on: dt.date | None = None,
    by: User | None,
    at: dt.datetime,
) -> Correction:
    """A second person approves a correction, or refuses it with a reason (I18); a dispute behind it is closed with it.

    Raises as `approve_correction` and `refuse_correction` do.
    """
    if not approve:
        return refuse_correction(correction_id=correction_id, reason=reason, by=by, at=at)
    with transaction.atomic():
        invoice_id = Correction.objects.filter(pk=correction_id).values_list("invoice_id", flat=True).first()
        if invoice_id is not None:
            _lock_contracts(invoice_id)
        correction = approve_correction(correction_id=correction_id, issued_on=issued_on, by=by, at=at)
        _follow(correction, issued_on, by, at)
    return correction


def _contracts_of(invoice: Invoice) -> list[Contract]:
    """The contracts that the document billed: a group's several, by group and number; its own in any case."""
    ids = {invoice.contract_id, *invoice.lines.order_by().values_list("contract_id", flat=True)}
    return list(Contract.objects.filter(pk__in=ids).order_by(F("billing_group").asc(nulls_last=True), "number"))


def _lock_contracts(invoice_id: int) -> None:
    """Drafting takes contracts, and their groups, before any document; so does this."""
    invoice = Invoice.objects.filter(pk=invoice_id).first()
    if invoice is not None:
        for contract in _contracts_of(invoice):
            lock_members(contract_id=contract.pk, period=Period(invoice.period_from, invoice.period_to))


def _follow(correction: Correction, issued_on: dt.date | None, by: User | None, at: dt.datetime) -> list[Invoice]:
    """Draft, and issue, what takes the cancelled document's place."""
    then = Then(correction.figures.get("then", ""))
    if correction.state != CorrectionState.DONE or then is Then.LATER:
        return []
    cancelled = correction.invoice
    drafts = Invoice.objects.filter(operator=cancelled.operator_id, party=cancelled.party_id, state=InvoiceState.DRAFT)
    waiting = set(drafts.values_list("pk", flat=True))
    made = [each for each in _drafted_again(cancelled, by, at) if each.state == InvoiceState.DRAFT]
    fresh = [each for each in made if each.pk not in waiting]  # drafts of other parts are none of its business
    for each in fresh:
        each.replaces = cancelled
        each.save(update_fields=["replaces"])
    step("invoicing.reissue.drafted")
    if then is Then.DRAFT:
        return fresh
    assert correction.credit_note is not None  # noqa: S101 - a done credit has one
    day = issued_on or correction.credit_note.issued_on
    assert day is not None  # noqa: S101 - it is issued
    return [issue_invoice(invoice_id=each.pk, issued_on=day, by=by, at=at) for each in fresh]


def _drafted_again(cancelled: Invoice, by: User | None, at: dt.datetime) -> list[Invoice]:
    """The live documents of its period of every contract that it billed: the one in its place, and those beside it. A
    contract that left the group since has its own.
    """
    period = Period(cancelled.period_from, cancelled.period_to)
    if cancelled.kind == InvoiceKind.FEE_NOTE:
        note = draft_fee_note(contract_id=cancelled.contract_id, period=period, at=at, by=by)
        return [note] if note is not None else []
    made: dict[int, Invoice] = {}
    for contract in _contracts_of(cancelled):
        for each in draft_documents(contract_id=contract.pk, period=period, at=at, by=by):
            made.setdefault(each.pk, each)
    return list(made.values())
