"""Deposits: a customer's money held as security, until it is returned or set off."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract
from evbilling.kernel.fields import AmountField, CurrencyField


class DepositKind(models.TextChoices):
    HELD = "held", _("taken as security")
    RETURNED = "returned", _("returned to the customer's credit")


class Deposit(models.Model):
    """Money of a contract's party moved from its credit into security, or back; rows are never changed.

    What is held of a contract is the sum taken less the sum returned; it is never below zero, nor is that of one
    payment. What is held is no free money of its payment (I12).
    """

    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="deposits", verbose_name=_("contract")
    )
    source = models.CharField(
        _("money"), max_length=80, db_index=True, help_text=_("Whose free money it is: payment:<id>")
    )
    kind = models.CharField(_("kind"), max_length=8, choices=DepositKind.choices)
    amount = AmountField(verbose_name=_("amount"))
    currency = CurrencyField(verbose_name=_("currency"))
    moved_on = models.DateField(_("moved on"))
    reason = models.CharField(_("reason"), max_length=300)
    moved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("moved by")
    )
    moved_at = models.DateTimeField(_("moved at"))

    class Meta:
        verbose_name = _("deposit")
        verbose_name_plural = _("deposits")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="deposit_positive")]
        permissions = [("move_deposit", "Can take and return deposits")]

    def __str__(self) -> str:
        return f"{self.contract} {self.amount} {self.currency}"
