"""Documents drafted and issued one by one from the month of tests/invoicing/month.py."""

from decimal import Decimal

from evbilling.kernel.clock import Period
from invoicing.models import Invoice
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.issuing import issue_invoice
from tests.invoicing.month import AT, ISSUED_ON, OCTOBER, Month


def draft(month: Month, name: str, period: Period = OCTOBER) -> Invoice:
    invoice = draft_invoice(contract_id=month.contracts[name].pk, period=period, at=AT)
    assert invoice is not None
    return invoice


def issued(month: Month, name: str, period: Period = OCTOBER) -> Invoice:
    return issue_invoice(invoice_id=draft(month, name, period).pk, issued_on=ISSUED_ON, by=None, at=AT)


def amounts(invoice: Invoice) -> tuple[Decimal, Decimal, Decimal]:
    return invoice.net_amount, invoice.tax_amount, invoice.gross_amount


def settle(month: Month, period: Period = OCTOBER) -> Invoice | None:
    return draft_invoice(contract_id=month.contracts["host"].pk, period=period, at=AT)
