"""The dunning plan that an operator begins with."""

import datetime as dt

from django.db import transaction

from contracts.models import DunningLevel, DunningPlan, Operator
from contracts.operations.guards import require_permission
from contracts.rules.dunning import STANDARD
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.locks import lock


def add_standard_plan(*, operator_id: int, by: User | None, at: dt.datetime) -> DunningPlan:
    """Give an operator the standard plan as the default of its currency; the one that is there where there is one.

    Two reminders without a fee, then a person. Raises NotFound, NotAllowed without the right.
    """
    require_permission(by, "add_dunningplan")
    with transaction.atomic():
        operator = lock(Operator, operator_id)
        there = DunningPlan.objects.filter(operator=operator, currency=operator.currency, is_default=True).first()
        if there is not None:
            return there
        name = f"Standard {operator.currency}"
        plan = DunningPlan.objects.create(operator=operator, name=name, currency=operator.currency, is_default=True)
        DunningLevel.objects.bulk_create(
            DunningLevel(plan=plan, level=level, days_overdue=days, action=action) for level, days, action in STANDARD
        )
        record_audit(action="contracts.dunningplan.create", obj=plan, by=by, at=at, changes={"name": name})
    return plan
