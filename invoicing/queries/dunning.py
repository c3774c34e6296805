"""Reads of dunning: which documents are overdue, at which level, what keeps a reminder back, what comes next."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from contracts.models import DunningAction, DunningLevel, Operator
from contracts.queries import terms_of
from contracts.rules.terms import LatePayment
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, add, quantise
from evbilling.shell.formats import format_day
from invoicing.models import (
    CLAIMS,
    Dispute,
    DisputeState,
    DunningStep,
    DunningStop,
    Invoice,
    InvoiceKind,
    InvoiceState,
    PaymentPromise,
    ReferenceRate,
)
from invoicing.queries.documents import open_amount, with_open_amount
from invoicing.queries.late_debts import LateDebts
from invoicing.rules.dunning import Level, due_levels, next_level
from invoicing.rules.penalties import MissingReferenceRate, yearly_rates
from invoicing.rules.penalties.late import accrue, accrued, applies

type UnderWay = Callable[[Collection[int]], set[int]]
_payments: list[UnderWay] = []
_MOST_NUMBERS = 3
CASE_READS = ("operator", "party", "contract", "contract_version")
"""What is read along with documents whose cases are asked for."""


def answer_for_payments(under_way: UnderWay) -> None:
    """Said once, in an AppConfig.ready, by the part of the product that knows payments, which lies above this one.

    `under_way(invoice_ids)`: those of the documents for which an attempt to pay may still bring money.
    """
    _payments.append(under_way)


@dataclass(frozen=True, slots=True)
class Case:
    """One overdue document: the level reached (0: none), what is due now, what comes next, and why it waits.

    `asked_amount` is the open amount without its contested part. `due` are the levels newly reached on the day; it is
    empty where `waits_for` says why nothing is done.
    """

    invoice: Invoice
    open_amount: Decimal
    contested_amount: Decimal
    levels: tuple[Level, ...]
    reached: int
    due: tuple[Level, ...]
    waits_for: str

    @property
    def asked_amount(self) -> Decimal:
        """What a reminder asks for."""
        return self.open_amount - self.contested_amount

    @property
    def next(self) -> tuple[Level, dt.date] | None:
        """The next level and the day from which it is due; None after the last."""
        level = next_level(self.levels, self.reached)
        due_on = self.invoice.due_on
        return None if level is None or due_on is None else (level, level.due_on(due_on))


def overdue_documents(*, on: dt.date) -> QuerySet[Invoice]:
    """Issued claims past their due date with something open, the oldest first, with their open amount."""
    rows = Invoice.objects.filter(state=InvoiceState.ISSUED, kind__in=CLAIMS, due_on__lt=on)
    return with_open_amount(rows).filter(open_amount__gt=ZERO).order_by("due_on", "pk")


def cases(documents: QuerySet[Invoice], *, on: dt.date) -> list[Case]:
    """How each of these overdue documents stands on a day; a fixed number of queries."""
    return cases_of(list(documents.select_related(*CASE_READS)), on=on)


def cases_of(rows: Sequence[Invoice], *, on: dt.date) -> list[Case]:
    """The same of documents that were read with CASE_READS and their open amount (`with_open_amount`)."""
    ids = [row.pk for row in rows]
    plans, reached, contested_by = _Plans(rows), _reached(ids), _contested(ids)
    stops, promises = _Stops(rows, on), _promises(ids, on)
    paying = {each for under_way in _payments for each in under_way(ids)}
    found = []
    for row in rows:
        left = open_amount(row)
        contested = min(left, quantise(contested_by.get(row.pk, ZERO), row.currency))
        levels = plans.of(row)
        waits = ""
        if not levels:
            waits = _("no dunning plan in %(currency)s") % {"currency": row.currency}
        elif contested >= left:
            waits = _("contested")
        elif row.pk in paying:
            waits = _("a payment is under way")
        elif row.pk in promises:
            waits = _("promised by %(day)s") % {"day": format_day(promises[row.pk])}
        else:
            waits = stops.of(row)
        highest = reached.get(row.pk, 0)
        due = [] if waits or row.due_on is None else due_levels(levels, due_on=row.due_on, on=on, reached=highest)
        found.append(Case(row, left, contested, levels, highest, tuple(due), waits))
    return found


class _Plans:
    """The levels that hold for each document: those that its terms name, else of the operator's default plan."""

    def __init__(self, rows: Collection[Invoice]) -> None:
        named = {row.contract_version.dunning_plan_id for row in rows}
        operators = {row.operator_id for row in rows}
        wanted = Q(plan__in=named - {None}) | Q(plan__operator__in=operators, plan__is_default=True)
        self._levels: dict[int, tuple[Level, ...]] = {}
        self._defaults: dict[tuple[int, str], int] = {}
        for row in DunningLevel.objects.filter(wanted).select_related("plan").order_by("plan_id", "level"):
            self._levels[row.plan_id] = (*self._levels.get(row.plan_id, ()), _level(row))
            if row.plan.is_default:
                self._defaults[row.plan.operator_id, row.plan.currency] = row.plan_id

    def of(self, row: Invoice) -> tuple[Level, ...]:
        """Empty where the operator has no plan for the document."""
        plan_id = row.contract_version.dunning_plan_id or self._defaults.get((row.operator_id, row.currency))
        return self._levels.get(plan_id, ()) if plan_id is not None else ()


def _level(row: DunningLevel) -> Level:
    return Level(row.level, row.days_overdue, row.action == DunningAction.ESCALATE, row.fee_amount)


def _reached(ids: Collection[int]) -> dict[int, int]:
    rows = DunningStep.objects.filter(invoice__in=ids).order_by().values_list("invoice_id")
    return dict(rows.annotate(highest=Max("level")))


def _contested(ids: Collection[int]) -> dict[int, Decimal]:
    """What open disputes contest of these documents."""
    rows = Dispute.objects.filter(invoice__in=ids, state=DisputeState.OPEN).order_by().values_list("invoice_id")
    return dict(rows.annotate(total=amount_sum("contested_amount")))


def _promises(ids: Collection[int], on: dt.date) -> dict[int, dt.date]:
    """Promised days that have not passed: a reminder waits until the day after."""
    rows = PaymentPromise.objects.filter(invoice__in=ids, withdrawn_at__isnull=True, promised_on__gte=on)
    return dict(rows.values_list("invoice_id", "promised_on"))


def live_stops(*, on: dt.date) -> QuerySet[DunningStop]:
    """Stops that hold on a day."""
    return DunningStop.objects.filter(Q(until__isnull=True) | Q(until__gt=on), lifted_at__isnull=True)


def stops_of(document: Invoice, *, on: dt.date) -> QuerySet[DunningStop]:
    """Stops that hold a document back on a day: its own, its contract's and its party's."""
    own = Q(invoice=document.pk) | Q(invoice__isnull=True)
    of_contract = Q(contract=document.contract_id) | Q(contract__isnull=True)
    return live_stops(on=on).filter(own, of_contract, party=document.party_id).select_related("contract", "invoice")


class _Stops:
    """Stops of a document, of its contract, or of all of its party."""

    def __init__(self, rows: Collection[Invoice], on: dt.date) -> None:
        self._of_party: dict[int, list[DunningStop]] = defaultdict(list)
        for each in live_stops(on=on).filter(party__in={row.party_id for row in rows}).order_by("pk"):
            self._of_party[each.party_id].append(each)

    def of(self, row: Invoice) -> str:
        """The reason of the stop that holds the document back; empty without one."""
        for each in self._of_party[row.party_id]:
            if each.invoice_id not in (None, row.pk) or each.contract_id not in (None, row.contract_id):
                continue
            return _("stopped: %(reason)s") % {"reason": each.reason}
        return ""


def notice_reference(documents: Iterable[Invoice]) -> str:
    """What the customer writes on the transfer: the numbers, or the customer number where they are many."""
    rows = list(documents)
    return ", ".join(str(row) for row in rows) if len(rows) <= _MOST_NUMBERS else rows[0].party.number


def fee_is_agreed(invoice: Invoice) -> bool:
    """Whether a level's fee may be charged for a document: its approved terms name the plan, and no flat amount for
    late payment compensates reminding already. There is no fee on fees."""
    if invoice.kind == InvoiceKind.FEE_NOTE or invoice.contract_version.dunning_plan_id is None:
        return False
    term = _late_payment(invoice)
    return term is None or (term.flat_amount is None and not term.eu_default)


def interest_to_date(documents: Iterable[Invoice], *, on: dt.date) -> Decimal:
    """Interest on late payment that accrued on these documents before a day, booked or not, each rounded once.

    For information: what is billed is assessed with the month (I14). A missing reference rate counts nothing.
    """
    references = list(ReferenceRate.objects.values_list("valid_from", "percent"))
    rows = list(documents)
    debts = LateDebts([row.pk for row in rows])
    sums = []
    for row in rows:
        term = _late_payment(row)
        business = bool(row.recipient_details.get("is_business", row.party.is_business))
        if term is None or row.due_on is None or row.kind != InvoiceKind.INVOICE:
            continue
        if not applies(term, business=business):
            continue
        debt = debts.of(row, row.allocations.all())
        try:
            rates = yearly_rates(term, references, debt.late_from, on)
        except MissingReferenceRate:
            continue
        sums.append(quantise(accrued(accrue(debt, rates, debt.late_from, on)), row.currency))
    return add(sums)


def _late_payment(invoice: Invoice) -> LatePayment | None:
    return next((term for term in terms_of(invoice.contract_version) if isinstance(term, LatePayment)), None)


def escalations() -> QuerySet[DunningStep]:
    """Documents handed over to a person whom nobody has taken up yet."""
    return DunningStep.objects.filter(action=DunningAction.ESCALATE, handled_at__isnull=True, skipped="")


def without_plan(operator: Operator, *, on: dt.date) -> list[str]:
    """Currencies in which the operator has overdue documents, but no plan: nobody is reminded of them."""
    overdue = overdue_documents(on=on).filter(operator=operator).select_related("contract_version")
    rows = list(overdue.defer("issuer_details", "recipient_details"))
    plans = _Plans(rows)
    return sorted({row.currency for row in rows if not plans.of(row)})
