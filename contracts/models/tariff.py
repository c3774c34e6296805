"""Tariffs in OCPI shape, their frozen versions, and to which sessions of a contract they apply."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models.contract import ContractVersion
from contracts.models.operator import Operator
from contracts.models.site import Site
from evbilling.kernel.fields import CurrencyField
from evbilling.kernel.strict_json import ExactEncoder


class Tariff(models.Model):
    """A named price list; its prices live in versions."""

    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="tariffs", verbose_name=_("operator"))
    code = models.CharField(_("code"), max_length=36, unique=True)
    name = models.CharField(_("name"), max_length=120)
    currency = CurrencyField(verbose_name=_("currency"))

    class Meta:
        verbose_name = _("tariff")
        verbose_name_plural = _("tariffs")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class TariffState(models.TextChoices):
    DRAFT = "draft", _("draft")
    RELEASED = "released", _("released")


class TariffVersion(models.Model):
    """Prices from an instant on. `document` is an OCPI Tariff object with decimals as strings.

    A second person releases it; from then on it is frozen: sessions and documents refer to it for ever.
    """

    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="versions", verbose_name=_("tariff"))
    number = models.PositiveIntegerField(_("version"), editable=False)
    valid_from = models.DateTimeField(_("valid from"))
    ocpi_version = models.CharField(
        _("OCPI version"),
        max_length=5,
        default="2.2.1",
        choices=[("2.2", "2.2"), ("2.2.1", "2.2.1"), ("2.3.0", "2.3.0")],
    )
    document = models.JSONField(_("OCPI tariff"), encoder=ExactEncoder)
    state = models.CharField(
        _("state"), max_length=8, choices=TariffState.choices, default=TariffState.DRAFT, editable=False
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False, verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created at"), editable=False)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        null=True,
        blank=True,
        verbose_name=_("released by"),
    )
    released_at = models.DateTimeField(_("released at"), editable=False, null=True, blank=True)

    class Meta:
        verbose_name = _("tariff version")
        verbose_name_plural = _("tariff versions")
        ordering = ["tariff", "number"]
        constraints = [
            models.UniqueConstraint(fields=["tariff", "number"], name="tariff_version_once"),
            models.UniqueConstraint(
                fields=["tariff", "valid_from"], condition=Q(state="released"), name="tariff_instant_once"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | (Q(released_by__isnull=False) & ~Q(released_by=F("created_by"))),
                name="tariff_released_by_second_person",
            ),
        ]
        permissions = [("release_tariffversion", "Can release a tariff made by another person")]

    def __str__(self) -> str:
        return f"{self.tariff.code} v{self.number}"


class TariffAssignment(models.Model):
    """Which tariff prices which sessions under a contract version. The highest priority that fits wins.

    Narrowed by site and by the connector's power (watts, lower bound inclusive, upper exclusive).
    """

    version = models.ForeignKey(ContractVersion, on_delete=models.CASCADE, related_name="tariff_assignments")
    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="assignments", verbose_name=_("tariff"))
    site = models.ForeignKey(
        Site, on_delete=models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("only at site")
    )
    min_power_w = models.PositiveIntegerField(_("from power (W)"), null=True, blank=True)
    max_power_w = models.PositiveIntegerField(_("below power (W)"), null=True, blank=True)
    priority = models.SmallIntegerField(_("priority"), default=0, help_text=_("The highest that fits wins"))

    class Meta:
        verbose_name = _("tariff assignment")
        verbose_name_plural = _("tariff assignments")
        ordering = ["version", "-priority"]
        constraints = [
            models.UniqueConstraint(fields=["version", "priority"], name="assignment_priority_once"),
            models.CheckConstraint(
                condition=Q(min_power_w__isnull=True)
                | Q(max_power_w__isnull=True)
                | Q(max_power_w__gt=F("min_power_w")),
                name="assignment_power_band",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.tariff}"

    def clean(self) -> None:
        """A band of power has an upper end above its lower one."""
        if self.min_power_w is not None and self.max_power_w is not None and self.max_power_w <= self.min_power_w:
            words = _("%(upper)s W is not above %(lower)s W; give a higher value, or leave one of the two empty.")
            raise ValidationError({"max_power_w": words % {"upper": self.max_power_w, "lower": self.min_power_w}})
