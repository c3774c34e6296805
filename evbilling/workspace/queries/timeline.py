"""All that happened with one party in one line of time: sessions by month, documents, mails, payments, the trail."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncMonth

from contracts.models import Contract, Party
from evbilling.kernel.clock import Period, month_of, start_of_day
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.models import AuditRecord
from evbilling.kernel.money import quantise
from invoicing.models import Delivery, Invoice
from invoicing.queries.deliveries import with_fate
from invoicing.queries.documents import payment_state, with_open_amount
from payments.models import Payment
from sessions.models import SessionState
from sessions.queries import current_sessions

MOST = 200
"""Rows of one kind that are read; a party with more has lists of its own for them."""
OWN_WORDS = ("invoicing.", "payments.", "charging.")
"""Actions that the documents, payments and sessions of the line already tell."""


class Kind(StrEnum):
    """What an event is about."""

    SESSIONS = "sessions"
    DOCUMENTS = "documents"
    MAILS = "mails"
    PAYMENTS = "payments"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class MonthOfSessions:
    """Completed sessions of a month in one currency ("" where none has a price yet)."""

    period: Period
    sessions: int
    energy_wh: int
    net: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at an instant; `row` is a MonthOfSessions or the model's row."""

    at: dt.datetime
    kind: Kind
    row: MonthOfSessions | Invoice | Delivery | Payment | AuditRecord
    state: str = ""


def timeline(party: Party, *, zone: str, today: dt.date, kind: Kind | None = None) -> list[Event]:
    """The events of a party, the latest first, in seven queries at most; of one kind only if asked for."""
    readers = {
        Kind.SESSIONS: lambda: _sessions(party, zone),
        Kind.DOCUMENTS: lambda: _documents(party, today),
        Kind.MAILS: lambda: _mails(party),
        Kind.PAYMENTS: lambda: _payments(party),
        Kind.CHANGES: lambda: _changes(party),
    }
    events = [event for each, read in readers.items() if kind in {None, each} for event in read()]
    return sorted(events, key=lambda event: event.at, reverse=True)


def _sessions(party: Party, zone: str) -> Iterator[Event]:
    """A month stands at its end."""
    rows = (
        current_sessions()
        .filter(contract__party=party, state=SessionState.COMPLETED, ended_at__isnull=False)
        .order_by()
        .annotate(month=TruncMonth("ended_at", tzinfo=ZoneInfo(zone)))
        .values("month", "price__currency")
        .annotate(count=Count("pk"), energy=Sum("energy_wh"), net=amount_sum("price__net_amount"))
    )
    for row in rows:
        period = month_of(row["month"].date())
        currency = row["price__currency"] or ""
        net = quantise(row["net"], currency) if currency else None
        yield Event(
            start_of_day(period.end, zone) - dt.timedelta(seconds=1),
            Kind.SESSIONS,
            MonthOfSessions(period, row["count"], row["energy"], net, currency),
        )


def _documents(party: Party, today: dt.date) -> Iterator[Event]:
    rows = with_open_amount(Invoice.objects.filter(party=party)).select_related("contract").order_by("-id")[:MOST]
    for row in rows:
        yield Event(row.issued_at or row.created_at, Kind.DOCUMENTS, row, payment_state(row, on=today))


def _mails(party: Party) -> Iterator[Event]:
    of_party = Delivery.objects.filter(Q(invoice__party=party) | Q(letter__party=party))
    for row in with_fate(of_party).select_related("invoice", "letter").order_by("-id")[:MOST]:
        yield Event(row.sent_at or row.created_at, Kind.MAILS, row, row.fate)  # type: ignore[attr-defined]


def _payments(party: Party) -> Iterator[Event]:
    for row in Payment.objects.filter(party=party).select_related("invoice", "method").order_by("-id")[:MOST]:
        yield Event(row.created_at, Kind.PAYMENTS, row, row.state)


def _changes(party: Party) -> Iterator[Event]:
    """The trail of the party and of its contracts."""
    contracts = [str(pk) for pk in Contract.objects.filter(party=party).values_list("pk", flat=True)]
    about = Q(object_type=Party._meta.label, object_id=str(party.pk))
    about |= Q(object_type=Contract._meta.label, object_id__in=contracts)
    for row in AuditRecord.objects.filter(about).order_by("-id")[:MOST]:
        if not row.action.startswith(OWN_WORDS):
            yield Event(row.at, Kind.CHANGES, row)
