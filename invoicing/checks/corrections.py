"""Corrections: credits within each line and session (I1, I11), re-rated sessions at their price, two persons (I18)."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from django.db.models import F, Q

from evbilling.kernel.books import Finding, proves
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO
from invoicing.models import (
    BilledCharge,
    ChargeUse,
    Correction,
    CorrectionKind,
    CorrectionState,
    CreditedCharge,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
)


@proves("I11", "Each line of a credit note names the line that it credits, never by more than that holds")
def lines_within() -> Iterator[Finding]:
    """Net and, where prices include tax, gross, over all credit notes of a document."""
    rows = InvoiceLine.objects.filter(invoice__kind=InvoiceKind.CREDIT_NOTE, invoice__state=InvoiceState.ISSUED)
    strange = rows.filter(Q(corrects=None) | ~Q(corrects__invoice=F("invoice__corrects")))
    for line in strange.select_related("invoice"):
        yield Finding("I11", f"document {line.invoice}", f"Line {line.position} credits no line of its document.")
    sums = (
        rows.filter(corrects__isnull=False)
        .order_by()
        .values_list(
            "corrects__invoice__number", "corrects__position", "corrects__net_amount", "corrects__gross_amount"
        )
        .annotate(net=amount_sum("net_amount"), gross=amount_sum("gross_amount"))
    )
    for number, position, net, gross, credited, credited_gross in sums.iterator(chunk_size=2000):
        held, taken = (net, credited) if gross is None else (gross, credited_gross or ZERO)
        if not min(held, ZERO) <= taken <= max(held, ZERO):
            yield Finding("I11", f"document {number}", f"{taken} of line {position} is credited; it holds {held}.")


@proves("I1", "Credits of sessions add up to their lines and never exceed what was billed")
def charges_within() -> Iterator[Finding]:
    """Per line of a credit note, and per charge and document."""
    credited: dict[int, Decimal] = dict(
        CreditedCharge.objects.order_by()
        .filter(line__gross_amount=None)
        .values_list("line_id")
        .annotate(total=amount_sum("net_amount"))
    )
    lines = InvoiceLine.objects.filter(pk__in=credited).select_related("invoice")
    for line in lines.iterator(chunk_size=2000):
        if credited[line.pk] != line.net_amount:
            yield Finding(
                "I1",
                f"document {line.invoice}",
                f"Line {line.position} credits {line.net_amount}; its sessions add up to {credited[line.pk]}.",
            )
    sums = (
        CreditedCharge.objects.order_by()
        .values_list("charge", "charge__session__provider_ref", "charge__net_amount", "line__corrects__invoice__number")
        .annotate(total=amount_sum("net_amount"))
    )
    for _charge, ref, net, number, total in sums.iterator(chunk_size=5000):
        if total > net:
            yield Finding("I1", f"session {ref}", f"{total} of it is credited on {number}, which billed {net}.")


@proves("I1", "A session priced again: billed less credited is the new price, payer by payer")
def rerated_at_their_price() -> Iterator[Finding]:
    """The parts of all payers add up to the new price; what was left of a charge less its credit is its part of it."""
    rows = Correction.objects.filter(
        kind=CorrectionKind.CREDIT, state=CorrectionState.DONE, figures__has_key="sessions"
    ).select_related("credit_note")
    for correction in rows.iterator(chunk_size=500):
        taken: dict[int, Decimal] = defaultdict(lambda: ZERO)
        links = CreditedCharge.objects.filter(line__invoice=correction.credit_note)
        for charge_id, net, gross in links.values_list("charge_id", "net_amount", "gross_amount"):
            taken[charge_id] += net if gross is None else gross
        for session, told in correction.figures["sessions"].items():
            price = sum((Decimal(part["amount"]) for part in told["price"]), ZERO)
            target = {int(key): Decimal(amount) for key, amount in told["target"].items()}
            if sum(target.values(), ZERO) != price:
                yield Finding(
                    "I1", f"document {correction.credit_note}", f"The parts of session {session} are not {price}."
                )
            for key, before in told["before"].items():
                if Decimal(before) - taken[int(key)] != target[int(key)]:
                    yield Finding(
                        "I1",
                        f"document {correction.credit_note}",
                        f"Session {session}: {before} less {taken[int(key)]} is not {target[int(key)]}.",
                    )


@proves("I1", "What is billed again was released by a cancelled document")
def generations_follow() -> Iterator[Finding]:
    """A charge is billed for the second time only once a credit note released its first billing."""
    freed = set(BilledCharge.objects.filter(use=ChargeUse.RELEASED).values_list("charge_id", "generation"))
    again = BilledCharge.objects.filter(use=ChargeUse.BILLED, generation__gt=1).select_related("line__invoice")
    for link in again.iterator(chunk_size=2000):
        if (link.charge_id, link.generation - 1) not in freed:
            yield Finding("I1", f"document {link.line.invoice}", "It bills a session again that nothing released.")


@proves("I18", "Credits from the limit on, and write-offs, were approved by a second person")
def approved_by_second_person() -> Iterator[Finding]:
    """A done correction that needed one names two people; every write-off needs one."""
    done = Correction.objects.filter(state=CorrectionState.DONE).select_related("invoice")
    alone = done.filter(needs_second=True).filter(
        Q(decided_by=None) | Q(asked_by=None) | Q(decided_by=F("asked_by"))
    ) | done.filter(kind=CorrectionKind.WRITE_OFF, needs_second=False)
    for correction in alone:
        yield Finding("I18", f"correction of {correction.invoice}", "It was not approved by a second person.")
