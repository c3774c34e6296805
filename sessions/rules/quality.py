"""Which sessions a person looks at before they are billed (DOMAIN, Hold). Pure: the caller hands in what is near."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

ZERO_ENERGY = "zero_energy"
OVER_LONG = "over_long"
DUPLICATE = "duplicate"
OVERLAP_STATION = "overlap_station"
OVERLAP_TOKEN = "overlap_token"  # noqa: S105 - a reason, no secret
UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - a reason, no secret
UNKNOWN_STATION = "unknown_station"
NO_CONTRACT = "no_contract"

DUPLICATE_WITHIN = dt.timedelta(minutes=1)
"""Two starts of one token at one station so close together are one session reported twice."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules look at: a completed session, half open [started_at, ended_at). `is_new`: it has just come in."""

    key: str
    token_ref: str
    station_ref: str
    started_at: dt.datetime
    ended_at: dt.datetime
    energy_wh: int
    is_new: bool = True

    @property
    def order(self) -> tuple[dt.datetime, str]:
        """Earlier start first, then the reference."""
        return self.started_at, self.key


@dataclass(frozen=True, slots=True)
class Concern:
    """A reason to hold one session, with a sentence that names what was seen."""

    key: str
    kind: str
    detail: str


def look_alone(session: Seen, *, max_hours: int) -> Iterator[Concern]:
    """What is odd about a session by itself."""
    if session.energy_wh == 0:
        yield Concern(session.key, ZERO_ENERGY, _("No energy was drawn."))
    lasted = session.ended_at - session.started_at
    if lasted > dt.timedelta(hours=max_hours):
        hours, seconds = divmod(int(lasted.total_seconds()), 3600)
        yield Concern(
            session.key,
            OVER_LONG,
            _("It lasted %(hours)s h %(minutes)s min, longer than %(most)s hours.")
            % {"hours": hours, "minutes": seconds // 60, "most": max_hours},
        )


def look_among(sessions: Sequence[Seen]) -> list[Concern]:
    """Duplicates and overlaps among sessions, new ones and those stored before.

    Of each pair one is held: the newcomer where the other was stored before, else the later of the two (start, then
    reference). Pairs of stored sessions were looked at when they came in. A pair that looks like a duplicate is not
    reported as an overlap again. The order in which sessions are handed in does not matter.
    """
    ordered = sorted(sessions, key=lambda session: session.order)
    twins = _pairs(ordered, lambda session: (session.token_ref, session.station_ref), _started_together)
    known = {(first.key, second.key) for first, second in twins}
    found = list(
        _concerns(twins, DUPLICATE, _("The same token started at the same station within a minute: %(others)s."))
    )
    for kind, place, text in (
        (OVERLAP_STATION, lambda session: session.station_ref, _("At the same time the station served %(others)s.")),
        (OVERLAP_TOKEN, lambda session: session.token_ref, _("At the same time the token was used in %(others)s.")),
    ):
        pairs = [
            (first, second) for first, second in _pairs(ordered, place, overlap) if (first.key, second.key) not in known
        ]
        found += _concerns(pairs, kind, text)
    return found


def overlap(first: Seen, second: Seen) -> bool:
    """Whether two half-open sessions share an instant; one of no length does inside the other."""
    return first.started_at < second.ended_at and second.started_at < first.ended_at


def _started_together(first: Seen, second: Seen) -> bool:
    return second.started_at - first.started_at <= DUPLICATE_WITHIN


def _pairs(
    ordered: Iterable[Seen], group: Callable[[Seen], object], match: Callable[[Seen, Seen], bool]
) -> list[tuple[Seen, Seen]]:
    """Matching pairs (earlier, later) within each group that hold at least one newcomer."""
    pairs = []
    near: dict[object, list[Seen]] = defaultdict(list)
    for session in ordered:
        place = group(session)
        horizon = session.started_at - DUPLICATE_WITHIN
        near[place] = [
            earlier for earlier in near[place] if earlier.ended_at > session.started_at or earlier.started_at >= horizon
        ]
        pairs += [
            (earlier, session)
            for earlier in near[place]
            if (earlier.is_new or session.is_new) and match(earlier, session)
        ]
        near[place].append(session)
    return pairs


def _concerns(pairs: Iterable[tuple[Seen, Seen]], kind: str, text: str) -> Iterator[Concern]:
    others: dict[str, list[str]] = defaultdict(list)
    for first, second in pairs:
        held, other = (second, first) if second.is_new else (first, second)
        others[held.key].append(other.key)
    for key, keys in others.items():
        yield Concern(key, kind, text % {"others": _listed(keys)})


def _listed(keys: Collection[str]) -> str:
    named = ", ".join(sorted(keys)[:_NAMED])
    if len(keys) <= _NAMED:
        return named
    return _("%(named)s and %(count)s more") % {"named": named, "count": len(keys) - _NAMED}
