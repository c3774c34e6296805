"""Documents in the portal: the list by state, one document whole, and the archived bytes as they were sent."""

import datetime as dt
import hashlib
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from invoicing.models import DocumentKind, Invoice
from invoicing.operations.allocations import allocate
from invoicing.operations.crediting import credit_invoice
from tests.invoicing.factories import make_issued
from tests.portal.world import AT, PDF, World, archive, bill, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def visitor(world: World, client: Client) -> Client:
    client.force_login(world.own.manager)
    return client


def pay(invoice: Invoice, amount: str) -> None:
    allocate(
        invoice_id=invoice.pk,
        source="payment:test",
        amount=Decimal(amount),
        allocated_on=dt.date(2026, 11, 9),
        by=None,
        at=AT,
    )


def test_the_tabs_divide_by_state_of_payment(world: World, visitor: Client) -> None:
    paid, partly, untouched = (bill(world.own, net, issued_on=dt.date(2099, 1, 1)) for net in ("10", "20", "30"))
    overdue = bill(world.own, "40", issued_on=dt.date(2099, 1, 1))
    pay(paid, "11.90")
    pay(partly, "1.00")
    shown = {
        state: visitor.get(reverse("portal:invoices"), {"state": state}).content.decode()
        for state in ("", "open", "partly_paid", "paid", "credited", "nonsense")
    }
    assert all(each.number in shown[""] and each.number in shown["nonsense"] for each in (paid, partly, untouched))
    assert untouched.number in shown["open"]
    assert overdue.number in shown["open"]
    assert paid.number not in shown["open"]
    assert partly.number not in shown["open"]
    assert partly.number in shown["partly_paid"]
    assert paid.number in shown["paid"]
    assert "No document here." in shown["credited"]


@pytest.mark.parametrize(("language", "settled", "paid"), [("en", "settled", "paid"), ("de", "verrechnet", "bezahlt")])
def test_a_credit_note_that_settled_its_invoice_is_settled_not_paid(
    world: World, visitor: Client, language: str, settled: str, paid: str
) -> None:
    note = credit_invoice(invoice_id=bill(world.own, "10").pk, reason="Wrong", by=None, at=AT)
    html = {
        state: visitor.get(
            reverse("portal:invoices"), {"state": state}, headers={"Accept-Language": language}
        ).content.decode()
        for state in ("settled", "paid")
    }
    assert note.number in html["settled"]
    assert f">{settled}</span>" in html["settled"]
    assert f">{settled.capitalize()}</a>" in html["settled"]
    assert note.number not in html["paid"]
    assert f">{paid}</span>" not in html["paid"] + html["settled"]


def test_a_document_shows_lines_taxes_and_what_is_left(world: World, visitor: Client) -> None:
    invoice = make_issued(world.own.contract, ("100.00", "23.45"))
    pay(invoice, "40.00")
    page = visitor.get(reverse("portal:invoice", args=[invoice.number])).content.decode()
    for text in ("€100.00", "€23.45", "€123.45", "19\N{NO-BREAK SPACE}%", "€23.46", "€146.91", "€106.91", "€40.00"):
        assert text in page
    assert world.operator.legal_name in page
    assert reverse("portal:invoice_pay", args=[invoice.number]) in page
    assert "The PDF is being made." in page


def test_a_paid_document_offers_no_payment(world: World, visitor: Client) -> None:
    invoice = bill(world.own, "100.00")
    pay(invoice, "119.00")
    page = visitor.get(reverse("portal:invoice", args=[invoice.number])).content.decode()
    assert "€0.00" in page
    assert reverse("portal:invoice_pay", args=[invoice.number]) not in page


def test_the_pdf_is_offered_first_and_every_file_by_its_name(world: World, visitor: Client) -> None:
    invoice = make_issued(world.own.contract, ("100.00",))
    for kind in (DocumentKind.CSV, DocumentKind.XML, DocumentKind.PDF, DocumentKind.XLSX):
        archive(invoice, kind)
    page = visitor.get(reverse("portal:invoice", args=[invoice.number])).content.decode()
    labels = ["Open PDF", "PDF</a>", "Session list (CSV)", "Session list (XLSX)", "E-invoice (XML)"]
    places = [page.find(label) for label in labels]
    assert -1 not in places
    assert places == sorted(places)


class TestDownload:
    """The bytes are the archived ones; a browser neither guesses their type nor keeps them."""

    def test_the_archived_bytes_come_as_a_file(self, world: World, visitor: Client) -> None:
        invoice = bill(world.own)
        answer = visitor.get(reverse("portal:document", args=[invoice.number, "pdf"]))
        assert answer.content == PDF
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{invoice.number}.pdf"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.headers["ETag"] == f'"{hashlib.sha256(PDF).hexdigest()}"'
        assert answer.headers["Content-Length"] == str(len(PDF))

    def test_a_pdf_may_open_in_the_browser_and_a_list_may_not(self, world: World, visitor: Client) -> None:
        invoice = bill(world.own)
        archive(invoice, DocumentKind.CSV, b"a;b\n")
        shown = {
            kind: visitor.get(reverse("portal:document", args=[invoice.number, kind]), {"show": "1"})
            for kind in ("pdf", "csv")
        }
        assert shown["pdf"].headers["Content-Disposition"].startswith("inline;")
        assert shown["csv"].headers["Content-Disposition"].startswith("attachment;")
        assert shown["csv"].content == b"a;b\n"

    @pytest.mark.parametrize("kind", ["csv", "xml", "PDF", "pdf-1"])
    def test_a_kind_that_was_not_archived_is_missing(self, world: World, visitor: Client, kind: str) -> None:
        assert visitor.get(reverse("portal:document", args=[bill(world.own).number, kind])).status_code == 404

    def test_it_is_read_only(self, world: World, visitor: Client) -> None:
        assert visitor.post(reverse("portal:document", args=[bill(world.own).number, "pdf"])).status_code == 405

    @pytest.mark.parametrize("number", ["INV-2026-999999", "x", "INV-2026-000001'--"])
    def test_a_number_that_does_not_exist_is_missing(self, visitor: Client, number: str) -> None:
        for name, rest in (("invoice", []), ("document", ["pdf"]), ("invoice_pay", [])):
            assert visitor.get(reverse(f"portal:{name}", args=[number, *rest])).status_code == 404


def test_the_statement_is_offered_up_to_the_operators_day(
    world: World, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Berlin it is the second of November from 23:00 UTC of the first on."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: dt.datetime(2026, 11, 1, 23, 30, tzinfo=dt.UTC))
    client.force_login(world.own.manager)
    answer = client.get(reverse("portal:letters"))
    assert (answer.context["first"], answer.context["last"]) == (dt.date(2026, 1, 1), dt.date(2026, 11, 2))
