"""What decides on who sees a document belongs together (I20): party, contract, sessions, sites."""

from collections.abc import Iterator

from django.db.models import F

from evbilling.kernel.books import Finding, proves
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceLine, JournalLine


@proves("I20", "Documents show their own party's contract and sessions alone")
def documents_belong_to_their_party() -> Iterator[Finding]:
    """A document is of its contract's party; it bills that contract's charges and shares what lies at its own sites."""
    for invoice in Invoice.objects.exclude(contract__party=F("party")).order_by("pk"):
        yield Finding("I20", f"document {invoice}", "Its party is not the party of its contract.")
    strange = InvoiceLine.objects.exclude(
        contract__party=F("invoice__party"), contract__operator=F("invoice__operator")
    )
    alone = InvoiceLine.objects.filter(invoice__billing_group=None).exclude(contract=F("invoice__contract"))
    for line in (
        (strange | alone.exclude(invoice__kind=InvoiceKind.CREDIT_NOTE)).select_related("invoice").order_by("pk")
    ):
        yield Finding("I20", f"document {line.invoice}", f"Line {line.position} is of a contract that is not its own.")
    for note in Invoice.objects.filter(corrects__isnull=False).exclude(corrects__party=F("party")).order_by("pk"):
        yield Finding("I20", f"document {note}", "It corrects a document of another party.")
    billed = BilledCharge.objects.filter(use=ChargeUse.BILLED).exclude(charge__contract=F("line__contract"))
    shared = BilledCharge.objects.filter(use__in=[ChargeUse.SHARED, ChargeUse.TAKEN_BACK]).exclude(
        charge__session__site__owner=F("line__invoice__party")
    )
    for rows, problem in (
        (billed, "It bills a session that was charged to another contract."),
        (shared, "It shows a session at a site that is not its party's."),
    ):
        for row in rows.select_related("line__invoice").order_by("pk").iterator(chunk_size=2000):
            yield Finding("I20", f"document {row.line.invoice}", problem)


@proves("I20", "Bookings on a document name its own party")
def bookings_belong_to_their_party() -> Iterator[Finding]:
    """The journal lines of a document carry its party or none."""
    parties = dict(Invoice.objects.values_list("pk", "party_id"))
    lines = JournalLine.objects.filter(entry__source__startswith="invoice:", party__isnull=False)
    for source, party_id in lines.values_list("entry__source", "party_id").iterator(chunk_size=5000):
        owner = parties.get(int(source.removeprefix("invoice:")))
        if owner != party_id:
            yield Finding("I20", f"entry {source}", "It is booked on another party than its document's.")
