"""What a recipient reads in an archived document is what the database holds of it, in his language's forms (I7)."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from contracts.models import Party, PriceBasis
from evbilling.kernel import outbox
from evbilling.shell.formats import format_day, format_money, format_number
from evbilling.shell.paper.formats import formats_of
from invoicing.documents.build import document_view
from invoicing.documents.pdf import render_pdf
from invoicing.models import Document, Invoice, InvoiceKind, InvoiceTax, TaxCategory, TaxRate
from invoicing.operations.crediting import credit_invoice
from sessions.models import SessionCharge
from tests.factories import make_party
from tests.invoicing.documents.reading import text_of
from tests.invoicing.einvoice.world import ISSUED_ON, TAXES, make_document, make_world
from tests.invoicing.month import LATER, Month, make_month
from tests.invoicing.penalties.world import LATE, late_invoice, make_fleet
from tests.invoicing.tax.test_gross_contracts import driver

pytestmark = pytest.mark.django_db
WORDS = {
    "en": {
        "number": {
            "invoice": "Invoice no.", "credit_note": "Credit note no.", "settlement": "Invoice no.",
            "fee_note": "Fee note no.",
        },
        "date": {
            "invoice": "Invoice date", "credit_note": "Credit note date", "settlement": "Invoice date",
            "fee_note": "Date",
        },
        "customer": "Customer no.", "contract": "Contract", "credits": "Credits", "period": "Supply period",
        "net": "Net total", "total": "Total", "tax": "VAT", "untaxed": "Not taxable", "annex": "Session annex",
    },
    "de": {
        "number": {
            "invoice": "Rechnungsnummer", "credit_note": "Korrekturnummer", "settlement": "Rechnungsnummer",
            "fee_note": "Rechnungsnummer",
        },
        "date": {
            "invoice": "Rechnungsdatum", "credit_note": "Korrekturdatum", "settlement": "Rechnungsdatum",
            "fee_note": "Datum",
        },
        "customer": "Kundennummer", "contract": "Vertrag", "credits": "Korrigiert", "period": "Leistungszeitraum",
        "net": "Summe netto", "total": "Gesamtbetrag", "tax": "USt.", "untaxed": "Nicht steuerbar",
        "annex": "Einzelnachweis",
    },
}  # fmt: skip


class Front:
    """The document before its annex, as lines of cells that stand apart."""

    def __init__(self, text: str, annex: str) -> None:
        lines = text.split(f"\n{annex}\n", maxsplit=1)[0].splitlines()
        self.rows = [re.split(r" {2,}", line.strip()) for line in lines if line.strip()]
        self.words = " ".join(text.split())
        self.described = " ".join(row[0] for row in self.rows)

    def says(self, *cells: str) -> bool:
        """Whether these cells stand side by side at the end of a line."""
        return any(row[-len(cells) :] == list(cells) for row in self.rows)

    def bills(self, text: str, figures: list[str]) -> bool:
        """Whether a line that begins with this text, however it goes on below, ends with exactly these figures."""
        return any(row[1:] == figures and text.startswith(row[0][:20]) for row in self.rows)


def text_archived(invoice: Invoice) -> str:
    return text_of(bytes(Document.objects.get(invoice=invoice, kind="pdf").content))


def plain(text: str) -> str:
    return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())


def missing(text: str, invoice: Invoice) -> list[str]:
    """Everything that the database knows of a document and its text does not say in its place."""
    language, currency = invoice.language, invoice.currency
    words = WORDS[language]
    front = Front(text, str(words["annex"]))
    long_date = formats_of(language, currency).long_date
    kind = str(invoice.kind)

    def money(amount: Decimal) -> str:
        return plain(format_money(amount, currency, language))

    operator, party = invoice.operator, invoice.party
    assert invoice.issued_on is not None
    pairs = [
        (words["number"][kind], invoice.number),
        (words["date"][kind], long_date(invoice.issued_on)),
        (words["customer"], party.number),
        (words["contract"], invoice.contract.number),
        (words["net"], money(invoice.net_amount)),
        (words["total"], money(invoice.gross_amount)),
    ]
    lost = [f"{label}: {value}" for label, value in pairs if not front.says(str(label), str(value))]
    lost += [*taxed(invoice, front, language), *said(invoice, front, language)]
    shown = [operator.legal_name, operator.street, operator.city, party.legal_name, party.street, party.city]
    if kind != InvoiceKind.CREDIT_NOTE and invoice.due_on:
        shown.append(long_date(invoice.due_on))
    if kind != InvoiceKind.FEE_NOTE:
        last = invoice.period_to - dt.timedelta(days=1)
        days = [format_day(day, language) for day in (invoice.period_from, last)]
        shown.append(f"{words['period']} {days[0]} \N{EN DASH} {days[1]}")
    if invoice.corrects is not None and invoice.corrects.issued_on is not None:
        shown.append(str(invoice.corrects.number))
        lost += [] if any(words["credits"] in row for row in front.rows) else [str(words["credits"])]
    return lost + [each for each in shown if each not in front.words]


def taxed(invoice: Invoice, front: Front, language: str) -> list[str]:
    """The rates that are not there with their tax, and with their net and gross where there are several."""
    lost, rows = [], list(invoice.taxes.all())
    for row in rows:
        label, amounts = tax_label(row, language), (row.net_amount, row.tax_amount, row.net_amount + row.tax_amount)
        figures = [format_number(amount, 2, language) for amount in amounts]
        if not front.says(label, plain(format_money(row.tax_amount, invoice.currency, language))):
            lost.append(label)
        if len(rows) > 1 and not any(cells[:4] == [label, *figures] for cells in front.rows):
            lost.append(f"{label}: {figures}")
    return lost


def tax_label(row: InvoiceTax, language: str) -> str:
    words = WORDS[language]
    if row.tax_category == TaxCategory.OUTSIDE:
        return str(words["untaxed"])
    rate = row.tax_rate.normalize()
    digits = max(0, -int(rate.as_tuple().exponent))
    return f"{words['tax']} {format_number(rate, digits, language)} %"


def said(invoice: Invoice, front: Front, language: str) -> list[str]:
    """The lines of the document that are not there with their words and figures."""
    lost = []
    members = list(invoice.lines.order_by("position"))
    for line in members:
        alone = [each.group_label for each in members].count(line.group_label) == 1
        label = plain(" ".join(filter(None, (line.group_label if alone else "", line.text))))
        figures = [format_number(line.session_count, 0, language)] if line.session_count else []
        figures += [format_number(Decimal(line.energy_wh) / 1000, 3, language)] if line.energy_wh else []
        shown = line.gross_amount if invoice.price_basis == PriceBasis.GROSS else line.net_amount
        assert shown is not None
        figures.append(format_number(shown, 2, language))
        if not front.bills(label, figures):
            lost.append(f"{label}: {figures}")
        if plain(f"{label} {line.because.get('sentence', '')}") not in front.described:
            lost.append(label)
    return lost


def billed(language: str) -> Month:
    """A month with all kinds of documents in a language: one credited whole, one for late payment."""
    month = make_month(2, ("beta",))
    fleet = make_fleet(LATE)
    Party.objects.update(language=language)
    TaxRate.objects.update(percent=Decimal("8.1"))
    late_invoice(fleet)
    month.close()
    fleet.close()
    original = month.item("beta").invoice
    assert original is not None
    credit_invoice(invoice_id=original.pk, reason="wrong contract", by=None, at=LATER)
    outbox.drain(at=LATER)
    return month


@pytest.mark.parametrize("language", ["en", "de"])
def test_given_several_rates_then_each_has_its_net_tax_and_gross(language: str) -> None:
    draft = make_document(make_world(language=language), TAXES["several"], InvoiceKind.INVOICE)
    assert InvoiceTax.objects.filter(invoice=draft, tax_rate=7).update(tax_rate=Decimal("7.125")) == 1
    front = Front(text_of(render_pdf(document_view(draft, on=ISSUED_ON))), str(WORDS[language]["annex"]))
    assert taxed(draft, front, language) == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_given_any_kind_of_document_then_its_text_says_what_the_database_holds(language: str) -> None:
    billed(language)
    issued = Invoice.objects.exclude(number=None).select_related("operator", "party", "contract", "corrects")
    kinds = {str(invoice.kind) for invoice in issued}
    assert kinds == {"invoice", "credit_note", "settlement", "fee_note"}
    assert {str(invoice): missing(text_archived(invoice), invoice) for invoice in issued} == {
        str(invoice): [] for invoice in issued
    }


@pytest.mark.parametrize("language", ["en", "de"])
def test_given_a_consumers_prices_with_tax_then_the_text_says_lines_with_tax_and_what_of_them_is_tax(
    language: str,
) -> None:
    month = make_month(sessions=0)
    party = make_party("ev_driver", accountant="dana@home.example", is_business=False, language=language)
    name = driver(month, 23, 8, 2_000, party=party)
    month.close()
    invoice = month.item(name).invoice
    assert invoice is not None
    assert (invoice.price_basis, invoice.gross_amount) == (PriceBasis.GROSS, Decimal("1198.29"))
    assert invoice.net_amount + invoice.tax_amount == invoice.gross_amount
    text = text_archived(invoice)
    assert missing(text, invoice) == []
    front, annex = text.split(str(WORDS[language]["annex"]), maxsplit=1)
    charges = SessionCharge.objects.filter(contract=invoice.contract).select_related("session")
    assert sorted(str(each.gross_amount) for each in charges) == ["1180.0000", "13.5700", "4.7200"]
    for charge in charges:
        (row,) = [line for line in annex.splitlines() if line.endswith(format_number(charge.gross_amount, 2, language))]
        assert format_number(Decimal(charge.session.energy_wh) / 1000, 3, language) in row
    nets = [format_number(line.net_amount, 2, language) for line in invoice.lines.all()]
    assert len(nets) == 2
    assert [net for net in nets if net in front] == []


def test_given_another_figure_in_the_database_then_the_comparison_names_it() -> None:
    invoice = billed("de").item("beta").invoice
    assert invoice is not None
    text = text_archived(invoice)
    invoice.gross_amount += Decimal("0.01")
    invoice.due_on = dt.date(2026, 11, 17)
    assert missing(text, invoice) == [
        f"Gesamtbetrag: {plain(format_money(invoice.gross_amount, 'EUR', 'de'))}", "17. November 2026",
    ]  # fmt: skip
