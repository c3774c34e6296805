"""Background steps for the kernel's own tests."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from evbilling.kernel import outbox
from evbilling.kernel.models import OutboxMessage

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


@contextmanager
def handled(kind: str, function: Callable[[OutboxMessage, dt.datetime], None], **options: object) -> Iterator[None]:
    """Let `function` handle a kind for the length of the block."""
    outbox.handles(kind, queue="billing", **options)(function)  # type: ignore[arg-type]
    try:
        yield
    finally:
        del outbox._handlers[kind]


def make_step(*, key: str, kind: str = "test.step", at: dt.datetime = NOON, **fields: object) -> OutboxMessage:
    """A queued step that no task runs by itself."""
    defaults = {"queue": "billing", "created_at": at, "due_at": at} | fields
    return OutboxMessage.objects.create(kind=kind, key=key, **defaults)
