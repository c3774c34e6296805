"""Issued documents are not drawn in these tests: the step is queued and its handler does nothing."""

import pytest

from evbilling.kernel import outbox
from invoicing.operations.issuing import RENDER


@pytest.fixture(autouse=True)
def nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = outbox.Handler(lambda _message, _at: None, queue="documents", at_most_once=False, max_attempts=3)
    monkeypatch.setitem(outbox._handlers, RENDER, handler)
