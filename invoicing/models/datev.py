"""What a DATEV file needs to know of an operator: numbers of the tax adviser, and a personal account per party."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator, Party


class DatevSettings(models.Model):
    """The tax adviser's numbers for an operator, and how its accounts are numbered (DATEV format, header fields)."""

    operator = models.OneToOneField(
        Operator, on_delete=models.PROTECT, related_name="datev", verbose_name=_("operator")
    )
    consultant_number = models.PositiveIntegerField(
        _("consultant number"), validators=[MinValueValidator(1001), MaxValueValidator(9999999)]
    )
    client_number = models.PositiveIntegerField(
        _("client number"), validators=[MinValueValidator(1), MaxValueValidator(99999)]
    )
    fiscal_year_month = models.PositiveSmallIntegerField(
        _("fiscal year begins in month"), default=1, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    account_length = models.PositiveSmallIntegerField(
        _("length of account numbers"),
        default=4,
        validators=[MinValueValidator(4), MaxValueValidator(8)],
        help_text=_("Numbers of personal accounts are one digit longer"),
    )
    debtors_from = models.PositiveIntegerField(_("customers from"), default=10000)
    creditors_from = models.PositiveIntegerField(_("hosts from"), default=70000)
    is_final = models.BooleanField(
        _("final"), default=False, help_text=_("The bookings cannot be changed after the import (Festschreibung)")
    )

    class Meta:
        verbose_name = _("DATEV settings")
        verbose_name_plural = _("DATEV settings")
        constraints = [
            models.CheckConstraint(
                condition=Q(account_length__gte=4, account_length__lte=8), name="datev_account_length"
            ),
            models.CheckConstraint(
                condition=Q(fiscal_year_month__gte=1, fiscal_year_month__lte=12), name="datev_fiscal_month"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consultant_number}/{self.client_number}"


class PersonalKind(models.TextChoices):
    DEBTOR = "debtor", _("customer")
    CREDITOR = "creditor", _("host")


class PersonalAccount(models.Model):
    """The number under which a party is kept in DATEV: once given it stays, whatever is exported later."""

    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="personal_accounts", verbose_name=_("operator")
    )
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+", verbose_name=_("party"))
    kind = models.CharField(_("kind"), max_length=8, choices=PersonalKind.choices)
    number = models.PositiveIntegerField(_("number"))

    class Meta:
        verbose_name = _("personal account")
        verbose_name_plural = _("personal accounts")
        ordering = ["operator", "number"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "number"], name="personal_number_once"),
            models.UniqueConstraint(fields=["operator", "party", "kind"], name="personal_account_once"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.party}"
