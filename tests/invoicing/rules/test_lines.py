"""Charges become lines."""

import datetime as dt
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.rules import lines as rule
from invoicing.rules.lines import ChargeFact, TooManyLines, group_charges
from invoicing.rules.tax import Category, Tax

D = Decimal
S19 = Tax(Category.STANDARD, D(19))
S7 = Tax(Category.STANDARD, D(7))
NOON = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)


def fact(number: int, *, session: int | None = None, **fields: object) -> ChargeFact:
    values: dict = {
        "charge_id": number,
        "session_id": session or number,
        "session_ref": f"S{session or number}",
        "ended_at": NOON + dt.timedelta(minutes=session or number),
        "energy_wh": 1000,
        "group": "Sales",
        "text": "Depot",
        "tax": S19,
        "amount": D("1.00"),
    }
    return ChargeFact(**values | fields)


def test_given_two_groups_when_made_into_lines_then_each_group_and_place_has_its_line() -> None:
    made = group_charges(
        [fact(1, text="Mall"), fact(2, amount=D("2.50")), fact(3, group="Ops"), fact(4, amount=D("0.07"))],
        several="several",
    )
    assert [(line.group, line.text, line.amount, line.session_count) for line in made] == [
        ("Ops", "Depot", D("1.00"), 1),
        ("Sales", "Depot", D("2.57"), 2),
        ("Sales", "Mall", D("1.00"), 1),
    ]


def test_given_charges_without_a_group_when_made_into_lines_then_they_come_last() -> None:
    assert [line.group for line in group_charges([fact(1, group=""), fact(2, group="Zeta")], several="s")] == [
        "Zeta",
        "",
    ]


def test_given_a_session_at_two_rates_when_made_into_lines_then_its_energy_is_counted_once() -> None:
    made = group_charges([fact(1, session=9), fact(2, session=9, tax=S7, amount=D("0.40"))], several="several")
    assert [(line.tax, line.session_count, line.energy_wh, line.amount) for line in made] == [
        (S19, 1, 1000, D("1.00")),
        (S7, 0, 0, D("0.40")),
    ]


def test_given_charges_of_a_line_when_listed_then_they_stand_in_the_order_of_session_end() -> None:
    early, late = fact(7, ended_at=NOON), fact(1, ended_at=NOON + dt.timedelta(hours=1))
    assert group_charges([late, early], several="several")[0].charge_ids == (7, 1)


def test_given_more_lines_than_a_document_shows_when_made_then_places_are_summed_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rule, "MOST_LINES", 3)
    made = group_charges([fact(n, text=f"Site {n}") for n in range(1, 6)], several="several places")
    assert [(line.text, line.amount, line.session_count) for line in made] == [("several places", D("5.00"), 5)]


def test_given_more_groups_than_a_document_shows_when_made_then_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "MOST_LINES", 3)
    with pytest.raises(TooManyLines, match="would have 5 lines"):
        group_charges([fact(n, group=f"Group {n}") for n in range(1, 6)], several="several")


@given(
    st.lists(
        st.tuples(st.sampled_from("ab "), st.sampled_from("xy"), st.sampled_from([S19, S7]), st.integers(0, 9999)),
        max_size=40,
    ),
    st.randoms(use_true_random=False),
)
def test_lines_are_the_same_in_any_order_and_lose_no_cent(
    drawn: list[tuple[str, str, Tax, int]], dice: random.Random
) -> None:
    facts = [
        fact(number, group=group.strip(), text=text, tax=tax, amount=D(units).scaleb(-2))
        for number, (group, text, tax, units) in enumerate(drawn, 1)
    ]
    made = group_charges(facts, several="several")
    shuffled = list(facts)
    dice.shuffle(shuffled)
    assert group_charges(shuffled, several="several") == made
    assert sum(line.amount for line in made) == sum(each.amount for each in facts)
    assert sum(line.energy_wh for line in made) == 1000 * len(facts)
    assert sorted(pk for line in made for pk in line.charge_ids) == [each.charge_id for each in facts]
