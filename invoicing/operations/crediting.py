"""Crediting: an issued document is never changed; a credit note of its own takes it back, whole or in part (I8, I11).

    whole       all that is left of it; `reissue` releases what it billed, so that the next document bills it again
    by line     amounts of single lines
    by amount   amounts per tax row, spread over its lines
    sessions    amounts of single sessions, or what a session costs less with its facts corrected

From the operator's limit on a second person decides (I18), earlier credits by one person counted; below it the credit
note is issued at once. Amounts are in the document's price basis. Without `reissue` what was credited is forgiven: its
sessions are not billed again.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_no_card_number
from evbilling.kernel.errors import BadInput, MakerIsChecker, NotAllowed, NotFound, WrongState, require
from evbilling.kernel.money import add
from evbilling.shell.formats import format_money
from invoicing.models import (
    Allocation,
    Correction,
    CorrectionKind,
    CorrectionState,
    Dispute,
    DisputeState,
    Invoice,
    InvoiceKind,
    InvoiceState,
)
from invoicing.operations.credit_notes import held_lines, issue_note, lock_document, plan_note
from invoicing.operations.dating import day_of_credit
from invoicing.operations.dispute_answers import ask_for_answer
from invoicing.operations.guards import require_right
from invoicing.operations.rerating import rerated_pieces, session_pieces
from invoicing.queries.cancelled import cancelled
from invoicing.queries.documents import WRITE_OFF_PREFIX
from invoicing.rules.crediting import CreditPlan, HeldLine, Piece, by_amount, whole
from invoicing.rules.tax import Category
from sessions.rules.correcting import SessionChange


@dataclass(frozen=True, slots=True)
class Whole:
    """All that is left of the document."""


@dataclass(frozen=True, slots=True)
class Lines:
    """So much of each line, by its id."""

    amounts: Mapping[int, Decimal]


@dataclass(frozen=True, slots=True)
class Amounts:
    """So much at each tax category and rate."""

    amounts: Mapping[tuple[Category, Decimal], Decimal]


@dataclass(frozen=True, slots=True)
class SessionAmounts:
    """So much of each session, by its id."""

    amounts: Mapping[int, Decimal]


@dataclass(frozen=True, slots=True)
class Rerated:
    """What each session, by its id, costs less with its facts corrected."""

    changes: Mapping[int, SessionChange]


What = Whole | Lines | Amounts | SessionAmounts | Rerated


class AlreadyCredited(WrongState):
    """A document of which nothing is left (I11)."""

    code = "already_credited"

    def __init__(self, invoice: Invoice, notes: str) -> None:
        super().__init__(_("%(document)s is credited already by %(note)s.") % {"document": invoice, "note": notes})


class CorrectionWaits(WrongState):
    """One correction of a document waits for a second person; another would be planned on what it may take."""

    code = "correction_waits"

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(
            _("A correction of %(document)s waits for a second person; have it decided first.") % {"document": invoice}
        )


class WrittenOff(WrongState):
    """What two people wrote off is not credited too: it is given up already, and its tax may have come back."""

    code = "written_off"

    def __init__(self, invoice: Invoice, given_up: str, left: Decimal) -> None:
        super().__init__(
            _("%(given_up)s of %(document)s was written off; at most %(left)s of it can be credited.")
            % {"given_up": given_up, "document": invoice, "left": format_money(left, invoice.currency)}
        )


class NeedsSecondPerson(WrongState):
    """A credit from the operator's limit on is asked for, not done at once (I18)."""

    code = "needs_second_person"

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(
            _("Crediting %(document)s needs a second person; ask for the credit instead.") % {"document": invoice}
        )


@dataclass(frozen=True, slots=True)
class Planned:
    """A credit note before it is written: its figures, and those that the correction keeps."""

    plan: CreditPlan
    figures: Mapping[str, Any]


def preview_credit(*, invoice_id: int, what: What) -> CreditPlan:
    """The figures of a credit note before it is made; nothing is kept. `try_out` finds all that `credit` refuses."""
    with transaction.atomic():
        invoice = lock_document(invoice_id)
        _require_creditable(invoice)
        return _planned(invoice, what).plan


def credit(
    *,
    invoice_id: int,
    what: What,
    reason: str,
    reissue: bool = False,
    issued_on: dt.date | None = None,
    by: User | None,
    at: dt.datetime,
    dispute: Dispute | None = None,
    notes: Mapping[str, Any] | None = None,
) -> Correction:
    """Credit an issued document, at once or, from the operator's limit on, once a second person approved it (I18).

    The note settles what is open on the document; what was paid before becomes the party's credit (the open amount of
    the note). `issued_on` is by default the day of `at` in the operator's zone. `reissue` goes with `Whole` alone.
    `notes` are kept with the figures: what follows a reissue ("then"), the answer to a dispute ("answer").

    Raises NotFound, NotAllowed, WrongState, AlreadyCredited, CorrectionWaits, WrittenOff, LineCreditTooHigh,
    CreditTooHigh, CostsMore, BadInput, PeriodClosed, MoneyError.
    """
    why = reason.strip()
    require(why, BadInput("reason", reason, _("Say why it is credited; the credit note prints it.")))
    if dispute is None:  # else it names the session, whose number may look like a card's
        require_no_card_number("reason", why)
    require(len(why) <= 300, BadInput("reason", why[:20] + "…", _("Say why in at most 300 characters.")))
    require(
        not reissue or isinstance(what, Whole),
        BadInput("bill again", reissue, _("Only a document that is credited whole is issued again.")),
    )
    require_right(by, "credit_invoice")
    with transaction.atomic():
        invoice = lock_document(invoice_id)
        _require_creditable(invoice)
        planned = _planned(invoice, what)
        gross = planned.plan.totals.gross
        limit = invoice.operator.credit_limit_amount
        needs_second = limit is not None and gross + _credited_alone(invoice) >= limit
        correction = Correction(
            kind=CorrectionKind.CREDIT,
            invoice=invoice,
            dispute=dispute,
            currency=invoice.currency,
            amount=gross,
            figures={**planned.figures, **(notes or {})},
            reissue=reissue,
            reason=why,
            asked_by=by,
            asked_at=at,
            needs_second=needs_second,
        )
        if needs_second:
            if by is None:
                raise NeedsSecondPerson(invoice)
            correction.save()
            _note(correction, "invoicing.correction.ask", by, at)
            return correction
        _do(correction, planned.plan, issued_on, by, at)
    return correction


def credit_invoice(
    *, invoice_id: int, reason: str, by: User | None, at: dt.datetime, issued_on: dt.date | None = None
) -> Invoice:
    """Credit a whole document at once; returns the credit note.

    For callers that cannot wait: raises NeedsSecondPerson from the operator's limit on, else as `credit` does.
    """
    with transaction.atomic():
        correction = credit(
            invoice_id=invoice_id, what=Whole(), reason=reason, reissue=False, issued_on=issued_on, by=by, at=at
        )
        if correction.credit_note is None:
            raise NeedsSecondPerson(correction.invoice)
    return correction.credit_note


def approve_credit(correction: Correction, *, issued_on: dt.date | None, by: User, at: dt.datetime) -> None:
    """Issue the credit note that was asked for; called by `decide_correction`, which checked the person.

    The figures are reckoned again on the document as it stands. Raises WrongState where they are not those that were
    asked for, and what `credit` raises.
    """
    invoice = lock_document(correction.invoice_id)
    _require_issued(invoice)
    planned = _planned(invoice, what_of(correction.figures))
    require(
        planned.plan.totals.gross == correction.amount,
        WrongState(
            _("What is left of %(document)s changed since the credit was asked for; refuse it and ask again.")
            % {"document": invoice}
        ),
    )
    _do(correction, planned.plan, issued_on, by, at)


def _do(correction: Correction, plan: CreditPlan, issued_on: dt.date | None, by: User | None, at: dt.datetime) -> None:
    """Issue the note and close the correction; the document's row is locked."""
    invoice = correction.invoice
    note, settled = issue_note(
        original=invoice,
        plan=plan,
        reason=correction.reason,
        release=correction.reissue,
        issued_on=day_of_credit(invoice, issued_on, at=at),
        by=by,
        at=at,
    )
    correction.state, correction.decided_by, correction.decided_at = CorrectionState.DONE, by, at
    correction.credit_note = note
    correction.save()
    _close_disputes(correction, note, by, at)
    record_audit(
        action="invoicing.invoice.credit",
        obj=invoice,
        by=by,
        at=at,
        reason=correction.reason,
        changes={
            "credit_note": note.number,
            "gross_amount": note.gross_amount,
            "settled": settled,
            "reissue": correction.reissue,
        },
    )


def _close_disputes(correction: Correction, note: Invoice, by: User | None, at: dt.datetime) -> None:
    """The dispute that the credit answers, and every open one of a document of which nothing is left."""
    answer = correction.figures.get("answer", {})
    disputes = Dispute.objects.filter(invoice=correction.invoice, state=DisputeState.OPEN)
    if not Invoice.objects.filter(cancelled("pk"), pk=correction.invoice_id).exists():
        disputes = disputes.filter(requests=correction)
    for dispute in disputes.order_by("pk"):
        own = dispute.pk == correction.dispute_id
        dispute.state = answer.get("state", DisputeState.ACCEPTED) if own else DisputeState.ACCEPTED
        dispute.answer = answer.get("text", "") if own else correction.reason
        dispute.credit_note, dispute.decided_by, dispute.decided_at = note, by, at
        dispute.save()
        record_audit(
            action="invoicing.dispute.accept",
            obj=dispute,
            by=by,
            at=at,
            reason=dispute.answer,
            changes={"state": str(dispute.state), "credit_note": note.number},
        )
        ask_for_answer(dispute, by=by, at=at)


def require_person(correction: Correction, by: User | None) -> User:
    """The second person of a correction (I18). Raises NotAllowed, MakerIsChecker."""
    require_right(by, "approve_correction")
    if by is None:
        raise NotAllowed(_("A correction is decided by a person."))
    require(correction.asked_by_id != by.pk, MakerIsChecker(_("The request of %s") % correction))
    return by


def _note(correction: Correction, action: str, by: User | None, at: dt.datetime) -> None:
    record_audit(
        action=action,
        obj=correction.invoice,
        by=by,
        at=at,
        reason=correction.reason,
        changes={"kind": correction.kind, "amount": correction.amount},
    )


def _require_issued(invoice: Invoice) -> None:
    require(
        invoice.state == InvoiceState.ISSUED and invoice.kind != InvoiceKind.CREDIT_NOTE,
        WrongState(_("%(document)s cannot be credited; only issued invoices can.") % {"document": invoice}),
    )
    if Invoice.objects.filter(cancelled("pk"), pk=invoice.pk).exists():
        notes = invoice.corrections.filter(state=InvoiceState.ISSUED).order_by("pk")
        raise AlreadyCredited(invoice, ", ".join(str(note) for note in notes))


def _require_creditable(invoice: Invoice) -> None:
    _require_issued(invoice)
    waiting = Correction.objects.filter(invoice=invoice, state=CorrectionState.ASKED)
    require(not waiting.exists(), CorrectionWaits(invoice))


def _planned(invoice: Invoice, what: What) -> Planned:
    lines = held_lines(invoice)
    pieces, figures = _pieces(invoice, lines, what)
    plan = plan_note(invoice, lines, pieces)
    rows = Allocation.objects.filter(invoice=invoice, source__startswith=WRITE_OFF_PREFIX)
    given_up = add(rows.values_list("amount", flat=True))
    if given_up:
        notes = invoice.corrections.filter(kind=InvoiceKind.CREDIT_NOTE, state=InvoiceState.ISSUED)
        left = invoice.gross_amount - add(notes.values_list("gross_amount", flat=True)) - given_up
        require(plan.totals.gross <= left, WrittenOff(invoice, format_money(given_up, invoice.currency), left))
    return Planned(plan, figures)


def _credited_alone(invoice: Invoice) -> Decimal:
    """What of a document was credited without a second person: several small credits are one large one (I18)."""
    rows = Correction.objects.filter(
        invoice=invoice, kind=CorrectionKind.CREDIT, state=CorrectionState.DONE, needs_second=False
    )
    return add(rows.values_list("amount", flat=True))


def _pieces(invoice: Invoice, lines: Sequence[HeldLine], what: What) -> tuple[list[Piece], Mapping[str, Any]]:
    if isinstance(what, Whole):
        return whole(lines), {"whole": True}
    if isinstance(what, Rerated):
        pieces, sessions = rerated_pieces(invoice, lines, what.changes)
        return pieces, {"sessions": sessions}
    chosen = {key: amount for key, amount in what.amounts.items() if amount}
    least = min(chosen.values(), default=None)
    advice = _("Say how much is credited; amounts are above zero.")
    require(least is not None and least > 0, BadInput("amount", least, advice))
    if isinstance(what, SessionAmounts):
        pieces = session_pieces(lines, invoice, {int(str(key)): amount for key, amount in chosen.items()})
        return pieces, {"session_amounts": {str(key): amount for key, amount in chosen.items()}}
    if isinstance(what, Lines):
        known = {line.held.id for line in lines}
        for line_id in chosen:
            if line_id not in known:
                raise NotFound(_("%(document)s has no such line.") % {"document": invoice})
        pieces = [Piece(int(str(line_id)), amount) for line_id, amount in chosen.items()]
        return pieces, {"lines": {str(line_id): amount for line_id, amount in chosen.items()}}
    pieces = by_amount(lines, {key: what.amounts[key] for key in what.amounts if what.amounts[key]}, invoice.currency)
    rows = [
        {"category": key[0].value, "rate": key[1], "amount": amount} for key, amount in what.amounts.items() if amount
    ]
    return pieces, {"amounts": rows}


def what_of(figures: Mapping[str, Any]) -> What:
    """What a correction's figures ask for."""
    if "lines" in figures:
        return Lines({int(key): Decimal(amount) for key, amount in figures["lines"].items()})
    if "amounts" in figures:
        rows = figures["amounts"]
        return Amounts({(Category(row["category"]), Decimal(row["rate"])): Decimal(row["amount"]) for row in rows})
    if "session_amounts" in figures:
        return SessionAmounts({int(key): Decimal(amount) for key, amount in figures["session_amounts"].items()})
    if "sessions" in figures:
        changes = {int(key): SessionChange.from_data(each["change"]) for key, each in figures["sessions"].items()}
        return Rerated(changes)
    return Whole()
