"""Suspensions: a contract rests; what happens to sessions that start meanwhile is a term of its version."""

import datetime as dt

from django.db import transaction

from contracts.models import Contract, ContractSuspension, SuspensionRule
from contracts.operations.guards import require_permission, require_reason
from contracts.operations.lifecycle import move, next_state_of
from contracts.queries import version_on
from contracts.rules.lifecycle import Step
from evbilling.access.models import User
from evbilling.kernel.clock import local_date
from evbilling.kernel.locks import lock


def suspend_contract(*, contract_id: int, reason: str, by: User | None, at: dt.datetime) -> Contract:
    """Suspend an active contract from this instant on, under the rule of the terms of the day.

    Sessions that start before it is resumed are owed as usual, or are held for a person (SuspensionRule). Raises
    WrongState unless it is active, BadInput without a reason.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "suspend_contract")
        why = require_reason(reason)
        state = next_state_of(contract, Step.SUSPEND)
        terms = version_on(contract, max(local_date(at, contract.zone), contract.starts_on))
        rule = terms.suspension_rule if terms is not None else SuspensionRule.BILL
        ContractSuspension.objects.create(contract=contract, started_at=at, rule=rule, reason=why[:300])
        move(contract, state, "contracts.contract.suspend", by=by, at=at, reason=why, rule=rule)
    return contract


def resume_contract(*, contract_id: int, reason: str, by: User | None, at: dt.datetime) -> Contract:
    """Lift a suspension: a session that starts at this very instant is no longer in it.

    Raises WrongState unless the contract is suspended, BadInput without a reason.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "suspend_contract")
        why = require_reason(reason)
        state = next_state_of(contract, Step.RESUME)
        end_suspension(contract, at)
        move(contract, state, "contracts.contract.resume", by=by, at=at, reason=why)
    return contract


def end_suspension(contract: Contract, at: dt.datetime) -> None:
    """Close the open suspension of a locked contract, if there is one."""
    for row in ContractSuspension.objects.filter(contract=contract, ended_at__isnull=True):
        row.ended_at = max(at, row.started_at)
        row.save(update_fields=["ended_at"])
