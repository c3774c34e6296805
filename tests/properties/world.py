"""October 2026 of one operator with contracts of every shape."""

import datetime as dt
from decimal import Decimal

from contracts.operations.tariffs import draft_tariff_version
from evbilling.access.models import User
from tests.factories import (
    assigned_tariffs,
    make_party,
    make_token,
    make_user,
    make_vehicle,
    tariff_document,
)
from tests.invoicing.dunning.world import make_plan
from tests.invoicing.month import AT, Month, make_month
from tests.invoicing.shapes.test_parts_and_carrying import VOLUME, in_parts
from tests.invoicing.shapes.world import FEE, grouped, join
from tests.invoicing.tax.test_gross_contracts import driver


def make_world() -> tuple[Month, User, User]:
    """The month, and two administrators, who need each other from 15.00 on."""
    month = make_month(sessions=2, fleets=("alpha",))
    join(month, "fees", make_party(accountant="b@fees.example"), 3, terms=[FEE, VOLUME])
    grouped(month, terms=[FEE])
    in_parts(month, terms=[VOLUME, FEE])
    driver(month, 23, 8, terms=[FEE])
    make_plan(month.operator)
    month.operator.credit_limit_amount = Decimal(15)
    month.operator.refund_limit_amount = Decimal(10)
    month.operator.save()
    return month, make_user(), make_user()


def leave_open(month: Month, by: User) -> None:
    """What is decided later: who pays for the token "later", and cheaper prices of alpha and of the fleet with fees
    from October on (0.39 instead of 0.45 EUR a kWh), which this person drafted.
    """
    month.tokens["later"] = make_token(make_vehicle(month.contracts["fees"].party))
    for name in ("alpha", "fees"):
        (assigned,) = assigned_tariffs(month.contracts[name])
        draft_tariff_version(
            tariff_id=assigned.tariff_id,
            valid_from=dt.datetime(2026, 10, 1, tzinfo=dt.UTC),
            document=tariff_document("0.39", vat=None),
            by=by,
            at=AT,
        )
