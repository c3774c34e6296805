"""The steps of the worked examples hold, and what is expected of the program stands among their results."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import pytest

from tests.golden.arithmetic import WrongStep, number, worked
from tests.golden.contracts import GOLDEN, Golden

_AMOUNTS = frozenset({"net", "tax", "gross", "to_pay", "amount", "charged", "sponsor", "customer"})


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_every_step_of_a_worked_example_holds(golden: Golden) -> None:
    places = list(golden.steps())

    assert places
    for _place, steps in places:
        for step in steps:
            worked(step)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda golden: golden.name)
def test_every_expected_amount_is_the_result_of_a_step(golden: Golden) -> None:
    unworked = []
    for part in _worked_parts(golden.facts):
        results = {abs(number(shown)) for step in part["work"] for shown in worked(step).shown}
        unworked += [amount for amount in _amounts(part) if abs(number(amount)) not in results | {Fraction(0)}]

    assert unworked == []


def _worked_parts(facts: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(facts, Mapping):
        if "work" in facts:
            yield facts
            return
        facts = list(facts.values())
    if isinstance(facts, list):
        for value in facts:
            yield from _worked_parts(value)


def _amounts(facts: Any) -> Iterator[str]:
    """The expected amounts of a part, wherever they stand in it but in what was given."""
    if isinstance(facts, Mapping):
        for key, value in facts.items():
            if key in _AMOUNTS and isinstance(value, str):
                yield value
            elif key != "given":
                yield from _amounts(value)
    elif isinstance(facts, list):
        for value in facts:
            yield from _amounts(value)


@pytest.mark.parametrize(
    "step",
    [
        "Wrong: 2 × 2 = 5",
        "Rounded to even: 2.345 ≈ 2.34",
        "Not rounded: 2.345 = 2.35",
        "Cut off elsewhere: 1 ÷ 3 = 0.34…",
        "Ends: 1 ÷ 4 = 0.25…",
        "Goes on with a cut number: 0.33… × 3 = 1",
        "1 + 1 = 2",
        "No figures: many",
    ],
)
def test_given_a_wrong_step_when_worked_then_it_is_refused(step: str) -> None:
    with pytest.raises(WrongStep):
        worked(step)


def test_given_right_steps_when_worked_then_their_numbers_are_known() -> None:
    assert worked("Half up, away from zero: −2.345 ≈ −2.35").shown == ("−2.345", "−2.35")
    assert worked("Percent: 18.43 × 19 % = 3.5017 ≈ 3.50").shown == ("3.5017", "3.50")
    assert worked("Goes on: 2 ÷ 3 = 0.666…").shown == ("0.666…",)
