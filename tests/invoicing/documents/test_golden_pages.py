"""The first page of every kind of document looks as it was looked at: like a stored picture, with tolerance."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from PIL import Image

from invoicing.documents.pdf import render_pdf
from tests.invoicing.documents import golden_pages, samples
from tests.invoicing.documents.reading import opened

DOCUMENTS = golden_pages.documents()


@pytest.fixture(scope="module", params=sorted(DOCUMENTS))
def made(request: pytest.FixtureRequest) -> tuple[str, bytes]:
    return request.param, DOCUMENTS[request.param]()


def stored(name: str) -> Image.Image:
    return Image.open(golden_pages.FOLDER / f"{name}.png").convert("RGB")


def test_given_a_document_then_its_first_page_looks_as_the_stored_one(made: tuple[str, bytes]) -> None:
    name, content = made
    assert golden_pages.differing(golden_pages.picture(content), stored(name)) == []


def test_given_a_document_then_it_is_archivable_small_tagged_and_in_one_typeface(made: tuple[str, bytes]) -> None:
    _name, content = made
    assert len(content) < 1_000_000
    with opened(content) as pdf:
        with pdf.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "B")
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.StructTreeRoot.K[0].S) in {"/Document", "/NonStruct"}
        fonts = {str(font.BaseFont) for page in pdf.pages for font in page.Resources.Font.values()}
        assert all("Inter" in font for font in fonts)
        with pdf.open_outline() as outline:
            assert outline.root


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
