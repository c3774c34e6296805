"""Tax rates per country, region and date."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.fields import CurrencyField, RateField
from evbilling.shell.formats import format_day, format_exact


class TaxRate(models.Model):
    """The standard rate of a country or a region in it, from day to day (half open); the region beats the country."""

    country = models.CharField(_("country"), max_length=2)
    region = models.CharField(_("region"), max_length=100, blank=True)
    percent = RateField(verbose_name=_("percent"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("tax rate")
        verbose_name_plural = _("tax rates")
        ordering = ["country", "region", "-valid_from"]
        constraints = [
            models.UniqueConstraint(fields=["country", "region", "valid_from"], name="tax_rate_once"),
            models.CheckConstraint(condition=Q(percent__gte=0) & Q(percent__lt=100), name="tax_rate_range"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="tax_rate_days"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.region} {format_exact(self.percent)} %".replace("  ", " ")


class ExchangeRate(models.Model):
    """What one unit of a currency is worth in another on a day, for reports and for tax in the reporting currency."""

    currency = CurrencyField(verbose_name=_("currency"))
    target = CurrencyField(verbose_name=_("in"))
    on = models.DateField(_("day"))
    rate = models.DecimalField(_("rate"), max_digits=16, decimal_places=8, help_text=_("Units of the target for one"))
    source = models.CharField(_("source"), max_length=120)

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        ordering = ["-on", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["currency", "target", "on"], name="exchange_rate_once"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="exchange_rate_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.currency}/{self.target} {format_exact(self.rate)} ({format_day(self.on)})"
