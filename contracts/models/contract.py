"""Contracts and their effective-dated versions."""

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models.dunning import DunningPlan
from contracts.models.operator import Operator
from contracts.models.party import Party
from contracts.models.site import Site
from evbilling.kernel.fields import AmountField, CurrencyField


class ContractKind(models.TextChoices):
    CHARGING = "charging", _("charging")
    SPONSORSHIP = "sponsorship", _("sponsorship")
    HOSTING = "hosting", _("hosting")
    ROAMING = "roaming", _("roaming")


class ContractState(models.TextChoices):
    DRAFT = "draft", _("draft")
    OFFERED = "offered", _("offered")
    ACTIVE = "active", _("active")
    SUSPENDED = "suspended", _("suspended")
    ENDED = "ended", _("ended")


class BillingCycle(models.TextChoices):
    MONTHLY = "monthly", _("monthly")


class BillingGroup(models.Model):
    """Contracts of one party that are billed on one document a month (I10). All bill in its currency and zone."""

    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="billing_groups", verbose_name=_("operator")
    )
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="billing_groups", verbose_name=_("party"))
    name = models.CharField(_("name"), max_length=80)
    currency = CurrencyField(verbose_name=_("currency"))
    zone = models.CharField(_("time zone"), max_length=64)

    class Meta:
        verbose_name = _("billing group")
        verbose_name_plural = _("billing groups")
        ordering = ["party", "name"]
        constraints = [models.UniqueConstraint(fields=["party", "name"], name="billing_group_once")]

    def __str__(self) -> str:
        return self.name


class Contract(models.Model):
    """An agreement with one party. Its terms live in versions; this row carries identity and lifecycle.

    `zone` decides to which month a session belongs; one contract bills in one currency.
    """

    number = models.CharField(_("contract number"), max_length=30, unique=True)
    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="contracts", verbose_name=_("operator")
    )
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="contracts", verbose_name=_("party"))
    kind = models.CharField(_("kind"), max_length=12, choices=ContractKind.choices)
    state = models.CharField(
        _("state"), max_length=10, choices=ContractState.choices, default=ContractState.DRAFT, editable=False
    )
    currency = CurrencyField(verbose_name=_("currency"))
    zone = models.CharField(_("time zone"), max_length=64)
    billing_cycle = models.CharField(
        _("billing cycle"), max_length=8, choices=BillingCycle.choices, default=BillingCycle.MONTHLY
    )
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(
        _("ends on"), null=True, blank=True, editable=False, help_text=_("First day on which it no longer holds")
    )
    notice_given_on = models.DateField(_("notice given on"), null=True, blank=True, editable=False)
    regular_end_on = models.DateField(
        _("could end on"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("First day on which notice period and minimum term let it end"),
    )
    ended_early = models.BooleanField(_("ended early"), default=False, editable=False)
    billing_group = models.ForeignKey(
        BillingGroup,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="contracts",
        verbose_name=_("billing group"),
        help_text=_("Contracts of a group share one invoice a month"),
    )
    sites = models.ManyToManyField(
        Site, blank=True, related_name="contracts", verbose_name=_("sites"), help_text=_("None means all sites")
    )
    purchase_order = models.CharField(_("purchase order"), max_length=50, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False, verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created at"), editable=False)
    activated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        null=True,
        blank=True,
        verbose_name=_("activated by"),
    )
    activated_at = models.DateTimeField(_("activated at"), editable=False, null=True, blank=True)

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = ["number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="contract_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(activated_by__isnull=True) | ~Q(activated_by=F("created_by")),
                name="contract_activated_by_second_person",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "offered"]) | Q(activated_by__isnull=False),
                name="contract_in_force_was_activated",
            ),
            models.CheckConstraint(
                condition=Q(ended_early=False) | Q(regular_end_on__gt=F("ends_on")),
                name="contract_early_is_before_regular",
            ),
        ]
        permissions = [
            ("offer_contract", "Can offer a contract"),
            ("activate_contract", "Can activate a contract made by another person"),
            ("suspend_contract", "Can suspend and resume a contract"),
            ("end_contract", "Can end a contract"),
        ]

    def __str__(self) -> str:
        return self.number


class VersionState(models.TextChoices):
    DRAFT = "draft", _("draft")
    APPROVED = "approved", _("approved")


class PriceBasis(models.TextChoices):
    NET = "net", _("prices without tax")
    GROSS = "gross", _("prices include tax")


class TaxTreatment(models.TextChoices):
    STANDARD = "standard", _("taxed")
    REVERSE_CHARGE = "reverse_charge", _("reverse charge")
    EXEMPT = "exempt", _("exempt")


class LineGrouping(models.TextChoices):
    COST_CENTRE = "cost_centre", _("cost centre")
    VEHICLE = "vehicle", _("vehicle")
    SITE = "site", _("site")


class DocumentSplit(models.TextChoices):
    """Whether a contract's month is one document or several."""

    NONE = "none", _("one document")
    COST_CENTRE = "cost_centre", _("one per cost centre")
    PURCHASE_ORDER = "purchase_order", _("one per purchase order")


class SuspensionRule(models.TextChoices):
    """What happens to sessions that start while the contract is suspended."""

    BILL = "bill", _("owed as usual")
    HOLD = "hold", _("held until a person decides")


class ContractVersion(models.Model):
    """The terms from a day on, until the next approved version begins: so versions tile without gap or overlap (I6).

    Once approved by a second person it is frozen, and the database refuses any change.
    """

    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="versions", verbose_name=_("contract")
    )
    number = models.PositiveIntegerField(_("version"), editable=False)
    valid_from = models.DateField(_("valid from"), help_text=_("First local day in the contract's time zone"))
    state = models.CharField(
        _("state"), max_length=8, choices=VersionState.choices, default=VersionState.DRAFT, editable=False
    )
    payment_terms_days = models.PositiveSmallIntegerField(
        _("payment terms (days)"), default=14, validators=[MaxValueValidator(365)]
    )
    price_basis = models.CharField(_("price basis"), max_length=5, choices=PriceBasis.choices, default=PriceBasis.NET)
    tax_treatment = models.CharField(
        _("tax treatment"), max_length=15, choices=TaxTreatment.choices, default=TaxTreatment.STANDARD
    )
    group_lines_by = models.CharField(
        _("group lines by"), max_length=12, choices=LineGrouping.choices, default=LineGrouping.COST_CENTRE
    )
    split_documents_by = models.CharField(
        _("documents a month"), max_length=14, choices=DocumentSplit.choices, default=DocumentSplit.NONE
    )
    minimum_invoice_amount = AmountField(
        verbose_name=_("smallest invoice"),
        null=True,
        blank=True,
        help_text=_("Gross; a smaller month is carried over to the next document, at most twice"),
    )
    dunning_plan = models.ForeignKey(
        DunningPlan,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="versions",
        verbose_name=_("dunning plan"),
        help_text=_("Empty: the operator's default"),
    )
    notice_days = models.PositiveSmallIntegerField(
        _("notice period (days)"), default=30, validators=[MaxValueValidator(1095)]
    )
    minimum_term_until = models.DateField(
        _("minimum term until"), null=True, blank=True, help_text=_("First day on which the contract may end")
    )
    suspension_rule = models.CharField(
        _("sessions while suspended"), max_length=4, choices=SuspensionRule.choices, default=SuspensionRule.BILL
    )
    terms_text = models.TextField(_("rights and responsibilities"), blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False, verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created at"), editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
        null=True,
        blank=True,
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved at"), editable=False, null=True, blank=True)

    class Meta:
        verbose_name = _("contract version")
        verbose_name_plural = _("contract versions")
        ordering = ["contract", "number"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["contract", "valid_from"], condition=Q(state="approved"), name="version_day_once"
            ),
            models.CheckConstraint(
                condition=Q(state="draft") | (Q(approved_by__isnull=False) & ~Q(approved_by=F("created_by"))),
                name="version_approved_by_second_person",
            ),
        ]
        permissions = [("approve_contractversion", "Can approve terms made by another person")]

    def __str__(self) -> str:
        return f"{self.contract.number} v{self.number}"


class ContractSuspension(models.Model):
    """A time during which a contract was suspended; open while it still is. Sessions started in it follow `rule`."""

    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="suspensions", verbose_name=_("contract")
    )
    started_at = models.DateTimeField(_("suspended at"))
    ended_at = models.DateTimeField(_("resumed at"), null=True, blank=True)
    rule = models.CharField(_("sessions meanwhile"), max_length=4, choices=SuspensionRule.choices)
    reason = models.CharField(_("reason"), max_length=300)

    class Meta:
        verbose_name = _("suspension")
        verbose_name_plural = _("suspensions")
        ordering = ["contract", "started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract"], condition=Q(ended_at__isnull=True), name="suspension_open_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")),
                name="suspension_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.started_at:%Y-%m-%d}"
