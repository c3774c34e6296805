"""The pure rules of shapes: what is divided over parts, which months are carried over, how advances are set off."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.clock import parse_month
from evbilling.kernel.money import ZERO, add, from_minor
from invoicing.rules.advances import Advance, set_off, used_by
from invoicing.rules.bookings import document_bookings
from invoicing.rules.parts import divided, is_carried, largest_part, main_part
from invoicing.rules.tax import Category

D = Decimal
AT_19 = (Category.STANDARD, D(19))
cents = st.integers(0, 100_000).map(lambda units: from_minor(units, "EUR"))
rooms = st.dictionaries(st.sampled_from(["", "A", "B", "C", "PO 7"]), cents, min_size=1)


@given(room=rooms, part=st.fractions(0, 1))
def test_given_an_allowance_within_the_charges_when_divided_then_no_part_goes_below_zero(
    room: dict[str, Decimal], part: Fraction
) -> None:
    total = from_minor(int(add(room.values()) * 100 * part.numerator // part.denominator), "EUR")
    shares = divided(-total, room, "EUR")
    assert add(shares.values()) == (-total if add(room.values()) else ZERO)
    assert all(ZERO <= -share <= room[key] for key, share in shares.items())


def test_given_parts_when_nothing_has_room_then_the_amount_belongs_to_none() -> None:
    assert divided(D("-5.00"), {"A": ZERO}, "EUR") == {}


@pytest.mark.parametrize(("parts", "main"), [({"B", "A"}, "A"), ({"B", ""}, ""), (set(), "")])
def test_the_main_part_has_no_name_or_is_the_first(parts: set[str], main: str) -> None:
    assert main_part(parts) == main


def test_the_largest_part_is_the_first_among_equals() -> None:
    assert largest_part({"B": D(5), "A": D(5), "C": D(1)}) == "A"


@pytest.mark.parametrize(
    ("gross", "minimum", "month", "ends_on", "before", "carried"),
    [
        ("49.99", "50.00", "2026-10", None, 0, True),
        ("50.00", "50.00", "2026-10", None, 0, False),
        ("1.00", None, "2026-10", None, 0, False),
        ("1.00", "50.00", "2026-10", None, 1, True),
        ("1.00", "50.00", "2026-10", None, 2, False),  # at most two months in a row
        ("1.00", "50.00", "2026-12", None, 0, False),  # never past a year's end
        ("1.00", "50.00", "2026-10", dt.date(2026, 11, 1), 0, False),  # nor the contract's
        ("1.00", "50.00", "2026-10", dt.date(2026, 11, 2), 0, True),
        ("-3.00", "50.00", "2026-10", None, 0, True),
    ],
)
def test_which_months_are_carried_over(
    gross: str, minimum: str | None, month: str, ends_on: dt.date | None, before: int, *, carried: bool
) -> None:
    least = None if minimum is None else D(minimum)
    found = is_carried(D(gross), least, period=parse_month(month), ends_on=ends_on, carried_before=before)
    assert found is carried


def advance(net: str, gross: str, paid: str, used: str = "0", line_id: int = 1, *, with_tax: bool = False) -> Advance:
    return Advance(line_id, 1, f"ADV-{line_id}", AT_19, D(net), D(gross), D(paid), D(used), D(used), with_tax)


def test_given_an_unpaid_advance_when_a_document_is_made_then_nothing_is_set_off() -> None:
    assert set_off({AT_19: D("80.00")}, [advance("100.00", "119.00", "0")], "EUR") == []


def test_given_paid_advances_when_a_document_is_made_then_they_are_used_in_their_order_up_to_what_it_charges() -> None:
    rows = [advance("50.00", "59.50", "59.50"), advance("100.00", "119.00", "119.00", line_id=2)]
    uses = set_off({AT_19: D("80.00"), (Category.ZERO, ZERO): D("9.00")}, rows, "EUR")
    assert [(use.advance.line_id, use.amount, use.net) for use in uses] == [
        (1, D("50.00"), D("50.00")),
        (2, D("30.00"), D("30.00")),
    ]


def test_given_an_advance_paid_in_part_when_set_off_then_the_net_of_what_was_paid_counts() -> None:
    (use,) = set_off({AT_19: D("80.00")}, [advance("100.00", "119.00", "23.80")], "EUR")
    assert use.amount == D("20.00")


@given(
    gross=st.integers(1, 50_000),
    documents=st.lists(st.integers(0, 20_000), max_size=6),
    with_tax=st.booleans(),
)
def test_given_any_documents_when_an_advance_is_used_up_then_exactly_its_net_has_left_it(
    gross: int, documents: list[int], *, with_tax: bool
) -> None:
    total = from_minor(gross, "EUR")
    net = (total / D("1.19")).quantize(D("0.01")) if with_tax else total
    held = Advance(1, 1, "ADV-1", AT_19, net, total if with_tax else net, total, ZERO, ZERO, with_tax)
    for charged in [*documents, gross]:
        for use in set_off({AT_19: from_minor(charged, "EUR")}, [held], "EUR"):
            assert ZERO < use.amount <= from_minor(charged, "EUR")
            held = used_by(held, use)
        assert held.used <= held.total
        assert ZERO <= held.used_net <= held.net
    if add(from_minor(each, "EUR") for each in documents) + total >= held.total:
        assert (held.used, held.used_net) == (held.total, held.net)


def booked(**values: Decimal | bool) -> dict[str, Decimal]:
    base = {"settlement": False, "sponsored": False, "credit": False}
    return {each.role: each.amount for each in document_bookings(**{**base, **values})}  # type: ignore[arg-type]


def test_an_advance_is_booked_as_received_and_its_use_as_revenue() -> None:
    assert booked(net=D(100), tax=D(19), advance=D(100)) == {
        "receivable": D(119), "advance_received": D(-100), "output_tax": D(-19),
    }  # fmt: skip
    assert booked(net=D(30), tax=D("5.70"), advance=D(-100)) == {
        "receivable": D("35.70"), "revenue": D(-130), "advance_received": D(100), "output_tax": D("-5.70"),
    }  # fmt: skip
    assert add(booked(net=D(30), tax=D("5.70"), advance=D(-100)).values()) == 0
