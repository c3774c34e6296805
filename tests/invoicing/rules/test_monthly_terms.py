"""Monthly terms: worked by hand, then what must hold whatever the month."""

import datetime as dt
import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rules.terms import Term, parse
from evbilling.kernel.money import add
from invoicing.rules.monthly_terms import (
    Difference,
    MonthCharge,
    MonthFacts,
    differences,
    energy_part,
    month_of,
)
from invoicing.rules.tax import Category, Tax

D = Decimal
T19, T7 = Tax(Category.STANDARD, D(19)), Tax(Category.STANDARD, D(7))
FIRST = dt.datetime(2026, 10, 1, 8, tzinfo=dt.UTC)


def charge(number: int, kwh: str, net: str, energy: str | None = None, **fields: Any) -> MonthCharge:
    return MonthCharge(
        **{
            "session_id": number,
            "session_ref": f"S{number}",
            "ended_at": FIRST + dt.timedelta(hours=number),
            "energy_wh": int(D(kwh) * 1000),
            "vehicle_id": None,
            "tax": T19,
            "net": D(net),
            "energy_net": Fraction(D(energy if energy is not None else net)),
        }
        | fields
    )


def facts(*charges: MonthCharge, **fields: Any) -> MonthFacts:
    return MonthFacts(**{"charges": charges, "currency": "EUR", "contract_days": 31, "month_days": 31} | fields)


INCLUDED = parse("included_energy", {"kwh": "15", "per": "contract"})
GRADUATED = parse(
    "graduated_discount", {"tiers": [{"from_kwh": "10", "percent": "10"}, {"from_kwh": "25", "percent": "20"}]}
)
VOLUME = parse("volume_discount", {"tiers": [{"from_kwh": "10", "percent": "5"}, {"from_kwh": "30", "percent": "8"}]})
THREE = facts(charge(1, "10", "4.50"), charge(2, "10", "4.50"), charge(3, "10", "4.50"))


def taken(terms: list[Term], month: MonthFacts) -> list[tuple[str, Decimal]]:
    return [(each.term, each.net) for each in month_of(terms, month).allowances]


def test_the_first_kwh_of_the_month_are_free_and_a_session_is_divided_at_the_limit() -> None:
    # 10 kWh of the first session, 5 of the second: 4.50 + 2.25
    assert taken([INCLUDED], THREE) == [("included_energy", D("6.75"))]


def test_a_graduated_discount_takes_each_kwh_at_its_tier() -> None:
    # kWh 10 to 25 at 10 %: 15 x 0.45 = 6.75 -> 0.675; 25 to 30 at 20 %: 2.25 -> 0.45; together 1.125
    assert taken([GRADUATED], THREE) == [("graduated_discount", D("1.13"))]


def test_a_volume_discount_takes_the_tier_reached_on_all() -> None:
    assert taken([VOLUME], THREE) == [("volume_discount", D("1.08"))]  # 30 kWh reach 8 %: 13.50 x 8 %
    less = facts(*THREE.charges[:2], charge(3, "9.999", "4.50"))
    assert taken([VOLUME], less) == [("volume_discount", D("0.68"))]  # 13.50 x 5 % = 0.675


def test_a_discount_acts_on_what_included_energy_leaves() -> None:
    # 15 kWh free; of the other 15, kWh 15 to 25 at 10 % (4.50 -> 0.45) and 25 to 30 at 20 % (2.25 -> 0.45)
    assert taken([INCLUDED, GRADUATED], THREE) == [("included_energy", D("6.75")), ("graduated_discount", D("0.90"))]


def test_only_energy_is_free_not_fees_or_time() -> None:
    month = facts(charge(1, "10", "6.50", "4.50"))
    assert taken([INCLUDED], month) == [("included_energy", D("4.50"))]


def test_included_energy_for_each_vehicle_leaves_sessions_without_one_alone() -> None:
    term = parse("included_energy", {"kwh": "12", "per": "vehicle"})
    month = facts(
        charge(1, "10", "4.50", vehicle_id=1),
        charge(2, "10", "4.50", vehicle_id=2),
        charge(3, "10", "4.50", vehicle_id=1),
        charge(4, "10", "4.50"),
    )
    found = month_of([term], month).allowances[0]
    assert found.net == D("9.90")  # vehicle 1: 10 + 2 kWh, vehicle 2: 10 kWh
    assert found.because == {"included_kwh": D(12), "per": "vehicle", "used_kwh": D(22), "vehicles": 2}


def test_two_tax_rates_get_their_parts_by_largest_remainder() -> None:
    month = facts(charge(1, "10", "1.00"), charge(2, "10", "0.01", tax=T7), charge(3, "10", "1.00"))
    term = parse("volume_discount", {"tiers": [{"from_kwh": "0", "percent": "50"}]})
    found = month_of([term], month).allowances[0]
    assert found.nets == {T19: D("1.00"), T7: D("0.01")}  # 1.005 -> 1.01; 1.00 and 0.005, the cent to the remainder
    assert month_of([term], month).net == D("1.00")


def test_base_fees_are_by_days_and_rounded_once() -> None:
    terms = [
        parse("base_fee", {"amount": "49.90", "per": "contract"}),
        parse("base_fee", {"amount": "3.33", "per": "vehicle"}),
        parse("base_fee", {"amount": "100", "per": "site"}),
    ]
    month = facts(contract_days=10, vehicles=3, sites=0)
    fees = month_of(terms, month).fees
    assert [fee.net for fee in fees] == [D("16.10"), D("3.22")]  # 49.90 x 10/31 = 16.0967..; 9.99 x 10/31 = 3.2225..
    assert fees[1].because == {"days": 10, "month_days": 31, "amount": D("3.33"), "per": "vehicle", "count": 3}


def test_base_fees_count_towards_a_promised_amount() -> None:
    terms = [parse("base_fee", {"amount": "10", "per": "contract"}), parse("minimum_commitment", {"amount": "100"})]
    month = month_of(terms, THREE)
    assert month.shortfall is not None
    assert month.shortfall.net == D("76.50")  # 100 - (13.50 + 10)
    assert month.net == D("100.00")


def test_promised_kwh_that_are_missing_have_a_price() -> None:
    term = parse("minimum_commitment", {"kwh": "100", "price_per_kwh": "0.105"})
    month = month_of([term], replace(THREE, contract_days=15, month_days=30))
    assert month.shortfall is not None
    assert month.shortfall.net == D("2.10")  # 50 - 30 = 20 kWh
    assert month.shortfall.because["missing_kwh"] == D(20)
    kept = month_of([parse("minimum_commitment", {"kwh": "30", "price_per_kwh": "9"})], THREE)
    assert kept.shortfall is not None
    assert kept.shortfall.net == 0


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("ENERGY", "4.5"), ("FLAT", "1")], "4.5"),
        ([("ENERGY", "4.5"), ("FLAT", "1"), ("MAX_PRICE", "-2.75")], "2.25"),  # half of everything
        ([("ENERGY", "4.5"), ("MIN_PRICE", "0.5")], "4.5"),  # what a minimum adds is no energy
        ([("ENERGY", "4.5"), ("ENERGY", "-1")], "3.5"),  # a cap in a window
        ([("TIME", "2")], "0"),
        ([], "0"),
    ],
)
def test_the_energy_part_of_a_charge(lines: list[tuple[str, str]], expected: str) -> None:
    net = add(D(amount) for _, amount in lines)
    found = energy_part(
        net, [(name, D(amount)) for name, amount in lines], limits=frozenset({"MIN_PRICE", "MAX_PRICE"})
    )
    assert found == Fraction(expected)


def test_a_sponsored_charge_has_its_share_of_the_energy() -> None:
    assert energy_part(D("2.75"), [("ENERGY", D("4.5")), ("FLAT", D(1))], limits=frozenset()) == Fraction("2.25")


def test_a_difference_is_held_within_the_document_and_the_rest_waits() -> None:
    now, before = {("volume_discount", T19): D("10.00")}, {("volume_discount", T19): D("4.00")}
    room = {T19: D("5.00")}
    assert differences(now, before, room) == [Difference("volume_discount", T19, D("5.00"), D("1.00"))]
    assert room == {T19: D("0.00")}
    assert differences(now, now, room) == []


def test_what_was_granted_too_much_is_taken_back_and_makes_room() -> None:
    now = {("volume_discount", T19): D("6.00")}
    before = {("included_energy", T19): D("5.00")}
    room = {T19: D("1.00")}
    assert differences(now, before, room) == [
        Difference("volume_discount", T19, D("6.00"), D("0.00")),
        Difference("included_energy", T19, D("-5.00"), D("0")),
    ]
    assert room == {T19: D("0.00")}


# --- What holds whatever the month ------------------------------------------------------------------------------------

cents = st.integers(0, 5000).map(lambda units: D(units).scaleb(-2))


@st.composite
def months(draw: st.DrawFn) -> MonthFacts:
    charges = []
    for number in range(draw(st.integers(0, 8))):
        wh = draw(st.integers(0, 60_000))
        ended = FIRST + dt.timedelta(hours=draw(st.integers(0, 5)))
        vehicle = draw(st.sampled_from([None, 1, 2]))
        for tax in draw(st.sampled_from([(T19,), (T7,), (T19, T7)])):
            net = draw(cents)
            part = Fraction(net) * draw(st.integers(0, 3)) / 3 if wh else Fraction(0)
            charges.append(MonthCharge(number, f"S{number}", ended, wh, vehicle, tax, net, part))
    return facts(*charges, contract_days=draw(st.integers(1, 31)), vehicles=draw(st.integers(0, 3)))


percents = st.integers(1, 1000).map(lambda units: str(D(units).scaleb(-1)))
tiers = st.lists(st.tuples(st.integers(0, 90), percents), min_size=1, max_size=3, unique_by=lambda tier: tier[0]).map(
    lambda found: {"tiers": [{"from_kwh": kwh, "percent": percent} for kwh, percent in sorted(found)]}
)
included = st.fixed_dictionaries(
    {"kwh": st.integers(1, 90).map(str), "per": st.sampled_from(["contract", "vehicle"])}
).map(lambda figures: parse("included_energy", figures))
discounts = st.one_of(
    tiers.map(lambda figures: parse("graduated_discount", figures)),
    tiers.map(lambda figures: parse("volume_discount", figures)),
)
agreed = st.tuples(included, discounts).map(list)


@given(terms=agreed, month=months())
def test_allowances_are_never_more_than_the_charges_of_their_rate(terms: list[Term], month: MonthFacts) -> None:
    left = month.nets()
    for allowance in month_of(terms, month).allowances:
        for tax, net in allowance.nets.items():
            assert net > 0
            left[tax] -= net
    assert all(net >= 0 for net in left.values())


@given(terms=agreed, month=months(), seed=st.integers(0, 99))
def test_the_order_in_which_charges_come_changes_nothing(terms: list[Term], month: MonthFacts, seed: int) -> None:
    mixed = list(month.charges)
    random.Random(seed).shuffle(mixed)  # noqa: S311 - an order, no secret
    assert month_of(terms, replace(month, charges=tuple(mixed))) == month_of(terms, month)


@given(terms=agreed, month=months())
def test_rounding_moves_an_allowance_by_half_a_cent_at_most(terms: list[Term], month: MonthFacts) -> None:
    found = month_of(terms[:1], month).allowances[0]
    exact = _free_by_hand(terms[0], month)
    assert abs(Fraction(found.net) - exact) <= Fraction(1, 200)


def _free_by_hand(term: Any, month: MonthFacts) -> Fraction:
    """The included energy watt-hour by watt-hour: what is free, at each session's own price a Wh."""
    left: dict[int | None, Fraction] = {}
    granted = Fraction(0)
    for session in sorted({(c.ended_at, c.session_ref, c.energy_wh, c.vehicle_id) for c in month.charges}):
        _, ref, energy, vehicle = session
        if not energy or (term.per == "vehicle" and vehicle is None):
            continue
        of = vehicle if term.per == "vehicle" else None
        rest = left.get(of, Fraction(term.kwh) * 1000)
        free = min(rest, Fraction(energy))
        left[of] = rest - free
        price = sum((c.energy_net for c in month.charges if c.session_ref == ref), Fraction(0)) / energy
        granted += price * free
    return granted


@given(kwh=st.integers(1, 80), more=st.integers(1, 80), month=months())
def test_more_included_energy_never_takes_less(kwh: int, more: int, month: MonthFacts) -> None:
    few, many = (parse("included_energy", {"kwh": str(n), "per": "contract"}) for n in (kwh, kwh + more))
    assert month_of([many], month).allowances[0].net >= month_of([few], month).allowances[0].net


@given(month=months(), committed=st.integers(1, 400))
def test_a_month_comes_to_what_was_promised_or_more(month: MonthFacts, committed: int) -> None:
    terms = [
        parse("base_fee", {"amount": "12.34", "per": "vehicle"}),
        parse("minimum_commitment", {"amount": str(committed)}),
    ]
    found = month_of(terms, month)
    assert found.shortfall is not None
    assert found.shortfall.net >= 0
    assert found.net >= found.shortfall.because["promised_amount"]
    assert found.net == found.charged + add(fee.net for fee in found.fees) + found.shortfall.net


@given(terms=agreed, month=months(), cut=st.integers(0, 8))
def test_a_month_billed_in_two_documents_grants_the_same_in_the_end(
    terms: list[Term], month: MonthFacts, cut: int
) -> None:
    """The first document has some sessions, the second the late ones: granted together, it is the whole month's."""
    early = replace(month, charges=tuple(c for c in month.charges if c.session_id < cut))
    late = replace(month, charges=tuple(c for c in month.charges if c.session_id >= cut))
    first = {(a.term, tax): net for a in month_of(terms, early).allowances for tax, net in a.nets.items()}
    whole = {(a.term, tax): net for a in month_of(terms, month).allowances for tax, net in a.nets.items()}
    room = {tax: net + D(10_000) for tax, net in late.nets().items()} | {T19: D(10_000), T7: D(10_000)}
    second = {(each.term, each.tax): each.net for each in differences(whole, first, room)}
    together = {key: first.get(key, D(0)) + second.get(key, D(0)) for key in first.keys() | second.keys()}
    assert {key: net for key, net in together.items() if net} == whole
