"""What a fleet charges with: cost centres, vehicles, tokens, and which contract pays for a token."""

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models.contract import Contract
from contracts.models.party import Party
from evbilling.shell.formats import format_day


class CostCentre(models.Model):
    """A party's own accounting unit; groups the lines of its invoices."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="cost_centres", verbose_name=_("party"))
    code = models.CharField(_("code"), max_length=30)
    name = models.CharField(_("name"), max_length=120, blank=True)
    purchase_order = models.CharField(_("purchase order"), max_length=50, blank=True)

    class Meta:
        verbose_name = _("cost centre")
        verbose_name_plural = _("cost centres")
        ordering = ["party", "code"]
        constraints = [models.UniqueConstraint(fields=["party", "code"], name="cost_centre_once")]

    def __str__(self) -> str:
        return f"{self.code} {self.name}".strip()


class Vehicle(models.Model):
    """An electric vehicle of a party."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="vehicles", verbose_name=_("party"))
    label = models.CharField(_("name or plate"), max_length=40)
    plate = models.CharField(_("plate"), max_length=20, blank=True)
    vin = models.CharField(_("VIN"), max_length=17, blank=True)
    make = models.CharField(_("make and model"), max_length=80, blank=True)
    cost_centre = models.ForeignKey(
        CostCentre,
        on_delete=models.PROTECT,
        related_name="vehicles",
        null=True,
        blank=True,
        verbose_name=_("cost centre"),
    )

    class Meta:
        verbose_name = _("vehicle")
        verbose_name_plural = _("vehicles")
        ordering = ["label"]
        constraints = [
            models.UniqueConstraint(fields=["party", "label"], name="vehicle_label_once"),
            models.UniqueConstraint(fields=["vin"], condition=~Q(vin=""), name="vehicle_vin_once"),
        ]

    def __str__(self) -> str:
        return self.label


class TokenKind(models.TextChoices):
    """OCPI TokenType and what stands for one."""

    RFID = "rfid", _("charge card")
    APP_USER = "app_user", _("app")
    EMAID = "emaid", _("Plug & Charge")
    AD_HOC_USER = "ad_hoc_user", _("contactless")


class Token(models.Model):
    """What a driver identifies with at the station."""

    ref = models.CharField(_("identifier"), max_length=36, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=TokenKind.choices)
    driver_name = models.CharField(_("driver"), max_length=120, blank=True)
    vehicle = models.ForeignKey(
        Vehicle, on_delete=models.PROTECT, related_name="tokens", null=True, blank=True, verbose_name=_("vehicle")
    )
    blocked_at = models.DateTimeField(_("blocked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("token")
        verbose_name_plural = _("tokens")
        ordering = ["ref"]

    def __str__(self) -> str:
        return f"{self.ref} {self.driver_name}".strip()


def require_days_in_order(valid_from: dt.date | None, valid_to: dt.date | None) -> None:
    """Raises ValidationError at `valid_to` where what is joined from day to day would not hold for a single one."""
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        words = _("%(to)s is not after %(start)s, the first day; give a later day, or leave it empty for no end.")
        raise ValidationError({"valid_to": words % {"to": format_day(valid_to), "start": format_day(valid_from)}})


class TokenAssignment(models.Model):
    """Which contract pays for a token, from day to day (local dates of the contract's zone, half open).

    A driver may charge under several contracts: the contract whose sites include the place pays.
    """

    token = models.ForeignKey(Token, on_delete=models.PROTECT, related_name="assignments", verbose_name=_("token"))
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="token_assignments", verbose_name=_("contract")
    )
    cost_centre = models.ForeignKey(
        CostCentre, on_delete=models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("cost centre")
    )
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True, help_text=_("First day on which it ends"))

    class Meta:
        verbose_name = _("token assignment")
        verbose_name_plural = _("token assignments")
        constraints = [
            models.UniqueConstraint(fields=["token", "contract", "valid_from"], name="token_assignment_once"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="token_assignment_days"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.token} > {self.contract}"

    def clean(self) -> None:
        """The last day comes after the first."""
        require_days_in_order(self.valid_from, self.valid_to)
