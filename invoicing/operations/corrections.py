"""Corrections that wait for a second person: approved or refused with a reason (I18)."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.errors import NotAllowed, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from invoicing.models import Correction, CorrectionKind, CorrectionState
from invoicing.operations.crediting import approve_credit, require_person
from invoicing.operations.write_offs import approve_write_off


def approve_correction(
    *, correction_id: int, issued_on: dt.date | None = None, by: User | None, at: dt.datetime
) -> Correction:
    """Do what another person asked for: issue the credit note, or write the claim off.

    What follows from it (a dispute that is closed, a document that is issued again) is done by
    `operations/reissuing.decide_correction`. Raises NotFound, NotAllowed, MakerIsChecker, WrongState once decided or
    where the document changed, PeriodClosed.
    """
    with transaction.atomic():
        correction = _open(correction_id)
        person = require_person(correction, by)
        if correction.kind == CorrectionKind.WRITE_OFF:
            approve_write_off(correction, by=person, at=at)
        else:
            approve_credit(correction, issued_on=issued_on, by=person, at=at)
        step("invoicing.correction.approved")
        _trace(correction, "invoicing.correction.approve", correction.reason, by, at)
    return correction


def refuse_correction(*, correction_id: int, reason: str, by: User | None, at: dt.datetime) -> Correction:
    """Refuse a correction, or withdraw one's own request: nothing else changes.

    Raises NotFound, NotAllowed, WrongState once decided, BadInput without a reason.
    """
    why = require_words("reason", reason, _("Say why; the person who asked reads it."))
    with transaction.atomic():
        correction = _open(correction_id)
        require(
            by is not None and (by.has_perm("invoicing.approve_correction") or by.pk == correction.asked_by_id),
            NotAllowed(_("Only who asked for it withdraws it, or a billing clerk who may approve it refuses it.")),
        )
        correction.state, correction.refusal = CorrectionState.REFUSED, why[:300]
        correction.decided_by, correction.decided_at = by, at
        correction.save()
        _trace(correction, "invoicing.correction.refuse", why, by, at)
    return correction


def _open(correction_id: int) -> Correction:
    correction = lock(Correction, correction_id)
    require(
        correction.state == CorrectionState.ASKED,
        WrongState(
            _("%(correction)s is decided already: %(state)s.")
            % {"correction": correction, "state": correction.get_state_display()}
        ),
    )
    return correction


def _trace(correction: Correction, action: str, reason: str, by: User | None, at: dt.datetime) -> None:
    record_audit(
        action=action,
        obj=correction.invoice,
        by=by,
        at=at,
        reason=reason,
        changes={"kind": correction.kind, "amount": correction.amount, "asked_by": correction.asked_by_id},
    )
