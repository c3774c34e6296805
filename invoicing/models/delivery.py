"""Deliveries: each intent to send a document, and what became of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.models import OutboxMessage
from evbilling.kernel.strict_json import ExactEncoder
from invoicing.models.invoice import Invoice


class DeliveryState(models.TextChoices):
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("being sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    UNKNOWN = "unknown", _("unknown")


class Delivery(models.Model):
    """One mail with one document to the accountants. Resending is a new intent; at most one mail goes out per intent.

    A delivery left in flight by a dead worker becomes unknown: a person looks, it is never resent by itself (I16).
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="deliveries")
    intent = models.PositiveSmallIntegerField(_("intent"), default=1)
    recipients = models.JSONField(_("recipients"), default=list, encoder=ExactEncoder)
    subject = models.CharField(_("subject"), max_length=250, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    message_ref = models.CharField(_("message id"), max_length=200, blank=True)
    step = models.ForeignKey(OutboxMessage, on_delete=models.PROTECT, null=True, related_name="+")
    error = models.CharField(_("error"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("asked for"))
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "intent"], name="delivery_intent_once"),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="delivery_sent_has_instant"
            ),
        ]
        indexes = [models.Index(fields=["state"], name="delivery_state")]
        permissions = [("resend_delivery", "Can send a document again")]

    def __str__(self) -> str:
        return f"{self.invoice} #{self.intent}"
