"""The kernel's tables."""

from evbilling.kernel.audit import AuditRecord, AuditSeal
from evbilling.kernel.outbox import OutboxMessage, OutboxState

__all__ = ["AuditRecord", "AuditSeal", "OutboxMessage", "OutboxState"]
