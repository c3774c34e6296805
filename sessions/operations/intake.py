"""Sessions come in: recorded once, in bulk, matched, looked at and priced, all in one transaction (I3, I19)."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from contracts.queries import TermsBook
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import require_aware
from evbilling.kernel.errors import BadInput, require
from sessions.models import (
    ChargingSession,
    Hold,
    HoldKind,
    HoldState,
    ImportBatch,
    SessionCharge,
    SessionSource,
    SessionState,
)
from sessions.operations.matching import match_sessions
from sessions.operations.rating import rate_sessions
from sessions.rules.intake import SessionInput
from sessions.rules.quality import Concern, Seen, look_alone, look_among

BATCH = 2000
"""Rows per INSERT, and references per query."""
LONGEST = dt.timedelta(days=14)
"""How far back a session that is still running into the batch may have begun."""
_FEW = 500


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of the rows: added + revised + unchanged = rows; `held` and `rated` are among added and revised."""

    added: int
    revised: int
    unchanged: int
    held: int
    rated: int
    session_ids: tuple[int, ...]


def record_sessions(
    *,
    rows: Sequence[SessionInput],
    source: SessionSource,
    source_label: str,
    by: User | None,
    at: dt.datetime,
    max_hours: int = 24,
    batch: ImportBatch | None = None,
    terms: TermsBook | None = None,
) -> IntakeResult:
    """Record what a source reports: new sessions, changed copies as new revisions, equal copies not at all.

    What is odd is held (rules/quality.py), all else is priced. Constant queries per 2,000 rows and one audit row.
    Raises BadInput when one reference stands twice with different content; nothing is recorded then.
    """
    inputs = _distinct(rows)
    refs = list(inputs)
    hashes = {ref: row.content_hash() for ref, row in inputs.items()}
    with transaction.atomic():
        current = {
            session.provider_ref: session
            for chunk in _chunks(refs)
            for session in _of_source(source, source_label, chunk)
            .filter(superseded_at__isnull=True)
            .select_for_update(of=("self",))
            .order_by("pk")
        }
        changed = {ref: old for ref, old in current.items() if old.content_hash != hashes[ref]}
        fresh = [
            _new_row(
                inputs[ref],
                revision=changed[ref].revision + 1 if ref in changed else 1,
                content_hash=hashes[ref],
                source=source,
                source_label=source_label,
                at=at,
            )
            for ref in refs
            if ref not in current or ref in changed
        ]
        concerns = _supersede(changed, source, source_label, at)
        terms = terms or TermsBook()
        matched = match_sessions(
            fresh, connector_refs=[inputs[each.provider_ref].connector_ref for each in fresh], terms=terms
        )
        for found in matched:
            concerns += found
        concerns += _look(fresh, source, source_label, max_hours)
        created = ChargingSession.objects.bulk_create(fresh, batch_size=BATCH)
        by_ref = {session.provider_ref: session for session in created}
        _open_holds(concerns, by_ref, at)
        held = {concern.key for concern in concerns}
        rating = rate_sessions([each.pk for each in created if each.provider_ref not in held], at=at, terms=terms)
        result = IntakeResult(
            added=len(fresh) - len(changed),
            revised=len(changed),
            unchanged=len(rows) - len(fresh),
            held=len(held) + rating.held,
            rated=rating.rated,
            session_ids=tuple(session.pk for session in created),
        )
        record_audit(
            action="charging.session.record",
            obj=batch,
            by=by,
            at=at,
            changes={
                "source": source.value,
                "source_label": source_label,
                "added": result.added,
                "revised": result.revised,
                "unchanged": result.unchanged,
                "held": result.held,
            },
            members=sorted(by_ref),
        )
    return result


def _distinct(rows: Sequence[SessionInput]) -> dict[str, SessionInput]:
    """Rows by reference; each is checked as no source is trusted."""
    inputs: dict[str, SessionInput] = {}
    for row in rows:
        first = inputs.setdefault(row.provider_ref, row)
        require(
            first == row,
            BadInput("provider_ref", row.provider_ref, _("It stands twice with different content; keep one of them.")),
        )
        if first is not row:
            continue
        require_aware(row.started_at)
        completed = row.state == SessionState.COMPLETED
        require(
            not completed or row.ended_at is not None,
            BadInput("ended_at", None, _("A completed session has an end.")),
        )
        require(
            row.ended_at is None or require_aware(row.ended_at) >= row.started_at,
            BadInput("ended_at", row.ended_at, _("A session ends after it starts.")),
        )
        require(
            isinstance(row.energy_wh, int) and row.energy_wh >= 0,
            BadInput("energy_wh", row.energy_wh, _("Give whole watt-hours, zero or more.")),
        )
        of_periods = sum(period.energy_wh for period in row.periods)
        require(
            not row.periods or of_periods == row.energy_wh,
            BadInput("energy_wh", row.energy_wh, _("Its charging periods add up to %(wh)s Wh.") % {"wh": of_periods}),
        )
    return inputs


def _chunks(refs: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(refs), BATCH):
        yield refs[start : start + BATCH]


def _of_source(source: SessionSource, source_label: str, refs: Iterable[str]) -> QuerySet[ChargingSession]:
    return ChargingSession.objects.filter(source=source, source_label=source_label, provider_ref__in=refs)


def _new_row(
    row: SessionInput,
    *,
    revision: int,
    content_hash: str,
    source: SessionSource,
    source_label: str,
    at: dt.datetime,
) -> ChargingSession:
    return ChargingSession(
        source=source,
        source_label=source_label,
        provider_ref=row.provider_ref,
        revision=revision,
        content_hash=content_hash,
        state=SessionState(row.state),
        token_ref=row.token_ref,
        station_ref=row.station_ref,
        started_at=row.started_at.astimezone(dt.UTC),
        ended_at=row.ended_at.astimezone(dt.UTC) if row.ended_at else None,
        energy_wh=row.energy_wh,
        periods=[period.as_data() for period in row.periods],
        extra=dict(row.extra),
        received_at=at,
    )


def _supersede(
    changed: dict[str, ChargingSession], source: SessionSource, source_label: str, at: dt.datetime
) -> list[Concern]:
    """Mark the copies before as replaced and close their holds; hold what is on a document already (I3)."""
    if not changed:
        return []
    ids = [session.pk for session in changed.values()]
    ChargingSession.objects.filter(pk__in=ids).update(superseded_at=at)
    Hold.objects.filter(session__in=ids, state=HoldState.OPEN).update(
        state=HoldState.REJECTED, resolved_at=at, resolution="A changed copy replaced this one."
    )
    billed = SessionCharge.objects.filter(
        session__source=source, session__source_label=source_label, session__provider_ref__in=list(changed)
    )
    return [
        Concern(
            ref,
            HoldKind.CHANGED_AFTER_BILLING,
            "An earlier copy of this session is on a document; credit it before this copy is billed.",
        )
        for ref in sorted(set(billed.values_list("session__provider_ref", flat=True)))
    ]


def _look(fresh: Sequence[ChargingSession], source: SessionSource, source_label: str, max_hours: int) -> list[Concern]:
    """What the quality rules say about the new sessions beside each other and what is stored."""
    seen = [
        Seen(each.provider_ref, each.token_ref, each.station_ref, each.started_at, each.ended_at, each.energy_wh)
        for each in fresh
        if each.state == SessionState.COMPLETED and each.ended_at is not None
    ]
    if not seen:
        return []
    concerns = [concern for each in seen for concern in look_alone(each, max_hours=max_hours)]
    fields = ("token_ref", "station_ref", "started_at", "ended_at", "energy_wh")
    for near in _near(fresh, seen).values("source", "source_label", "provider_ref", *fields):
        same = (near["source"], near["source_label"]) == (source, source_label)
        ref = near["provider_ref"] if same else f"{near['source_label'] or near['source']}/{near['provider_ref']}"
        seen.append(Seen(ref, is_new=False, **{name: near[name] for name in fields}))
    return concerns + look_among(seen)


def _near(fresh: Sequence[ChargingSession], seen: Sequence[Seen]) -> QuerySet[ChargingSession]:
    """Stored current sessions that may overlap or double the new ones."""
    begin, end = min(each.started_at for each in seen), max(each.ended_at for each in seen)
    margin = dt.timedelta(minutes=2)
    near = ChargingSession.objects.filter(
        superseded_at__isnull=True,
        state=SessionState.COMPLETED,
        started_at__lte=end + margin,
        ended_at__gte=begin - margin,
        ended_at__lte=end + LONGEST,
    )
    stations = {each.station_id for each in fresh if each.station_id}
    tokens = {each.token_id for each in fresh if each.token_id}
    if len(stations) + len(tokens) <= _FEW:
        near = near.filter(Q(station__in=stations) | Q(token__in=tokens))
    return near


def _open_holds(concerns: Sequence[Concern], by_ref: dict[str, ChargingSession], at: dt.datetime) -> None:
    Hold.objects.bulk_create(
        [
            Hold(session=by_ref[concern.key], kind=concern.kind, detail=concern.detail[:300], opened_at=at)
            for concern in concerns
            if concern.key in by_ref
        ],
        batch_size=BATCH,
    )
