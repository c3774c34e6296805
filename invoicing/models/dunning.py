"""Dunning: what was done about an overdue document, and what keeps it from being done."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, DunningAction, Party
from evbilling.kernel.fields import AmountField
from invoicing.models.invoice import Invoice
from invoicing.models.letter import Letter
from invoicing.models.penalty import Penalty


class DunningStep(models.Model):
    """One level reached by one document, once (I10). `skipped` keeps why nothing was sent."""

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="dunning_steps", verbose_name=_("document")
    )
    level = models.PositiveSmallIntegerField(_("level"))
    action = models.CharField(_("action"), max_length=8, choices=DunningAction.choices)
    open_amount = AmountField(verbose_name=_("open amount"))
    letter = models.ForeignKey(
        Letter, on_delete=models.PROTECT, null=True, blank=True, related_name="steps", verbose_name=_("notice")
    )
    fee = models.OneToOneField(
        Penalty, on_delete=models.PROTECT, null=True, blank=True, related_name="dunning_step", verbose_name=_("fee")
    )
    skipped = models.CharField(_("skipped because"), max_length=300, blank=True)
    handled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("handled by"),
    )
    handled_at = models.DateTimeField(_("handled at"), null=True, blank=True)
    taken_on = models.DateField(_("taken on"))
    taken_at = models.DateTimeField(_("taken at"))

    class Meta:
        verbose_name = _("dunning step")
        verbose_name_plural = _("dunning steps")
        ordering = ["-taken_on", "-id"]
        constraints = [models.UniqueConstraint(fields=["invoice", "level"], name="dunning_step_once")]
        permissions = [("run_dunning", "Can run dunning, stop it and note promises to pay")]

    def __str__(self) -> str:
        return f"{self.invoice} {self.level}"


class OverdueDocument(Invoice):
    """A claim past its due date with something open, as the dunning page lists it; the row is the document's own."""

    class Meta:
        proxy = True
        verbose_name = _("overdue document")
        verbose_name_plural = _("overdue documents")


class DunningStop(models.Model):
    """Nobody is reminded while it holds: of one document, one contract, or all of a party."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="dunning_stops", verbose_name=_("party"))
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("contract")
    )
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("document")
    )
    reason = models.CharField(_("reason"), max_length=300)
    until = models.DateField(_("until"), null=True, blank=True, help_text=_("First day on which it no longer holds"))
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("set by")
    )
    set_at = models.DateTimeField(_("set at"))
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("lifted by")
    )

    class Meta:
        verbose_name = _("dunning stop")
        verbose_name_plural = _("dunning stops")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.party}: {self.reason}"


class PaymentPromise(models.Model):
    """A customer's word to pay a document by a day; until the day after, dunning of it waits."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="promises", verbose_name=_("document"))
    amount = AmountField(verbose_name=_("amount"))
    promised_on = models.DateField(_("to be paid by"))
    note = models.CharField(_("note"), max_length=300, blank=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("taken by")
    )
    taken_at = models.DateTimeField(_("taken at"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    class Meta:
        verbose_name = _("promise to pay")
        verbose_name_plural = _("promises to pay")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="promise_positive"),
            models.UniqueConstraint(
                fields=["invoice"], condition=Q(withdrawn_at__isnull=True), name="promise_once_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice} {self.promised_on}"
