"""What a document's totals are in the ledger."""

from contracts.models import ContractKind
from invoicing.models import AccountRole, Invoice, InvoiceKind
from invoicing.rules.bookings import Booking, document_bookings


def bookings_of(invoice: Invoice) -> tuple[Booking, ...]:
    """The bookings of a document, issued or about to be; a credit note's are those of what it corrects, reversed."""
    credit = invoice.kind == InvoiceKind.CREDIT_NOTE
    about = invoice.corrects if credit and invoice.corrects is not None else invoice
    return document_bookings(
        settlement=about.kind == InvoiceKind.SETTLEMENT,
        sponsored=invoice.contract.kind == ContractKind.SPONSORSHIP,
        credit=credit,
        net=invoice.net_amount,
        tax=invoice.tax_amount,
    )


def receivable_of(invoice: Invoice) -> AccountRole:
    """The account on which a document to a customer is owed: sponsors have one of their own."""
    sponsored = invoice.contract.kind == ContractKind.SPONSORSHIP
    return AccountRole.SPONSOR_RECEIVABLE if sponsored else AccountRole.RECEIVABLE
