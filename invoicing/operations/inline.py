"""A month close in the calling process, without workers: the same steps, one after the other."""

import datetime as dt
from collections.abc import Callable
from itertools import batched

from evbilling.kernel import outbox
from evbilling.kernel.outbox import OutboxMessage, OutboxState
from invoicing.operations import runs

CHUNK = 50
"""Contracts billed together."""
STEPS = (
    "invoicing.document.render",
    "invoicing.delivery.send",
    "invoicing.delivery.export",
    "invoicing.run.report",
    "invoicing.run.check",
)


def work_off(*, run_id: int, clock: Callable[[], dt.datetime], progress: Callable[[], None]) -> None:
    """Bill what is pending in a run, then draw and send its documents; `progress` is called after every piece.

    Works beside workers, since everything is claimed row by row. Returns when nothing is left that this process may
    take now: contracts that others hold are waited for by starting again, steps that are to be tried later stay queued.
    """
    with outbox.run_here():
        while item_ids := runs.next_items(run_id=run_id):
            for chunk in batched(item_ids, CHUNK):
                runs.process_items(run_id=run_id, item_ids=list(chunk), at=clock())
                progress()
        runs.finish_run(run_id=run_id, at=clock())
        while step_ids := _due_steps(clock()):
            for step_id in step_ids:
                outbox.run(message_id=step_id, at=clock())
                progress()


def _due_steps(at: dt.datetime) -> list[int]:
    due = OutboxMessage.objects.filter(kind__in=STEPS, state=OutboxState.QUEUED, due_at__lte=at)
    return list(due.order_by("pk").values_list("pk", flat=True)[:500])
