"""The audit trail (invariant I19, PCI DSS 10): one row per change of state, written in the change's transaction.

Rows are append-only and unchained when written, so two workers never wait for a chain head; one sealer numbers and
hashes committed rows afterwards. `verify_chain` proves that no sealed row was changed, removed or put in between.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.protection import append_only, protect
from evbilling.kernel.strict_json import ExactEncoder, dumps

GENESIS = "0" * 64
_SEALER_LOCK = 7_061_963


class AuditRecord(models.Model):
    """Who did what to which object, when, from where, with which result and why.

    The person is kept by id and label, not by foreign key: the record outlives the user's row.
    """

    action = models.CharField(
        _("action"), max_length=80, db_index=True, help_text=_("Namespaced: invoicing.invoice.issue")
    )
    object_type = models.CharField(_("object type"), max_length=80, blank=True)
    object_id = models.CharField(_("object id"), max_length=40, blank=True)
    object_label = models.CharField(max_length=200, blank=True)
    by_id = models.BigIntegerField(null=True, blank=True)
    by_label = models.CharField(max_length=254)
    at = models.DateTimeField(_("at"), db_index=True)
    where = models.CharField(
        _("where"), max_length=100, blank=True, help_text=_("Address or channel the request came from")
    )
    result = models.CharField(_("result"), max_length=40, default="ok")
    reason = models.TextField(_("reason"), blank=True)
    changes = models.JSONField(_("changes"), default=dict, blank=True, encoder=ExactEncoder)
    members = models.JSONField(
        _("members"), default=list, blank=True, encoder=ExactEncoder, help_text=_("Members of a batch")
    )

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["object_type", "object_id"], name="audit_object")]
        verbose_name = _("audit record")

    def __str__(self) -> str:
        return f"{self.action} {self.object_label}"

    def digest(self, previous: str) -> str:
        """SHA-256 over the previous hash and every column of this row, in a form both databases give back alike."""
        text = dumps(
            [
                previous,
                self.pk,
                self.action,
                self.object_type,
                self.object_id,
                self.object_label,
                self.by_id,
                self.by_label,
                self.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
                self.where,
                self.result,
                self.reason,
                dumps(_sorted(self.changes)),
                dumps(_sorted(self.members)),
            ]
        )
        return hashlib.sha256(text.encode()).hexdigest()


class AuditSeal(models.Model):
    """One link of the chain: the sealed record, its hash, and the hash before it."""

    sequence = models.BigIntegerField(unique=True)
    record = models.OneToOneField(AuditRecord, on_delete=models.PROTECT, related_name="seal")
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"{self.sequence}"


protect(
    append_only("kernel.AuditRecord", "Audit records are never changed or deleted."),
    append_only("kernel.AuditSeal", "Audit seals are never changed or deleted."),
)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(inner) for inner in value]
    return value


def record_audit(
    *,
    action: str,
    obj: Model | None,
    by: Any,
    at: dt.datetime,
    reason: str = "",
    changes: dict[str, Any] | None = None,
    members: Iterable[Any] | None = None,
    where: str = "",
    result: str = "ok",
) -> AuditRecord:
    """Write one audit row in the running transaction. `by` is a user, or None for the system itself."""
    record = audit_row(
        action=action,
        obj=obj,
        by=by,
        at=at,
        reason=reason,
        changes=changes,
        members=members,
        where=where,
        result=result,
    )
    record.save(force_insert=True)
    return record


def audit_row(
    *,
    action: str,
    obj: Model | None,
    by: Any,
    at: dt.datetime,
    reason: str = "",
    changes: dict[str, Any] | None = None,
    members: Iterable[Any] | None = None,
    where: str = "",
    result: str = "ok",
) -> AuditRecord:
    """One audit row, not written yet: of bulk work that writes many at once (`bulk.insert_all`)."""
    return AuditRecord(
        action=action,
        object_type=obj._meta.label if obj is not None else "",
        object_id=str(obj.pk) if obj is not None else "",
        object_label=str(obj)[:200] if obj is not None else "",
        by_id=by.pk if by is not None else None,
        by_label=str(by) if by is not None else "system",
        at=at,
        where=where,
        result=result,
        reason=reason,
        changes=changes or {},
        members=list(members or []),
    )


def seal_audit(*, limit: int = 5000) -> int:
    """Number and chain committed records that have no seal yet; the number of new seals. One sealer at a time."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SEALER_LOCK])
        last = AuditSeal.objects.order_by("-sequence").first()
        sequence, previous = (last.sequence, last.hash) if last else (0, GENESIS)
        seals = []
        for record in AuditRecord.objects.filter(seal__isnull=True).order_by("pk")[:limit]:
            sequence += 1
            current = record.digest(previous)
            seals.append(AuditSeal(sequence=sequence, record=record, previous_hash=previous, hash=current))
            previous = current
        AuditSeal.objects.bulk_create(seals, batch_size=1000)
    return len(seals)


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing wrong with the trail."""

    sequence: int
    problem: str


def verify_chain() -> Iterator[AuditFinding]:
    """Walk the chain from its start; yields a finding for each broken link, gap, or changed record."""
    expected, previous = 1, GENESIS
    for seal in AuditSeal.objects.select_related("record").order_by("sequence").iterator(chunk_size=2000):
        if seal.sequence != expected:
            yield AuditFinding(expected, f"Seal {expected} is missing; the next one is {seal.sequence}.")
        if seal.previous_hash != previous:
            yield AuditFinding(seal.sequence, f"Seal {seal.sequence} does not follow the seal before it.")
        if seal.record.digest(seal.previous_hash) != seal.hash:
            yield AuditFinding(seal.sequence, f"Audit record {seal.record_id} was changed after it was sealed.")
        expected, previous = seal.sequence + 1, seal.hash


def unsealed_count() -> int:
    """Committed records that the sealer has not reached yet."""
    return AuditRecord.objects.filter(seal__isnull=True).count()


def history_of(obj: Model) -> models.QuerySet[AuditRecord]:
    """The trail of one object, newest first."""
    return AuditRecord.objects.filter(object_type=obj._meta.label, object_id=str(obj.pk))
