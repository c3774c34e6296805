"""Payments: attempts to collect money, and the append-only events that their amounts follow from."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator, Party
from evbilling.kernel.fields import AmountField, CurrencyField
from evbilling.kernel.strict_json import ExactEncoder
from invoicing.models import Invoice
from payments.models.method import PaymentMethod


class PaymentState(models.TextChoices):
    CREATED = "created", _("created")
    REQUIRES_ACTION = "requires_action", _("waiting for the customer")
    PROCESSING = "processing", _("processing")
    AUTHORISED = "authorised", _("authorised")
    CAPTURED = "captured", _("captured")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    UNKNOWN = "unknown", _("unknown")


OPEN_STATES = (
    PaymentState.CREATED,
    PaymentState.REQUIRES_ACTION,
    PaymentState.PROCESSING,
    PaymentState.AUTHORISED,
    PaymentState.UNKNOWN,
)
"""An attempt in one of these may still bring money: no second one is started for the same invoice."""


class Payment(models.Model):
    """One attempt to collect an amount. `unknown` is resolved by asking the processor, never by charging again."""

    public_id = models.CharField(_("reference"), max_length=40, unique=True)
    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="payments")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="payments", verbose_name=_("party"))
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="payments", verbose_name=_("invoice")
    )
    method = models.ForeignKey(
        PaymentMethod,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="payments",
        verbose_name=_("method"),
    )
    processor = models.CharField(_("processor"), max_length=20)
    processor_ref = models.CharField(_("processor's reference"), max_length=120, blank=True)
    amount = AmountField(verbose_name=_("amount"))
    currency = CurrencyField()
    state = models.CharField(
        _("state"), max_length=16, choices=PaymentState.choices, default=PaymentState.CREATED, editable=False
    )
    failure = models.CharField(_("reason of failure"), max_length=200, blank=True)
    received_on = models.DateField(_("received on"), null=True, blank=True)
    payer_reference = models.CharField(_("payer's reference"), max_length=140, blank=True)
    checkout_token = models.CharField(max_length=64, null=True, unique=True, default=None)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(_("started"))

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.UniqueConstraint(
                fields=["invoice"], condition=Q(state__in=OPEN_STATES), name="payment_one_open_attempt"
            ),
            models.UniqueConstraint(
                fields=["processor", "processor_ref"], condition=~Q(processor_ref=""), name="payment_processor_ref_once"
            ),
        ]
        indexes = [models.Index(fields=["state", "created_at"], name="payment_state")]
        permissions = [
            ("record_transfer", "Can record a bank transfer by hand"),
            ("allocate_payment", "Can allocate payments to invoices"),
        ]

    def __str__(self) -> str:
        return self.public_id


class PaymentEventKind(models.TextChoices):
    STARTED = "started", _("started")
    PROCESSING = "processing", _("processing")
    CAPTURED = "captured", _("captured")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    UNKNOWN = "unknown", _("no answer")


class PaymentEvent(models.Model):
    """What happened to a payment; amounts are recomputed from these rows, never incremented."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("kind"), max_length=12, choices=PaymentEventKind.choices)
    amount = AmountField(default=0)
    detail = models.JSONField(default=dict, blank=True, encoder=ExactEncoder)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("payment event")
        verbose_name_plural = _("payment events")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["payment"], condition=Q(kind="captured"), name="payment_captured_once")
        ]

    def __str__(self) -> str:
        return f"{self.payment} {self.kind}"
