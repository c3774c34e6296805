"""The charging session: what was consumed, where, when, by whom."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Connector, Contract, CostCentre, Site, Station, Token, Vehicle
from evbilling.kernel.strict_json import ExactEncoder


class SessionState(models.TextChoices):
    """OCPI SessionStatus."""

    PENDING = "pending", _("pending")
    ACTIVE = "active", _("charging")
    COMPLETED = "completed", _("completed")
    INVALID = "invalid", _("invalid")
    RESERVATION = "reservation", _("reserved")


class SessionSource(models.TextChoices):
    OCPI = "ocpi", _("OCPI")
    IMPORT = "import", _("file import")
    API = "api", _("API")


class ChargingSession(models.Model):
    """One session as its source reported it, and to whom it was matched.

    A changed copy from the source is a new revision; the row before it is kept and marked superseded. The provider's
    reference is unique per source among current rows, so the same session twice never raises a bill (I3).
    Energy is whole watt-hours, durations are seconds, instants UTC. Charging periods stay on the row: a list of
    {"start_at": ISO instant, "energy_wh": int, "charging_s": int, "parking_s": int}.
    """

    source = models.CharField(_("source"), max_length=8, choices=SessionSource.choices)
    source_label = models.CharField(_("source system"), max_length=40, blank=True)
    provider_ref = models.CharField(_("reference"), max_length=64)
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    superseded_at = models.DateTimeField(_("superseded at"), null=True, blank=True)
    content_hash = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=12, choices=SessionState.choices)
    token_ref = models.CharField(_("token as reported"), max_length=64, blank=True)
    station_ref = models.CharField(_("station as reported"), max_length=64, blank=True)
    token = models.ForeignKey(
        Token, on_delete=models.PROTECT, null=True, blank=True, related_name="sessions", verbose_name=_("token")
    )
    vehicle = models.ForeignKey(
        Vehicle, on_delete=models.PROTECT, null=True, blank=True, related_name="sessions", verbose_name=_("vehicle")
    )
    cost_centre = models.ForeignKey(
        CostCentre,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="sessions",
        verbose_name=_("cost centre"),
    )
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, null=True, blank=True, related_name="sessions", verbose_name=_("contract")
    )
    site = models.ForeignKey(
        Site, on_delete=models.PROTECT, null=True, blank=True, related_name="sessions", verbose_name=_("site")
    )
    station = models.ForeignKey(
        Station, on_delete=models.PROTECT, null=True, blank=True, related_name="sessions", verbose_name=_("station")
    )
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT, null=True, blank=True, related_name="sessions")
    started_at = models.DateTimeField(_("start"))
    ended_at = models.DateTimeField(_("end"), null=True, blank=True)
    energy_wh = models.BigIntegerField(_("energy (Wh)"))
    periods = models.JSONField(default=list, encoder=ExactEncoder)
    extra = models.JSONField(
        _("extra"), default=dict, blank=True, encoder=ExactEncoder, help_text=_("Further columns of the source")
    )
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("charging session")
        verbose_name_plural = _("charging sessions")
        ordering = ["-ended_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_label", "provider_ref"],
                condition=Q(superseded_at__isnull=True),
                name="session_current_once",
            ),
            models.UniqueConstraint(
                fields=["source", "source_label", "provider_ref", "revision"], name="session_revision_once"
            ),
            models.CheckConstraint(condition=Q(energy_wh__gte=0), name="session_energy_not_negative"),
            models.CheckConstraint(
                condition=~Q(state="completed") | (Q(ended_at__isnull=False) & Q(ended_at__gte=F("started_at"))),
                name="session_completed_has_end",
            ),
        ]
        indexes = [
            models.Index(fields=["contract", "ended_at"], name="session_contract_end"),
            models.Index(fields=["site", "ended_at"], name="session_site_end"),
            models.Index(fields=["ended_at", "id"], name="session_end"),
            models.Index(fields=["vehicle", "ended_at"], name="session_vehicle_end"),
            models.Index(fields=["station", "started_at"], name="session_station_start"),
            models.Index(fields=["token", "started_at"], name="session_token_start"),
        ]

    def __str__(self) -> str:
        return self.provider_ref
