"""Notices are not set in type in these tests, but where one reads them."""

from collections.abc import Iterator

import pytest

from evbilling.kernel import outbox
from invoicing.operations import dunning
from tests.invoicing.quiet import nothing_is_drawn

__all__ = ["nothing_is_drawn"]


@pytest.fixture(autouse=True)
def notices_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dunning, "draw_notice", lambda *_args, **_values: b"%PDF-1.7 a notice")


@pytest.fixture(autouse=True)
def steps_wait() -> Iterator[None]:
    """Mails wait until a test sends them."""
    with outbox.run_here():
        yield
