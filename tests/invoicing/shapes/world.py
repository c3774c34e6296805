"""October 2026 with one more customer of several contracts or cost centres, 0.45 EUR a kWh and 19 % VAT."""

import datetime as dt
from decimal import Decimal
from typing import Any

from contracts.models import BillingGroup, Contract, Party
from contracts.operations.contracts import change_contract
from evbilling.kernel.books import check_books
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import BillingRun, Invoice, InvoiceKind
from invoicing.operations import runs
from invoicing.operations.inline import work_off
from tests.factories import (
    make_contract_in_force,
    make_party,
    make_tariff,
    make_token,
    make_user,
    make_vehicle,
    tariff_document,
)
from tests.invoicing.month import AT, Month, record

NOVEMBER = parse_month("2026-11")
DECEMBER = parse_month("2026-12")
FEE = ("base_fee", {"amount": "10", "per": "contract"})


def join(month: Month, name: str, party: Party, sessions: int = 2, **fields: Any) -> Contract:
    """A contract of a party with so many sessions of 10 kWh (4.50) in October."""
    tokens = fields.pop("tokens", None)
    if tokens is None:
        token = make_token(make_vehicle(party))
        month.tokens[name] = token
        tokens = [token]
    month.contracts[name] = make_contract_in_force(
        operator=month.operator,
        party=party,
        tariff=make_tariff(month.operator, tariff_document(vat=None)),
        tokens=tokens,
        **fields,
    )
    record([month.charge(name, number) for number in range(sessions)] if name in month.tokens else [])
    return month.contracts[name]


def make_group(month: Month, party: Party, name: str = "Fleet") -> BillingGroup:
    """A billing group of a party in EUR and the contracts' zone."""
    zone = month.contracts["idle"].zone
    return BillingGroup.objects.create(operator=month.operator, party=party, name=name, currency="EUR", zone=zone)


def put_into(group: BillingGroup | None, *contracts: Contract) -> None:
    """The contracts join the group, or leave theirs."""
    for contract in contracts:
        change_contract(
            contract_id=contract.pk, billing_group_id=group.pk if group else None, by=make_user("administrator"), at=AT
        )
        contract.refresh_from_db()


def grouped(month: Month, count: int = 2, **fields: Any) -> tuple[BillingGroup, list[Contract]]:
    """A group of so many contracts with two sessions each, named g1, g2..."""
    party = make_party(accountant="books@group.example")
    group = make_group(month, party)
    members = [join(month, f"g{number}", party, **fields) for number in range(1, count + 1)]
    put_into(group, *members)
    return group, members


def close(month: Month, period: Period, *, at: dt.datetime | None = None) -> BillingRun:
    """Run and issue a month."""
    at = at or dt.datetime(period.end.year, period.end.month, 2, 8, tzinfo=dt.UTC)
    run = runs.start_run(operator_id=month.operator.pk, period=period, issued_on=at.date(), issue=True, by=None, at=at)
    work_off(run_id=run.pk, clock=lambda: at, progress=lambda: None)
    return run


def invoices(contract: Contract, **about: Any) -> list[Invoice]:
    """The contract's own invoices, oldest first."""
    return list(
        Invoice.objects.filter(contract=contract, kind=InvoiceKind.INVOICE, **about).order_by(
            "period_from", "split_key"
        )
    )


def said(invoice: Invoice) -> list[tuple[str, str, Decimal]]:
    """Group, text and net of its lines."""
    return [(line.group_label, line.text, line.net_amount) for line in invoice.lines.order_by("position")]


def findings() -> list[str]:
    """What the books' checks find."""
    return [str(finding) for result in check_books() for finding in result.findings]
