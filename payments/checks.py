"""This app's part of `manage.py check_books`."""

from collections.abc import Iterator
from decimal import Decimal

from django.db.models import Count, Exists, F, OuterRef, Q

from contracts.models import Party
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.card_guard import holds_card_number
from evbilling.kernel.fields import amount_sum
from invoicing.models import AccountRole, Allocation, JournalEntry
from invoicing.queries.deposits import held_by_source
from payments.models import (
    OPEN_STATES,
    Payment,
    PaymentEvent,
    PaymentMethod,
    PaymentState,
    ProcessorEvent,
    Refund,
    RefundState,
)
from payments.queries import credit_balances

PREFIX = "payment:"


@proves("I12", "No payment settles, and secures, more than it brought")
def _allocations_within_payments() -> Iterator[Finding]:
    taken = dict(
        Allocation.objects.filter(source__startswith=PREFIX)
        .values_list("source")
        .annotate(total=amount_sum("amount"))
        .values_list("source", "total")
    )
    for row in held_by_source():
        taken[row["source"]] = taken.get(row["source"], Decimal(0)) + row["total"]
    captured = dict(
        PaymentEvent.objects.filter(kind="captured")
        .values_list("payment__public_id")
        .annotate(total=amount_sum("amount"))
        .values_list("payment__public_id", "total")
    )
    for source, total in sorted(taken.items()):
        brought = captured.get(source.removeprefix(PREFIX), Decimal(0))
        if total > brought:
            yield Finding("I12", source, f"{source} brought {brought}, and {total} of it is used.")


@proves("I12", "A captured payment has its event and its booking")
def _captured_is_booked() -> Iterator[Finding]:
    events = PaymentEvent.objects.filter(payment=OuterRef("pk"), kind="captured", amount=OuterRef("amount"))
    for payment in Payment.objects.annotate(has_event=Exists(events)).iterator(chunk_size=2000):
        is_captured = payment.state == PaymentState.CAPTURED
        if is_captured != payment.has_event:
            yield Finding("I12", str(payment), f"{payment} is {payment.state}, its events say otherwise.")
    received = JournalEntry.objects.filter(source__startswith=PREFIX, source__endswith=":captured")
    credit = amount_sum("lines__amount", filter=Q(lines__account__role=AccountRole.CUSTOMER_CREDIT))
    booked = set(received.annotate(credit=credit).values_list("source", "currency", "operator", "credit"))
    captured = Payment.objects.filter(state=PaymentState.CAPTURED)
    due = {
        (f"{PREFIX}{public_id}:captured", currency, operator, -amount)
        for public_id, currency, operator, amount in captured.values_list("public_id", "currency", "operator", "amount")
    }
    for source in sorted({row[0] for row in due ^ booked}):
        yield Finding("I12", source, f"{source}: captured money and its journal entry do not go together.")


@proves("I12", "A payment settles documents of its own party, operator and currency")
def _settles_its_own() -> Iterator[Finding]:
    payments = {
        f"{PREFIX}{public_id}": row
        for public_id, *row in Payment.objects.values_list("public_id", "party", "operator", "currency")
    }
    used = Allocation.objects.filter(source__startswith=PREFIX).order_by("pk")
    for pk, source, *row in used.values_list(
        "pk", "source", "invoice__party", "invoice__operator", "currency"
    ).iterator(chunk_size=2000):
        if source in payments and payments[source] != row:
            yield Finding("I12", f"allocation {pk}", f"{source} is of another party, operator or currency.")


@proves("I12", "Refunds never exceed their payment and are booked exactly when they are done")
def _refunds_are_booked() -> Iterator[Finding]:
    done = Refund.objects.filter(state=RefundState.DONE)
    due = {
        (f"refund:{public_id}", currency, operator, amount)
        for public_id, currency, operator, amount in done.values_list(
            "public_id", "currency", "payment__operator", "amount"
        )
    }
    returned = JournalEntry.objects.filter(source__startswith="refund:")
    credit = amount_sum("lines__amount", filter=Q(lines__account__role=AccountRole.CUSTOMER_CREDIT))
    booked = set(returned.annotate(credit=credit).values_list("source", "currency", "operator", "credit"))
    for source in sorted({row[0] for row in due ^ booked}):
        yield Finding("I12", source, f"{source}: money paid back and its journal entry do not go together.")
    sums = done.values_list("payment__public_id").annotate(total=amount_sum("amount"))
    brought = dict(Payment.objects.filter(refunds__state=RefundState.DONE).values_list("public_id", "amount"))
    for public_id, total in sums.order_by("payment__public_id"):
        if total > brought[public_id]:
            yield Finding("I12", public_id, f"{public_id} brought {brought[public_id]} and {total} was paid back.")


@proves("I13", "A provider event is applied once")
def _events_once() -> Iterator[Finding]:
    doubled = ProcessorEvent.objects.values("processor", "event_ref").annotate(count=Count("id")).filter(count__gt=1)
    for row in doubled:
        yield Finding("I13", row["event_ref"], f"The event {row['event_ref']} is stored {row['count']} times.")
    for payment in Payment.objects.annotate(captures=Count("events", filter=Q(events__kind="captured"))).filter(
        captures__gt=1
    ):
        yield Finding("I13", str(payment), f"{payment} was captured {payment.captures} times.")


@proves("I12", "At most one open attempt per invoice")
def _one_open_attempt() -> Iterator[Finding]:
    doubled = (
        Payment.objects.filter(state__in=OPEN_STATES, invoice__isnull=False)
        .values(number=F("invoice__number"))
        .annotate(count=Count("id"))
        .filter(count__gt=1)
    )
    for row in doubled:
        yield Finding("I12", str(row["number"]), f"{row['number']} has {row['count']} open attempts.")


@proves("I21", "No card number is stored with payments")
def _no_card_numbers() -> Iterator[Finding]:
    for method in PaymentMethod.objects.iterator(chunk_size=2000):
        if any(holds_card_number(text) for text in (method.token, method.brand)):
            yield Finding("I21", f"payment method {method.pk}", f"Payment method {method.pk} holds a card number.")
    for payment in Payment.objects.exclude(payer_reference="").iterator(chunk_size=2000):
        if holds_card_number(payment.payer_reference):
            yield Finding("I21", str(payment), f"The payer's reference of {payment} holds a card number.")
    for event in ProcessorEvent.objects.iterator(chunk_size=2000):
        if holds_card_number(str(event.body)):
            yield Finding("I21", str(event), f"The body of {event} holds a card number.")


@proves("I20", "Payments are of the party whose invoice and method they use")
def _payments_belong_to_their_party() -> Iterator[Finding]:
    for payment in Payment.objects.filter(invoice__isnull=False).exclude(invoice__party=F("party")).order_by("pk"):
        yield Finding("I20", str(payment), f"{payment} is of another party than its invoice.")
    for payment in Payment.objects.filter(method__isnull=False).exclude(method__party=F("party")).order_by("pk"):
        yield Finding("I20", str(payment), f"{payment} used a method of another party.")
    party_of = dict(Payment.objects.values_list("public_id", "party_id"))
    sources = Allocation.objects.filter(source__startswith=PREFIX).values_list("source", "invoice__party_id")
    for source, party_id in sources.iterator(chunk_size=5000):
        if party_of.get(source.removeprefix(PREFIX)) != party_id:
            yield Finding("I20", source, f"{source} settles an invoice of another party, or is no payment at all.")


@proves("I12", "Unallocated customer money in the ledger is what payments brought and nothing took")
def _credit_is_unallocated_money() -> Iterator[Finding]:
    wrong = [each for each in credit_balances() if each.difference]
    names = Party.objects.in_bulk({each.party_id for each in wrong})
    for each in wrong:
        yield Finding(
            "I12",
            f"customer credit {names.get(each.party_id, '-')}",
            f"The ledger says {each.ledger} {each.currency}, the payments {each.documents}.",
        )
