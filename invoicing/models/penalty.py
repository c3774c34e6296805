"""Penalties as they arise, before they stand on a document; and the reference rates that interest follows."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, ContractVersion, Site
from evbilling.kernel.fields import AmountField, CurrencyField, RateField
from evbilling.kernel.strict_json import ExactEncoder
from evbilling.shell.formats import format_day, format_exact
from invoicing.models.invoice import Invoice, InvoiceLine
from sessions.models import ChargingSession


class PenaltyKind(models.TextChoices):
    OVERSTAY = "overstay", _("overstay")
    NO_SHOW = "no_show", _("no-show of a reservation")
    LATE_FEE = "late_fee", _("late payment")
    INTEREST = "interest", _("interest on late payment")
    DUNNING_FEE = "dunning_fee", _("dunning fee")
    FAILED_PAYMENT = "failed_payment", _("failed payment")
    EARLY_TERMINATION = "early_termination", _("early termination")
    UPTIME = "uptime", _("missed uptime")


class PenaltyState(models.TextChoices):
    OPEN = "open", _("open")
    WAIVER_ASKED = "waiver_asked", _("waiver asked for")
    WAIVED = "waived", _("waived")


class Penalty(models.Model):
    """One penalty of a contract's terms, computed from evidence and shown before it is billed.

    `source` names what it is for ("overstay:<session id>"): the same never twice. `because` keeps the evidence and
    the arithmetic. Billed means: a line of a document names it. A second person grants a waiver (I18). For interest
    `period_from` to `period_to` are the days that it covers, half open: no day of an invoice twice (I14). The amount
    is positive; of an uptime penalty it is what the customer is credited.
    """

    kind = models.CharField(_("kind"), max_length=20, choices=PenaltyKind.choices)
    state = models.CharField(_("state"), max_length=12, choices=PenaltyState.choices, default=PenaltyState.OPEN)
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="penalties", verbose_name=_("contract")
    )
    contract_version = models.ForeignKey(ContractVersion, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(_("for"), max_length=120, unique=True)
    session = models.ForeignKey(
        ChargingSession,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="penalties",
        verbose_name=_("session"),
    )
    invoice = models.ForeignKey(
        Invoice,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="penalties",
        verbose_name=_("late document"),
    )
    site = models.ForeignKey(
        Site, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("site")
    )
    period_from = models.DateField(_("period from"))
    period_to = models.DateField(_("period to"), help_text=_("First day after the period"))
    occurred_on = models.DateField(_("occurred on"))
    currency = CurrencyField(verbose_name=_("currency"))
    amount = AmountField(verbose_name=_("amount"))
    because = models.JSONField(_("because"), encoder=ExactEncoder)
    assessed_at = models.DateTimeField(_("assessed at"))
    line = models.OneToOneField(
        InvoiceLine, on_delete=models.SET_NULL, null=True, blank=True, related_name="penalty", verbose_name=_("line")
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("waiver asked by"),
    )
    asked_at = models.DateTimeField(_("waiver asked at"), null=True, blank=True)
    reason = models.CharField(_("reason of the waiver"), max_length=300, blank=True)
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("waived by"),
    )
    waived_at = models.DateTimeField(_("waived at"), null=True, blank=True)

    class Meta:
        verbose_name = _("penalty")
        verbose_name_plural = _("penalties")
        ordering = ["-occurred_on", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="penalty_positive"),
            models.CheckConstraint(condition=Q(period_to__gt=F("period_from")), name="penalty_period_not_empty"),
            models.CheckConstraint(
                condition=Q(state="open", waived_by__isnull=True)
                | Q(state="waiver_asked", asked_by__isnull=False, waived_by__isnull=True)
                | (Q(state="waived", waived_by__isnull=False, line__isnull=True) & ~Q(waived_by=F("asked_by"))),
                name="penalty_waived_by_second_person",
            ),
            models.UniqueConstraint(
                fields=["invoice", "period_from"], condition=Q(kind="interest"), name="interest_day_once"
            ),
        ]
        indexes = [
            models.Index(fields=["contract", "state", "occurred_on"], name="penalty_contract"),
        ]
        permissions = [
            ("ask_waiver", "Can ask for the waiver of a penalty"),
            ("waive_penalty", "Can waive a penalty for which another person asked"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.contract} {self.occurred_on}"


class ReleasedPenalty(models.Model):
    """A penalty that stood on a document which was cancelled to be issued again: its next document bills it anew.

    The row keeps which line billed it before; the penalty itself is without a line again.
    """

    penalty = models.ForeignKey(Penalty, on_delete=models.PROTECT, related_name="released")
    line = models.OneToOneField(InvoiceLine, on_delete=models.PROTECT, related_name="released_penalty")

    class Meta:
        verbose_name = _("released penalty")
        verbose_name_plural = _("released penalties")

    def __str__(self) -> str:
        return f"{self.penalty} < {self.line}"


class ReferenceRate(models.Model):
    """The reference rate that interest on late payment adds its points to, from a day on (Directive 2011/7/EU)."""

    valid_from = models.DateField(_("valid from"), unique=True)
    percent = RateField(verbose_name=_("percent a year"))
    source = models.CharField(_("source"), max_length=120)

    class Meta:
        verbose_name = _("reference rate")
        verbose_name_plural = _("reference rates")
        ordering = ["-valid_from"]

    def __str__(self) -> str:
        return f"{format_exact(self.percent)} % ({format_day(self.valid_from)})"
