"""Worked examples through the database: sessions in, month closed, document issued, the books clean."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from evbilling.kernel.books import check_books
from evbilling.kernel.clock import parse_month
from invoicing.models import Invoice, InvoiceLine, InvoiceTax, LineKind
from sessions.models import SessionCharge
from tests.golden.contracts import GOLDEN, Golden
from tests.golden.months import AT, close_month, document_of, make_world, record

pytestmark = pytest.mark.django_db
LINE_KINDS = {
    "included_energy": LineKind.ALLOWANCE,
    "graduated_discount": LineKind.ALLOWANCE,
    "volume_discount": LineKind.ALLOWANCE,
    "base_fee": LineKind.BASE_FEE,
    "minimum_commitment": LineKind.SHORTFALL,
    "overstay": LineKind.PENALTY,
    "uptime_promise": LineKind.UPTIME_CREDIT,
}
IN_BOOKS = [golden for golden in GOLDEN if golden.facts.get("books")]
LATE = [golden for golden in GOLDEN if "months" in golden.facts]
SHARED = [golden for golden in GOLDEN if "documents" in golden.facts]


@pytest.fixture(autouse=True)
def _in_april(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: AT + dt.timedelta(hours=1))


def assert_billed(invoice: Invoice, document: Mapping[str, Any]) -> None:
    """The document is issued, and its sums are the hand's."""
    taxes = InvoiceTax.objects.filter(invoice=invoice).order_by("-tax_rate")
    assert [(row.tax_rate, row.net_amount, row.tax_amount) for row in taxes] == [
        (Decimal(row["vat"]), Decimal(row["net"]), Decimal(row["tax"])) for row in document["taxes"]
    ]
    assert invoice.gross_amount == Decimal(document["to_pay"])
    assert invoice.number


def assert_terms(invoice: Invoice, document: Mapping[str, Any]) -> None:
    """What the terms make of the month stands on lines after the sessions, in the hand's order."""
    lines = InvoiceLine.objects.filter(invoice=invoice).exclude(kind=LineKind.CHARGING).order_by("position")
    assert [(line.kind, line.net_amount, line.tax_rate) for line in lines] == [
        (LINE_KINDS[term["of"]], Decimal(term["net"]), Decimal(term["vat"])) for term in document.get("terms", ())
    ]


def assert_books_are_clean() -> None:
    """Every invariant holds."""
    assert [finding for result in check_books() for finding in result.findings] == []


@pytest.mark.parametrize("golden", IN_BOOKS, ids=lambda golden: golden.name)
def test_given_a_worked_month_when_closed_then_charges_document_and_books_are_the_hands(golden: Golden) -> None:
    world = make_world(golden)
    record(world, golden)

    close_month(world)

    charges = SessionCharge.objects.order_by("session__ended_at", "vat_rate")
    assert [(charge.session.provider_ref, charge.vat_rate, charge.net_amount) for charge in charges] == [
        (session["ref"], Decimal(charge["vat"]), Decimal(charge["net"]))
        for session in golden.sessions
        for charge in session["charges"]
    ]
    invoice, document = document_of(world.contract), golden.facts["document"]
    lines = InvoiceLine.objects.filter(invoice=invoice).exclude(kind=LineKind.CHARGING).order_by("position")
    assert [
        (LINE_KINDS[term["of"]], Decimal(term["net"]), Decimal(term["vat"])) for term in document.get("terms", ())
    ] == [(line.kind, line.net_amount, line.tax_rate) for line in lines]
    assert_billed(invoice, document)
    assert_books_are_clean()


@pytest.mark.parametrize("golden", SHARED, ids=lambda golden: golden.name)
def test_given_sponsors_and_hosts_when_the_month_closes_then_both_documents_and_books_are_the_hands(
    golden: Golden,
) -> None:
    world = make_world(golden)
    record(world, golden)

    close_month(world)

    payers = {"customer": world.contract, "sponsor": world.sponsor, "host": world.host}
    for document in golden.facts["documents"]:
        assert_billed(document_of(payers[document["payer"]]), document)
    assert_books_are_clean()


@pytest.mark.parametrize("golden", LATE, ids=lambda golden: golden.name)
def test_given_a_session_that_comes_late_when_two_months_close_then_both_documents_are_the_hands(
    golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(golden)

    for month, at in zip(golden.facts["months"], (AT, AT + dt.timedelta(days=32)), strict=True):
        monkeypatch.setattr(timezone, "now", lambda at=at: at + dt.timedelta(hours=1))
        record(world, golden, at)
        close_month(world, parse_month(month["month"]), at)

    for month in golden.facts["months"]:
        invoice = document_of(world.contract, parse_month(month["month"]))
        assert_terms(invoice, month)
        assert_billed(invoice, month)
    assert_books_are_clean()
