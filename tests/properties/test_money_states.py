"""Whatever is done with money, in whatever order: the books are right, and what is refused leaves no trace."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from invoicing.operations import dunning
from tests.invoicing.quiet import nothing_is_drawn
from tests.properties.choices import CHOICES
from tests.properties.money_machine import MoneyMachine
from tests.properties.walks import WALKS, take
from tests.properties.world import leave_open, make_world

__all__ = ["nothing_is_drawn"]
pytestmark = pytest.mark.django_db
UNHURRIED = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> type[MoneyMachine]:
    """The machine with its world, which has counted nothing yet."""
    monkeypatch.setattr(dunning, "draw_notice", lambda *_args, **_values: b"%PDF-1.7 quiet")
    month, clerk, second = make_world()
    leave_open(month, clerk)
    counts = {"done": Counter(), "refused": Counter()}
    return type("Machine", (MoneyMachine,), {"world": (month, clerk, second), **counts})


def run(machine: type[MoneyMachine], examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=UNHURRIED
        ),
    )


def ways(machine: type[MoneyMachine]) -> set[tuple[str, str]]:
    """Every rule of the machine with every way of doing it."""
    names = {each.function.__name__ for each in machine.setup_state().rules}
    assert names >= set(CHOICES)
    return {(name, how) for name in names for how in CHOICES.get(name, ("",))}


@pytest.mark.long
def test_each_thing_that_people_do_is_done(machine: type[MoneyMachine]) -> None:
    for walk in WALKS:
        take(machine, walk)
    assert ways(machine) - set(+machine.done) == set()


def test_a_few_orders_of_what_people_do_with_money(machine: type[MoneyMachine]) -> None:
    run(machine, examples=2, steps=12)


@pytest.mark.long
def test_many_orders_of_what_people_do_with_money(machine: type[MoneyMachine]) -> None:
    run(machine, examples=12, steps=30)
