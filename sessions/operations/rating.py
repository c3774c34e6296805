"""Prices for many sessions at once: rated by the one engine, frozen in SessionPrice (I4).

Assumption where a source gives only start, end and energy: the session charged from start to end, its energy drawn
evenly (rules/pricing.py). Terms and tariff version are those of the session's start.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db import transaction
from django.db.models import Exists, Model, OuterRef
from django.utils.translation import gettext as _

from contracts.models import Connector, Contract, Site
from contracts.queries import PriceBook, TermsBook
from contracts.queries.suspensions import holding_suspensions, within
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.bulk import insert_all
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.errors import NotAllowed, WrongState, require
from evbilling.kernel.locks import lock_all
from sessions.models import ChargingSession, Hold, HoldKind, HoldState, SessionCharge, SessionPrice, SessionState
from sessions.queries.pricing import Pricer, Quote

CHUNK = 2000
_PRICED_BY = (
    "provider_ref",
    "vehicle",
    "contract",
    "site",
    "connector",
    "started_at",
    "ended_at",
    "energy_wh",
    "periods",
)
"""What a session's price and its split are reckoned from."""
_SESSION = SessionPrice._meta.get_field("session")


@dataclass(frozen=True, slots=True)
class RatingOutcome:
    """How many sessions got a price, and how many wait for a person because they got none."""

    rated: int = 0
    held: int = 0

    def __add__(self, other: "RatingOutcome") -> "RatingOutcome":
        return RatingOutcome(self.rated + other.rated, self.held + other.held)


def rate_sessions(
    session_ids: Iterable[int],
    *,
    at: dt.datetime,
    terms: TermsBook | None = None,
    kept: list[SessionPrice] | None = None,
) -> RatingOutcome:
    """Price these sessions: those that are current, completed, unrated, matched and without open or rejected hold.

    Safe to repeat; others are left alone. A session without a tariff, one that cannot be priced, and one that started
    in a suspension whose rule says so, is held. Constant queries per 2,000 sessions; without `terms` those of the
    sessions' contracts are loaded, once for contracts that the sessions before had too. The new prices, their sessions
    locked, are added to `kept` for a caller that goes on with them in its transaction.
    """
    ids = sorted(set(session_ids))
    outcome = RatingOutcome()
    pricer = None if terms is None else Pricer(terms)
    known: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        with transaction.atomic():
            sessions = _rateable(ids[start : start + CHUNK])
            if not sessions:
                continue
            contracts = {each.contract_id for each in sessions if each.contract_id is not None}
            if pricer is None or (terms is None and not contracts <= known):
                pricer, known = Pricer(PriceBook(Contract.objects.filter(pk__in=contracts))), contracts
            prices, holds = _rate(sessions, pricer, at)
            outcome += RatingOutcome(len(prices), len(holds))
            if kept is not None:
                kept += prices
    return outcome


def rerate_sessions(*, session_ids: Sequence[int], reason: str, by: User | None, at: dt.datetime) -> RatingOutcome:
    """Throw away the prices of sessions and rate them again, under the terms as they are now.

    Raises WrongState when a session has charges: it is on a document, which must be discarded or credited first.
    Raises BadInput without a reason, NotAllowed without the permission.
    """
    require(
        by is None or by.has_perm("charging.change_sessionprice"),
        NotAllowed(_("You may not price sessions again; ask a billing clerk.")),
    )
    require_words("reason", reason, _("Say why; it is kept in the audit trail."))
    with transaction.atomic():
        sessions = lock_all(ChargingSession, session_ids)
        charged = SessionCharge.objects.filter(session__in=session_ids).select_related("session").first()
        if charged is not None:
            raise WrongState(
                _("Session %(ref)s is on a document; discard the draft or credit the document first.")
                % {"ref": charged.session.provider_ref}
            )
        SessionPrice.objects.filter(session__in=session_ids).delete()
        outcome = rate_sessions(session_ids, at=at)
        record_audit(
            action="charging.session.rerate",
            obj=None,
            by=by,
            at=at,
            reason=reason,
            changes={"rated": outcome.rated, "held": outcome.held},
            members=[session.provider_ref for session in sessions],
        )
    return outcome


def _rateable(ids: Sequence[int]) -> list[ChargingSession]:
    waiting = Hold.objects.filter(session=OuterRef("pk")).exclude(state=HoldState.RELEASED)
    rows = ChargingSession.objects.filter(
        ~Exists(waiting),
        ~Exists(SessionPrice.objects.filter(session=OuterRef("pk"))),
        pk__in=ids,
        superseded_at__isnull=True,
        state=SessionState.COMPLETED,
        contract__isnull=False,
    )
    found = list(rows.only(*_PRICED_BY).select_for_update(of=("self",)).order_by("pk"))
    _attach(found, "contract", Contract)
    _attach(found, "site", Site)
    _attach(found, "connector", Connector)
    return found


def _attach(sessions: Sequence[ChargingSession], name: str, model: type[Model]) -> None:
    """Give sessions the row that they name, one object for all that name the same."""
    keys = list(map(attrgetter(f"{name}_id"), sessions))
    rows = model._base_manager.in_bulk({key for key in keys if key is not None})
    field: Any = ChargingSession._meta.get_field(name)
    for each, key in zip(sessions, keys, strict=True):
        if key is not None:
            field.set_cached_value(each, rows[key])


def _rate(
    sessions: Sequence[ChargingSession], pricer: Pricer, at: dt.datetime
) -> tuple[list[SessionPrice], list[Hold]]:
    """The prices and the holds that were made."""
    prices: list[SessionPrice] = []
    holds: list[Hold] = []
    suspended = _suspended(sessions)
    for session in sessions:
        if session.pk in suspended:
            holds.append(_suspended_hold(session, at))
            continue
        quote = pricer.quote(session)
        if quote.priced is None:
            holds.append(Hold(session=session, kind=quote.problem_kind, detail=quote.problem[:300], opened_at=at))
        else:
            prices.append(frozen_price(session, quote, at))
    insert_all(prices)
    Hold.objects.bulk_create(  # one that was released before opens again: the problem is still there
        holds,
        batch_size=CHUNK,
        update_conflicts=True,
        unique_fields=["session", "kind"],
        update_fields=["detail", "state", "opened_at", "resolved_at", "resolved_by", "resolution"],
    )
    return prices, holds


def _suspended(sessions: Sequence[ChargingSession]) -> set[int]:
    """Sessions that started while their contract was suspended under the rule that a person decides, and none has."""
    spans = holding_suspensions(each.contract_id for each in sessions if each.contract_id is not None)
    if not spans:
        return set()
    found = {each.pk for each in sessions if within(spans.get(each.contract_id or 0, ()), each.started_at)}
    decided = Hold.objects.filter(session__in=found, kind=HoldKind.SUSPENDED, state=HoldState.RELEASED)
    return found - set(decided.values_list("session_id", flat=True))


def _suspended_hold(session: ChargingSession, at: dt.datetime) -> Hold:
    text = _("Contract %(number)s was suspended when it started; release it if it is owed, else reject it.")
    detail = text % {"number": session.contract.number if session.contract else ""}
    return Hold(session=session, kind=HoldKind.SUSPENDED, detail=detail[:300], opened_at=at)


def frozen_price(session: ChargingSession, quote: Quote, at: dt.datetime) -> SessionPrice:
    """The unsaved row that keeps a quote for good."""
    priced = quote.priced
    assert priced is not None  # noqa: S101 - the caller has a price
    price = SessionPrice(
        session_id=session.pk,
        contract_version=quote.contract_version,
        tariff_version=quote.tariff_version,
        engine_version=priced.engine_version,
        rounding_rule=priced.rounding_rule,
        currency=priced.currency,
        net_amount=priced.net,
        gross_amount=priced.gross,
        parts=priced.parts_data(),
        lines=priced.lines_data(),
        rated_at=at,
    )
    _SESSION.set_cached_value(price, session)  # the price knows its session, not the other way: no circle to collect
    return price
