"""Tables of invoicing; one file per aggregate."""

from invoicing.models.allocation import Allocation
from invoicing.models.delivery import Delivery, DeliveryState
from invoicing.models.document import Document, DocumentKind
from invoicing.models.invoice import (
    CLAIMS,
    BilledCharge,
    ChargeUse,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    LineKind,
    TaxCategory,
)
from invoicing.models.ledger import Account, AccountingPeriod, AccountRole, JournalEntry, JournalLine
from invoicing.models.numbers import NumberSeries
from invoicing.models.penalty import Penalty, PenaltyKind, PenaltyState, ReferenceRate
from invoicing.models.run import BillingRun, BillingRunItem, ItemState, RunState
from invoicing.models.tax import TaxRate

__all__ = [
    "CLAIMS",
    "Account",
    "AccountRole",
    "AccountingPeriod",
    "Allocation",
    "BilledCharge",
    "BillingRun",
    "BillingRunItem",
    "ChargeUse",
    "Delivery",
    "DeliveryState",
    "Document",
    "DocumentKind",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceState",
    "InvoiceTax",
    "ItemState",
    "JournalEntry",
    "JournalLine",
    "LineKind",
    "NumberSeries",
    "Penalty",
    "PenaltyKind",
    "PenaltyState",
    "ReferenceRate",
    "RunState",
    "TaxCategory",
    "TaxRate",
]
