"""What runs along a document's pages, and the type that its drawn parts need."""

from evbilling.shell.paper.formats import formats_of
from evbilling.shell.paper.sheet import Faces, Running
from invoicing.documents.view import DocumentView
from invoicing.documents.words import kind_words


def running_of(view: DocumentView) -> Running:
    """Head and foot of the view's pages; call it with the language active."""
    day = formats_of(view.language, view.currency).long_date(view.issued_on)
    heading = f"{kind_words(view).title} {view.number} · {day}"
    return Running(view.letterhead, view.issuer, heading, draft=view.draft)


def faces_of(view: DocumentView, running: Running) -> Faces:
    """Typefaces that hold the annex too."""
    texts = [view.number, view.annex_amount_label]
    for section in view.annex:
        texts.append(section.label)
        for row in section.rows:
            texts += (row.session_ref, row.site, row.station, row.vehicle, row.driver, row.because)
    return Faces.of(running, texts)
