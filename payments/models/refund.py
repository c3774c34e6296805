"""Refunds: money of a payment that goes back to who paid it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.fields import AmountField, CurrencyField
from payments.models.payment import Payment


class RefundState(models.TextChoices):
    ASKED = "asked", _("waits for a second person")
    SENDING = "sending", _("on its way")
    DONE = "done", _("paid back")
    FAILED = "failed", _("failed")
    UNKNOWN = "unknown", _("unknown")
    DECLINED = "declined", _("declined")


RESERVED_STATES = (RefundState.ASKED, RefundState.SENDING, RefundState.UNKNOWN)
"""Its amount may still leave the house: the payment's free money is less by it."""


class Refund(models.Model):
    """An amount of one payment that is paid back. Booked when it has left, not when it was asked for.

    From the operator's limit on a second person approves it (I18). `unknown` is resolved by asking the processor,
    never by sending again.
    """

    public_id = models.CharField(_("reference"), max_length=40, unique=True)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    state = models.CharField(_("state"), max_length=8, choices=RefundState.choices, default=RefundState.ASKED)
    amount = AmountField(verbose_name=_("amount"))
    currency = CurrencyField(verbose_name=_("currency"))
    reason = models.CharField(_("reason"), max_length=300)
    processor_ref = models.CharField(_("processor's reference"), max_length=120, blank=True)
    failure = models.CharField(_("reason of failure"), max_length=200, blank=True)
    needs_second = models.BooleanField(_("needs a second person"))
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    paid_on = models.DateField(_("paid back on"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_positive"),
            models.CheckConstraint(condition=~Q(state="done") | Q(paid_on__isnull=False), name="refund_done_has_day"),
            models.CheckConstraint(
                condition=Q(needs_second=False)
                | Q(state__in=["asked", "declined"])
                | Q(decided_by__isnull=False, asked_by__isnull=False) & ~Q(decided_by=F("asked_by")),
                name="refund_second_person",
            ),
        ]
        indexes = [models.Index(fields=["state"], name="refund_state")]
        permissions = [
            ("ask_refund", "Can ask for refunds"),
            ("approve_refund", "Can approve refunds that another person asked for"),
        ]

    def __str__(self) -> str:
        return self.public_id
