"""Letters as tagged PDF/A-3a bytes, in the look of the operator's other documents.

    content = render_notice(view)          a dunning notice
    content = render_statement(view)       a statement of account
    content = render_receipt(view)         a receipt of a payment
    content = render_report(view)          the completeness report of a billing run

Each checks its view first (`check_letter`). The same view always gives the same bytes.
"""

from functools import partial
from typing import Any

from evbilling.shell.paper.drawn import Drawn, add_drawn
from evbilling.shell.paper.formats import formats_of
from evbilling.shell.paper.listing import draw_listings
from evbilling.shell.paper.page import data_address, free_below, set_page
from evbilling.shell.paper.pdf import drawing, write_pdf
from evbilling.shell.paper.sheet import Faces, Running, Sheet
from invoicing.documents.head import issuer_lines, pictures, recipient_lines, sender_line
from invoicing.documents.letters.notice import notice_page
from invoicing.documents.letters.page import LetterPage
from invoicing.documents.letters.receipt import receipt_page
from invoicing.documents.letters.report import report_page
from invoicing.documents.letters.statement import statement_page
from invoicing.documents.letters.views import (
    LetterView,
    NoticeView,
    ReceiptView,
    ReportView,
    StatementView,
    check_letter,
)

_GAP, _ROOM = 30.0, 110.0


def render_notice(view: NoticeView) -> bytes:
    """A dunning notice. Raises what `check_letter` raises, before anything is drawn."""
    return _render(view, notice_page)


def render_statement(view: StatementView) -> bytes:
    """A statement of account. Raises what `check_letter` raises, before anything is drawn."""
    return _render(view, statement_page)


def render_receipt(view: ReceiptView) -> bytes:
    """A receipt of a payment. Raises what `check_letter` raises, before anything is drawn."""
    return _render(view, receipt_page)


def render_report(view: ReportView) -> bytes:
    """The completeness report of a billing run. Raises what `check_letter` raises, before anything is drawn."""
    return _render(view, report_page)


def _render(view: Any, compose: Any) -> bytes:
    check_letter(view)
    with drawing(view.language.replace("_", "-").lower()):
        page: LetterPage = compose(view)
        formats = formats_of(view.language, view.currency)
        title = f"{page.title} {page.number}".strip()
        running = Running(view.letterhead, view.issuer, f"{title} · {formats.long_date(view.dated_on)}")
        sheet = Sheet.of(view.letterhead)
        faces = Faces.of(running, (text for listing in page.listings for text in listing.texts()))
        document = set_page("letter", _context(view, page, title), view.letterhead, pictures(page.pay))
        start = free_below(document, sheet) - _GAP
        joined = start - sheet.body_bottom > _ROOM and any(listing.rows for listing in page.listings)
        pages = draw_listings(page.listings, view.letterhead, sheet, faces, start if joined else 0)
        drawn = Drawn(pages, joined=joined)
        return write_pdf(
            document,
            running=running,
            faces=faces,
            more_pages=drawn.more_pages,
            identity=f"{view.issuer.legal_name}\n{page.identity}",
            finish=partial(add_drawn, drawn=drawn, title=title),
        )


def _widest(page: LetterPage) -> int:
    """Characters of the box's amount that stand at their full size."""
    return 15 if len(page.box) < 4 else 11


def _context(view: LetterView, page: LetterPage, title: str) -> dict[str, Any]:
    formats = formats_of(view.language, view.currency)
    return {
        "view": view,
        "page": page,
        "pay": page.pay,
        "lang": str(formats.locale).replace("_", "-"),
        "title": title,
        "subject": ", ".join(filter(None, (title, view.recipient.legal_name, page.subject))),
        "stamp": f"{view.dated_on.isoformat()}T00:00:00Z",
        "logo": data_address(view.letterhead.logo_svg),
        "issuer": issuer_lines(view.issuer, view.letterhead),
        "recipient": recipient_lines(view.recipient),
        "sender": sender_line(view.issuer, view.letterhead),
        "facts": page.facts,
        "wide": any(cell.style == "due" and len(cell.value) > _widest(page) for cell in page.box),
    }
