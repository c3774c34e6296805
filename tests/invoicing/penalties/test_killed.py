"""A close with penalties and a fee note, killed anywhere and started again, ends as if nobody had killed it (I16)."""

import datetime as dt
from typing import Any

import pytest
from django.db import transaction

from evbilling.kernel.steps import observed
from invoicing.models import Penalty
from tests.invoicing.month import Killed, kill_at, left_behind
from tests.invoicing.penalties.world import LATE, OVERSTAY, Fleet, late_invoice, make_fleet
from tests.invoicing.quiet import nothing_is_drawn

__all__ = ["nothing_is_drawn"]
pytestmark = pytest.mark.django_db
OWN = {"invoicing.penalty.assessed", "invoicing.fee_note.written"}


@pytest.fixture
def fleet() -> Fleet:
    fleet = make_fleet(OVERSTAY, LATE)
    late_invoice(fleet)
    fleet.charge("S-1", parked=75)
    return fleet


def left() -> dict[str, list[Any]]:
    """What the close left, and its penalties with the lines that bill them."""
    rows = Penalty.objects.values_list("source", "amount", "state", "line__invoice__number", "line__position")
    return left_behind() | {"penalties": sorted(rows, key=repr)}


def kill_and_start_again(fleet: Fleet, every_step: bool) -> None:
    trace: list[str] = []
    before = transaction.savepoint_create()
    with observed(trace.append):
        fleet.close()
    whole = left()
    transaction.savepoint_rollback(before)
    assert set(trace) >= OWN
    again = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
    for place, name in enumerate(trace):
        if every_step or name in OWN:
            before = transaction.savepoint_create()
            with pytest.raises(Killed), observed(kill_at(place, [])):
                fleet.close()
            fleet.close(at=again)
            assert left() == whole, f"killed at {name}"
            transaction.savepoint_rollback(before)


def test_killed_where_penalties_are_written(fleet: Fleet) -> None:
    kill_and_start_again(fleet, every_step=False)


@pytest.mark.long
def test_killed_at_each_step(fleet: Fleet) -> None:
    kill_and_start_again(fleet, every_step=True)
