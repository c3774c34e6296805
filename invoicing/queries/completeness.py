"""Completeness of a period: sessions in = billed + held + excluded + late + waiting, and none is missing (I2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Sum, TextChoices, Value, When
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, Operator
from evbilling.kernel.clock import Period
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import BilledCharge, BillingRunItem, ChargeUse, Invoice, InvoiceKind, ItemState
from invoicing.queries.cancelled import unreleased
from sessions.models import ChargingSession, Hold, HoldState, SessionCharge, SessionPrice, SessionState
from sessions.queries import current_sessions, without_payer


class Fate(TextChoices):
    """In which list a completed session of a period is; each is in exactly one."""

    BILLED = "billed", _("billed")
    HELD = "held", _("held")
    EXCLUDED = "excluded", _("excluded")
    LATE = "late", _("late")
    CARRIED = "carried", _("carried over")
    WAITING = "waiting", _("not billed yet")
    MISSING = "missing", _("in no list")


@dataclass(frozen=True, slots=True)
class Completeness:
    """How many completed sessions ended in the period, and what became of them.

    Late ones came after their contract was billed for the period: they are on a later document or wait for the next.
    Waiting ones belong to a contract that is not billed for the period yet, or to a payer whose document is not
    drafted yet. Missing ones are an error (I2).
    """

    sessions_in: int
    billed: int
    held: int
    excluded: int
    late: int
    waiting: int
    missing: int
    carried: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether every session is billed, held, excluded with reason, late, or carried over."""
        return self.sessions_in == self.billed + self.held + self.excluded + self.late + self.carried


@dataclass(frozen=True, slots=True)
class Tally:
    """So many sessions, their energy in Wh, the net price per currency of those that have one; the rest is unpriced."""

    sessions: int = 0
    energy_wh: int = 0
    net: Mapping[str, Decimal] = field(default_factory=dict)
    unpriced: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        net = {
            currency: self.net.get(currency, ZERO) + other.net.get(currency, ZERO)
            for currency in sorted({*self.net, *other.net})
        }
        return Tally(
            self.sessions + other.sessions, self.energy_wh + other.energy_wh, net, self.unpriced + other.unpriced
        )


def tallies(operator: Operator, period: Period) -> dict[Fate, Tally]:
    """Count, energy and net price of an operator's sessions of a period by what became of them; two queries.

    A session belongs to the period of its end in its contract's zone; one that no contract pays for counts by the
    operator's zone, under the operators that `without_payer` says.
    """
    rows = with_fate(sessions_of_period(operator, period), period).order_by().values("fate", "price__currency")
    found = {fate: Tally() for fate in Fate}
    for row in rows.annotate(count=Count("pk"), energy=Sum("energy_wh"), amount=amount_sum("price__net_amount")):
        currency = row["price__currency"]
        net = {currency: quantise(row["amount"], currency)} if currency else {}
        found[Fate(row["fate"])] += Tally(row["count"], row["energy"], net, 0 if currency else row["count"])
    return found


def verdict(found: Mapping[Fate, Tally]) -> str:
    """What the tallies of a month mean, in one sentence of the active language."""
    if found[Fate.MISSING].sessions:
        return gettext("Some sessions are in no list: an error in the books.")
    if found[Fate.WAITING].sessions:
        return gettext("Some sessions wait for their contract to be billed.")
    return gettext("Every session is billed, held, excluded with its reason, or late.")


def completeness(operator: Operator, period: Period) -> Completeness:
    """What became of an operator's sessions of a period, counted; two queries."""
    counted = {fate: tally.sessions for fate, tally in tallies(operator, period).items()}
    return Completeness(
        sessions_in=sum(counted.values()),
        billed=counted[Fate.BILLED],
        held=counted[Fate.HELD],
        excluded=counted[Fate.EXCLUDED],
        late=counted[Fate.LATE],
        waiting=counted[Fate.WAITING],
        missing=counted[Fate.MISSING],
        carried=counted[Fate.CARRIED],
    )


def missing_sessions(operator: Operator, period: Period) -> QuerySet[ChargingSession]:
    """The sessions of a period that are in no list although it was billed."""
    return with_fate(sessions_of_period(operator, period), period).filter(fate=Fate.MISSING)


def sessions_of_period(operator: Operator, period: Period) -> QuerySet[ChargingSession]:
    """The current completed sessions that ended in the period."""
    zones = Contract.objects.filter(operator=operator).order_by().values_list("zone", flat=True).distinct()
    start, end = period.instants(operator.zone)
    inside = without_payer(operator) & Q(ended_at__gte=start, ended_at__lt=end)
    for zone in zones:
        start, end = period.instants(zone)
        inside |= Q(contract__operator=operator, contract__zone=zone, ended_at__gte=start, ended_at__lt=end)
    return current_sessions().filter(inside, state=SessionState.COMPLETED)


def with_fate(sessions: QuerySet[ChargingSession], period: Period) -> QuerySet[Any]:
    """Annotate `fate`: in which list each session of the period is."""
    billed = unreleased(BilledCharge.objects.filter(charge__session=OuterRef("pk"), use=ChargeUse.BILLED))
    here = Exists(billed.filter(line__invoice__period_from__lt=period.end))
    later = Exists(billed.filter(line__invoice__period_from__gte=period.end))
    of_charge = unreleased(BilledCharge.objects.filter(charge=OuterRef("pk"), use=ChargeUse.BILLED))
    part_left = Exists(SessionCharge.objects.filter(~Exists(of_charge), session=OuterRef("pk")))
    return sessions.annotate(
        fate=Case(
            When(Q(part_left), then=Value(Fate.WAITING)),
            When(Q(here), then=Value(Fate.BILLED)),
            When(Q(later), then=Value(Fate.LATE)),
            When(_held(HoldState.OPEN), then=Value(Fate.HELD)),
            When(_held(HoldState.REJECTED), then=Value(Fate.EXCLUDED)),
            When(_carried_over(period), then=Value(Fate.CARRIED)),
            When(Q(contract__isnull=False) & ~_billed_for(period), then=Value(Fate.WAITING)),
            When(Exists(SessionPrice.objects.filter(session=OuterRef("pk"))), then=Value(Fate.LATE)),
            default=Value(Fate.MISSING),
            output_field=CharField(),
        )
    )


def _held(state: HoldState) -> Exists:
    return Exists(Hold.objects.filter(session=OuterRef("pk"), state=state))


def _carried_over(period: Period) -> Q:
    """Whether the month of the session's contract was too small for a document; the next one bills it."""
    items = BillingRunItem.objects.filter(
        contract=OuterRef("contract"),
        run__period_from=period.start,
        run__period_to=period.end,
        carried_amount__isnull=False,
    )
    return Q(contract__isnull=False) & Q(Exists(items))


def _billed_for(period: Period) -> Q:
    """Whether the session's contract was billed for the period: it has a document, or its run came to an end."""
    document = Invoice.objects.filter(
        contract=OuterRef("contract"), period_from=period.start, period_to=period.end, kind=InvoiceKind.INVOICE
    )
    done = BillingRunItem.objects.filter(
        contract=OuterRef("contract"),
        run__period_from=period.start,
        run__period_to=period.end,
        state__in=[ItemState.DRAFTED, ItemState.ISSUED, ItemState.SKIPPED],
    )
    return Q(Exists(document)) | Q(Exists(done))
