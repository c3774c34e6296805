"""Documents of every kind and tax, as rows: what the matrix of e-invoices is made of."""

import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.models import Contact, ContactRole, Contract, ContractKind, EInvoiceFormat, PartyKind, PriceBasis
from evbilling.kernel.money import ROUNDING_RULE, split_gross, vat_of
from invoicing.models import Invoice, InvoiceKind, InvoiceLine, InvoiceTax, LineKind
from tests.factories import make_contract, make_operator, make_party, make_version

PERIOD = (dt.date(2026, 10, 1), dt.date(2026, 11, 1))
ISSUED_ON = dt.date(2026, 11, 2)
AT = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
LEITWEG = "04011000-1234512345-06"
REVERSE = "Reverse charge: the recipient owes the VAT (Article 196 of Directive 2006/112/EC)."
_next = itertools.count(1)


@dataclass(frozen=True)
class Row:
    """Lines at one tax: their nets, or with gross prices their grosses."""

    category: str
    rate: str
    amounts: tuple[str, ...]
    ground: str = ""
    code: str = ""


ONE = (Row("S", "19", ("100.01", "23.45", "0.00")),)
SEVERAL = (Row("S", "19", ("100.01", "-3.37", "23.45")), Row("S", "7", ("19.99",)), Row("Z", "0", ("5.00",)))
REVERSED = (Row("AE", "0", ("250.00", "-10.00"), REVERSE),)
EXEMPT = (Row("E", "0", ("80.00",), "Exempt from VAT: the supplier is a small business."),)
OUTSIDE = (Row("O", "0", ("40.00", "1.27"), "Not subject to VAT: compensation for late payment."),)
GROSS = (Row("S", "19", ("10.03", "24.26", "7.77")), Row("S", "7", ("3.33",)))
TAXES = {"one": ONE, "several": SEVERAL, "reversed": REVERSED, "exempt": EXEMPT, "outside": OUTSIDE, "gross": GROSS}


def make_world(format: str = EInvoiceFormat.FACTURX, kind: str = ContractKind.CHARGING, **party: Any) -> Contract:
    """A contract whose two sides have all that any format asks for."""
    operator = make_operator(
        contact_person="Anna Krüger",
        phone="+49 30 5550 142",
        register_entry="HRB 123456 B",
        endpoint_scheme="9930",
        endpoint_id="DE136695976",
    )
    values = {
        "vat_id": "DE811569869",
        "einvoice_format": format,
        "buyer_reference": LEITWEG,
        "endpoint_scheme": "0204",
        "endpoint_id": LEITWEG,
        "iban": "DE89370400440532013000",
    }
    owner = PartyKind.PROPERTY_OWNER if kind == ContractKind.HOSTING else PartyKind.FLEET_OPERATOR
    made = make_party(owner, **values | party)
    Contact.objects.create(
        party=made, name="Harald Host", phone="+49 89 123456", email="host@example.com", role=ContactRole.ACCOUNTANT
    )
    contract = make_contract(kind, operator, made, purchase_order="PO-4711")
    make_version(contract)
    return contract


def make_document(contract: Contract, rows: Sequence[Row], kind: str, *, gross: bool = False, **fields: Any) -> Invoice:
    """A draft with these lines and their tax by the document's rule."""
    sums = [_sums(row, gross=gross) for row in rows]
    net = sum((net for net, _tax in sums), Decimal(0))
    tax = sum((tax for _net, tax in sums), Decimal(0))
    values = {
        "kind": kind,
        "operator": contract.operator,
        "party": contract.party,
        "contract": contract,
        "contract_version": contract.versions.get(),
        "slot": f"einvoice/{next(_next)}",
        "period_from": PERIOD[0],
        "period_to": PERIOD[1],
        "currency": contract.currency,
        "price_basis": PriceBasis.GROSS if gross else PriceBasis.NET,
        "net_amount": net,
        "tax_amount": tax,
        "gross_amount": net + tax,
        "rounding_rule": ROUNDING_RULE,
        "created_at": AT,
    }
    invoice = Invoice.objects.create(**values | fields)
    position = itertools.count(1)
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            contract=contract,
            position=next(position),
            kind=LineKind.ALLOWANCE if amount < 0 else LineKind.CHARGING,
            group_label="4711 Field service",
            text=f"Charging at place {row.category}{row.rate}",
            session_count=0 if amount < 0 else 3,
            energy_wh=0 if amount < 0 else 41_250,
            tax_category=row.category,
            tax_rate=Decimal(row.rate),
            net_amount=amount,
        )
        for row, (row_net, _tax) in zip(rows, sums, strict=True)
        for amount in _nets(row, row_net, gross=gross)
    )
    InvoiceTax.objects.bulk_create(
        InvoiceTax(
            invoice=invoice,
            tax_category=row.category,
            tax_rate=Decimal(row.rate),
            net_amount=row_net,
            tax_amount=row_tax,
            ground=row.ground,
            ground_code=row.code,
        )
        for row, (row_net, row_tax) in zip(rows, sums, strict=True)
    )
    return Invoice.objects.get(pk=invoice.pk)


def make_credit(contract: Contract, rows: Sequence[Row], kind: str, *, gross: bool = False) -> Invoice:
    """The draft of a credit note over a whole document of this kind, which looks issued to it."""
    original = make_document(contract, rows, kind, gross=gross)
    note = make_document(
        contract, rows, InvoiceKind.CREDIT_NOTE, gross=gross, corrects=original, reason="Wrong meter at site 7"
    )
    assert note.corrects is not None
    note.corrects.number, note.corrects.issued_on = "R-2026-0041", dt.date(2026, 10, 2)
    return note


def _sums(row: Row, *, gross: bool) -> tuple[Decimal, Decimal]:
    total = sum((Decimal(amount) for amount in row.amounts), Decimal(0))
    return split_gross(total, Decimal(row.rate), "EUR") if gross else (total, vat_of(total, Decimal(row.rate), "EUR"))


def _nets(row: Row, net: Decimal, *, gross: bool) -> list[Decimal]:
    """The nets of the lines; with gross prices the last line takes the cents that are left."""
    amounts = [Decimal(amount) for amount in row.amounts]
    if not gross:
        return amounts
    nets = [split_gross(amount, Decimal(row.rate), "EUR")[0] for amount in amounts]
    return [*nets[:-1], net - sum(nets[:-1], Decimal(0))]
