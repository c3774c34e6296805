"""Terms under which others earn from sessions or pay for them: revenue shares and sponsorships."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models.contract import Contract, ContractVersion
from contracts.models.fleet import Vehicle, require_days_in_order
from contracts.models.site import Site
from contracts.rules.shares import (
    BudgetSpan,
    Share,
    ShareTerms,
    Sponsor,
    SponsorTerms,
    share_in_short,
    sponsor_in_short,
)
from evbilling.kernel.fields import AmountField, RateField

_PERCENT = [MinValueValidator(0), MaxValueValidator(100)]


class ShareKind(models.TextChoices):
    """How a host's part is reckoned; what each means is said in contracts/rules/shares.py."""

    PERCENT = "percent", _("percent of net revenue")
    PER_KWH = "per_kwh", _("amount per kWh")
    FIXED_RENT = "fixed_rent", _("fixed rent")
    GREATER_OF = "greater_of", _("greater of percent and rent")
    COST = "cost", _("cost reimbursement")


class RevenueShare(models.Model):
    """What a property owner earns at a site, or at each site of the contract (DOMAIN, RevenueShare).

    A share that names the site beats the one for all. Each kind uses its own figures, the others are empty:
    percent of the net session charges, an amount per kWh, a rent a month.
    """

    version = models.ForeignKey(ContractVersion, on_delete=models.CASCADE, related_name="revenue_shares")
    site = models.ForeignKey(
        Site,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("site"),
        help_text=_("Empty: each site of the contract"),
    )
    kind = models.CharField(_("kind"), max_length=10, choices=ShareKind.choices, default=ShareKind.PERCENT)
    percent_of_net = RateField(verbose_name=_("percent of net revenue"), null=True, blank=True, validators=_PERCENT)
    per_kwh_amount = models.DecimalField(
        _("amount per kWh"), max_digits=12, decimal_places=6, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    rent_amount = AmountField(verbose_name=_("rent a month"), null=True, blank=True, validators=[MinValueValidator(0)])

    class Meta:
        verbose_name = _("revenue share")
        verbose_name_plural = _("revenue shares")
        ordering = ["version", F("site").asc(nulls_first=True)]
        constraints = [
            models.UniqueConstraint(fields=["version", "site"], name="share_once_per_site"),
            models.UniqueConstraint(fields=["version"], condition=Q(site__isnull=True), name="share_once_for_all"),
            models.CheckConstraint(
                condition=Q(percent_of_net__isnull=True) | Q(percent_of_net__gte=0, percent_of_net__lte=100),
                name="share_percent_range",
            ),
            models.CheckConstraint(
                condition=(Q(per_kwh_amount__isnull=True) | Q(per_kwh_amount__gte=0))
                & (Q(rent_amount__isnull=True) | Q(rent_amount__gte=0)),
                name="share_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=(
                    Q(
                        kind="percent",
                        percent_of_net__isnull=False,
                        per_kwh_amount__isnull=True,
                        rent_amount__isnull=True,
                    )
                    | Q(
                        kind__in=["per_kwh", "cost"],
                        percent_of_net__isnull=True,
                        per_kwh_amount__isnull=False,
                        rent_amount__isnull=True,
                    )
                    | Q(
                        kind="fixed_rent",
                        percent_of_net__isnull=True,
                        per_kwh_amount__isnull=True,
                        rent_amount__isnull=False,
                    )
                    | Q(kind="greater_of", percent_of_net__isnull=False, rent_amount__isnull=False)
                ),
                name="share_kind_has_figures",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {share_in_short(self.terms, self.version.contract.currency)}"

    @property
    def terms(self) -> ShareTerms:
        """The figures as the rules read them."""
        return ShareTerms(Share(self.kind), self.percent_of_net, self.per_kwh_amount, self.rent_amount)


class SponsorKind(models.TextChoices):
    """What a sponsor's percentage is of; what each means is said in contracts/rules/shares.py."""

    PERCENT = "percent", _("every session")
    FIRST_KWH = "first_kwh", _("first kWh of each vehicle in a month")
    BUDGET = "budget", _("until a budget is used")


class BudgetPeriod(models.TextChoices):
    MONTH = "month", _("each month")
    CONTRACT = "contract", _("the whole contract")


class Sponsorship(models.Model):
    """The part of the sessions of sponsored vehicles that the sponsor pays: `percent` of their net price, of every
    session, of the first kWh of each vehicle in a month, or until a budget is used (DOMAIN, Sponsorship).

    Months are calendar months of the contract's zone; a session belongs to that of its end.
    """

    version = models.OneToOneField(ContractVersion, on_delete=models.CASCADE, related_name="sponsorship")
    kind = models.CharField(_("covers"), max_length=10, choices=SponsorKind.choices, default=SponsorKind.PERCENT)
    percent = RateField(verbose_name=_("percent paid by the sponsor"), default=100, validators=_PERCENT)
    kwh_per_month = models.DecimalField(
        _("kWh per vehicle and month"), max_digits=12, decimal_places=3, null=True, blank=True
    )
    budget_amount = AmountField(verbose_name=_("budget"), null=True, blank=True)
    budget_period = models.CharField(_("budget for"), max_length=8, choices=BudgetPeriod.choices, blank=True)
    alert_percent = RateField(
        verbose_name=_("alert at percent of the budget"), null=True, blank=True, validators=_PERCENT
    )

    class Meta:
        verbose_name = _("sponsorship")
        verbose_name_plural = _("sponsorships")
        constraints = [
            models.CheckConstraint(condition=Q(percent__gt=0) & Q(percent__lte=100), name="sponsor_percent_range"),
            models.CheckConstraint(
                condition=(
                    Q(kind="percent", kwh_per_month__isnull=True, budget_amount__isnull=True, budget_period="")
                    | Q(kind="first_kwh", kwh_per_month__gt=0, budget_amount__isnull=True, budget_period="")
                    | Q(
                        kind="budget",
                        kwh_per_month__isnull=True,
                        budget_amount__gt=0,
                        budget_period__in=["month", "contract"],
                    )
                ),
                name="sponsor_kind_has_figures",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {sponsor_in_short(self.terms, self.version.contract.currency)}"

    @property
    def terms(self) -> SponsorTerms:
        """The figures as the rules read them."""
        return SponsorTerms(
            kind=Sponsor(self.kind),
            percent=self.percent,
            limit_wh=None if self.kwh_per_month is None else int(self.kwh_per_month * 1000),
            budget=self.budget_amount,
            span=BudgetSpan(self.budget_period) if self.budget_period else None,
            alert_percent=self.alert_percent,
        )


class SponsoredVehicle(models.Model):
    """A vehicle under a sponsorship contract, from day to day (local dates of the contract's zone, half open)."""

    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="sponsored_vehicles", verbose_name=_("contract")
    )
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="sponsored", verbose_name=_("vehicle"))
    valid_from = models.DateField(_("valid from"))
    valid_to = models.DateField(_("valid to"), null=True, blank=True)

    class Meta:
        verbose_name = _("sponsored vehicle")
        verbose_name_plural = _("sponsored vehicles")
        constraints = [
            models.UniqueConstraint(fields=["contract", "vehicle", "valid_from"], name="sponsored_vehicle_once"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="sponsored_vehicle_days"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.vehicle} @ {self.contract}"

    def clean(self) -> None:
        """The last day comes after the first."""
        require_days_in_order(self.valid_from, self.valid_to)
