"""Sites, their stations (EVSE) and connectors."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models.party import Party, PartyKind


class SiteKind(models.TextChoices):
    PUBLIC = "public", _("public")
    DEPOT = "depot", _("depot")
    HOME = "home", _("home")


class Site(models.Model):
    """A place with chargers. Tariff restrictions are local to its zone; tax follows its country and region."""

    ref = models.CharField(_("reference"), max_length=36, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=6, choices=SiteKind.choices, default=SiteKind.PUBLIC)
    owner = models.ForeignKey(
        Party,
        on_delete=models.PROTECT,
        related_name="owned_sites",
        null=True,
        blank=True,
        verbose_name=_("property owner"),
    )
    street = models.CharField(_("street"), max_length=200, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    region = models.CharField(_("region"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2)
    zone = models.CharField(_("time zone"), max_length=64)

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """A home belongs to the driver who is reimbursed for what is charged there."""
        if self.kind == SiteKind.HOME and (self.owner is None or self.owner.kind != PartyKind.EV_DRIVER):
            words = _("A home needs an EV driver as its owner, who is reimbursed; choose one.")
            raise ValidationError({"owner": words})


class Station(models.Model):
    """One charging point (EVSE in OCPI)."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="stations", verbose_name=_("site"))
    ref = models.CharField(_("reference"), max_length=48, unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)

    class Meta:
        verbose_name = _("station")
        verbose_name_plural = _("stations")
        ordering = ["ref"]

    def __str__(self) -> str:
        return self.name or self.ref


class ConnectorKind(models.TextChoices):
    """OCPI ConnectorType, the ones in use."""

    IEC_62196_T1 = "IEC_62196_T1", _("Type 1")
    IEC_62196_T2 = "IEC_62196_T2", _("Type 2")
    IEC_62196_T1_COMBO = "IEC_62196_T1_COMBO", _("CCS 1")
    IEC_62196_T2_COMBO = "IEC_62196_T2_COMBO", _("CCS 2")
    CHADEMO = "CHADEMO", _("CHAdeMO")
    NACS = "NACS", _("NACS")


class Connector(models.Model):
    """One plug of a station with its maximum power in watts."""

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="connectors", verbose_name=_("station"))
    ref = models.CharField(_("reference"), max_length=36)
    kind = models.CharField(_("kind"), max_length=24, choices=ConnectorKind.choices)
    max_power_w = models.PositiveIntegerField(_("maximum power (W)"))

    class Meta:
        verbose_name = _("connector")
        verbose_name_plural = _("connectors")
        constraints = [
            models.UniqueConstraint(fields=["station", "ref"], name="connector_once_per_station"),
            models.CheckConstraint(condition=Q(max_power_w__gt=0), name="connector_has_power"),
        ]

    def __str__(self) -> str:
        return f"{self.station} / {self.ref}"


class StationOutage(models.Model):
    """A time during which a station could not be used; open while it lasts. Planned ones do not count against an
    uptime promise.
    """

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="outages", verbose_name=_("station"))
    started_at = models.DateTimeField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True, blank=True)
    planned = models.BooleanField(_("planned"), default=False)
    cause = models.CharField(_("cause"), max_length=300)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
        verbose_name=_("recorded by"),
    )
    recorded_at = models.DateTimeField(_("recorded at"), editable=False)

    class Meta:
        verbose_name = _("station outage")
        verbose_name_plural = _("station outages")
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=F("started_at")), name="outage_ends_after_start"
            )
        ]
        indexes = [models.Index(fields=["station", "started_at"], name="outage_station_start")]

    def __str__(self) -> str:
        return f"{self.station} {self.started_at:%Y-%m-%d %H:%M}"
