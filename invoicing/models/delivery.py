"""Deliveries: each intent to send a document, and what became of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from contracts.models import DeliveryChannel
from evbilling.kernel.models import OutboxMessage
from evbilling.kernel.strict_json import ExactEncoder
from invoicing.models.invoice import Invoice
from invoicing.models.letter import Letter


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

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, null=True, related_name="deliveries")
    letter = models.ForeignKey(Letter, on_delete=models.PROTECT, null=True, related_name="deliveries")
    channel = models.CharField(
        _("channel"), max_length=6, choices=DeliveryChannel.choices, default=DeliveryChannel.MAIL
    )
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
            models.UniqueConstraint(fields=["letter", "intent"], name="delivery_letter_intent_once"),
            models.CheckConstraint(
                condition=Q(invoice__isnull=True) ^ Q(letter__isnull=True), name="delivery_of_document_or_letter"
            ),
            models.CheckConstraint(
                condition=~Q(state="sent") | Q(sent_at__isnull=False), name="delivery_sent_has_instant"
            ),
        ]
        indexes = [models.Index(fields=["state"], name="delivery_state")]
        permissions = [("resend_delivery", "Can send a document again")]

    def __str__(self) -> str:
        return f"{self.invoice or self.letter} #{self.intent}"


class DeliveryEventKind(models.TextChoices):
    DELIVERED = "delivered", _("delivered")
    OPENED = "opened", pgettext_lazy("mail", "opened")
    BOUNCED = "bounced", _("bounced")
    REJECTED = "rejected", _("rejected")
    COMPLAINED = "complained", _("marked as spam")
    OTHER = "other", _("other")


class DeliveryEvent(models.Model):
    """What the mail provider says became of a mail; kept even where it names a mail that is not ours (I13)."""

    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, null=True, blank=True, related_name="events", verbose_name=_("delivery")
    )
    provider = models.CharField(_("provider"), max_length=30)
    event_ref = models.CharField(_("event id"), max_length=120)
    kind = models.CharField(_("kind"), max_length=10, choices=DeliveryEventKind.choices)
    recipient = models.CharField(_("recipient"), max_length=254, blank=True)
    message_ref = models.CharField(_("message id"), max_length=200, blank=True)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"), null=True)
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("delivery event")
        verbose_name_plural = _("delivery events")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["provider", "event_ref"], name="delivery_event_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.recipient}"
