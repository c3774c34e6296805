"""What is held: zero energy, too long, twice, two at one place at a time."""

import datetime as dt
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from sessions.models import HoldKind
from sessions.rules import quality
from sessions.rules.quality import Concern, Seen, look_alone, look_among, overlap

START = dt.datetime(2026, 1, 14, 9, 0, tzinfo=dt.UTC)


def seen(key: str, begin: int = 0, end: int = 60, token: str = "T1", station: str = "E1", **more: object) -> Seen:  # noqa: S107
    """Minutes from START."""
    return Seen(
        key,
        token,
        station,
        START + dt.timedelta(minutes=begin),
        START + dt.timedelta(minutes=end),
        **{"energy_wh": 1000} | more,
    )


def kinds(concerns: list[Concern]) -> list[tuple[str, str]]:
    return sorted((concern.key, concern.kind) for concern in concerns)


def test_the_reasons_are_those_that_a_hold_may_have() -> None:
    reasons = {value for name, value in vars(quality).items() if name.isupper() and isinstance(value, str)}
    assert reasons <= set(HoldKind.values)


def test_no_energy_is_held() -> None:
    assert kinds(list(look_alone(seen("A", energy_wh=0), max_hours=24))) == [("A", "zero_energy")]


def test_longer_than_the_limit_is_held_and_the_limit_itself_is_not() -> None:
    assert list(look_alone(seen("A", end=24 * 60), max_hours=24)) == []
    (concern,) = look_alone(seen("A", end=24 * 60 + 1), max_hours=24)
    assert concern.kind == "over_long"
    assert concern.detail == "It lasted 24 h 1 min, longer than 24 hours."


def test_the_same_token_at_the_same_station_within_a_minute_is_a_duplicate_of_the_earlier() -> None:
    found = look_among([seen("B", 1, 61), seen("A")])
    assert kinds(found) == [("B", "duplicate")]
    assert "A" in found[0].detail


def test_after_more_than_a_minute_it_is_an_overlap_on_both() -> None:
    assert kinds(look_among([seen("A"), seen("B", 2, 61)])) == [("B", "overlap_station"), ("B", "overlap_token")]


def test_sessions_that_touch_do_not_overlap() -> None:
    assert look_among([seen("A", 0, 60), seen("B", 60, 90)]) == []


def test_another_station_and_another_token_do_not_meet() -> None:
    assert look_among([seen("A"), seen("B", 5, token="T2", station="E2")]) == []


def test_a_newcomer_is_held_even_if_it_began_before_the_stored_one() -> None:
    stored = seen("A", 10, 60, is_new=False)
    assert kinds(look_among([stored, seen("B", 0, 20, token="T2")])) == [("B", "overlap_station")]


def test_stored_sessions_are_not_looked_at_again() -> None:
    assert look_among([seen("A", is_new=False), seen("B", 10, is_new=False)]) == []


def test_many_others_are_counted_after_three() -> None:
    stored = [seen(f"A{number}", 0, 60, token=f"T{number}", is_new=False) for number in range(2, 7)]
    (concern,) = look_among([*stored, seen("B", 5)])
    assert concern.detail == "At the same time the station served A2, A3, A4 and 2 more."


_sessions = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 120), st.sampled_from("XY"), st.sampled_from("PQ"), st.booleans()),
    max_size=12,
).map(
    lambda rows: [
        seen(f"S{number:02}", begin, begin + length, token, station, is_new=new)
        for number, (begin, length, token, station, new) in enumerate(rows)
    ]
)


@given(_sessions)
def test_a_session_is_held_exactly_when_some_pair_calls_for_it(sessions: list[Seen]) -> None:
    """Against the plain look at every pair, and in any order of coming."""
    expected = set()
    for one, other in combinations(sorted(sessions, key=lambda each: each.order), 2):
        if not (one.is_new or other.is_new):
            continue
        held = other if other.is_new else one
        same_token, same_station = one.token_ref == other.token_ref, one.station_ref == other.station_ref
        if same_token and same_station and other.started_at - one.started_at <= quality.DUPLICATE_WITHIN:
            expected.add((held.key, "duplicate"))
        elif overlap(one, other):
            expected |= {(held.key, "overlap_station")} if same_station else set()
            expected |= {(held.key, "overlap_token")} if same_token else set()
    assert set(kinds(look_among(sessions))) == expected
    assert look_among(sessions) == look_among(sessions[::-1])
