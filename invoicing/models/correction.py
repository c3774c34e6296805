"""Corrections that wait for a second person, and disputes: what customers contest."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from contracts.models import Party
from evbilling.kernel.fields import AmountField, CurrencyField
from evbilling.kernel.strict_json import ExactEncoder
from invoicing.models.invoice import Invoice
from sessions.models import ChargingSession


class DisputeState(models.TextChoices):
    OPEN = "open", _("open")
    ACCEPTED = "accepted", _("accepted")
    PARTLY = "partly", _("accepted in part")
    REFUSED = "refused", pgettext_lazy("decision", "refused")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Dispute(models.Model):
    """A customer contests one session on an issued document. Dunning waits for the contested amount alone.

    Accepting re-rates the session and issues a linked credit note; refusing says why. A session on a document is
    contested once at a time. A chargeback at a payment processor is another thing (payments).
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="disputes", verbose_name=_("document"))
    session = models.ForeignKey(
        ChargingSession, on_delete=models.PROTECT, related_name="disputes", verbose_name=_("session")
    )
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="disputes", verbose_name=_("party"))
    state = models.CharField(_("state"), max_length=9, choices=DisputeState.choices, default=DisputeState.OPEN)
    currency = CurrencyField(verbose_name=_("currency"))
    contested_amount = AmountField(
        verbose_name=_("contested"), help_text=_("Gross share of the session in the document")
    )
    message = models.CharField(_("what is wrong"), max_length=1000)
    raised_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("raised by")
    )
    raised_at = models.DateTimeField(_("raised at"))
    answer = models.CharField(_("answer"), max_length=1000, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    credit_note = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("credit note")
    )

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "session"], condition=Q(state="open"), name="dispute_open_once"),
            models.CheckConstraint(condition=Q(contested_amount__gt=0), name="dispute_positive"),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True) | ~Q(state="open") & Q(decided_at__isnull=False),
                name="dispute_decided_has_instant",
            ),
        ]
        indexes = [models.Index(fields=["party", "state"], name="dispute_party")]
        permissions = [("decide_dispute", "Can decide disputes")]

    def __str__(self) -> str:
        return f"{self.invoice} {self.session}"


class CorrectionKind(models.TextChoices):
    CREDIT = "credit", _("credit")
    WRITE_OFF = "write_off", _("write-off")


class CorrectionState(models.TextChoices):
    ASKED = "asked", _("waits for a second person")
    DONE = "done", _("done")
    REFUSED = "refused", pgettext_lazy("decision", "refused")


class Correction(models.Model):
    """A credit or write-off of a document: who asked for what and why, who approved it (I18), and what came of it.

    `figures` says what is credited: {"whole": true}, {"lines": {line id: net}}, {"amounts": [{category, rate, net}]}
    or {"sessions": {session id: what is changed}}; `reissue` that the sessions are billed again.
    """

    kind = models.CharField(_("kind"), max_length=9, choices=CorrectionKind.choices)
    state = models.CharField(_("state"), max_length=7, choices=CorrectionState.choices, default=CorrectionState.ASKED)
    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="correction_requests", verbose_name=_("document")
    )
    dispute = models.ForeignKey(
        Dispute, on_delete=models.PROTECT, null=True, blank=True, related_name="requests", verbose_name=_("dispute")
    )
    currency = CurrencyField(verbose_name=_("currency"))
    amount = AmountField(verbose_name=_("gross amount"))
    figures = models.JSONField(default=dict, encoder=ExactEncoder)
    reissue = models.BooleanField(_("bill again"), default=False)
    reason = models.CharField(_("reason"), max_length=300)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked at"))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    refusal = models.CharField(_("why refused"), max_length=300, blank=True)
    needs_second = models.BooleanField(_("needs a second person"))
    credit_note = models.OneToOneField(
        Invoice,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="correction",
        verbose_name=_("credit note"),
    )

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="correction_not_negative"),
            models.UniqueConstraint(fields=["invoice"], condition=Q(state="asked"), name="correction_asked_once"),
            models.CheckConstraint(
                condition=~Q(state="done", needs_second=True)
                | Q(decided_by__isnull=False, asked_by__isnull=False) & ~Q(decided_by=F("asked_by")),
                name="correction_second_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.invoice}"
