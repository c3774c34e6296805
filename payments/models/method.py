"""Payment methods: tokens of a processor, never a card number (I21)."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Party


class WalletType(models.TextChoices):
    NONE = "", _("none")
    APPLE_PAY = "apple_pay", _("Apple Pay")
    GOOGLE_PAY = "google_pay", _("Google Pay")


class MethodState(models.TextChoices):
    ACTIVE = "active", _("active")
    DETACHED = "detached", _("removed")


class PaymentMethod(models.Model):
    """What a party pays with. The processor keeps the card; we keep its token, brand, last four digits and expiry."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="payment_methods", verbose_name=_("party"))
    processor = models.CharField(_("processor"), max_length=20)
    token = models.CharField(max_length=120)
    brand = models.CharField(_("brand"), max_length=20)
    last4 = models.CharField(_("last four digits"), max_length=4, blank=True)
    expires_on = models.DateField(_("valid until"), null=True, blank=True)
    wallet_type = models.CharField(_("wallet"), max_length=12, choices=WalletType.choices, blank=True, default="")
    state = models.CharField(_("state"), max_length=8, choices=MethodState.choices, default=MethodState.ACTIVE)
    is_default = models.BooleanField(_("default"), default=False)
    consent_at = models.DateTimeField(
        _("consent to automatic charges"), null=True, blank=True, help_text=_("Empty: never charged by itself (PSD2)")
    )
    consent_text_version = models.CharField(_("version of the text consented to"), max_length=20, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        ordering = ["party", "-is_default", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["processor", "token"], name="method_token_once"),
            models.UniqueConstraint(
                fields=["party"], condition=Q(is_default=True, state="active"), name="method_one_default"
            ),
            models.CheckConstraint(condition=Q(last4__regex=r"^(\d{4})?$"), name="method_last4_only"),
        ]

    def __str__(self) -> str:
        return f"{self.brand} •••• {self.last4}" if self.last4 else self.brand
