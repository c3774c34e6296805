"""The worked debt through the books: billed, paid in part, and left open over three months, each with its fee note."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from evbilling.kernel.books import check_books
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import Invoice, InvoiceKind, ReferenceRate
from payments.operations.transfers import record_transfer
from tests.golden.contracts import GOLDEN, Golden
from tests.golden.months import World, close_month, document_of, make_world, record

pytestmark = pytest.mark.django_db
(LATE,) = [golden for golden in GOLDEN if golden.facts.get("term", {}).get("kind") == "late_payment"]
APRIL = parse_month("2026-04")
ISSUED_AT = dt.datetime(2026, 5, 17, 8, 0, tzinfo=dt.UTC)
# 2,500 kWh at 0.40 are 1000.00 net, 1190.00 with 19 % VAT; due 14 days after 17 May
BILLED: dict[str, Any] = {
    "time_zone": "Europe/Berlin",
    "terms": [LATE.facts["term"]],
    "tariffs": [
        {
            "id": "T",
            "currency": "EUR",
            "elements": [{"price_components": [{"type": "ENERGY", "price": "0.40", "vat": "19", "step_size": 1}]}],
        }
    ],
    "sessions": [
        {
            "ref": "ONE",
            "periods": [{"from": "2026-04-07T08:00:00+02:00", "minutes": 600, "kwh": "2500", "charging": 600}],
        }
    ],
}


def fees(world: World, month: Period) -> list[Decimal]:
    """The amounts on the fee note of a month, as its lines stand."""
    note = Invoice.objects.get(contract=world.contract, kind=InvoiceKind.FEE_NOTE, period_from=month.start)
    assert note.tax_amount == 0
    return sorted(note.lines.values_list("net_amount", flat=True), reverse=True)


def test_given_the_worked_debt_when_three_months_close_then_the_notes_are_the_hands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for row in LATE.facts["references"]:
        ReferenceRate.objects.update_or_create(valid_from=row["from"], defaults={"percent": Decimal(row["percent"])})
    golden = Golden("late", BILLED)
    world = make_world(golden)

    def close(month: Period, at: dt.datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: at + dt.timedelta(hours=1))
        close_month(world, month, at)

    record(world, golden, ISSUED_AT)
    close(APRIL, ISSUED_AT)
    invoice = document_of(world.contract, APRIL)
    debt = LATE.facts["debt"]
    assert (invoice.gross_amount, invoice.due_on) == (Decimal(debt["gross"]), debt["due_on"])
    (paid,) = debt["settled"]
    record_transfer(
        operator_id=invoice.operator_id,
        party_id=invoice.party_id,
        amount=Decimal(paid["amount"]),
        currency="EUR",
        received_on=paid["on"],
        payer_reference="part",
        invoice_id=invoice.pk,
        by=None,
        at=dt.datetime(2026, 6, 15, 12, tzinfo=dt.UTC),
    )

    months = [parse_month(f"2026-0{number}") for number in (6, 7, 8)]
    for month in months:
        close(month, dt.datetime(month.end.year, month.end.month, 1, 8, tzinfo=dt.UTC))

    flat, *interest = [Decimal(part["amount"]) for part in LATE.facts["parts"]]
    assert [fees(world, month) for month in months] == [[flat, interest[0]], [interest[1]], [interest[2]]]
    assert [finding for result in check_books() for finding in result.findings] == []
