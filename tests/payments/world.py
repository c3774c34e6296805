"""What payment tests stand on: an issued invoice of a company, and its saved test methods."""

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

from contracts.models import Party
from evbilling.kernel.models import AuditRecord, OutboxMessage
from evbilling.kernel.money import ROUNDING_RULE
from invoicing.models import (
    Allocation,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceTax,
    JournalEntry,
    JournalLine,
    LineKind,
    TaxCategory,
)
from invoicing.operations.issuing import issue_invoice
from payments.models import Payment, PaymentEvent, PaymentMethod
from payments.operations.methods import add_method
from tests.factories import make_contract_in_force, make_user

AT = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
ISSUED_ON = dt.date(2026, 3, 1)
_next = itertools.count(1)


def make_issued_invoice(net: str = "100.00", party: Party | None = None, contract: Any = None) -> Invoice:
    """An invoice of February 2026 at 19 %, due 15 March."""
    contract = contract or make_contract_in_force(party=party)
    amount = Decimal(net)
    tax = (amount * 19 / 100).quantize(Decimal("0.01"))
    invoice = Invoice.objects.create(
        kind=InvoiceKind.INVOICE,
        operator=contract.operator,
        party=contract.party,
        contract=contract,
        contract_version=contract.versions.get(),
        slot=f"test:{next(_next)}",
        period_from=dt.date(2026, 2, 1),
        period_to=dt.date(2026, 3, 1),
        currency="EUR",
        net_amount=amount,
        tax_amount=tax,
        gross_amount=amount + tax,
        rounding_rule=ROUNDING_RULE,
        created_at=AT,
    )
    InvoiceLine.objects.create(
        invoice=invoice,
        contract=invoice.contract,
        position=1,
        kind=LineKind.CHARGING,
        text="Charging",
        tax_category=TaxCategory.STANDARD,
        tax_rate=Decimal(19),
        net_amount=amount,
    )
    InvoiceTax.objects.create(
        invoice=invoice, tax_category=TaxCategory.STANDARD, tax_rate=Decimal(19), net_amount=amount, tax_amount=tax
    )
    return issue_invoice(invoice_id=invoice.pk, issued_on=ISSUED_ON, by=make_user(), at=AT)


def make_method(party: Party, outcome: str = "approve", consent: bool = True) -> PaymentMethod:
    """A saved sandbox token that ends as `outcome`."""
    return add_method(
        party_id=party.pk,
        processor="sandbox",
        token=f"tok_{next(_next)}_{outcome}",
        brand="Test card",
        last4="4242",
        expires_on=dt.date(2030, 12, 31),
        consent=consent,
        by=None,
        at=AT,
    )


def everything() -> tuple[int, ...]:
    """How many rows there are that a payment could touch: unchanged after a refusal."""
    tables = (Payment, PaymentEvent, PaymentMethod, Allocation, JournalEntry, JournalLine, AuditRecord, OutboxMessage)
    return tuple(table.objects.count() for table in tables)


def balance(role: str) -> Decimal:
    """The ledger's balance of an account role over all operators; debit positive."""
    lines = JournalLine.objects.filter(account__role=role).values_list("amount", flat=True)
    return sum(lines, Decimal(0))
