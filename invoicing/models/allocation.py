"""Allocations: which money settles which document."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.fields import AmountField, CurrencyField
from evbilling.shell.formats import format_money
from invoicing.models.invoice import Invoice


class Allocation(models.Model):
    """Part of a payment (or of a credit note) that settles part of a document. Undone by a reversing row (I12).

    `source` names the money: payment:<public id> or credit:<credit note id>. Amounts are positive, a reversal negative.
    """

    invoice = models.ForeignKey(
        Invoice, on_delete=models.PROTECT, related_name="allocations", verbose_name=_("invoice")
    )
    source = models.CharField(_("source"), max_length=80, db_index=True)
    amount = AmountField(verbose_name=_("amount"))
    currency = CurrencyField()
    allocated_on = models.DateField(_("allocated on"))
    allocated_at = models.DateTimeField(_("allocated at"))
    allocated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("allocated by")
    )
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversal", verbose_name=_("reverses")
    )

    class Meta:
        verbose_name = _("allocation")
        verbose_name_plural = _("allocations")
        ordering = ["-id"]
        permissions = [("undo_allocation", "Can undo what settled a document")]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0, reverses__isnull=True) | Q(amount__lt=0, reverses__isnull=False),
                name="allocation_sign",
            )
        ]

    def __str__(self) -> str:
        return f"{self.invoice}, {format_money(self.amount, self.currency)}"
