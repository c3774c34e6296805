"""Worked examples through the database: sessions in, month closed, document issued, the books clean."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone

from evbilling.kernel.books import check_books
from invoicing.models import InvoiceTax
from sessions.models import SessionCharge
from tests.golden.contracts import GOLDEN, Golden
from tests.golden.months import AT, close_month, make_world, record

pytestmark = pytest.mark.django_db
IN_BOOKS = [golden for golden in GOLDEN if golden.facts.get("books") and "terms" not in golden.facts]


@pytest.fixture(autouse=True)
def _in_april(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: AT + dt.timedelta(hours=1))


@pytest.mark.parametrize("golden", IN_BOOKS, ids=lambda golden: golden.name)
def test_given_a_worked_month_when_closed_then_charges_document_and_books_are_the_hands(golden: Golden) -> None:
    world = make_world(golden)
    record(world, golden)

    invoice = close_month(world)

    charges = SessionCharge.objects.order_by("session__ended_at", "vat_rate")
    assert [(charge.session.provider_ref, charge.vat_rate, charge.net_amount) for charge in charges] == [
        (session["ref"], Decimal(charge["vat"]), Decimal(charge["net"]))
        for session in golden.sessions
        for charge in session["charges"]
    ]
    document = golden.facts["document"]
    taxes = InvoiceTax.objects.filter(invoice=invoice).order_by("-tax_rate")
    assert [(row.tax_rate, row.net_amount, row.tax_amount) for row in taxes] == [
        (Decimal(row["vat"]), Decimal(row["net"]), Decimal(row["tax"])) for row in document["taxes"]
    ]
    assert invoice.gross_amount == Decimal(document["to_pay"])
    assert invoice.number
    assert [finding for result in check_books() for finding in result.findings] == []
