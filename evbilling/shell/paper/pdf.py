"""A laid-out document as PDF/A-3a bytes, with what runs along its pages: `write_pdf`.

The same document always gives the same bytes: nothing is read from the clock. A worker keeps one font configuration
and its compiled style sheets; the first document of a process costs a second or two more. Drawing is serialised within
a process (Pango's fonts are shared): use processes, not threads, for speed.
"""

import gc
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import Lock
from typing import Any

import pydyf
from django.utils.translation import override
from weasyprint import Document

from evbilling.shell.paper.file import deflated, write_objects
from evbilling.shell.paper.sheet import Faces, Running, Sheet, running_matter

_RENDERING = Lock()


@contextmanager
def drawing(language: str) -> Iterator[None]:
    """The turn to lay out and write one document, with its language active."""
    with _RENDERING, override(language), _few_collections():
        yield


@contextmanager
def _few_collections() -> Iterator[None]:
    """Let the garbage collector rest: a page makes many objects and frees them all together at its end."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class PaperFile:
    """The file while it is finished: page objects by reference, and the fonts that running matter is set in."""

    def __init__(self, pdf: pydyf.PDF, running: Running, faces: Faces, laid_out: int, total: int) -> None:
        self.pdf, self.laid_out, self.total = pdf, laid_out, total
        self.running, self.faces, self.sheet = running, faces, Sheet.of(running.letterhead)
        self.fonts = {"F1": faces.regular.embed(pdf), "F2": faces.bold.embed(pdf)}

    def object(self, reference: bytes) -> Any:
        """The object that a reference names."""
        return self.pdf.objects[int(reference.split()[0])]

    def running_on(self, page: int) -> str:
        """The operators of head, foot and page number."""
        return running_matter(self.running, self.sheet, self.faces, page, self.total)

    def add_running(self) -> None:
        """Set the running matter under every page that is laid out."""
        closing = deflated([b"Q"])
        self.pdf.add_object(closing)
        for number, reference in enumerate(self.pdf.page_references[: self.laid_out], start=1):
            page = self.object(reference)
            self.object(self.object(page["Resources"])["Font"]).update(self.fonts)
            under = deflated([f"q {self.running_on(number)} Q q".encode("ascii")])
            self.pdf.add_object(under)
            page["Contents"] = pydyf.Array([under.reference, page["Contents"], closing.reference])


def write_pdf(
    document: Document,
    *,
    running: Running,
    faces: Faces,
    identity: str,
    more_pages: int = 0,
    finish: Callable[[PaperFile], None] | None = None,
) -> bytes:
    """The document as PDF/A-3a, tagged; call it inside `drawing`.

    `identity` is what the file's permanent identifier is made of. `finish` may add pages of its own, so many as
    `more_pages` says.
    """

    def finisher(document: Document, pdf: pydyf.PDF) -> None:
        laid_out = len(document.pages)
        file = PaperFile(pdf, running, faces, laid_out, laid_out + more_pages)
        file.add_running()
        if finish:
            finish(file)
        if "AF" in pdf.catalog:
            pdf.catalog["AF"] = pydyf.Array(dict.fromkeys(pdf.catalog["AF"]))  # WeasyPrint names each file twice
        identifier = sha256(identity.encode()).hexdigest()[:32]
        pdf.write = lambda output, *_: output.write(write_objects(pdf, identifier.encode()))  # type: ignore[method-assign]

    output = io.BytesIO()
    document.write_pdf(output, finisher=finisher, pdf_variant="pdf/a-3a", pdf_tags=True)
    return output.getvalue()


def chain(parent: pydyf.Dictionary, children: list[pydyf.Dictionary]) -> None:
    """Link the entries of one level of the outline."""
    parent.update({"First": children[0].reference, "Last": children[-1].reference, "Count": len(children)})
    for index, child in enumerate(children):
        child["Parent"] = parent.reference
        if index:
            child["Prev"] = children[index - 1].reference
        if index + 1 < len(children):
            child["Next"] = children[index + 1].reference
