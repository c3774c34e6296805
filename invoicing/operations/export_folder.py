"""The export folder: documents as files for parties that fetch them themselves, by SFTP for example.

    EXPORT_DIR/<customer number>/<file name>

A file is written whole under another name (.part) and then renamed, so nobody ever fetches half of one. Writing it
again writes the same bytes: the step may be repeated as often as it takes.
"""

import datetime as dt
import os
import re
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from evbilling.kernel.outbox import GiveUp, TryAgain
from evbilling.kernel.steps import step
from invoicing.models import Delivery, DeliveryState, Document, Letter
from invoicing.operations.deliveries import settle
from invoicing.queries.deliveries import files_to_send


def export(*, delivery_id: int, last_attempt: bool, at: dt.datetime) -> None:
    """Write the files of one delivery into the party's folder; called by its background step only, safe to repeat.

    Raises TryAgain where the folder cannot be written now, GiveUp where it could not at the last attempt.
    """
    delivery = Delivery.objects.select_related("invoice__party", "letter__party").get(pk=delivery_id)
    if delivery.state == DeliveryState.SENT:
        return
    Delivery.objects.filter(pk=delivery_id).update(state=DeliveryState.SENDING, error="")
    step("invoicing.export.claimed")
    try:
        for file in _files(delivery):
            _write(folder_of(delivery), file.file_name, bytes(file.content))
            step("invoicing.export.written")
    except OSError as error:
        problem = _("The export folder cannot be written: %(error)s") % {"error": error}
        if not last_attempt:
            settle(delivery, DeliveryState.QUEUED, problem, at)
            raise TryAgain(problem) from error
        settle(delivery, DeliveryState.FAILED, problem, at)
        raise GiveUp(problem) from error
    settle(delivery, DeliveryState.SENT, "", at)
    step("invoicing.export.settled")


def folder_of(delivery: Delivery) -> Path:
    """The folder of the delivery's party: its customer number, without what a path may not carry."""
    item = delivery.invoice or delivery.letter
    number = item.party.number if item is not None and item.party is not None else "house"
    return Path(settings.EXPORT_DIR) / _safe(number)


def _files(delivery: Delivery) -> list[Document] | list[Letter]:
    if delivery.letter is not None:
        return [delivery.letter]
    return files_to_send(delivery.invoice) if delivery.invoice is not None else []


def _safe(name: str) -> str:
    """One part of a path: letters, digits, dot, hyphen and underscore, never only dots."""
    return re.sub(r"[^\w.-]+", "-", name).strip(".") or "-"


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / _safe(name)
    partial = target.with_name(f"{target.name}.part")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
