"""A person decides about a held session: bill it, or leave it out; both with a reason (DOMAIN, Hold)."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.queries import TermsBook
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, NotAllowed, WrongState, require
from evbilling.kernel.locks import lock
from sessions.models import ChargingSession, Hold, HoldKind, HoldState, SessionCharge, SessionPrice
from sessions.operations.matching import match_sessions
from sessions.operations.rating import rate_sessions

MATCHING = frozenset({HoldKind.UNKNOWN_TOKEN, HoldKind.UNKNOWN_STATION, HoldKind.NO_CONTRACT})
"""Released only once the master data say whose session it is."""
PRICING = frozenset({HoldKind.NO_TARIFF, HoldKind.NOT_RATEABLE})
"""Released only once the session gets a price."""


def release_hold(
    *, hold_id: int, reason: str, by: User | None, at: dt.datetime, earlier_copy_credited: bool = False
) -> Hold:
    """Let a held session be billed; without another open hold it is priced at once.

    A session whose token, station, contract or tariff was missing is matched and priced again, and stays held while
    something is still missing. One that changed after billing is released by the part of the product that knows
    documents, when the earlier copy is credited (`earlier_copy_credited`). Raises WrongState, NotAllowed, BadInput.
    """
    with transaction.atomic():
        hold = _open(hold_id, reason, by)
        session = _current(hold)
        if hold.kind == HoldKind.CHANGED_AFTER_BILLING:
            _require_credited(session, earlier_copy_credited)
        terms = TermsBook()
        if hold.kind in MATCHING:
            _match_again(hold, session, terms)
        _resolve(hold, HoldState.RELEASED, reason, by, at)
        rate_sessions([session.pk], at=at, terms=terms)
        if hold.kind in PRICING:
            hold.refresh_from_db()
            require(hold.state == HoldState.RELEASED, WrongState(_still_held(session, hold.detail)))
        record_audit(
            action="charging.hold.release", obj=hold, by=by, at=at, reason=reason, changes={"session": session.pk}
        )
    return hold


def reject_hold(*, hold_id: int, reason: str, by: User | None, at: dt.datetime) -> Hold:
    """Leave a held session out of every document, for the stated reason; it stays visible as excluded (I2).

    Raises WrongState for a hold that is decided, NotAllowed without the permission, BadInput without a reason.
    """
    with transaction.atomic():
        hold = _open(hold_id, reason, by)
        session = _current(hold)
        _resolve(hold, HoldState.REJECTED, reason, by, at)
        Hold.objects.filter(session=session, state=HoldState.OPEN).update(
            state=HoldState.REJECTED, resolved_at=at, resolved_by=by, resolution=reason
        )
        SessionPrice.objects.filter(session=session).delete()
        record_audit(
            action="charging.hold.reject", obj=hold, by=by, at=at, reason=reason, changes={"session": session.pk}
        )
    return hold


def _open(hold_id: int, reason: str, by: User | None) -> Hold:
    require(
        reason.strip() and len(reason) <= 300,
        BadInput("reason", reason, _("Say why, in at most 300 characters; it is kept with the session.")),
    )
    require(
        by is None or by.has_perm("charging.resolve_hold"),
        NotAllowed(_("You may not decide about held sessions; ask a billing clerk.")),
    )
    hold = lock(Hold, hold_id)
    require(
        hold.state == HoldState.OPEN,
        WrongState(
            _("The hold of session %(ref)s is already %(state)s.")
            % {"ref": hold.session.provider_ref, "state": hold.get_state_display()}
        ),
    )
    return hold


def _current(hold: Hold) -> ChargingSession:
    session = lock(ChargingSession, hold.session_id)
    require(
        session.superseded_at is None,
        WrongState(_("Session %(ref)s was replaced by a changed copy.") % {"ref": session.provider_ref}),
    )
    require(
        not SessionCharge.objects.filter(session=session).exists(),
        WrongState(_("Session %(ref)s is on a document already.") % {"ref": session.provider_ref}),
    )
    return session


def _resolve(hold: Hold, state: HoldState, reason: str, by: User | None, at: dt.datetime) -> None:
    hold.state, hold.resolved_at, hold.resolved_by, hold.resolution = state, at, by, reason
    hold.save(update_fields=["state", "resolved_at", "resolved_by", "resolution"])


def _require_credited(session: ChargingSession, credited: bool) -> None:
    billed = SessionCharge.objects.filter(
        session__source=session.source,
        session__source_label=session.source_label,
        session__provider_ref=session.provider_ref,
    )
    require(
        credited or not billed.exists(),
        WrongState(
            _("An earlier copy of session %(ref)s is on a document; credit that document first.")
            % {"ref": session.provider_ref}
        ),
    )


def _match_again(hold: Hold, session: ChargingSession, terms: TermsBook) -> None:
    """Match with today's master data; the other matching holds of the session fall with this one."""
    connector = session.connector.ref if session.connector else ""
    (problems,) = match_sessions([session], connector_refs=[connector], terms=terms)
    if problems:
        raise WrongState(_still_held(session, problems[0].detail))
    session.save(update_fields=["token", "vehicle", "station", "site", "connector", "contract", "cost_centre"])
    Hold.objects.filter(session=session, state=HoldState.OPEN, kind__in=MATCHING).exclude(pk=hold.pk).delete()


def _still_held(session: ChargingSession, detail: str) -> str:
    return _("Session %(ref)s stays held. %(detail)s") % {"ref": session.provider_ref, "detail": detail}
