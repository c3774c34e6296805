"""The outbox: the only way to the outside world, and the durable queue of background steps (ARCHITECTURE).

    queued -> in flight (a committed step of its own) -> done | queued again with backoff | failed | unknown

An operation adds a row inside its transaction. After commit a task claims it by a conditional UPDATE, runs the handler
outside any transaction, and notes the outcome. A sweeper re-enqueues rows whose task was lost. A kind that must happen
at most once (a mail, I16) becomes `unknown` when it was left in flight: a person decides, it is never resent by itself.
"""

import datetime as dt
import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.audit import record_audit
from evbilling.kernel.bulk import insert_all
from evbilling.kernel.card_guard import require_no_card_number
from evbilling.kernel.errors import NotAllowed, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.strict_json import ExactEncoder

log = logging.getLogger(__name__)
IN_FLIGHT_LIMIT = dt.timedelta(minutes=12)
"""Longer than the task time limit: whoever claimed the row is dead by then."""
LOST_AFTER = dt.timedelta(seconds=30)
"""A row due for so long without a claim has lost its task."""


class OutboxState(models.TextChoices):
    QUEUED = "queued", _("queued")
    IN_FLIGHT = "in_flight", _("in flight")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    UNKNOWN = "unknown", _("unknown")
    CANCELLED = "cancelled", _("cancelled")


class OutboxMessage(models.Model):
    """One step to be done outside the transaction that asked for it."""

    kind = models.CharField(_("kind"), max_length=80, help_text=_("Namespaced handler: invoicing.document.render"))
    key = models.CharField(
        _("key"), max_length=160, unique=True, help_text=_("One intent, one row: the same key is refused")
    )
    payload = models.JSONField(_("payload"), default=dict, encoder=ExactEncoder)
    queue = models.CharField(_("queue"), max_length=20)
    at_most_once = models.BooleanField(default=False)
    state = models.CharField(_("state"), max_length=12, choices=OutboxState.choices, default=OutboxState.QUEUED)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    max_attempts = models.PositiveSmallIntegerField(default=6)
    created_at = models.DateTimeField(_("created at"))
    due_at = models.DateTimeField(_("due at"))
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("background step")
        verbose_name_plural = _("background steps")
        indexes = [
            models.Index(fields=["state", "due_at"], name="outbox_due"),
            models.Index(fields=["kind", "state"], name="outbox_kind"),
        ]
        permissions = [("retry_outboxmessage", "Can retry a background step")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class TryAgain(Exception):
    """Raised by a handler: the other side is not reachable now; try again later."""


class GiveUp(Exception):
    """Raised by a handler: trying again cannot help; a person has to look."""


class OutcomeUnknown(Exception):
    """Raised by a handler: it may or may not have happened; never repeat it by itself."""


@dataclass(frozen=True, slots=True)
class Handler:
    """What runs a kind of step. `function(message, at)` runs outside any transaction of the outbox."""

    function: Callable[[OutboxMessage, dt.datetime], None]
    queue: str
    at_most_once: bool
    max_attempts: int


_handlers: dict[str, Handler] = {}


def handles(
    kind: str, *, queue: str, at_most_once: bool = False, max_attempts: int = 6
) -> Callable[[Callable[[OutboxMessage, dt.datetime], None]], Callable[[OutboxMessage, dt.datetime], None]]:
    """Register the handler of a kind. A handler that is not at-most-once must be safe to repeat."""

    def register(function: Callable[[OutboxMessage, dt.datetime], None]) -> Callable[..., None]:
        _handlers[kind] = Handler(function, queue, at_most_once, max_attempts)
        return function

    return register


def add(*, kind: str, key: str, payload: dict[str, Any], at: dt.datetime) -> OutboxMessage:
    """Queue a step in the running transaction; it starts after commit. The same key twice is one step."""
    message, created = OutboxMessage.objects.get_or_create(key=key, defaults=_columns(kind, payload, at))
    if created:
        _enqueue_after_commit(message)
    return message


def add_all(*, kind: str, payloads: Mapping[str, dict[str, Any]], at: dt.datetime) -> None:
    """Queue steps of a kind, by key, in the running transaction, which holds what they are about: a constant number of
    queries. A key that is there already is that step.
    """
    known = set(OutboxMessage.objects.filter(key__in=payloads).values_list("key", flat=True))
    made = [
        OutboxMessage(key=key, **_columns(kind, payload, at)) for key, payload in payloads.items() if key not in known
    ]
    for message in insert_all(made):
        _enqueue_after_commit(message)


def _columns(kind: str, payload: dict[str, Any], at: dt.datetime) -> dict[str, Any]:
    handler = _handlers[kind]
    return {
        "kind": kind,
        "payload": payload,
        "queue": handler.queue,
        "at_most_once": handler.at_most_once,
        "max_attempts": handler.max_attempts,
        "created_at": at,
        "due_at": at,
    }


_here = ContextVar("steps run in this process", default=False)


@contextmanager
def run_here() -> Iterator[None]:
    """Queue no tasks inside the block: the caller runs the steps itself (`run`, `drain`); a sweeper takes the rest."""
    token = _here.set(True)
    try:
        yield
    finally:
        _here.reset(token)


def _enqueue_after_commit(message: OutboxMessage) -> None:
    if _here.get():
        return
    from evbilling.kernel.tasks import run_outbox_message  # noqa: PLC0415 - tasks import this module

    transaction.on_commit(lambda: run_outbox_message.apply_async(args=(message.pk,), queue=message.queue), robust=True)


def run(*, message_id: int, at: dt.datetime) -> OutboxState | None:
    """Claim and run one step; its new state, or None when it was not there to claim."""
    claimed = OutboxMessage.objects.filter(pk=message_id, state=OutboxState.QUEUED, due_at__lte=at).update(
        state=OutboxState.IN_FLIGHT, claimed_at=at, attempts=F("attempts") + 1
    )
    if not claimed:
        return None
    message = OutboxMessage.objects.get(pk=message_id)
    handler = _handlers.get(message.kind)
    state, text = OutboxState.DONE, ""
    try:
        if handler is None:
            raise GiveUp(f"No part of this release handles {message.kind}.")
        handler.function(message, at)
    except TryAgain as error:
        state, text = OutboxState.QUEUED, str(error)
    except GiveUp as error:
        state, text = OutboxState.FAILED, str(error)
    except OutcomeUnknown as error:
        state, text = OutboxState.UNKNOWN, str(error)
    except Exception as error:
        log.exception("Background step %s failed", message.pk)
        state = OutboxState.UNKNOWN if message.at_most_once else OutboxState.QUEUED
        text = f"{type(error).__name__}: {error}"
    return _again_or_failed(message, text, at) if state == OutboxState.QUEUED else _finish(message, state, text, at)


def _finish(message: OutboxMessage, state: OutboxState, error: str, at: dt.datetime) -> OutboxState:
    OutboxMessage.objects.filter(pk=message.pk, state=OutboxState.IN_FLIGHT).update(
        state=state, last_error=error[:2000], finished_at=at
    )
    return state


def backoff(attempts: int) -> dt.timedelta:
    """Delay before the next try: 10 s doubled each time up to an hour, with jitter of a quarter."""
    seconds = min(3600, 10 * 2 ** max(0, attempts - 1))
    return dt.timedelta(seconds=seconds * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load, guards nothing


def _again_or_failed(message: OutboxMessage, error: str, at: dt.datetime) -> OutboxState:
    if message.attempts >= message.max_attempts:
        return _finish(message, OutboxState.FAILED, error, at)
    OutboxMessage.objects.filter(pk=message.pk, state=OutboxState.IN_FLIGHT).update(
        state=OutboxState.QUEUED, last_error=error[:2000], due_at=at + backoff(message.attempts)
    )
    return OutboxState.QUEUED


def sweep(*, at: dt.datetime, limit: int = 500) -> list[OutboxMessage]:
    """Release what a dead worker left in flight, and enqueue what is due and has no task; the enqueued rows."""
    stale = Q(state=OutboxState.IN_FLIGHT, claimed_at__lt=at - IN_FLIGHT_LIMIT)
    OutboxMessage.objects.filter(stale, at_most_once=True).update(
        state=OutboxState.UNKNOWN, finished_at=at, last_error="Left in flight: it may or may not have happened."
    )
    OutboxMessage.objects.filter(stale, at_most_once=False).update(
        state=OutboxState.QUEUED, due_at=at - LOST_AFTER, last_error="Left in flight by a worker that ended."
    )
    from evbilling.kernel.tasks import run_outbox_message  # noqa: PLC0415 - tasks import this module

    due = list(
        OutboxMessage.objects.filter(state=OutboxState.QUEUED, due_at__lte=at - LOST_AFTER).order_by("due_at", "pk")[
            :limit
        ]
    )
    for message in () if _here.get() else due:
        run_outbox_message.apply_async(args=(message.pk,), queue=message.queue)
    return due


def drain(*, at: dt.datetime, kinds: set[str] | None = None) -> int:
    """Run in this process all steps that are due now, oldest first; how many ran (commands and tests)."""
    ran = 0
    while True:
        due = OutboxMessage.objects.filter(state=OutboxState.QUEUED, due_at__lte=at)
        if kinds is not None:
            due = due.filter(kind__in=kinds)
        pks = list(due.order_by("pk").values_list("pk", flat=True)[:500])
        if not pks:
            return ran
        ran += sum(run(message_id=pk, at=at) is not None for pk in pks)


def retry_by_hand(*, message_id: int, by: Any, at: dt.datetime, reason: str = "") -> OutboxMessage:
    """A person sends a failed or unknown step again.

    Raises NotAllowed, WrongState for steps in other states, BadInput for a card number in the reason.
    """
    require(
        by is None or by.has_perm("kernel.retry_outboxmessage"),
        NotAllowed(gettext("Your role does not include background steps; ask an administrator.")),
    )
    with transaction.atomic():
        message = lock(OutboxMessage, message_id)
        require(
            message.state in {OutboxState.FAILED, OutboxState.UNKNOWN},
            WrongState(
                gettext("Step %(step)s is %(state)s; only failed or unknown ones are tried again.")
                % {"step": message.pk, "state": message.get_state_display()}
            ),
        )
        require(
            not message.at_most_once or reason.strip(),
            WrongState(
                gettext("Step %(step)s may have happened already; say why it is safe to repeat it.")
                % {"step": message.pk}
            ),
        )
        require_no_card_number("reason", reason)
        message.state = OutboxState.QUEUED
        message.due_at = at
        message.max_attempts = message.attempts + 3
        message.save(update_fields=["state", "due_at", "max_attempts"])
        record_audit(action="kernel.outbox.retry", obj=message, by=by, at=at, reason=reason)
        _enqueue_after_commit(message)
    return message
