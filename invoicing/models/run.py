"""Billing runs: the month close, with one row per due contract."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, Operator
from evbilling.kernel.clock import Period
from evbilling.kernel.fields import AmountField
from evbilling.kernel.strict_json import ExactEncoder
from invoicing.models.invoice import Invoice


class RunState(models.TextChoices):
    ASKED = "asked", _("waits for approval")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    FINISHED = "finished", _("finished")
    DECLINED = "declined", _("declined")


class BillingRun(models.Model):
    """The billing of one period for all due contracts of an operator. It resumes after a crash; nothing is done twice.

    A run without `issue` stops at drafts. Counts are computed from its items.
    """

    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="billing_runs", verbose_name=_("operator")
    )
    period_from = models.DateField(_("period from"))
    period_to = models.DateField(_("period to"))
    state = models.CharField(_("state"), max_length=8, choices=RunState.choices, default=RunState.RUNNING)
    issue = models.BooleanField(_("issue documents"), default=True)
    issued_on = models.DateField(_("date of the documents"))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("started"))
    planned_amount = AmountField(
        verbose_name=_("planned net"), default=0, help_text=_("Net of the dry run in the operator's currency")
    )
    needs_second = models.BooleanField(_("needs a second person"), default=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("asked by"),
        help_text=_("Who started it last; empty: a command"),
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        permissions = [("approve_billingrun", "Can approve a month close that another person started")]
        verbose_name = _("billing run")
        verbose_name_plural = _("billing runs")
        ordering = ["-period_from", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "period_from", "period_to"], name="run_once"),
            models.CheckConstraint(
                condition=Q(needs_second=False)
                | Q(state__in=["asked", "declined"])
                | Q(approved_by__isnull=False) & (Q(asked_by__isnull=True) | ~Q(approved_by=F("asked_by"))),
                name="run_approved_by_second_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.period_from:%Y-%m}"

    @property
    def period(self) -> Period:
        """The month that it bills."""
        return Period(self.period_from, self.period_to)


class ItemState(models.TextChoices):
    PENDING = "pending", _("pending")
    DRAFTED = "drafted", _("drafted")
    ISSUED = "issued", _("issued")
    SKIPPED = "skipped", _("nothing to bill")
    FAILED = "failed", _("failed")


class BillingRunItem(models.Model):
    """One contract in a run. A failed one keeps its cause and is tried again; it never blocks the others (I17)."""

    run = models.ForeignKey(BillingRun, on_delete=models.CASCADE, related_name="items", verbose_name=_("run"))
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="run_items", verbose_name=_("contract")
    )
    state = models.CharField(_("state"), max_length=8, choices=ItemState.choices, default=ItemState.PENDING)
    invoice = models.ForeignKey(
        Invoice, on_delete=models.SET_NULL, null=True, blank=True, related_name="run_items", verbose_name=_("invoice")
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    carried_amount = AmountField(
        verbose_name=_("carried over"),
        null=True,
        blank=True,
        help_text=_("Gross of a month below the smallest invoice; the next document bills it"),
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("billing run item")
        verbose_name_plural = _("billing run items")
        ordering = ["run", "contract"]
        constraints = [models.UniqueConstraint(fields=["run", "contract"], name="run_item_once")]
        indexes = [models.Index(fields=["run", "state"], name="run_item_state")]

    def __str__(self) -> str:
        return f"{self.run} {self.contract}"


class BooksCheck(models.Model):
    """One run of all checks of the books (`check_books`), nightly, after a month close or by hand."""

    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"))
    cause = models.CharField(_("cause"), max_length=20)
    checks = models.PositiveSmallIntegerField(_("checks"))
    findings = models.JSONField(_("findings"), default=list, encoder=ExactEncoder)

    class Meta:
        verbose_name = _("check of the books")
        verbose_name_plural = _("checks of the books")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.finished_at:%Y-%m-%d %H:%M}"
