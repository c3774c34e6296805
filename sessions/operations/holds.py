"""A person decides about a held session: bill it, or leave it out; both with a reason (DOMAIN, Hold)."""

import datetime as dt
from collections.abc import Callable, Collection

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.queries import TermsBook
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_no_card_number
from evbilling.kernel.errors import BadInput, NotAllowed, NotFound, WrongState, require
from evbilling.kernel.locks import lock
from sessions.models import ChargingSession, Hold, HoldKind, HoldState, SessionCharge, SessionPrice
from sessions.operations.matching import match_sessions
from sessions.operations.rating import rate_sessions

MATCHING = frozenset({HoldKind.UNKNOWN_TOKEN, HoldKind.UNKNOWN_STATION, HoldKind.NO_CONTRACT})
"""Released only once the master data say whose session it is."""
PRICING = frozenset({HoldKind.NO_TARIFF, HoldKind.NOT_RATEABLE})
"""Released only once the session gets a price."""


AllCredited = Callable[[Collection[int]], bool]
_documents: list[AllCredited] = []


def answer_for_documents(all_credited: AllCredited) -> None:
    """Said once, in an AppConfig.ready, by the part of the product that knows documents, which lies above this one.

    `all_credited(charge_ids)`: no document bills any of these charges any more.
    """
    _documents.append(all_credited)


def documents_credited(charge_ids: Collection[int]) -> bool:
    """Whether no document bills any of these charges any more; False where nobody can tell."""
    return bool(_documents) and all(credited(charge_ids) for credited in _documents)


def release_hold(*, hold_id: int, reason: str, by: User | None, at: dt.datetime) -> Hold:
    """Let a held session be billed; without another open hold it is priced at once.

    A session whose token, station, contract or tariff was missing is matched and priced again, and stays held while
    something is still missing. One that changed after billing is released once every document with an earlier copy is
    credited. Raises WrongState, NotAllowed, BadInput.
    """
    with transaction.atomic():
        hold, session = _open(hold_id, reason, by)
        if hold.kind == HoldKind.CHANGED_AFTER_BILLING:
            _require_credited(session)
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
        hold, session = _open(hold_id, reason, by)
        _resolve(hold, HoldState.REJECTED, reason, by, at)
        Hold.objects.filter(session=session, state=HoldState.OPEN).update(
            state=HoldState.REJECTED, resolved_at=at, resolved_by=by, resolution=reason
        )
        SessionPrice.objects.filter(session=session).delete()
        record_audit(
            action="charging.hold.reject", obj=hold, by=by, at=at, reason=reason, changes={"session": session.pk}
        )
    return hold


def _open(hold_id: int, reason: str, by: User | None) -> tuple[Hold, ChargingSession]:
    """Lock the session, then its hold, in the order in which an import takes them."""
    require(
        reason.strip() and len(reason) <= 300,
        BadInput("reason", reason, _("Say why, in at most 300 characters; it is kept with the session.")),
    )
    require_no_card_number("reason", reason)
    require(
        by is None or by.has_perm("charging.resolve_hold"),
        NotAllowed(_("You may not decide about held sessions; ask a billing clerk.")),
    )
    session_id = Hold.objects.filter(pk=hold_id).values_list("session_id", flat=True).first()
    if session_id is None:
        raise NotFound(f"There is no hold with the id {hold_id}.")
    session = lock(ChargingSession, session_id)
    hold = lock(Hold, hold_id)
    require(
        hold.state == HoldState.OPEN,
        WrongState(
            _("The hold of session %(ref)s is already %(state)s.")
            % {"ref": hold.session.provider_ref, "state": hold.get_state_display()}
        ),
    )
    require(
        session.superseded_at is None,
        WrongState(_("Session %(ref)s was replaced by a changed copy.") % {"ref": session.provider_ref}),
    )
    require(
        not SessionCharge.objects.filter(session=session).exists(),
        WrongState(_("Session %(ref)s is on a document already.") % {"ref": session.provider_ref}),
    )
    return hold, session


def _resolve(hold: Hold, state: HoldState, reason: str, by: User | None, at: dt.datetime) -> None:
    hold.state, hold.resolved_at, hold.resolved_by, hold.resolution = state, at, by, reason
    hold.save(update_fields=["state", "resolved_at", "resolved_by", "resolution"])


def _require_credited(session: ChargingSession) -> None:
    billed = SessionCharge.objects.filter(
        session__source=session.source,
        session__source_label=session.source_label,
        session__provider_ref=session.provider_ref,
    )
    charges = list(billed.values_list("pk", flat=True))
    require(
        not charges or documents_credited(charges),
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
