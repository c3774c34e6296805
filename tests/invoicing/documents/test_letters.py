"""Notice, statement, receipt and report on paper: the view's figures, whole and in order, in an archivable file."""

import re
from dataclasses import replace
from decimal import Decimal

import pikepdf
import pytest

from evbilling.kernel.errors import BillingError
from evbilling.shell.paper.formats import formats_of
from evbilling.shell.paper.letterhead import Paper
from invoicing.documents.letters.pdf import render_notice, render_receipt, render_report, render_statement
from invoicing.documents.letters.views import MAX_ROWS, EntryKind, StatementEntry
from invoicing.documents.view import DocumentDoesNotAddUp, DocumentTooLarge
from tests.invoicing.documents import letter_samples as letters
from tests.invoicing.documents import samples
from tests.invoicing.documents.reading import opened, pages_of, text_of, words_of

CENT = Decimal("0.01")
RENDERED = {
    "notice": (render_notice, letters.notice),
    "statement": (render_statement, letters.statement),
    "receipt": (render_receipt, letters.receipt),
    "report": (render_report, letters.report),
}


def words(content: bytes) -> str:
    return " ".join(text_of(content).split())


def plain(text: str) -> str:
    return " ".join(text.split())


def test_given_a_notice_then_it_says_each_document_the_sum_the_day_and_the_account() -> None:
    view = letters.notice(3)
    text, formats = words(render_notice(view)), formats_of("de", "EUR")
    for item in view.items:
        row = (item.number, formats.short_date(item.issued_on), formats.short_date(item.due_on), item.days_overdue)
        figures = f"{formats.amount(item.total_amount)} {formats.amount(item.open_amount)}"
        assert f"{' '.join(map(str, row))} {figures}" in text
    assert text.count(plain(formats.money(view.sum_amount))) == 2
    for shown in ("31. Dezember 2026", "DE89 3704 0044 0532 0130 00", "K-20817", "Bien & Söhne Gebäudetechnik KG"):
        assert shown in text


def test_given_a_contested_part_and_a_fee_then_the_sum_leaves_out_the_one_and_holds_the_other() -> None:
    items = letters.overdue(2, contested=Decimal("50.00"))
    view = letters.notice(items=items, language="en", level=2, fee_amount=Decimal("5.00"))
    assert view.sum_amount == Decimal("201.34") - 50 + Decimal("318.39") + 5
    text = words(render_notice(view))
    assert "Reminder no. 2" in text
    assert "Contested USD" in text
    assert "You contest $50.00 of these documents" in text
    assert "Reminder fee $5.00" in text
    assert "Sum to pay $474.73" in text


@pytest.mark.parametrize(
    ("level", "last", "title"),
    [(1, False, "Payment reminder"), (2, False, "Reminder no. 2"), (3, True, "Final reminder")],
)
def test_given_a_level_then_the_notice_is_called_by_it(level: int, last: bool, title: str) -> None:
    text = text_of(render_notice(letters.notice(1, "en", level=level, last=last)))
    assert title in text
    assert ("last reminder" in text) is last


def test_given_many_overdue_documents_then_they_are_a_list_with_repeated_heads_and_none_is_missing() -> None:
    view = letters.notice(120)
    pages = pages_of(render_notice(view))
    assert len(pages) > 2
    whole = "".join(pages)
    assert [item.number for item in view.items if whole.count(item.number) != 1] == []
    assert all("Beleg" in page and "Tage überfällig" in page for page in pages)
    assert all(f"Seite {n} von {len(pages)}" in page for n, page in enumerate(pages, start=1))


def test_given_a_statement_then_opening_entries_and_closing_balance_follow_each_other() -> None:
    view = letters.statement(9)
    text, formats = words(render_statement(view)), formats_of("de", "EUR")
    balances = [
        formats.amount(entry.balance_amount) for entry in view.entries if entry.kind is not EntryKind.ALLOCATION
    ]
    places = [text.index("Bewegungen")]
    for balance in balances:
        places.append(text.index(balance, places[-1]))
    assert places == sorted(places)
    assert formats.amount(view.opening_amount) in text
    assert plain(formats.money(view.closing_amount)) in text
    for item in view.open_items:
        assert f"{item.number} {formats.short_date(item.issued_on)}" in text
    assert text.count(formats.amount(sum(item.open_amount for item in view.open_items))) >= 2


def test_given_a_party_with_credit_then_its_statement_says_credit_and_does_not_ask_for_money() -> None:
    entry = StatementEntry(
        letters.ON, EntryKind.PAYMENT, "PAY-1", Decimal("-80.00"), credit_amount=Decimal("200.00"), text="Überweisung"
    )
    view = letters.statement(
        entries=(entry,), closing_amount=Decimal("-80.00"), open_items=(), aging=(), credit_amount=Decimal("80.00")
    )
    text = text_of(render_statement(view))
    assert "Ihr Guthaben am 31.12.2026" in text
    assert "80,00 €" in text
    assert "IBAN" not in text


def test_given_a_receipt_then_it_says_what_was_paid_how_and_what_it_settled() -> None:
    view = letters.receipt()
    text = words(render_receipt(view))
    for shown in ("Payment receipt PAY-2026-000091", "$1,450.00", "December 20, 2026", "Visa •••• 4242"):
        assert shown in text
    assert "INV-2026-000365 Dec 1, 2026 1,062.71 1,062.71 0.00" in text
    assert "INV-2026-000398 Dec 9, 2026 400.00 337.29 62.71" in text
    assert "Kept as credit $50.00" in text


def test_given_a_report_then_every_fate_contract_and_failure_is_in_it() -> None:
    view = letters.report(40)
    text = words(render_report(view))
    formats = formats_of("en", "EUR")
    for row in (*view.fates, view.sessions_in):
        assert f"{row.label} {formats.whole(row.sessions)} {formats.kwh(row.energy_wh)}" in text
    assert [row.contract_no for row in view.contracts if row.contract_no not in text] == []
    (total,) = view.totals
    assert f"EUR {total.documents} {formats.amount(total.net_amount)} {formats.amount(total.tax_amount)}" in text
    (failed,) = view.failures
    assert (text.count(failed.text[:30]), text.count(failed.contract_no)) == (2, 2)  # among the failed and among all


@pytest.mark.parametrize("name", RENDERED)
def test_given_a_letter_then_it_is_archivable_tagged_small_and_always_the_same_bytes(name: str) -> None:
    render, sample = RENDERED[name]
    content = render(sample())
    assert render(sample()) == content
    assert len(content) < 1_000_000
    with opened(content) as pdf:
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        assert pdf.Root.MarkInfo.Marked
        assert pdf.check_pdf_syntax() == []
        fonts = {str(font.BaseFont): font for page in pdf.pages for font in page.Resources.Font.values()}
        assert all("Inter" in font for font in fonts)
        files = [font.DescendantFonts[0].FontDescriptor for font in fonts.values()]
        assert all("/FontFile2" in each or "/FontFile3" in each for each in files)
        with pdf.open_outline() as outline:
            assert len(outline.root) >= 1


def test_given_lists_then_each_is_a_table_of_its_own_with_bookmark_and_every_piece_has_its_parent() -> None:
    with opened(render_statement(letters.statement(90))) as pdf:
        with pdf.open_outline() as outline:
            assert [item.title for item in outline.root] == ["Kontoauszug", "Bewegungen", "Offene Belege"]
        found = list(structure(pdf.Root.StructTreeRoot.K[0]))
        tables = [item for item in found if item.S == "/Table"]
        rows = [[row for row in table.K if row.S == "/TR"] for table in tables[-2:]]
        assert [len(each) for each in rows] == [90 + 3, 2 + 2]  # head, opening and closing; head and total
        numbers = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
        by_key = dict(zip(map(int, numbers[::2]), numbers[1::2], strict=True))
        for page in pdf.pages:
            marked = re.findall(rb"/MCID (\d+)", content_of(page))
            assert sorted(map(int, marked)) == list(range(len(by_key[int(page.obj.StructParents)])))


def content_of(page: pikepdf.Page) -> bytes:
    page.contents_coalesce()
    return bytes(page.obj.Contents.read_bytes())


def structure(element: pikepdf.Object) -> object:
    yield element
    for kid in element.get("/K", []) if isinstance(element.get("/K"), pikepdf.Array) else []:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield from structure(kid)


@pytest.mark.parametrize("count", range(18, 60, 3))
def test_given_any_page_break_then_no_row_of_a_list_stands_alone(count: int) -> None:
    pages = [page.count("C-2026-") for page in pages_of(render_report(letters.report(count)))]
    assert sum(pages) == count + 1  # the failed one is in two lists
    assert 1 not in pages[1:]


def test_given_a_sentence_at_the_foot_then_every_page_has_it() -> None:
    view = letters.notice(60, letterhead=replace(samples.HEAD_DE, footer="Stromweg lädt ausschließlich Ökostrom."))
    pages = pages_of(render_notice(view))
    assert all("Stromweg lädt ausschließlich Ökostrom." in page for page in pages)


def test_given_letter_paper_then_every_page_is_letter() -> None:
    with opened(render_notice(letters.notice(60, "en"))) as pdf:
        assert {tuple(map(float, page.mediabox)) for page in pdf.pages} == {(0, 0, 612, 792)}
    assert letters.notice(1, "en").letterhead.paper is Paper.LETTER


@pytest.mark.parametrize(
    ("name", "changes", "named"),
    [
        ("notice", {"sum_amount": Decimal("1.00")}, "the sum to pay"),
        ("statement", {"closing_amount": Decimal("1.00")}, "the closing balance"),
        ("statement", {"opening_amount": Decimal("120.01")}, "the balance after REF-00000"),
        ("statement", {"open_items": ()}, "what is open"),
        ("receipt", {"amount": Decimal("1450.01")}, "the payment"),
        ("receipt", {"credit_amount": Decimal("49.99")}, "the payment"),
        ("report", {"sessions_in": replace(letters.report().sessions_in, sessions=9)}, "the sessions"),
        ("report", {"sessions_in": replace(letters.report().sessions_in, energy_wh=9)}, "the energy"),
        ("report", {"sessions_in": replace(letters.report().sessions_in, amounts=())}, "the price in EUR"),
        ("report", {"contracts": ()}, "net_amount in EUR"),
    ],
)
def test_given_figures_that_contradict_each_other_then_nothing_is_drawn(
    name: str, changes: dict[str, object], named: str
) -> None:
    render, sample = RENDERED[name]
    with pytest.raises(DocumentDoesNotAddUp, match=named):
        render(replace(sample(), **changes))


def test_given_a_fraction_of_a_cent_then_nothing_is_drawn() -> None:
    with pytest.raises(BillingError, match="fraction"):
        render_receipt(letters.receipt(amount=Decimal("1450.001"), credit_amount=Decimal("50.001")))


def test_given_more_rows_than_a_letter_holds_then_it_is_refused_by_name() -> None:
    (item,) = letters.overdue(1)
    with pytest.raises(DocumentTooLarge, match="25001 documents"):
        render_notice(letters.notice(items=(item,) * (MAX_ROWS + 1)))


@pytest.mark.parametrize("amount", ["99.00", "15000.00", "123456.78", "9876543210.00"])
def test_given_four_facts_in_the_box_then_the_amount_ends_before_the_next_one(amount: str) -> None:
    item = replace(letters.german_receipt().items[0], total_amount=Decimal(amount), paid_amount=Decimal(amount))
    places = words_of(render_receipt(replace(letters.german_receipt(), amount=Decimal(amount), items=(item,))))
    (next_left,) = [left for word, left, _right in places if word == "Am"]
    first = plain(formats_of("de", "EUR").money(Decimal(amount))).split()[0]
    right = min(right for word, _left, right in places if word == "€")
    assert first in {word for word, _left, _right in places}
    assert right < next_left
