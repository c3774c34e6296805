"""An overdue invoice, a plan of three levels, and a day to run dunning on."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from contracts.models import Contract, DunningAction, DunningLevel, DunningPlan, Operator
from invoicing.models import Dispute, Invoice
from invoicing.operations.dunning import DunningRun, run_dunning
from sessions.models import ChargingSession, SessionSource, SessionState
from tests.factories import make_contract_in_force, make_operator, make_party
from tests.invoicing.factories import make_issued

DUE = dt.date(2026, 11, 15)
"""The due date of a document of the factories: issued on 1 November, 14 days."""
AT = dt.datetime(2026, 12, 1, 6, 0, tzinfo=dt.UTC)
LEVELS = (
    (1, 3, DunningAction.REMIND, "0"),
    (2, 14, DunningAction.REMIND, "5.00"),
    (3, 28, DunningAction.ESCALATE, "0"),
)


def day(overdue: int) -> dt.date:
    """So many days after the due date."""
    return DUE + dt.timedelta(days=overdue)


def make_plan(operator: Operator, **fields: Any) -> DunningPlan:
    """Reminders after 3 and 14 days, the second with a fee of 5.00, then a person after 28."""
    plan = DunningPlan.objects.create(
        **{"operator": operator, "name": "Standard", "currency": "EUR", "is_default": True} | fields
    )
    for level, days, action, fee in LEVELS:
        DunningLevel.objects.create(plan=plan, level=level, days_overdue=days, action=action, fee_amount=Decimal(fee))
    return plan


def make_debtor(
    operator: Operator | None = None,
    accountant: str | None = "books@fleet.example",
    *,
    agreed: bool = False,
    terms: Sequence[tuple[str, dict[str, Any]]] = (),
) -> Contract:
    """A contract in force of a fleet; `agreed`: its terms name the operator's plan."""
    operator = operator or make_operator()
    party = make_party(accountant=accountant)
    plan_id = DunningPlan.objects.get(operator=operator).pk if agreed else None
    return make_contract_in_force(operator=operator, party=party, dunning_plan_id=plan_id, terms=terms)


def make_overdue(contract: Contract, net: str = "100.00", **fields: Any) -> Invoice:
    """An issued invoice that is due on DUE: 119.00 gross by default."""
    return make_issued(contract, (net,), **fields)


def dun(contract: Contract, overdue: int, **values: Any) -> DunningRun:
    """A run so many days after the due date."""
    on = day(overdue)
    at = dt.datetime.combine(on, dt.time(6), dt.UTC)
    return run_dunning(**{"operator_id": contract.operator_id, "on": on, "by": None, "at": at} | values)


def contest(invoice: Invoice, amount: str) -> None:
    """A session on the document is contested with its gross share."""
    at = dt.datetime(2026, 10, 5, tzinfo=dt.UTC)
    session = ChargingSession.objects.create(
        provider_ref=f"contested-{invoice.pk}",
        content_hash="0" * 64,
        source=SessionSource.IMPORT,
        state=SessionState.COMPLETED,
        started_at=at,
        ended_at=at + dt.timedelta(hours=1),
        energy_wh=10_000,
        periods=[],
        received_at=at,
    )
    Dispute.objects.create(
        invoice=invoice,
        session=session,
        party=invoice.party,
        currency="EUR",
        contested_amount=Decimal(amount),
        message="This was not our car.",
        raised_at=at,
    )
