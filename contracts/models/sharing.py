"""Terms under which others earn from sessions or pay for them: revenue shares and sponsorships."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models.contract import Contract, ContractVersion
from contracts.models.fleet import Vehicle
from evbilling.kernel.fields import RateField

_PERCENT = [MinValueValidator(0), MaxValueValidator(100)]


class RevenueShare(models.Model):
    """A property owner's percentage of the net session charges at the contract's sites (DOMAIN, RevenueShare)."""

    version = models.OneToOneField(ContractVersion, on_delete=models.CASCADE, related_name="revenue_share")
    percent_of_net = RateField(verbose_name=_("percent of net revenue"), validators=_PERCENT)

    class Meta:
        verbose_name = _("revenue share")
        verbose_name_plural = _("revenue shares")
        constraints = [
            models.CheckConstraint(
                condition=Q(percent_of_net__gte=0) & Q(percent_of_net__lte=100), name="share_percent_range"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.percent_of_net} %"


class Sponsorship(models.Model):
    """The part of each session of a sponsored vehicle that the sponsor pays, in percent of its net price."""

    version = models.OneToOneField(ContractVersion, on_delete=models.CASCADE, related_name="sponsorship")
    percent = RateField(verbose_name=_("percent paid by the sponsor"), validators=_PERCENT)

    class Meta:
        verbose_name = _("sponsorship")
        verbose_name_plural = _("sponsorships")
        constraints = [
            models.CheckConstraint(condition=Q(percent__gt=0) & Q(percent__lte=100), name="sponsor_percent_range")
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.percent} %"


class SponsoredVehicle(models.Model):
    """A vehicle under a sponsorship contract, from day to day (local dates of the contract's zone, half open)."""

    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="sponsored_vehicles", verbose_name=_("contract")
    )
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="sponsored", verbose_name=_("vehicle"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("sponsored vehicle")
        verbose_name_plural = _("sponsored vehicles")
        constraints = [
            models.UniqueConstraint(fields=["contract", "vehicle", "valid_from"], name="sponsored_vehicle_once"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="sponsored_vehicle_days"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vehicle} @ {self.contract}"
