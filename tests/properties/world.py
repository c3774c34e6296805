"""October 2026 of one operator with contracts of every shape."""

from decimal import Decimal

from evbilling.access.models import User
from tests.factories import make_party, make_user
from tests.invoicing.dunning.world import make_plan
from tests.invoicing.month import Month, make_month
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
