"""Partial credits add up: by line and by rate never more than is left, and the rest leaves exactly 0.00 (I11)."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.money import add, split_gross, split_largest_remainder, vat_of
from invoicing.rules.bookings import write_off_bookings, write_off_tax
from invoicing.rules.crediting import (
    CreditPlan,
    Held,
    HeldLine,
    LineCreditTooHigh,
    Piece,
    by_amount,
    plan_credit,
    re_rated,
    whole,
)
from invoicing.rules.tax import Category
from invoicing.rules.totals import CreditTooHigh, TaxRow

D = Decimal
S19, S7 = (Category.STANDARD, D(19)), (Category.STANDARD, D(7))
cents = st.integers(1, 1_000_000).map(lambda units: D(units).scaleb(-2))


def net_line(line_id: int, net: str, key: tuple[Category, Decimal] = S19, charges: tuple[str, ...] = ()) -> HeldLine:
    held = tuple(Held(100 * line_id + place, D(each)) for place, each in enumerate(charges))
    return HeldLine(Held(line_id, D(net)), key, f"line {line_id}", held)


def taxes(lines: list[HeldLine], *, gross: bool = False) -> list[TaxRow]:
    rows = []
    for key in dict.fromkeys(line.key for line in lines):
        if gross:
            total = add(line.held.gross or D(0) for line in lines if line.key == key)
            rows.append(TaxRow(*key, *split_gross(total, key[1], "EUR")))
        else:
            net = add(line.held.net for line in lines if line.key == key)
            rows.append(TaxRow(*key, net, vat_of(net, key[1], "EUR")))
    return rows


def after(lines: list[HeldLine], plan: CreditPlan) -> list[HeldLine]:
    """The lines as they stand once the credit is made."""
    found = []
    for line in lines:
        mine = [each for each in plan.lines if each.piece.line_id == line.held.id]
        charges = []
        for held in line.charges:
            taken = [each for credit in mine for each in credit.charges if each[0] == held.id]
            net, gross = add(each[1] for each in taken), add(each[2] or D(0) for each in taken)
            charges.append(Held(held.id, held.net, held.credited_net + net, held.gross, held.credited_gross + gross))
        held = line.held
        now = Held(
            held.id,
            held.net,
            held.credited_net + add(each.net for each in mine),
            held.gross,
            held.credited_gross + add(each.gross or D(0) for each in mine),
        )
        found.append(HeldLine(now, line.key, line.text, tuple(charges)))
    return found


def test_given_a_line_when_more_than_is_left_is_credited_then_it_is_refused_by_name() -> None:
    line = HeldLine(Held(1, D("10.00"), D("4.00")), S19, "Charging at Depot")
    with pytest.raises(LineCreditTooHigh, match="only 6.00 EUR"):
        plan_credit([line], [Piece(1, D("6.01"))], taxes([line]), [], gross=False, currency="EUR")


def test_given_an_allowance_when_its_line_alone_is_credited_beyond_the_rate_then_the_rate_refuses() -> None:
    lines = [net_line(1, "100.00"), net_line(2, "-10.00")]
    with pytest.raises(CreditTooHigh):
        plan_credit(lines, [Piece(1, D("90.01"))], taxes(lines), [], gross=False, currency="EUR")


def test_given_an_amount_at_a_rate_when_spread_then_lines_get_it_in_proportion_to_what_is_left() -> None:
    lines = [net_line(1, "60.00"), net_line(2, "30.00"), net_line(3, "50.00", S7)]
    assert [(each.line_id, each.amount) for each in by_amount(lines, {S19: D("10.00")}, "EUR")] == [
        (1, D("6.67")),
        (2, D("3.33")),
    ]
    with pytest.raises(CreditTooHigh):
        by_amount(lines, {S7: D("50.01")}, "EUR")


def test_given_a_line_of_sessions_when_credited_in_part_then_each_session_has_its_part() -> None:
    line = net_line(1, "10.00", charges=("7.00", "3.00"))
    plan = plan_credit([line], [Piece(1, D("5.01"))], taxes([line]), [], gross=False, currency="EUR")
    assert plan.lines[0].charges == ((100, D("3.51"), None), (101, D("1.50"), None))
    assert plan.totals.tax == D("0.95")


@given(st.data(), st.lists(st.tuples(cents, st.sampled_from([S19, S7])), min_size=1, max_size=6), st.booleans())
def test_any_partial_credits_then_the_rest_leave_exactly_zero(data: st.DataObject, drawn: list, gross: bool) -> None:
    lines = []
    for number, (amount, key) in enumerate(drawn, 1):
        parts = split_largest_remainder(amount, [3, 1], "EUR")
        charges = tuple(
            Held(100 * number + place, *((split_gross(part, key[1], "EUR")[0], D(0), part) if gross else (part,)))
            for place, part in enumerate(parts)
        )
        lines.append(HeldLine(Held(number, amount, D(0), amount if gross else None), key, "line", charges))
    if gross:
        nets = {
            key: split_largest_remainder(
                split_gross(add(a for a, k in drawn if k == key), key[1], "EUR")[0],
                [a for a, k in drawn if k == key],
                "EUR",
            )
            for key in {k for _a, k in drawn}
        }
        lines = [replace(each, held=replace(each.held, net=nets[each.key].pop(0))) for each in lines]
    original, credited = taxes(lines, gross=gross), []
    for _round in range(data.draw(st.integers(0, 4))):
        left = [line for line in lines if line.held.left > 0]
        if not left:
            break
        line = data.draw(st.sampled_from(left))
        amount = D(data.draw(st.integers(1, int(line.held.left * 100)))).scaleb(-2)
        plan = plan_credit(lines, [Piece(line.held.id, amount)], original, credited, gross=gross, currency="EUR")
        assert (plan.totals.gross if gross else plan.totals.net) == amount
        assert add(each.net for each in plan.lines) == plan.totals.net
        credited += plan.totals.rows
        lines = after(lines, plan)
    plan = plan_credit(lines, whole(lines), original, credited, gross=gross, currency="EUR")
    credited += plan.totals.rows
    lines = after(lines, plan)
    for row in original:
        same = [each for each in credited if each.key == row.key]
        assert (add(each.net for each in same), add(each.tax for each in same)) == (row.net, row.tax)
        assert all(each.net >= 0 for each in same)
    for line in lines:
        assert line.held.left == 0
        assert all(each.left == 0 and each.left_net == 0 for each in line.charges)


def test_given_a_split_session_when_it_costs_less_then_payers_share_the_new_price_as_they_shared_the_old() -> None:
    issued = {D(19): [(1, D("6.67")), (2, D("3.33"))], None: [(3, D("1.00"))]}
    assert re_rated([(D(19), D("5.00"))], issued, "EUR") == {1: D("3.34"), 2: D("1.66"), 3: D(0)}
    assert re_rated([(D(7), D("1.00"))], issued, "EUR") is None


def test_given_a_lost_claim_when_tax_comes_back_then_each_rate_gives_its_part_and_all_adds_up() -> None:
    tax = write_off_tax(D("119.00"), [(D("100.00"), D("19.00"))], "EUR")
    assert tax == D("19.00")
    rows = write_off_bookings("receivable", D("119.00"), tax)
    assert [(row.role, row.amount) for row in rows] == [
        ("write_off", D("100.00")),
        ("output_tax", D("19.00")),
        ("receivable", D("-119.00")),
    ]
    assert write_off_tax(D("10.00"), [(D("0.00"), D("0.00"))], "EUR") == 0
    assert add(row.amount for row in write_off_bookings("receivable", D("50.00"), D(0))) == 0
