"""The ledger: append-only double entry. Operations post to roles; the chart says which account that is (I15).

The text of a booking is in its operator's language, whoever books it: it is stored once and never changed.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import Operator, Party
from evbilling.kernel.bulk import insert_all
from evbilling.kernel.clock import month_of
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.money import require_minor
from evbilling.shell.formats import format_day, format_month
from invoicing.models import AccountingPeriod, AccountRole, JournalEntry, JournalLine
from invoicing.operations.charts import ensure_chart
from invoicing.rules.bookings import require_balanced


class PeriodClosed(WrongState):
    """Nothing is booked into a closed month (I15)."""

    code = "period_closed"

    def __init__(self, booked_on: dt.date) -> None:
        super().__init__(
            _("%(month)s is closed in the ledger; choose a day in an open month instead of %(day)s.")
            % {"month": format_month(booked_on), "day": format_day(booked_on)}
        )


class AlreadyBooked(WrongState):
    """A cause books once (I15)."""

    code = "already_booked"

    def __init__(self, source: str) -> None:
        super().__init__(_("%(source)s is in the ledger already; it books once.") % {"source": source})


def hold_open(*, operator_id: int, booked_on: dt.date) -> None:
    """Make sure the day's month is open and stays so until this transaction ends. Raises PeriodClosed.

    Posting shares a lock on the operator's row that closing a period takes for itself: so no entry can be on its way
    into a month while it is being closed. On SQLite one writer at a time does the same.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            table = connection.ops.quote_name(Operator._meta.db_table)
            cursor.execute(f"SELECT 1 FROM {table} WHERE id = %s FOR SHARE", [operator_id])  # noqa: S608 - our own table
    closed = AccountingPeriod.objects.filter(operator_id=operator_id, month=month_of(booked_on).start, reopened_at=None)
    require(not closed.exists(), PeriodClosed(booked_on))


def post_journal(
    *,
    operator: Operator,
    source: str,
    booked_on: dt.date,
    text: str,
    currency: str,
    lines: Sequence[tuple[str, Party | None, Decimal]],
    at: dt.datetime,
) -> JournalEntry:
    """Book an entry: (role, party, amount) lines, debit positive, credit negative, adding up to zero.

    `source` names the cause and books once. Lines of zero are left out; a document over nothing is an entry without
    lines. Must run in the transaction of its cause. Raises NotBalanced, PeriodClosed, AlreadyBooked, MoneyError.
    """
    booking = NewEntry(source, text, currency, lines)
    return post_entries(operator=operator, booked_on=booked_on, entries=[booking], at=at)[0]


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is booked for one cause: (role, party, amount) lines, debit positive, credit negative."""

    source: str
    text: str
    currency: str
    lines: Sequence[tuple[str, Party | None, Decimal]]


def post_entries(
    *, operator: Operator, booked_on: dt.date, entries: Sequence[NewEntry], at: dt.datetime
) -> list[JournalEntry]:
    """Book entries of one day, as post_journal does one; a constant number of queries.

    Raises NotBalanced, PeriodClosed, AlreadyBooked, MoneyError.
    """
    amounts = [[require_minor(amount, each.currency) for _role, _party, amount in each.lines] for each in entries]
    for each, of_entry in zip(entries, amounts, strict=True):
        require_balanced(each.source, of_entry)
    with transaction.atomic():
        hold_open(operator_id=operator.pk, booked_on=booked_on)
        known = JournalEntry.objects.filter(source__in=[each.source for each in entries]).first()
        if known is not None:
            raise AlreadyBooked(known.source)
        accounts = ensure_chart(operator)
        made = [
            JournalEntry(
                operator=operator,
                source=each.source,
                booked_on=booked_on,
                text=each.text[:200],
                currency=each.currency,
                posted_at=at,
            )
            for each in entries
        ]
        insert_all(made)
        insert_all(
            [
                JournalLine(entry=entry, account=accounts[role], party=party, amount=amount)
                for entry, each, of_entry in zip(made, entries, amounts, strict=True)
                for (role, party, _amount), amount in zip(each.lines, of_entry, strict=True)
                if amount
            ]
        )
    return made


def post_cash_received(
    *,
    operator: Operator,
    source: str,
    party: Party,
    amount: Decimal,
    currency: str,
    booked_on: dt.date,
    clearing: bool,
    at: dt.datetime,
) -> JournalEntry:
    """Book money that came in, on the bank or (`clearing`) at the processor, as the party's unallocated credit.

    Allocating it to documents moves it on to the receivable. Raises as post_journal does, and BadInput for an amount
    that is not positive.
    """
    require(amount > 0, BadInput("amount", amount, _("Money received is more than zero.")))
    with override(operator.language):
        text = _("Received from %(party)s") % {"party": party.legal_name}
    entry = NewEntry(source, text, currency, _cash_lines(party, amount, clearing=clearing))
    return post_entries(operator=operator, booked_on=booked_on, entries=[entry], at=at)[0]


def post_cash_returned(
    *,
    operator: Operator,
    source: str,
    party: Party,
    amount: Decimal,
    currency: str,
    booked_on: dt.date,
    clearing: bool,
    at: dt.datetime,
) -> JournalEntry:
    """Book money that went back to a party, out of its unallocated credit. Raises as post_cash_received does."""
    require(amount > 0, BadInput("amount", amount, _("Money paid back is more than zero.")))
    with override(operator.language):
        text = _("Paid back to %(party)s") % {"party": party.legal_name}
    entry = NewEntry(source, text, currency, _cash_lines(party, -amount, clearing=clearing))
    return post_entries(operator=operator, booked_on=booked_on, entries=[entry], at=at)[0]


def _cash_lines(party: Party, amount: Decimal, *, clearing: bool) -> list[tuple[str, Party | None, Decimal]]:
    """Money that came in (positive) or went back, against the party's unallocated credit."""
    account = AccountRole.PROCESSOR_CLEARING if clearing else AccountRole.CASH
    return [(account, None, amount), (AccountRole.CUSTOMER_CREDIT, party, -amount)]
