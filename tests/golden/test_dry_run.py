"""What the dry run says of a worked month is what the run then bills and settles."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from evbilling.kernel.money import add
from invoicing.models import Invoice, InvoiceKind, InvoiceLine
from invoicing.operations.penalties import assess_penalties
from invoicing.queries.month_close import dry_run
from sessions.models import ChargingSession
from sessions.operations.rating import rate_sessions
from tests.golden.contracts import GOLDEN, Golden
from tests.golden.months import AT, MARCH, close_month, make_world, record

pytestmark = pytest.mark.django_db
WORKED = [golden for golden in GOLDEN if golden.facts.get("books") or "documents" in golden.facts]


@pytest.fixture(autouse=True)
def _in_april(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: AT + dt.timedelta(hours=1))


def documents(kinds: set[str]) -> dict[str, Decimal]:
    """Net by currency of what the run issued."""
    rows = list(Invoice.objects.filter(kind__in=kinds).values_list("currency", "net_amount"))
    return {currency: add(net for each, net in rows if each == currency) for currency, _net in rows}


@pytest.mark.parametrize("golden", WORKED, ids=lambda golden: golden.name)
def test_given_a_worked_month_when_planned_then_its_net_is_that_of_the_documents(golden: Golden) -> None:
    world = make_world(golden)
    record(world, golden)
    rate_sessions(list(ChargingSession.objects.values_list("pk", flat=True)), at=AT)
    for contract in filter(None, (world.contract, world.sponsor)):
        assess_penalties(contract_id=contract.pk, period=MARCH, by=None, at=AT)

    plan = dry_run(world.contract.operator, MARCH)
    close_month(world)

    billed = documents({InvoiceKind.INVOICE, InvoiceKind.FEE_NOTE})
    assert billed
    assert plan.settlements == documents({InvoiceKind.SETTLEMENT})
    assert plan.net.keys() == billed.keys()
    off = {currency: abs(plan.net[currency] - net) for currency, net in billed.items()}
    if golden.facts.get("price_basis", "net") == "net":
        assert set(off.values()) == {Decimal(0)}
    else:  # the net of prices that include tax is rounded once per document there, once per session and line here
        lines = InvoiceLine.objects.count() + len(golden.sessions)
        assert max(off.values()) <= lines * Decimal("0.01")
