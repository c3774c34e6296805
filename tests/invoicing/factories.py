"""Documents made directly, for tests of what happens to them after they were drafted."""

import datetime as dt
import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from contracts.models import Contract, ContractKind
from evbilling.kernel.money import ROUNDING_RULE
from invoicing.models import Invoice, InvoiceKind, InvoiceLine, InvoiceTax, LineKind
from invoicing.operations.issuing import issue_invoice
from invoicing.rules.tax import Category, Tax
from invoicing.rules.totals import totals_of
from tests.factories import make_contract_in_force

ISSUED_ON = dt.date(2026, 11, 1)
ISSUED_AT = dt.datetime(2026, 11, 1, 9, 0, tzinfo=dt.UTC)
_next = itertools.count(1)


def make_draft(
    contract: Contract | None = None,
    nets: Sequence[str] = ("100.00",),
    percent: str = "19",
    period: tuple[dt.date, dt.date] = (dt.date(2026, 10, 1), dt.date(2026, 11, 1)),
    **fields: Any,
) -> Invoice:
    """A draft of October 2026 with one line per net, all at one tax rate."""
    contract = contract or make_contract_in_force()
    tax = Tax(Category.STANDARD if Decimal(percent) else Category.ZERO, Decimal(percent))
    totals = totals_of([(tax, Decimal(net)) for net in nets], contract.currency)
    kind = InvoiceKind.SETTLEMENT if contract.kind == ContractKind.HOSTING else InvoiceKind.INVOICE
    values = {
        "kind": kind,
        "operator": contract.operator,
        "party": contract.party,
        "contract": contract,
        "contract_version": contract.versions.order_by("-number")[0],
        "slot": f"test/{next(_next)}",
        "period_from": period[0],
        "period_to": period[1],
        "currency": contract.currency,
        "net_amount": totals.net,
        "tax_amount": totals.tax,
        "gross_amount": totals.gross,
        "rounding_rule": ROUNDING_RULE,
        "created_at": ISSUED_AT,
    }
    invoice = Invoice.objects.create(**values | fields)
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            contract=invoice.contract,
            position=position,
            kind=LineKind.CHARGING,
            text=f"Charging at place {position}",
            session_count=1,
            energy_wh=10_000,
            tax_category=tax.category,
            tax_rate=tax.percent,
            net_amount=Decimal(net),
        )
        for position, net in enumerate(nets, 1)
    )
    InvoiceTax.objects.bulk_create(
        InvoiceTax(
            invoice=invoice,
            tax_category=row.category,
            tax_rate=row.percent,
            net_amount=row.net,
            tax_amount=row.tax,
        )
        for row in totals.rows
    )
    return invoice


def make_issued(
    contract: Contract | None = None,
    nets: Sequence[str] = ("100.00",),
    *,
    issued_on: dt.date = ISSUED_ON,
    **fields: Any,
) -> Invoice:
    """An issued document of 1 November 2026, or of another day; issued on that day, or on this one if it is later."""
    draft = make_draft(contract, nets, **fields)
    at = max(ISSUED_AT, dt.datetime.combine(issued_on, ISSUED_AT.timetz()))
    return issue_invoice(invoice_id=draft.pk, issued_on=issued_on, by=None, at=at)
