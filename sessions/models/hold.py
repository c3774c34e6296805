"""Holds: a session that waits for a person before it can be billed."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from sessions.models.session import ChargingSession


class HoldKind(models.TextChoices):
    ZERO_ENERGY = "zero_energy", _("no energy")
    OVER_LONG = "over_long", _("unusually long")
    DUPLICATE = "duplicate", _("looks like a duplicate")
    OVERLAP_STATION = "overlap_station", _("overlaps at the station")
    OVERLAP_TOKEN = "overlap_token", _("overlaps for the token")
    UNKNOWN_TOKEN = "unknown_token", _("unknown token")
    UNKNOWN_STATION = "unknown_station", _("unknown station")
    NO_CONTRACT = "no_contract", _("no contract pays")
    NO_TARIFF = "no_tariff", _("no tariff applies")
    NOT_RATEABLE = "not_rateable", _("cannot be priced")
    SUSPENDED = "suspended", _("contract suspended")
    CHANGED_AFTER_BILLING = "changed_after_billing", _("changed after billing")


class HoldState(models.TextChoices):
    OPEN = "open", _("open")
    RELEASED = "released", _("released")
    REJECTED = "rejected", _("rejected")


class Hold(models.Model):
    """One reason why a session waits. Released: it may be billed. Rejected: it is excluded for the stated reason.

    Nothing is dropped silently: a session with an open hold is held, with a rejected one excluded (I2).
    """

    session = models.ForeignKey(
        ChargingSession, on_delete=models.PROTECT, related_name="holds", verbose_name=_("session")
    )
    kind = models.CharField(_("reason"), max_length=24, choices=HoldKind.choices)
    detail = models.CharField(_("detail"), max_length=300)
    state = models.CharField(_("state"), max_length=8, choices=HoldState.choices, default=HoldState.OPEN)
    opened_at = models.DateTimeField(_("opened"))
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("resolved by"),
    )
    resolution = models.CharField(_("resolution"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["-opened_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["session", "kind"], name="hold_once_per_kind"),
            models.CheckConstraint(
                condition=Q(state="open") | (Q(resolved_at__isnull=False) & ~Q(resolution="")),
                name="hold_resolution_has_reason",
            ),
        ]
        indexes = [models.Index(fields=["state", "kind"], name="hold_state")]
        permissions = [("resolve_hold", "Can release or reject held sessions")]

    def __str__(self) -> str:
        return f"{self.session}: {self.get_kind_display()}"
