"""From the portal to the reminder and back: dunning waits for what is contested, until a clerk has refused it."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from invoicing.models import Dispute, DisputeState, DunningStep
from invoicing.operations.dunning import DunningRun, run_dunning
from tests.contracts.world import sign_in
from tests.invoicing.corrections.conftest import World
from tests.invoicing.dunning.world import make_plan

pytestmark = pytest.mark.django_db


def dun(world: World, overdue: int) -> DunningRun:
    """A run so many days after the invoice was due."""
    assert world.invoice.due_on is not None
    on = world.invoice.due_on + dt.timedelta(days=overdue)
    at = dt.datetime.combine(on, dt.time(6), dt.UTC)
    return run_dunning(operator_id=world.month.operator.pk, on=on, by=None, at=at)


def asked_for(world: World, level: int) -> Decimal:
    return DunningStep.objects.get(invoice=world.invoice, level=level).open_amount


def contest(world: World, *numbers: int) -> list[Dispute]:
    """The fleet's manager contests sessions on the portal's page."""
    manager = Client()
    manager.force_login(world.manager)
    for number in numbers:
        fields = {"session": world.session(number).pk, "message": "Not our car"}
        assert manager.post(reverse("portal:contest", args=[world.invoice.number]), fields).status_code == 302
    return list(Dispute.objects.order_by("pk"))


def refuse(world: World, dispute: Dispute, client: Client, settings: Any) -> None:
    """The clerk refuses it in the workspace."""
    clerk = sign_in(client, world.clerk, settings)
    address = reverse("admin:invoicing_dispute_refuse", args=[dispute.pk])
    clerk.post(address, {"_form_submitted": "True", "answer": "Its card was used"})
    dispute.refresh_from_db()
    assert dispute.state == DisputeState.REFUSED


def test_given_a_session_contested_in_the_portal_when_refused_then_the_next_reminder_asks_for_all_of_it(
    world: World, client: Client, settings: Any
) -> None:
    make_plan(world.month.operator)
    whole = world.invoice.gross_amount
    (dispute,) = contest(world, 1)
    dun(world, 3)
    assert asked_for(world, 1) == whole - dispute.contested_amount
    refuse(world, dispute, client, settings)
    dun(world, 14)
    assert asked_for(world, 2) == whole


def test_given_every_session_contested_when_one_is_refused_then_only_that_one_is_asked_for(
    world: World, client: Client, settings: Any
) -> None:
    make_plan(world.month.operator)
    disputes = contest(world, 0, 1, 2)
    assert dun(world, 3).waiting == [(world.invoice.number, "contested")]
    assert not DunningStep.objects.filter(invoice=world.invoice).exists()
    refuse(world, disputes[0], client, settings)
    dun(world, 4)
    assert asked_for(world, 1) == world.invoice.gross_amount - sum(each.contested_amount for each in disputes[1:])
