"""Reference pictures of documents: first pages, and one of an annex, as pypdfium2 draws them, small.

After a change of the look that is meant, look at the documents themselves, then write the pictures anew:

    python -m tests.invoicing.documents.golden_pages
"""

import os
from collections.abc import Callable
from pathlib import Path

import django
import pypdfium2
from PIL import Image, ImageChops, ImageStat

from contracts.documents.pdf import render_agreement
from invoicing.documents.letters.pdf import render_notice, render_receipt, render_report, render_statement
from invoicing.documents.pdf import render_pdf
from tests.invoicing.documents import contract_samples, samples, shape_samples
from tests.invoicing.documents import letter_samples as letters

FOLDER = Path(__file__).parent / "golden"
_DPI = 45
PAGES = {"invoice-annex": 1, "contract-signatures-de": 1}
"""Which page of a document is pictured, counted from 0; of all others it is the first."""
TILE = 8
"""Edge of the squares in which pictures are compared, in pixels: about 5 mm of paper."""
TOLERANCE = 6
"""Mean difference of a square's colours (of 255) up to which it counts as the same: edges may differ, text may not."""


def documents() -> dict[str, Callable[[], bytes]]:
    """Every kind of document by name, with how it is made."""
    return {
        "invoice-en-letter": lambda: render_pdf(samples.us_invoice()),
        "invoice-de": lambda: render_pdf(samples.german_invoice(8)),
        "invoice-group": lambda: render_pdf(shape_samples.group_invoice()),
        "invoice-gross": lambda: render_pdf(shape_samples.with_tax_prices(language="en")),
        "invoice-annex": lambda: render_pdf(samples.us_invoice()),
        "credit-note": lambda: render_pdf(samples.credit_note()),
        "settlement": lambda: render_pdf(samples.settlement()),
        "settlement-de": lambda: render_pdf(shape_samples.german_settlement()),
        "fee-note": lambda: render_pdf(shape_samples.fee_note()),
        "notice": lambda: render_notice(letters.notice(3, "en", level=2)),
        "notice-de": lambda: render_notice(letters.german_notice()),
        "statement": lambda: render_statement(letters.statement(9, "en")),
        "statement-de": lambda: render_statement(letters.statement(9)),
        "receipt": lambda: render_receipt(letters.receipt()),
        "receipt-de": lambda: render_receipt(letters.german_receipt()),
        "report": lambda: render_report(letters.report(60)),
        "contract": lambda: render_agreement(contract_samples.agreement("en")),
        "contract-de": lambda: render_agreement(contract_samples.agreement()),
        "contract-signatures-de": lambda: render_agreement(contract_samples.agreement()),
    }


def picture(content: bytes, page: int = 0) -> Image.Image:
    """One page, small."""
    pdf = pypdfium2.PdfDocument(content)
    try:
        return pdf[page].render(scale=_DPI / 72).to_pil().convert("RGB")
    finally:
        pdf.close()


def differing(first: Image.Image, second: Image.Image) -> list[tuple[int, int]]:
    """The squares (column, row) in which two pictures differ; all of another size counts as one."""
    if first.size != second.size:
        return [(-1, -1)]
    apart = ImageChops.difference(first, second)
    return [
        (x // TILE, y // TILE)
        for y in range(0, apart.height, TILE)
        for x in range(0, apart.width, TILE)
        if max(ImageStat.Stat(apart.crop((x, y, x + TILE, y + TILE))).mean) > TOLERANCE
    ]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, made in documents().items():
        picture(made(), PAGES.get(name, 0)).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    main()
