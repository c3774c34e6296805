"""Limits that sessions share: the earlier takes first, nothing beyond the limit, the same in any order of drafting."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.money import add
from sessions.rules.sharing import CUSTOMER, SPONSOR, Claim, allot, covered_percent, share_parts

D = Decimal


def claims(*wanted: int, limit: int) -> list[Claim]:
    return [Claim(each, limit) for each in wanted]


def test_the_earlier_takes_first_and_the_one_that_crosses_the_limit_gets_the_rest() -> None:
    assert allot(claims(6, 6, 6, limit=10)) == [6, 4, 0]


def test_what_stands_is_kept_and_a_late_session_takes_what_is_left() -> None:
    assert allot([Claim(6, 10), Claim(6, 10, 6), Claim(6, 10, 2)]) == [2, 6, 2]
    assert allot([Claim(6, 10), Claim(6, 10, 6), Claim(6, 10, 4)]) == [0, 6, 4]


def test_a_higher_limit_from_the_middle_of_the_month_on_does_not_reach_back() -> None:
    whole = [Claim(15, 10), Claim(15, 20)]
    assert allot(whole) == [10, 10]
    assert allot([whole[0], Claim(15, 20, 10)]) == [10, 10]
    assert allot([Claim(15, 10, 10), whole[1]]) == [10, 10]


def test_a_lower_limit_from_the_middle_of_the_month_on_takes_nothing_back() -> None:
    assert allot([Claim(15, 20), Claim(15, 10)]) == [15, 0]
    assert allot([Claim(15, 20), Claim(15, 10, 0)]) == [15, 0]


_claim = st.builds(Claim, st.integers(0, 50), st.integers(0, 200))


@given(st.lists(_claim, max_size=12), st.data())
def test_any_order_of_drafting_gives_the_same_and_never_more_than_the_limit(queue: list[Claim], data: Any) -> None:
    """Drafted in groups in any order, each group seeing what stands: as if all were split at once."""
    at_once = allot(queue)
    left = data.draw(st.permutations(range(len(queue))))
    standing: dict[int, int] = {}
    while left:
        size = data.draw(st.integers(1, len(left)))
        group, left = left[:size], left[size:]
        now = allot([Claim(each.wanted, each.limit, standing.get(place)) for place, each in enumerate(queue)])
        standing |= {place: now[place] for place in group}
    assert [standing[place] for place in range(len(queue))] == at_once
    used = 0
    for grant, each in zip(at_once, queue, strict=True):
        used += grant
        assert 0 <= grant <= each.wanted
        assert grant == 0 or used <= each.limit


@given(st.lists(st.integers(0, 50), max_size=12), st.integers(0, 200), st.integers(0, 60), st.data())
def test_a_late_session_never_breaks_the_limit(wanted: list[int], limit: int, late: int, data: Any) -> None:
    stands = [
        Claim(want, limit, given) for want, given in zip(wanted, allot(claims(*wanted, limit=limit)), strict=True)
    ]
    place = data.draw(st.integers(0, len(stands)))
    granted = allot([*stands[:place], Claim(late, limit), *stands[place:]])
    assert granted[place] == min(late, limit - sum(each.standing or 0 for each in stands))
    assert sum(granted) <= limit


@given(st.lists(st.integers(0, 50), max_size=12), st.integers(0, 200), st.integers(0, 50))
def test_a_higher_limit_never_gives_less(wanted: list[int], limit: int, more: int) -> None:
    before, after = allot(claims(*wanted, limit=limit)), allot(claims(*wanted, limit=limit + more))
    assert all(low <= high for low, high in zip(before, after, strict=True))


_parts = st.lists(
    st.tuples(st.sampled_from([None, D(7), D(19)]), st.integers(0, 10**5).map(lambda c: D(c) / 100)),
    max_size=3,
    unique_by=lambda part: part[0],
)


@given(_parts, st.decimals(min_value="0.01", max_value=100, places=2), st.integers(0, 10**5))
def test_a_capped_part_adds_up_per_rate_and_stays_within(
    parts: list[tuple[Decimal | None, Decimal]], percent: Decimal, most: int
) -> None:
    free = share_parts(parts, sponsor_percent=percent, currency="EUR")
    shares = share_parts(parts, sponsor_percent=percent, sponsor_most=D(most) / 100, currency="EUR")
    for rate, net in parts:
        assert add(share.amount for share in shares if share.vat_rate == rate) == net
    assert all(share.amount >= 0 for share in shares)
    uncapped = {share.vat_rate: share.amount for share in free if share.role == SPONSOR}
    assert all(share.amount <= uncapped[share.vat_rate] for share in shares if share.role == SPONSOR)
    total = add(share.amount for share in shares if share.role == SPONSOR)
    assert total == min(add(uncapped.values()), D(most) / 100)


@given(st.integers(1, 10**6), st.data(), st.integers(0, 10**5))
def test_the_part_across_the_kwh_limit_is_in_proportion_to_the_kwh(energy: int, data: Any, cents: int) -> None:
    covered = data.draw(st.integers(0, energy))
    percent = covered_percent(D(100), covered, energy)
    assert percent == Fraction(100 * covered, energy)
    customer, sponsor = share_parts([(None, D(cents) / 100)], sponsor_percent=percent, currency="EUR")
    assert (customer.role, sponsor.role, customer.amount + sponsor.amount) == (CUSTOMER, SPONSOR, D(cents) / 100)
    assert abs(Fraction(sponsor.amount) - Fraction(cents, 100) * covered / energy) < Fraction(1, 100)


def test_a_session_without_energy_is_not_covered_by_kwh() -> None:
    assert covered_percent(D(100), 0, 0) == 0
