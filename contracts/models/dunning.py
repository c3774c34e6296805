"""Dunning plans: when and how a customer is reminded of what is overdue."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models.operator import Operator
from evbilling.kernel.fields import AmountField, CurrencyField


class DunningPlan(models.Model):
    """An operator's levels of reminding in one currency. A contract's terms name one, else the default one holds."""

    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="dunning_plans", verbose_name=_("operator")
    )
    name = models.CharField(_("name"), max_length=80)
    currency = CurrencyField(verbose_name=_("currency"))
    is_default = models.BooleanField(_("default of its currency"), default=False)

    class Meta:
        verbose_name = _("dunning plan")
        verbose_name_plural = _("dunning plans")
        ordering = ["operator", "name"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "name"], name="dunning_plan_name_once"),
            models.UniqueConstraint(
                fields=["operator", "currency"], condition=Q(is_default=True), name="dunning_plan_default_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DunningAction(models.TextChoices):
    """What a level does."""

    REMIND = "remind", _("mail a reminder")
    ESCALATE = "escalate", _("hand over to a person")


class DunningLevel(models.Model):
    """One level: so many days after the due date a notice goes out, with a fee (on the next fee note) or none."""

    plan = models.ForeignKey(DunningPlan, on_delete=models.CASCADE, related_name="levels", verbose_name=_("plan"))
    level = models.PositiveSmallIntegerField(_("level"))
    days_overdue = models.PositiveSmallIntegerField(_("days after the due date"))
    action = models.CharField(_("action"), max_length=8, choices=DunningAction.choices, default=DunningAction.REMIND)
    fee_amount = AmountField(verbose_name=_("fee"), default=0)

    class Meta:
        verbose_name = _("dunning level")
        verbose_name_plural = _("dunning levels")
        ordering = ["plan", "level"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "level"], name="dunning_level_once"),
            models.UniqueConstraint(fields=["plan", "days_overdue"], name="dunning_day_once"),
            models.CheckConstraint(condition=Q(fee_amount__gte=0), name="dunning_fee_not_negative"),
            models.CheckConstraint(condition=Q(level__gte=1), name="dunning_level_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} {self.level}"
