"""The first page of every kind of document, and one of an annex, looks as it was looked at: with tolerance."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image
from weasyprint import Document

from evbilling.shell.paper.page import set_page
from evbilling.shell.paper.typeface import REGULAR, typeface
from invoicing.documents import first_page
from invoicing.documents.letters import pdf as letters_pdf
from invoicing.documents.letters.pdf import render_notice, render_receipt, render_report, render_statement
from invoicing.documents.pdf import render_pdf
from tests.invoicing.documents import golden_pages, samples
from tests.invoicing.documents import letter_samples as letters
from tests.invoicing.documents.reading import opened

DOCUMENTS = golden_pages.documents()


@pytest.fixture(scope="module", params=sorted(DOCUMENTS))
def made(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    return request.param, DOCUMENTS[request.param]()


def stored(name: str) -> Image.Image:
    return Image.open(golden_pages.FOLDER / f"{name}.png").convert("RGB")


def test_given_a_document_then_its_page_looks_as_the_stored_one(made: tuple[str, bytes]) -> None:
    name, content = made
    page = golden_pages.picture(content, golden_pages.PAGES.get(name, 0))
    assert golden_pages.differing(page, stored(name)) == []


def test_given_a_document_then_it_is_archivable_small_tagged_and_in_one_typeface(made: tuple[str, bytes]) -> None:
    _name, content = made
    assert len(content) < 1_000_000
    with opened(content) as pdf:
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.StructTreeRoot.K[0].S) in {"/Document", "/NonStruct"}
        fonts = {str(font.BaseFont) for page in pdf.pages for font in page.Resources.Font.values()}
        assert all("Inter" in font for font in fonts)
        with pdf.open_outline() as outline:
            assert outline.root


@pytest.fixture(scope="module")
def labels() -> dict[str, set[str]]:
    """What stands before the facts beside the address and before those of the account, over all documents."""
    others: list[Callable[[], bytes]] = [
        lambda: render_pdf(samples.us_invoice(language="de")),
        lambda: render_pdf(samples.settlement(language="de")),
        lambda: render_notice(letters.notice(2)),
        lambda: render_statement(letters.statement()),
        lambda: render_receipt(letters.receipt("de")),
        lambda: render_report(letters.report(2)),
    ]
    found: dict[str, set[str]] = {"facts": set(), "pay": set()}

    def seen(name: str, context: dict[str, Any], *rest: Any) -> Document:
        found["facts"] |= {label for label, _value in context["facts"]}
        found["pay"] |= {label for label, _value in (context["pay"] or {"facts": ()})["facts"]}
        return set_page(name, context, *rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(first_page, "set_page", seen)
        patched.setattr(letters_pdf, "set_page", seen)
        for make in (*DOCUMENTS.values(), *others):
            make()
    return found


@pytest.mark.parametrize(("place", "stop"), [("facts", 110), ("pay", 117)])
def test_given_a_label_then_it_ends_before_the_stop_of_its_value(
    place: str, stop: int, labels: dict[str, set[str]]
) -> None:
    face, points = typeface(REGULAR, whole=True), stop * 0.75  # `tab-size` of .pair in document.css
    assert {"Rechnungsnummer", "Contact", "Kundennummer"} <= labels["facts"]
    assert {"Kontoinhaber", "Routing number"} <= labels["pay"]
    assert [label for label in sorted(labels[place]) if face.width(label, 8) > points - 3] == []


def test_every_stored_picture_belongs_to_a_document() -> None:
    assert {path.stem for path in golden_pages.FOLDER.glob("*.png")} == set(DOCUMENTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_due": Decimal("0.00"), "paid_amount": samples.german_invoice(8).total_amount},
        {"due_on": None},
        {"letterhead": replace(samples.HEAD_DE, accent="#d81f1f")},
        {"payment": None},
        {"supply_from": date(2026, 10, 1), "supply_to": date(2026, 10, 31)},
    ],
)
def test_given_another_page_then_the_comparison_sees_it(changes: dict[str, object]) -> None:
    page = golden_pages.picture(render_pdf(samples.german_invoice(8, **changes)))
    assert golden_pages.differing(page, stored("invoice-de")) != []
