"""One of everything that is archived, each made by the operations: documents of all kinds and formats, and letters."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from contracts.models import EInvoiceFormat, Operator, OperatorText, Party, TextPlace
from evbilling.kernel import outbox
from invoicing.models import Document, Invoice, Letter
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.dunning import run_dunning
from invoicing.operations.statements import send_statement
from payments.models import Payment
from payments.operations.receipts import file_receipt
from payments.operations.transfers import record_transfer
from tests.invoicing.dunning.world import make_plan
from tests.invoicing.einvoice.world import LEITWEG
from tests.invoicing.month import LATER, Month, make_month
from tests.invoicing.penalties.world import LATE, Fleet, late_invoice, make_fleet

FORMATS = {
    "alpha": EInvoiceFormat.FACTURX,
    "beta": EInvoiceFormat.XRECHNUNG,
    "gamma": EInvoiceFormat.PEPPOL,
    "delta": EInvoiceFormat.NONE,
}
"""What each fleet takes; the host's settlement and the fee note hold Factur-X."""
REACHED = {
    "contact_person": "Anna Krüger", "phone": "+49 30 5550 142", "register_entry": "HRB 123456 B",
    "endpoint_scheme": "9930", "endpoint_id": "DE136695976",
}  # fmt: skip
NEW_LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" width="40" height="40">'
    '<circle cx="20" cy="20" r="18" fill="#cc0000"/></svg>'
)
DUNNED_AT = dt.datetime(2026, 11, 20, 6, tzinfo=dt.UTC)
Kept = dict[str, tuple[str, bytes]]
"""What is archived, by table, key and name: SHA-256 as noted, and the bytes."""


@dataclass(frozen=True)
class Archive:
    """The worlds in which it was made, and what a receipt was made of."""

    month: Month
    fleet: Fleet
    payment: Payment

    def send_statement(self, at: dt.datetime) -> None:
        """Alpha's statement of the month after, drawn and mailed."""
        send_statement(
            operator_id=self.month.operator.pk, party_id=self.month.contracts["alpha"].party_id, currency="EUR",
            first=dt.date(2026, 11, 1), last=dt.date(2026, 11, 2), by=None, at=at,
        )  # fmt: skip

    def dun(self) -> None:
        """The late fleet is reminded of its fee note, four days overdue; on the same day once."""
        operator_id = self.fleet.contract.operator_id
        run_dunning(operator_id=operator_id, on=DUNNED_AT.date(), by=None, at=DUNNED_AT)


def make_archive() -> Archive:
    """A closed month with a credit note for the host and for each fleet, a fee note, and one letter of each kind."""
    month, fleet = make_month(2, tuple(FORMATS)), make_fleet(LATE)
    Operator.objects.update(**REACHED)
    Party.objects.update(endpoint_scheme="0204", endpoint_id=LEITWEG, buyer_reference=LEITWEG)
    for name, format in FORMATS.items():
        Party.objects.filter(pk=month.contracts[name].party_id).update(einvoice_format=format)
    make_plan(fleet.contract.operator)
    late_invoice(fleet)
    month.close()
    fleet.close()
    for name in (*FORMATS, "host"):
        original = Invoice.objects.get(contract=month.contracts[name])
        credit_invoice(invoice_id=original.pk, reason="wrong contract", by=None, at=LATER)
    paid = Invoice.objects.get(contract=month.contracts["sponsor"])
    payment = record_transfer(
        operator_id=paid.operator_id, party_id=paid.party_id, amount=paid.gross_amount + Decimal("5.00"),
        currency="EUR", received_on=paid.issued_on or LATER.date(), payer_reference=str(paid), invoice_id=paid.pk,
        by=None, at=LATER,
    )  # fmt: skip
    file_receipt(payment_id=payment.pk, by=None, at=LATER)
    archive = Archive(month, fleet, payment)
    archive.send_statement(LATER)
    archive.dun()
    outbox.drain(at=DUNNED_AT)
    return archive


def change_everything() -> None:
    """Both sides move, and the operator has another logo, another colour and other words for every place."""
    Operator.objects.update(
        legal_name="Another Name GmbH", city="Bremen", accent_colour="#ff0000", logo_svg=NEW_LOGO, iban="", phone="0"
    )
    OperatorText.objects.bulk_create(
        OperatorText(operator=operator, place=place, language="en", text="New words")
        for operator in Operator.objects.filter(texts=None)
        for place in TextPlace.values
    )
    Party.objects.update(legal_name="Moved AG", city="Kiel", language="de", einvoice_format=EInvoiceFormat.NONE)


def kept() -> Kept:
    """All that is archived, with its hash as it was noted."""
    documents = {
        f"{file.invoice.kind} {file.invoice} {file.file_name}": (file.sha256, bytes(file.content))
        for file in Document.objects.select_related("invoice")
    }
    letters = {
        f"{letter.kind} {letter.source} {letter.file_name}": (letter.sha256, bytes(letter.content))
        for letter in Letter.objects.all()
    }
    return documents | letters
