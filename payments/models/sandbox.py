"""The sandbox's own book: it plays the outside world, so it remembers like one, across restarts."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.fields import AmountField, CurrencyField


class SandboxState(models.TextChoices):
    OPEN = "open", _("waiting for the customer")
    PENDING = "pending", _("pending")
    SUCCEEDED = "succeeded", _("succeeded")
    DECLINED = "declined", _("declined")
    EXPIRED = "expired", _("expired")


class SandboxCharge(models.Model):
    """One charge in the sandbox. `pending` settles when somebody asks after `settles_at`."""

    ref = models.CharField(max_length=40, unique=True)
    idempotency_key = models.CharField(max_length=120, unique=True)
    amount = AmountField()
    currency = CurrencyField()
    description = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=SandboxState.choices)
    settles_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=100, blank=True)
    brand = models.CharField(max_length=20, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    return_url = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("sandbox charge")
        verbose_name_plural = _("sandbox charges")

    def __str__(self) -> str:
        return self.ref


class SandboxRefund(models.Model):
    """Money that the sandbox gave back of a charge, once for each key."""

    ref = models.CharField(max_length=40, unique=True)
    idempotency_key = models.CharField(max_length=120, unique=True)
    charge = models.ForeignKey(SandboxCharge, on_delete=models.PROTECT, related_name="refunds")
    amount = AmountField()
    failure = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("sandbox refund")
        verbose_name_plural = _("sandbox refunds")

    def __str__(self) -> str:
        return self.ref
