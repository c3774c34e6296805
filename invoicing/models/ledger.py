"""The ledger: append-only double entry."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator, Party
from evbilling.kernel.fields import AmountField, CurrencyField, RateField
from invoicing.models.invoice import TaxCategory


class AccountRole(models.TextChoices):
    """What an account is for; operations post to roles, the chart says which account that is."""

    RECEIVABLE = "receivable", _("receivables from customers")
    SPONSOR_RECEIVABLE = "sponsor_receivable", _("receivables from sponsors")
    REVENUE = "revenue", _("charging revenue")
    SPONSOR_REVENUE = "sponsor_revenue", _("sponsored charging revenue")
    FEE_REVENUE = "fee_revenue", _("fees and penalties")
    INTEREST_INCOME = "interest_income", _("interest on late payment")
    OUTPUT_TAX = "output_tax", _("tax owed")
    INPUT_TAX = "input_tax", _("tax to reclaim")
    HOST_COST = "host_cost", _("revenue shares of hosts")
    HOST_PAYABLE = "host_payable", _("payable to hosts")
    CASH = "cash", _("bank")
    PROCESSOR_CLEARING = "processor_clearing", _("payment processor clearing")
    CUSTOMER_CREDIT = "customer_credit", _("unallocated customer money")
    PROCESSOR_FEES = "processor_fees", _("processor fees")
    ADVANCE_RECEIVED = "advance_received", _("advance payments received")
    DEPOSIT_HELD = "deposit_held", _("deposits held")
    WRITE_OFF = "write_off", _("claims written off")


class Account(models.Model):
    """One account of an operator's chart."""

    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="accounts", verbose_name=_("operator")
    )
    role = models.CharField(_("role"), max_length=20, choices=AccountRole.choices)
    code = models.CharField(_("code"), max_length=12)
    name = models.CharField(_("name"), max_length=80)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["operator", "code"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "role"], name="account_role_once"),
            models.UniqueConstraint(fields=["operator", "code"], name="account_code_once"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class AccountRule(models.Model):
    """The account that a DATEV file uses in place of a role's own at one tax category (and rate; none: any).

    An automatic account reckons the tax itself from the gross amount, so that the file books gross on it. Our own
    journal stays on the role's account.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="rules", verbose_name=_("account"))
    tax_category = models.CharField(_("tax category"), max_length=2, choices=TaxCategory.choices)
    tax_rate = RateField(verbose_name=_("tax rate"), null=True, blank=True, help_text=_("Empty: every rate"))
    code = models.CharField(_("code"), max_length=12)
    name = models.CharField(_("name"), max_length=80, blank=True)
    automatic = models.BooleanField(
        _("automatic"), default=False, help_text=_("Reckons the tax itself from the gross amount")
    )

    class Meta:
        verbose_name = _("account by tax rate")
        verbose_name_plural = _("accounts by tax rate")
        ordering = ["account", "tax_category", "tax_rate"]
        constraints = [
            models.UniqueConstraint(fields=["account", "tax_category", "tax_rate"], name="account_rule_once"),
            models.UniqueConstraint(
                fields=["account", "tax_category"],
                condition=Q(tax_rate__isnull=True),
                name="account_rule_any_rate_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class AccountingPeriod(models.Model):
    """A closed calendar month: nothing is posted into it (I15). An open month has no row that holds.

    A second person opens it again with a reason (I18); closing it once more makes a new row.
    """

    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="closed_periods", verbose_name=_("operator")
    )
    month = models.DateField(_("month"), help_text=_("Its first day"))
    closed_at = models.DateTimeField(_("closed"))
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("closed by")
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("reopening asked at"), null=True, blank=True)
    reason = models.CharField(_("reason of the reopening"), max_length=300, blank=True)
    reopened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("reopened by")
    )
    reopened_at = models.DateTimeField(_("reopened at"), null=True, blank=True)

    class Meta:
        verbose_name = _("closed accounting period")
        verbose_name_plural = _("closed accounting periods")
        ordering = ["-month"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "month"], condition=Q(reopened_at__isnull=True), name="period_closed_once"
            ),
            models.CheckConstraint(
                condition=Q(reopened_at__isnull=True)
                | Q(reopened_by__isnull=False, asked_by__isnull=False) & ~Q(reopened_by=F("asked_by")),
                name="period_reopened_by_second_person",
            ),
        ]
        permissions = [
            ("close_period", "Can close a month of the ledger"),
            ("ask_reopening", "Can ask that a closed month is opened again"),
            ("reopen_period", "Can open a closed month again for which another person asked"),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class JournalEntry(models.Model):
    """One booking. `source` names what caused it (invoice:12, payment:abc:captured); each source books once."""

    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="journal_entries", verbose_name=_("operator")
    )
    booked_on = models.DateField(_("booked on"))
    source = models.CharField(_("source"), max_length=80, unique=True)
    text = models.CharField(_("text"), max_length=200)
    currency = CurrencyField(verbose_name=_("currency"))
    posted_at = models.DateTimeField(_("posted at"))

    class Meta:
        verbose_name = _("journal entry")
        verbose_name_plural = _("journal entries")
        ordering = ["-booked_on", "-id"]
        indexes = [models.Index(fields=["operator", "booked_on"], name="entry_day")]
        permissions = [("export_books", "Can export the books and the documents of a month")]

    def __str__(self) -> str:
        return f"{self.booked_on} {self.text}"


class JournalLine(models.Model):
    """One side of a booking: debit positive, credit negative; an entry's lines add up to zero (I15)."""

    entry = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="lines")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="lines", verbose_name=_("account"))
    party = models.ForeignKey(
        Party, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("party")
    )
    amount = AmountField(help_text=_("Debit positive, credit negative"))

    class Meta:
        verbose_name = _("journal line")
        verbose_name_plural = _("journal lines")
        constraints = [models.CheckConstraint(condition=~Q(amount=0), name="journal_line_not_zero")]
        indexes = [models.Index(fields=["account", "party"], name="journal_account_party")]

    def __str__(self) -> str:
        return f"{self.account} {self.amount}"
