"""Whatever is done with money, in whatever order: the books are right, and what is refused leaves no trace."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from invoicing.operations import dunning
from tests.invoicing.quiet import nothing_is_drawn
from tests.properties.money_machine import MoneyMachine
from tests.properties.world import leave_open, make_world

__all__ = ["nothing_is_drawn"]
pytestmark = pytest.mark.django_db
UNHURRIED = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


def run(monkeypatch: pytest.MonkeyPatch, examples: int, steps: int) -> None:
    monkeypatch.setattr(dunning, "draw_notice", lambda *_args, **_values: b"%PDF-1.7 quiet")
    world = make_world()
    leave_open(world[0], world[1])
    machine = type("Machine", (MoneyMachine,), {"world": world})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=UNHURRIED
        ),
    )


def test_a_few_orders_of_what_people_do_with_money(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, examples=2, steps=12)


@pytest.mark.long
def test_many_orders_of_what_people_do_with_money(monkeypatch: pytest.MonkeyPatch) -> None:
    run(monkeypatch, examples=12, steps=30)
