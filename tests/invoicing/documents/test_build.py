"""From a document's rows to what it shows: customers, sponsors, hosts, credits, drafts."""

import datetime as dt
from decimal import Decimal

import pytest

from evbilling.kernel.errors import WrongState
from evbilling.shell.paper.letterhead import Paper
from invoicing.documents.build import document_view
from invoicing.documents.view import DocumentView, Kind, PaymentMethod, check_view
from invoicing.models import Document, Invoice, TaxRate
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.documents import preview_draft
from tests.invoicing.documents.reading import text_of
from tests.invoicing.month import AT, LATER, Month, make_month, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def month(db: None) -> Month:
    return make_month(sessions=2)


def view_of(month: Month, name: str) -> DocumentView:
    invoice = Invoice.objects.get(contract=month.contracts[name], corrects=None)
    view = document_view(invoice)
    check_view(view)
    return view


def test_a_customers_document_adds_up_to_its_sessions(month: Month) -> None:
    month.close()
    view = view_of(month, "beta")
    assert (view.kind, view.net_amount, view.tax_amount, view.total_amount) == (
        Kind.INVOICE, Decimal("9.00"), Decimal("1.71"), Decimal("10.71")
    )  # fmt: skip
    assert [(row.label, row.net_amount, row.tax_amount) for row in view.tax_rows] == [
        ("VAT 19 %", Decimal("9.00"), Decimal("1.71"))
    ]
    assert sum(section.amount for section in view.annex) == view.net_amount
    assert (view.supply_from, view.supply_to) == (dt.date(2026, 10, 1), dt.date(2026, 10, 31))


def test_each_session_says_when_where_who_and_why(month: Month) -> None:
    month.close()
    (section,) = view_of(month, "beta").annex
    first = section.rows[0]
    assert first.started_at.isoformat() == "2026-10-05T11:00:00+02:00"  # 09:00 UTC, in the site's zone
    assert (first.session_ref, first.energy_wh, first.duration_s, first.amount) == (
        "beta-0", 10_000, 3600, Decimal("4.50")
    )  # fmt: skip
    assert (first.site, first.station) == (month.site.name, month.stations[0].ref)
    assert (first.vehicle, first.driver) == (month.tokens["beta"].vehicle.label, "Dana Driver")
    assert first.because.replace("\N{NO-BREAK SPACE}", " ") == "Energy 10 kWh at €0.45/kWh"


def test_payment_is_asked_for_with_account_and_reference(month: Month) -> None:
    month.close()
    payment = view_of(month, "beta").payment
    assert (payment.method, payment.reference) == (PaymentMethod.TRANSFER, "INV-2026-000002")
    assert (payment.bank.iban, payment.bank.holder) == ("DE02120300000000202051", month.operator.legal_name)


def test_a_sponsored_customer_reads_who_pays_the_rest(month: Month) -> None:
    month.close()
    view = view_of(month, "alpha")
    sponsor = month.contracts["sponsor"].party.legal_name
    assert view.net_amount == Decimal("4.50")
    assert view.remarks == (
        f"{sponsor} sponsors these sessions with €4.50 before tax, which is not part of this invoice.",
    )


def test_a_sponsor_sees_vehicles_but_no_drivers(month: Month) -> None:
    month.close()
    view = view_of(month, "sponsor")
    rows = [row for section in view.annex for row in section.rows]
    assert {row.driver for row in rows} == {""}
    assert {row.vehicle for row in rows} == {month.tokens["alpha"].vehicle.label}
    assert view.annex_amount_label == "Your part, net"
    assert view.remarks == ("The customers pay the remaining €4.50 before tax of these sessions.",)


def test_a_host_sees_revenue_but_neither_vehicles_nor_drivers(month: Month) -> None:
    month.close()
    view = view_of(month, "host")
    rows = [row for section in view.annex for row in section.rows]
    assert (view.kind, view.net_amount) == (Kind.SETTLEMENT, Decimal("5.40"))  # 60 % of 2 x 4.50
    assert {(row.vehicle, row.driver, row.because) for row in rows} == {("", "", "")}
    assert (sum(row.amount for row in rows), view.annex_amount_label) == (Decimal("9.00"), "Net revenue")
    assert view.payment.method is PaymentMethod.PAYOUT


def test_an_american_operator_writes_letter_sheets_sales_tax_and_account_numbers(month: Month) -> None:
    operator = month.operator
    operator.country, operator.region, operator.city, operator.postal_code = "US", "CA", "San Jose", "95110"
    operator.tax_word, operator.iban, operator.bic = "sales_tax", "000123456789", "121000358"
    operator.save()
    month.close()
    view = view_of(month, "beta")
    assert view.letterhead.paper is Paper.LETTER
    assert view.issuer.address_lines[-1] == "San Jose, CA 95110"
    assert view.tax_rows[0].label == "Sales tax 19 %"
    assert (view.payment.bank.account_number, view.payment.bank.routing_number) == ("000123456789", "121000358")


def test_it_shows_the_parties_as_they_were_on_its_day(month: Month) -> None:
    month.close()
    party = month.contracts["beta"].party
    before = party.legal_name
    party.legal_name = "Renamed SE"
    party.save()
    assert view_of(month, "beta").recipient.legal_name == before


def test_it_speaks_the_recipients_language(month: Month) -> None:
    party = month.contracts["beta"].party
    party.language = "de"
    party.save()
    month.close()
    view = view_of(month, "beta")
    assert view.language == "de"
    because = view.annex[0].rows[0].because.replace("\N{NO-BREAK SPACE}", " ")
    assert because == "Energie 10 kWh zu 0,45 €/kWh"


def test_a_credit_note_names_its_original_and_reason(month: Month) -> None:
    month.close()
    original = month.item("beta").invoice
    note = credit_invoice(invoice_id=original.pk, reason="wrong contract", by=None, at=LATER)
    view = document_view(note)
    check_view(view)
    assert (view.kind, view.total_amount, view.due_on) == (Kind.CREDIT_NOTE, Decimal("10.71"), None)
    assert view.references.original_document == "INV-2026-000002 of 2 November 2026"
    assert ("Reason", "wrong contract") in view.references.more
    assert view.annex == ()


def test_a_draft_is_previewed_without_a_number(month: Month) -> None:
    month.close(issue=False)
    draft = month.item("beta").invoice
    text = text_of(preview_draft(invoice_id=draft.pk, on=dt.date(2026, 11, 5)))
    assert "Draft" in text
    assert "5 November 2026" in text
    assert "INV-" not in text
    assert not Document.objects.exists()


def test_an_issued_document_is_not_drawn_again(month: Month) -> None:
    month.close()
    with pytest.raises(WrongState, match="open its archived document"):
        preview_draft(invoice_id=month.item("beta").invoice.pk, on=dt.date(2026, 11, 5))


def test_long_session_lists_come_as_a_file_too(month: Month) -> None:
    record([month.charge("beta", number) for number in range(2, 100)])
    month.close()
    invoice = month.item("beta").invoice
    content = bytes(Document.objects.get(invoice=invoice, kind="csv").content).decode("utf-8-sig")
    lines = content.splitlines()
    assert len(lines) == 101
    assert lines[0].startswith("Document,Group,Session,Start,Site,Station,Vehicle,Driver,Energy (kWh)")
    assert lines[1].split(",")[2:4] == ["beta-0", "2026-10-05T11:00:00+02:00"]
    assert ",10.000,3600,0,4.50,EUR," in lines[1]
    assert not Document.objects.filter(kind="csv").exclude(invoice=invoice).exists()


def test_text_that_a_spreadsheet_would_run_is_disarmed(month: Month) -> None:
    vehicle = month.tokens["beta"].vehicle
    vehicle.label = "=1+1"
    vehicle.save()
    record([month.charge("beta", number) for number in range(2, 100)])
    month.close()
    content = bytes(Document.objects.get(kind="csv").content).decode("utf-8-sig")
    assert ",'=1+1," in content
    assert ",=1+1," not in content


def test_the_pdf_says_what_the_ledger_says(month: Month) -> None:
    """I7: the printed total is the booked one."""
    month.close()
    invoice = month.item("beta").invoice
    text = text_of(bytes(Document.objects.get(invoice=invoice, kind="pdf").content))
    assert invoice.number in text
    assert "€10.71" in text
    assert "beta-0" in text
    assert TaxRate.objects.get().percent == 19
    assert AT.date() == invoice.issued_on
