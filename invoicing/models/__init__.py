"""Tables of invoicing; one file per aggregate."""

from invoicing.models.allocation import Allocation
from invoicing.models.correction import Correction, CorrectionKind, CorrectionState, Dispute, DisputeState
from invoicing.models.datev import DatevSettings, PersonalAccount, PersonalKind
from invoicing.models.delivery import Delivery, DeliveryEvent, DeliveryEventKind, DeliveryState
from invoicing.models.deposit import Deposit, DepositKind
from invoicing.models.document import Document, DocumentKind
from invoicing.models.dunning import DunningStep, DunningStop, OverdueDocument, PaymentPromise
from invoicing.models.invoice import (
    CLAIMS,
    BilledCharge,
    ChargeUse,
    CreditedCharge,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    LineKind,
    TaxCategory,
)
from invoicing.models.ledger import Account, AccountingPeriod, AccountRole, AccountRule, JournalEntry, JournalLine
from invoicing.models.letter import Letter, LetterKind
from invoicing.models.numbers import NumberSeries
from invoicing.models.penalty import Penalty, PenaltyKind, PenaltyState, ReferenceRate, ReleasedPenalty
from invoicing.models.run import BillingRun, BillingRunItem, BooksCheck, ItemState, RunState
from invoicing.models.tax import ExchangeRate, TaxRate

__all__ = [
    "Account",
    "AccountRole",
    "AccountRule",
    "AccountingPeriod",
    "Allocation",
    "BilledCharge",
    "BillingRun",
    "BillingRunItem",
    "BooksCheck",
    "CLAIMS",
    "ChargeUse",
    "Correction",
    "CorrectionKind",
    "CorrectionState",
    "CreditedCharge",
    "DatevSettings",
    "Delivery",
    "DeliveryEvent",
    "DeliveryEventKind",
    "DeliveryState",
    "Deposit",
    "DepositKind",
    "Dispute",
    "DisputeState",
    "Document",
    "DocumentKind",
    "DunningStep",
    "DunningStop",
    "ExchangeRate",
    "Invoice",
    "InvoiceKind",
    "InvoiceLine",
    "InvoiceState",
    "InvoiceTax",
    "ItemState",
    "JournalEntry",
    "JournalLine",
    "Letter",
    "LetterKind",
    "LineKind",
    "NumberSeries",
    "OverdueDocument",
    "PaymentPromise",
    "Penalty",
    "PenaltyKind",
    "PenaltyState",
    "PersonalAccount",
    "PersonalKind",
    "ReferenceRate",
    "ReleasedPenalty",
    "RunState",
    "TaxCategory",
    "TaxRate",
]
