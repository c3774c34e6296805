"""Disputes: a customer contests one session on a document; a clerk accepts, accepts in part, or refuses (DOMAIN).

    open -> accepted | accepted in part (a linked credit note) | refused (with the reason) | withdrawn

While it is open, dunning waits for the contested amount alone. A credit from the operator's limit on waits for a second
person; the dispute stays open until then. The answer is mailed (`dispute_answers`) and read in the portal.
"""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import MembershipRole
from contracts.queries import role_in
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.errors import BadInput, NotAllowed, NotFound, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from invoicing.models import CLAIMS, Correction, CorrectionState, Dispute, DisputeState, Invoice, InvoiceState
from invoicing.operations.crediting import Rerated, SessionAmounts, What, credit
from invoicing.operations.dispute_answers import ask_for_answer
from invoicing.operations.guards import require_person
from invoicing.queries.disputes import gross_of_session, left_of_session
from sessions.models import ChargingSession
from sessions.rules.correcting import SessionChange

LONGEST = 1000
"""Characters of what is wrong, and of the answer."""


class DisputeDecided(WrongState):
    """A dispute is decided once."""

    code = "dispute_decided"

    def __init__(self, dispute: Dispute) -> None:
        super().__init__(
            _("The dispute about %(session)s is %(state)s already.")
            % {"session": dispute.session.provider_ref, "state": dispute.get_state_display()}
        )


def raise_dispute(*, invoice_id: int, session_id: int, message: str, by: User | None, at: dt.datetime) -> Dispute:
    """Contest a session on an issued document; the contested amount is its gross part of the document.

    For a portal manager of the document's party, and for staff on his behalf. Raises NotFound, NotAllowed, WrongState
    (no claim, nothing left of it, contested already), BadInput without a message or with a card number in it (I21).
    """
    what = require_words("what is wrong", message, _("Say what is wrong with the session."))
    require(
        len(what) <= LONGEST,
        BadInput("what is wrong", what[:20] + "…", _("Say it in at most %(count)s characters.") % {"count": LONGEST}),
    )
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        _require_manager(invoice, by)
        require(
            invoice.state == InvoiceState.ISSUED and invoice.kind in CLAIMS,
            WrongState(_("%(document)s cannot be contested; only issued invoices can.") % {"document": invoice}),
        )
        session = ChargingSession.objects.filter(pk=session_id).first()
        amount = gross_of_session(invoice, session_id)
        if session is None:
            raise NotFound(_("There is no session with the id %(id)s.") % {"id": session_id})
        require(
            amount > 0,
            WrongState(
                _("%(document)s bills nothing for session %(session)s; there is nothing to contest.")
                % {"document": invoice, "session": session.provider_ref}
            ),
        )
        require(
            not Dispute.objects.filter(invoice=invoice, session=session, state=DisputeState.OPEN).exists(),
            WrongState(_("Session %(session)s is contested already; we are on it.") % {"session": session}),
        )
        dispute = Dispute.objects.create(
            invoice=invoice,
            session=session,
            party=invoice.party,
            currency=invoice.currency,
            contested_amount=amount,
            message=what,
            raised_by=by,
            raised_at=at,
        )
        step("invoicing.dispute.raised")
        record_audit(
            action="invoicing.dispute.raise",
            obj=dispute,
            by=by,
            at=at,
            reason=what,
            changes={"document": invoice.number, "session": session.provider_ref, "contested": amount},
        )
    return dispute


def withdraw_dispute(*, dispute_id: int, by: User | None, at: dt.datetime) -> Dispute:
    """Take a dispute back: the session is owed as billed.

    Raises NotFound, NotAllowed, DisputeDecided, WrongState while a credit for it waits for a second person.
    """
    with transaction.atomic():
        dispute = _lock(dispute_id)
        _require_manager(dispute.invoice, by)
        _close(dispute, DisputeState.WITHDRAWN, "", action="invoicing.dispute.withdraw", by=by, at=at)
    return dispute


def refuse_dispute(*, dispute_id: int, answer: str, by: User | None, at: dt.datetime) -> Dispute:
    """Refuse with the reason, which the customer reads. Raises as `accept_dispute` does."""
    with transaction.atomic():
        dispute = _lock(dispute_id)
        require_person(by, "decide_dispute")
        _close(dispute, DisputeState.REFUSED, _answered(answer), action="invoicing.dispute.refuse", by=by, at=at)
        ask_for_answer(dispute, by=by, at=at)
    return dispute


def accept_dispute(
    *,
    dispute_id: int,
    answer: str,
    change: SessionChange | None = None,
    amount: Decimal | None = None,
    partly: bool = False,
    issued_on: dt.date | None = None,
    by: User | None,
    at: dt.datetime,
) -> Correction:
    """Accept a dispute: the session is priced again with its facts corrected (`change`), or credited by `amount` in
    the document's price basis, or, with neither, in full; `partly` says that the customer was right in part.

    Returns the correction: done with its credit note, and the dispute closed; or waiting for a second person. Raises
    NotFound, NotAllowed, DisputeDecided, WrongState, BadInput without an answer, and what `credit` raises.
    """
    with transaction.atomic():
        dispute = _lock(dispute_id)
        require_person(by, "decide_dispute")
        text = _answered(answer)
        require(
            not (partly and change is None and amount is None),
            BadInput("amount", "", _("Say how much of it is credited, or what was wrong about the session.")),
        )
        what: What
        if change is not None:
            what = Rerated({dispute.session_id: change})
        else:
            left = left_of_session(dispute.invoice, dispute.session_id)
            what = SessionAmounts({dispute.session_id: left if amount is None else amount})
        state = DisputeState.PARTLY if partly else DisputeState.ACCEPTED
        correction = credit(
            invoice_id=dispute.invoice_id,
            what=what,
            reason=_reason(dispute),
            issued_on=issued_on,
            by=by,
            at=at,
            dispute=dispute,
            notes={"answer": {"state": state.value, "text": text}},
        )
        step("invoicing.dispute.accepted")
    return correction


def decide_dispute(
    *,
    dispute_id: int,
    decision: DisputeState,
    answer: str,
    change: SessionChange | None = None,
    amount: Decimal | None = None,
    issued_on: dt.date | None = None,
    by: User | None,
    at: dt.datetime,
) -> Dispute:
    """Accept, accept in part, or refuse a dispute; the dispute as it is then (still open where a second person is
    asked). Raises as `accept_dispute` and `refuse_dispute` do, BadInput for another decision.
    """
    if decision == DisputeState.REFUSED:
        return refuse_dispute(dispute_id=dispute_id, answer=answer, by=by, at=at)
    require(
        decision in {DisputeState.ACCEPTED, DisputeState.PARTLY},
        BadInput("decision", decision, _("Accept it, accept it in part, or refuse it.")),
    )
    accept_dispute(
        dispute_id=dispute_id,
        answer=answer,
        change=change,
        amount=amount,
        partly=decision == DisputeState.PARTLY,
        issued_on=issued_on,
        by=by,
        at=at,
    )
    return Dispute.objects.get(pk=dispute_id)


def _reason(dispute: Dispute) -> str:
    return _("Dispute about session %(session)s") % {"session": dispute.session.provider_ref}


def _answered(answer: str) -> str:
    return require_words("answer", answer, _("Say why; the customer reads it."))[:LONGEST]


def _lock(dispute_id: int) -> Dispute:
    """Lock the document, whose credits decide, then the dispute. Raises NotFound, DisputeDecided, WrongState."""
    invoice_id = Dispute.objects.filter(pk=dispute_id).values_list("invoice_id", flat=True).first()
    if invoice_id is None:
        raise NotFound(_("There is no dispute with the id %(id)s.") % {"id": dispute_id})
    lock(Invoice, invoice_id)
    dispute = lock(Dispute, dispute_id)
    require(dispute.state == DisputeState.OPEN, DisputeDecided(dispute))
    require(
        not Correction.objects.filter(dispute=dispute, state=CorrectionState.ASKED).exists(),
        WrongState(_("A credit for this dispute waits for a second person; have it decided first.")),
    )
    return dispute


def _close(
    dispute: Dispute, state: DisputeState, answer: str, *, action: str, by: User | None, at: dt.datetime
) -> None:
    dispute.state, dispute.answer, dispute.decided_by, dispute.decided_at = state, answer, by, at
    dispute.save()
    record_audit(action=action, obj=dispute, by=by, at=at, reason=answer, changes={"document": dispute.invoice.number})


def _require_manager(invoice: Invoice, by: User | None) -> None:
    """A manager of the party, or staff who decide disputes."""
    manager = role_in(by, invoice.party_id) == MembershipRole.MANAGER
    require(
        by is not None and (manager or by.has_perm("invoicing.decide_dispute")),
        NotAllowed(_("Only a manager of the company can contest a session; ask yours.")),
    )
