"""What render_pdf puts on paper: the view's figures, whole, in order, in an archivable file."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pikepdf
import pypdfium2
import pytest

from evbilling.shell.paper.formats import formats_of
from evbilling.shell.paper.letterhead import Paper
from invoicing.documents.head import transfer_code
from invoicing.documents.pdf import FacturX, render_pdf
from invoicing.documents.view import MAX_ANNEX_ROWS, DocumentDoesNotAddUp, DocumentTooLarge, Kind, LineGroup
from tests.invoicing.documents import samples
from tests.invoicing.documents.reading import opened, pages_of, text_of

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def invoice() -> bytes:
    return render_pdf(samples.us_invoice())


def test_given_an_invoice_then_page_one_shows_amount_day_reference_parties_and_lines(invoice):
    view = samples.us_invoice()
    formats = formats_of("en", "USD")
    page = pages_of(invoice)[0]
    shown = [
        "Invoice INV-2026-000365", formats.money(view.amount_due), "December 31, 2026", "C-10482", "CT-2025-0117",
        "PO-4500018822", "Brightway Logistics LLC", "Voltline Energy Inc.", "84-3920175", "Nov 1, 2026 – Nov 30, 2026",
    ]  # fmt: skip
    shown += [group.label for group in view.groups]
    shown += [formats.amount(line.net_amount) for group in view.groups[:2] for line in group.lines]
    assert [text for text in shown if text not in page] == []


def test_given_an_invoice_then_every_total_and_tax_figure_is_in_the_text(invoice):
    view = samples.us_invoice()
    formats, text = formats_of("en", "USD"), text_of(invoice)
    (tax,) = view.tax_rows
    figures = [formats.money(view.net_amount), formats.money(view.tax_amount), formats.money(view.total_amount)]
    figures += [formats.amount(tax.net_amount), formats.amount(tax.gross_amount), "Sales tax 7.00 %"]
    figures += [formats.amount(group.net_amount) for group in view.groups]
    assert [figure for figure in figures if figure not in text] == []


def test_given_an_annex_then_every_session_is_there_once_with_its_figures(invoice):
    view = samples.us_invoice()
    formats, text = formats_of("en", "USD"), text_of(invoice)
    rows = [row for section in view.annex for row in section.rows]
    assert len(rows) == 40
    for row in rows:
        (line,) = [found for found in text.splitlines() if row.session_ref in found]
        before = text.splitlines()[text.splitlines().index(line) - 1]
        assert formats.kwh(row.energy_wh) in before
        assert formats.duration(row.duration_s) in before
        assert before.rstrip().endswith(formats.amount(row.amount))
        assert row.because.split(" kWh")[0] in text


def test_given_an_annex_then_a_session_takes_two_lines_and_a_hosts_session_one():
    view = samples.german_invoice(120)
    bare = tuple(replace(row, vehicle="", driver="", because="") for row in view.annex[0].rows)
    assert len(pages_of(render_pdf(view))) <= 6
    lines = text_of(render_pdf(replace(view, annex=(samples.section(bare),)))).splitlines()
    for row in bare:
        (line,) = [found for found in lines if row.session_ref in found]
        assert row.station in line
        assert line.rstrip().endswith(formats_of("de", "EUR").amount(row.amount))


def test_given_texts_too_long_for_one_line_then_they_go_below_and_nothing_is_lost():
    rows = tuple(
        replace(row, site="Rastanlage Hamburg-Stillhorn", driver="Maximiliane Freifrau von", because="Warum? " * 60)
        for row in samples.rows(3)
    )
    text = text_of(render_pdf(samples.german_invoice(3, annex=(samples.section(rows),))))
    assert text.count("Warum?") == 180
    assert text.count("Rastanlage Hamburg-Stillhorn") == text.count("Maximiliane Freifrau von") == 3


def test_given_several_pages_then_each_says_page_x_of_y_and_repeats_the_document(invoice):
    pages = pages_of(invoice)
    assert len(pages) > 3
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert "Invoice" in page
        assert "INV-2026-000365" in page


def test_given_an_annex_of_several_pages_then_each_repeats_the_column_heads_and_the_section():
    view = samples.us_invoice(150)
    pages = [page for page in pages_of(render_pdf(view)) if "CDR-2026" in page]
    assert len(pages) > 4
    assert all("Start, reference" in page and "Net USD" in page for page in pages)
    assert "4100 Field service East (continued)" in pages[1]


@pytest.mark.parametrize("sessions", range(14, 24))
def test_given_any_page_break_then_no_session_stands_alone_on_a_page(sessions):
    pages = [page for page in pages_of(render_pdf(samples.german_invoice(sessions))) if "CDR-2026" in page]
    counts = [page.count("CDR-2026") for page in pages]
    assert sum(counts) == sessions
    assert min(counts) >= 2
    assert "Gesamtbetrag" in pages[-1]


def test_given_many_lines_then_the_totals_never_stand_without_a_line_above_them():
    for count in range(8, 24):
        line = samples.german_invoice().groups[0].lines[0]
        groups = (LineGroup((line,) * count, line.net_amount * count),)
        view = samples.german_invoice(0, **samples.with_tax(groups, "19", "USt. 19 %"))
        (page,) = [page for page in pages_of(render_pdf(view)) if "Summe netto" in page]
        assert "Laden an 2 Standorten" in page


def test_given_the_same_view_then_the_bytes_are_the_same_in_this_and_another_process(invoice):
    assert render_pdf(samples.us_invoice()) == invoice
    program = (
        "import django; django.setup(); from hashlib import sha256; from tests.invoicing.documents import samples;"
        "from invoicing.documents.pdf import render_pdf; render_pdf(samples.german_invoice(3));"
        "import sys; sys.stdout.buffer.write(render_pdf(samples.us_invoice()))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONHASHSEED": "7"}
    other = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, check=True
    ).stdout
    assert other == invoice


def test_given_another_amount_then_the_bytes_differ(invoice):
    assert render_pdf(samples.us_invoice(references=samples.References("C-10483"))) != invoice


def test_given_a_document_then_it_says_pdf_a_3a_title_author_language_and_dates(invoice):
    with opened(invoice) as pdf:
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
            assert metadata["dc:title"] == "Invoice INV-2026-000365"
        assert str(pdf.docinfo["/Author"]) == "Voltline Energy Inc."
        assert str(pdf.docinfo["/CreationDate"]).startswith("D:20261201000000")
        assert str(pdf.Root.Lang) == "en-US"
        assert pdf.check_pdf_syntax() == []
        assert "/OutputIntents" in pdf.Root


def test_given_a_document_then_every_font_on_it_is_embedded_and_named_by_the_typeface(invoice):
    with opened(invoice) as pdf:
        fonts = {
            str(font.BaseFont): font.DescendantFonts[0].FontDescriptor
            for page in pdf.pages
            for font in page.Resources.Font.values()
        }
        assert fonts
        assert all("/FontFile2" in descriptor or "/FontFile3" in descriptor for descriptor in fonts.values())
        assert all("Inter" in name for name in fonts)


def test_given_a_document_then_it_is_tagged_with_one_table_row_per_session(invoice):
    with opened(invoice) as pdf:
        assert pdf.Root.MarkInfo.Marked
        tables = [item for item in structure(pdf.Root.StructTreeRoot.K[0]) if item.S == "/Table"]
        rows = [item for item in tables[-1].K if len(item.K) == 8]
        assert len(rows) == 40
        assert all(cell.S == "/TD" for row in rows for cell in row.K)
        spans = {sum(int(cell.get("/A", {}).get("/ColSpan", 1)) for cell in row.K) for row in tables[-1].K}
        assert spans == {8}
        assert any(item.S == "/H1" for item in structure(pdf.Root.StructTreeRoot.K[0]))
        numbers = list(pdf.Root.StructTreeRoot.ParentTree.Nums)[::2]
        assert numbers == sorted(set(numbers))
        assert {int(page.obj.StructParents) for page in pdf.pages} <= set(numbers)


def structure(element):
    yield element
    for kid in element.get("/K", []) if isinstance(element.get("/K"), pikepdf.Array) else []:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield from structure(kid)


def test_given_an_annex_with_sections_then_bookmarks_lead_to_them(invoice):
    with opened(invoice) as pdf, pdf.open_outline() as outline:
        (document, annex) = outline.root
        assert (document.title, annex.title) == ("Invoice INV-2026-000365", "Session annex")
        assert [item.title for item in annex.children] == [group.label for group in samples.us_invoice().groups]


def test_given_a_german_invoice_then_words_figures_and_dates_are_german():
    view = samples.german_invoice()
    text = text_of(render_pdf(view))
    shown = ["Rechnung RE-2026-004711", "Zu zahlen", "15. Dezember 2026", "USt. 19 %", "DE89 3704 0044 0532 0130 00"]
    shown += ["Seite 1 von 2", "Einzelnachweis", "Alle 18 Ladevorgänge", "253,23", "48,11", "301,34 €", "02.11.2026"]
    assert [word for word in shown if word not in text] == []
    assert "Amount due" not in text


def test_given_a_transfer_in_euro_then_the_qr_code_is_on_page_one_and_not_on_a_draft_or_in_dollars():
    def codes(view):
        with opened(render_pdf(view)) as pdf:
            figures = [found for found in structure(pdf.Root.StructTreeRoot) if found.get("/S") == "/Figure"]
            return [str(figure.Alt) for figure in figures if figure.Pg.objgen == pdf.pages[0].objgen]

    assert codes(samples.german_invoice(2)) == ["QR-Code mit den Daten der Überweisung"]
    assert codes(samples.german_invoice(2, draft=True)) == []
    assert "QR" not in "".join(codes(samples.us_invoice(2)))


def test_given_a_transfer_in_euro_then_the_printed_code_has_the_modules_of_its_data():
    view = samples.german_invoice(2)
    bank, ink = view.payment.bank, view.letterhead.ink
    modules = transfer_code(bank, view.amount_due, "EUR", view.payment.reference or view.number, ink).rows
    shown = dark_modules(render_pdf(view), len(modules))
    assert shown == [[bool(module) for module in row] for row in modules]


def dark_modules(content, count):
    """What stands in the middle of each module of the square code of 25 mm that is right above the note on page one."""
    page = pypdfium2.PdfDocument(content)[0].render(scale=6).to_pil().convert("L")
    side, right = 25 / 25.4 * 72 * 6, (210 - 20) / 25.4 * 72 * 6
    finder = [step + 1 for step in range(int(side / count * 7) - 2)]
    top = next(
        y
        for y in range(page.height // 3, page.height)
        if all(page.getpixel((right - side + step, y + 1)) < 128 for step in finder)
        and all(page.getpixel((right - side + 2, y + step)) < 128 for step in finder)
    )
    middle = [(number + 0.5) * side / count for number in range(count)]
    return [[page.getpixel((right - side + x, top + y)) < 128 for x in middle] for y in middle]


def test_given_a_draft_then_it_says_so_and_has_no_number():
    text = text_of(render_pdf(samples.us_invoice(2, draft=True, number="")))
    assert "Draft" in text
    assert "INV-2026-000365 ·" not in text


def test_given_a_credit_note_then_it_names_its_original():
    text = text_of(render_pdf(samples.credit_note()))
    assert "Rechnungskorrektur GS-2026-000042" in text
    assert "RE-2026-004711 vom 01.12.2026" in text.replace("\n", " ").replace("  ", " ") or "RE-2026-004711 vom" in text
    assert "2,50 €" in text


def test_given_a_settlement_then_it_is_self_billed_and_says_what_we_pay():
    text = text_of(render_pdf(samples.settlement()))
    assert "Self-billed invoice ST-2026-00031" in text
    assert "Payable to you" in text
    assert "$4,016.75" in text
    assert "Self-billing: this invoice is issued by the customer on the supplier's behalf." in text


def test_given_a_statement_without_tax_then_the_amount_is_said_once_as_payable():
    text = text_of(render_pdf(samples.settlement(kind=Kind.STATEMENT)))
    assert "Settlement ST-2026-00031" in text
    assert "Your share, USD" in text
    assert [word for word in ("Net total", "Not taxable", "Gross", "Self-billing") if word in text] == []
    assert text.count("$4,016.75") == 2  # the box and the total


def test_given_a_fee_note_then_it_names_no_supply_and_no_measured_columns():
    line = replace(samples.settlement().groups[0].lines[0], sessions=None, energy_wh=None)
    groups = (LineGroup((line,), line.net_amount, ""),)
    fee_note = samples.us_invoice(0, kind=Kind.FEE_NOTE, **samples.with_tax(groups, "0", "Not taxable"))
    text = text_of(render_pdf(fee_note))
    assert "Fee note" in text
    assert [word for word in ("Supply period", "Sessions", "kWh") if word in text] == []


def test_given_a_group_of_one_line_then_it_is_one_row_with_its_group():
    line = samples.settlement().groups[0].lines[0]
    groups = tuple(LineGroup((line,), line.net_amount, label) for label in ("EV 017", "EV 031"))
    text = text_of(render_pdf(samples.us_invoice(0, **samples.with_tax(groups, "7", "Sales tax 7 %"))))
    assert "EV 017 Harbor Plaza, Level 2 60 % of net revenue 4,857.60" in " ".join(text.split())
    assert text.count("2,914.56") == 2


def test_given_fifteen_lines_in_three_groups_on_letter_then_the_totals_are_on_page_one():
    line = samples.settlement().groups[0].lines[0]
    groups = tuple(LineGroup((line,) * 5, line.net_amount * 5, f"Centre {n}") for n in range(3))
    (first, *_) = pages_of(render_pdf(samples.us_invoice(0, **samples.with_tax(groups, "7", "Sales tax 7 %"))))
    assert re.search(r"Total +\$46,778.69", first)


def test_given_long_lines_at_the_foot_then_nothing_is_cut():
    issuer = replace(
        samples.US, registration="Georgia Secretary of State, Corporations Division, control no. 14098765 " * 2,
        email="accounts-receivable.northamerica@a-rather-long-company-name-charging.example",
    )  # fmt: skip
    (page,) = pages_of(render_pdf(samples.settlement(issuer=issuer)))
    foot = "".join(page[page.rindex("billing") if "billing" in page else page.index("Page 1") - 400 :].split())
    assert "…" not in page
    assert "14098765" in foot
    assert "Page1of1" in foot


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("paper", Paper)
def test_given_any_kind_and_paper_then_a_document_comes_out(kind, paper):
    view = samples.german_invoice(1, kind=kind, letterhead=replace(samples.HEAD_DE, paper=paper))
    with opened(render_pdf(view)) as pdf:
        assert len({tuple(map(float, page.mediabox)) for page in pdf.pages}) == 1
        assert round(float(pdf.pages[0].mediabox[2])) == {Paper.A4: 595, Paper.LETTER: 612}[paper]


def test_given_no_annex_then_there_is_one_page_and_no_word_of_it():
    (page,) = pages_of(render_pdf(samples.settlement()))
    assert "Page 1 of 1" in page
    assert "annex" not in page


def test_given_hostile_and_foreign_text_then_it_is_shown_as_text():
    party = replace(
        samples.US, legal_name="A & B <script>alert(1)</script> \x00\x0b", address_lines=("Łódź", "Ελλάδα", "東京")
    )
    rows = tuple(replace(row, site="<b>Ж</b> (\\) 東京", driver="Őke") for row in samples.rows(3))
    text = text_of(render_pdf(samples.us_invoice(3, recipient=party, annex=(samples.section(rows),))))
    for shown in ("A & B <script>alert(1)</script>", "Łódź", "Ελλάδα", "<b>Ж</b> (\\) □□", "Őke"):
        assert shown in text


def test_given_xml_then_it_is_inside_once_as_the_alternative_and_named_in_the_metadata():
    xml = b"<rsm:CrossIndustryInvoice xmlns:rsm='urn:x'/>"
    content = render_pdf(samples.german_invoice(2), facturx=FacturX(xml))
    assert content == render_pdf(samples.german_invoice(2), facturx=FacturX(xml))
    with opened(content) as pdf:
        (file,) = pdf.Root.AF
        assert str(file.AFRelationship) == "/Alternative"
        assert list(pdf.attachments) == ["factur-x.xml"]
        assert pdf.attachments["factur-x.xml"].get_file().read_bytes() == xml
        metadata = bytes(pdf.Root.Metadata.read_bytes()).decode()
    assert metadata.count("<rdf:RDF") == 1
    assert "<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>" in metadata


def test_given_two_thousand_sessions_then_all_are_in_a_file_below_one_megabyte():
    view = samples.german_invoice(2_000)
    content = render_pdf(view)
    assert text_of(content, layout=False).count("CDR-2026-") == 2_000
    assert len(content) < 1_000_000


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"net_amount": Decimal("253.24")}, "the net total"),
        ({"tax_amount": Decimal("48.10")}, "the tax"),
        ({"total_amount": Decimal("301.33")}, "the total"),
        ({"amount_due": Decimal("300.00")}, "the amount due"),
    ],
)
def test_given_figures_that_contradict_each_other_then_nothing_is_drawn(changes, named):
    with pytest.raises(DocumentDoesNotAddUp, match=named):
        render_pdf(samples.german_invoice(**changes))


def test_given_an_annex_that_does_not_add_up_then_nothing_is_drawn():
    section = samples.section(samples.rows(3))
    with pytest.raises(DocumentDoesNotAddUp, match="the annex sum"):
        render_pdf(samples.german_invoice(annex=(replace(section, amount=section.amount + 1),)))


def test_given_more_sessions_than_an_annex_holds_then_it_is_refused_by_name():
    (row,) = samples.rows(1)
    section = replace(samples.section((row,)), rows=(row,) * (MAX_ANNEX_ROWS + 1))
    with pytest.raises(DocumentTooLarge, match="25001 sessions"):
        render_pdf(samples.german_invoice(annex=(section,)))
