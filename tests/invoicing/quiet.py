"""What tests of other things spare themselves: documents that nobody looks at, and the same document drawn again."""

from functools import cache
from typing import Any

import pytest

from evbilling.kernel import outbox
from invoicing.einvoice import check
from invoicing.operations import documents
from invoicing.operations.issuing import RENDER


@pytest.fixture(autouse=True)
def nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issued documents are not drawn: the step is queued and its handler does nothing."""
    handler = outbox.Handler(lambda _message, _at: None, queue="documents", at_most_once=False, max_attempts=3)
    monkeypatch.setitem(outbox._handlers, RENDER, handler)


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn from the same view is drawn once, and the same e-invoice is checked once: both are pure."""
    draw, bytes_of = documents._drawn, dict[tuple[str, bytes | None], bytes]()

    def drawn(view: Any, xml: bytes | None = None) -> bytes:
        key = repr(view), xml
        if key not in bytes_of:
            bytes_of[key] = draw(view, xml)
        return bytes_of[key]

    monkeypatch.setattr(documents, "_drawn", drawn)
    monkeypatch.setattr(check, "validate", cache(check.validate))
