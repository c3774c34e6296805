"""What stands out before a month is billed: contracts far from their last month, and months that nobody billed."""

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Min

from contracts.models import Contract, Operator
from contracts.queries import IN_FORCE
from evbilling.kernel.clock import Period, local_date, month_of, months_between
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import BillingRun, RunState
from invoicing.queries.completeness import sessions_of_period
from invoicing.queries.due import PHASES
from sessions.models import ChargingSession, SessionState

OUTLIER_PERCENT = 50
"""A contract stands out when its net differs from last month's by at least so many percent ..."""
OUTLIER_AMOUNT = Decimal(100)
"""... and by at least so much, in the major unit of its currency."""


@dataclass(frozen=True, slots=True)
class Outlier:
    """A contract whose sessions of the month cost far more, or less, than those of the month before; net."""

    contract: Contract
    now: Decimal
    before: Decimal

    @property
    def difference(self) -> Decimal:
        """How much more (or less) it is."""
        return self.now - self.before

    @property
    def change(self) -> Decimal | None:
        """The change as a rate, to whole percent: -0.92 is 92 % less. None where nothing was billed before."""
        if not self.before:
            return None
        return (self.difference / self.before).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def outliers(operator: Operator, period: Period, *, most: int) -> list[Outlier]:
    """The contracts that stand out in a month, the largest difference first; `most` of them. Three queries.

    Compared are the prices of the sessions that ended in the month and in the one before, whoever pays them and whether
    or not they are billed; allowances, fees and penalties are left out.
    """
    now = _prices(operator, period)
    before = _prices(operator, period.previous_month())
    found = []
    for contract in Contract.objects.filter(pk__in={*now, *before}).select_related("party"):
        this = quantise(now.get(contract.pk, ZERO), contract.currency)
        other = quantise(before.get(contract.pk, ZERO), contract.currency)
        far = abs(this - other)
        if far >= OUTLIER_AMOUNT and 100 * far >= OUTLIER_PERCENT * other:
            found.append(Outlier(contract, this, other))
    return sorted(found, key=lambda each: (-abs(each.difference), each.contract.number))[:most]


def missed_months(operator: Operator, *, at: dt.datetime) -> list[Period]:
    """Months that are over and whose documents no finished run issued, since the first session; the oldest first.

    Months in which no contract that is billed was in force are left out.
    """
    sessions = ChargingSession.objects.filter(contract__operator=operator, state=SessionState.COMPLETED)
    first = sessions.aggregate(first=Min("ended_at"))["first"]
    if first is None:
        return []
    last = month_of(local_date(at, operator.zone)).previous_month()
    begin = month_of(local_date(first, operator.zone))
    if begin.start > last.start:
        return []
    done = set(
        BillingRun.objects.filter(operator=operator, state=RunState.FINISHED, issue=True).values_list(
            "period_from", flat=True
        )
    )
    candidates = [each for each in months_between(begin, last) if each.start not in done]
    spans = list(
        Contract.objects.filter(operator=operator, kind__in=PHASES, state__in=IN_FORCE).values_list(
            "starts_on", "ends_on"
        )
    )
    return [
        each
        for each in candidates
        if any(start < each.end and (end is None or end > each.start) for start, end in spans)
    ]


def _prices(operator: Operator, period: Period) -> dict[int, Decimal]:
    """The net prices of the sessions of a month per contract, as far as they are priced."""
    priced = sessions_of_period(operator, period).filter(contract__isnull=False, price__isnull=False)
    return dict(priced.order_by().values_list("contract").annotate(net=amount_sum("price__net_amount")))
