"""Invoices, credit notes and settlements: what is owed, frozen when issued."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Round
from django.utils.translation import gettext_lazy as _

from contracts.models import BillingGroup, Contract, ContractVersion, Operator, Party, PriceBasis
from evbilling.kernel.fields import AmountField, CurrencyField, RateField
from evbilling.kernel.strict_json import ExactEncoder
from invoicing.models.numbers import NumberSeries
from sessions.models import SessionCharge


class InvoiceKind(models.TextChoices):
    INVOICE = "invoice", _("invoice")
    CREDIT_NOTE = "credit_note", _("credit note")
    SETTLEMENT = "settlement", _("settlement")
    FEE_NOTE = "fee_note", _("fee note")
    ADVANCE = "advance", _("advance invoice")


CLAIMS = (InvoiceKind.INVOICE, InvoiceKind.FEE_NOTE, InvoiceKind.ADVANCE)
"""Kinds that a customer owes: they fall due, age, take money and can be paid."""


class InvoiceState(models.TextChoices):
    DRAFT = "draft", _("draft")
    ISSUED = "issued", _("issued")


class TaxCategory(models.TextChoices):
    """EN 16931 VAT category codes (BT-118), the ones in use."""

    STANDARD = "S", _("standard rate")
    ZERO = "Z", _("zero rate")
    REVERSE_CHARGE = "AE", _("reverse charge")
    EXEMPT = "E", _("exempt")
    OUTSIDE = "O", _("not subject to tax")


class Invoice(models.Model):
    """A document about money: an invoice, a credit note or a self-billed settlement.

    It copies both parties' names, addresses and tax ids when it is issued: the document must show for ever what was
    true on its day. A draft has no number. Whether it is paid, overdue or credited is computed from allocations and
    linked documents, never written here: once issued the database refuses every change (I8).

    `slot` is what exists at most once live (I10): contract, period, kind, split key and, after a cancellation, the
    generation. Settlements are what we owe; their amounts are positive too.
    """

    kind = models.CharField(_("kind"), max_length=12, choices=InvoiceKind.choices)
    state = models.CharField(_("state"), max_length=6, choices=InvoiceState.choices, default=InvoiceState.DRAFT)
    operator = models.ForeignKey(
        Operator, on_delete=models.PROTECT, related_name="invoices", verbose_name=_("operator")
    )
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="invoices", verbose_name=_("party"))
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="invoices", verbose_name=_("contract")
    )
    contract_version = models.ForeignKey(ContractVersion, on_delete=models.PROTECT, related_name="+")
    billing_group = models.ForeignKey(
        BillingGroup,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="invoices",
        verbose_name=_("billing group"),
    )
    split_key = models.CharField(_("part"), max_length=80, blank=True)
    purchase_order = models.CharField(_("purchase order"), max_length=50, blank=True)
    slot = models.CharField(max_length=160, unique=True)
    period_from = models.DateField(_("period from"))
    period_to = models.DateField(_("period to"), help_text=_("First day after the period"))
    series = models.ForeignKey(NumberSeries, on_delete=models.PROTECT, null=True, related_name="invoices")
    sequence = models.PositiveIntegerField(null=True)
    number = models.CharField(_("number"), max_length=30, unique=True, null=True, default=None)
    issued_on = models.DateField(_("issued on"), null=True)
    issued_at = models.DateTimeField(_("issued at"), null=True)
    issued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("issued by")
    )
    due_on = models.DateField(_("due on"), null=True)
    corrects = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrections", verbose_name=_("corrects")
    )
    replaces = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="replacements",
        verbose_name=_("replaces"),
        help_text=_("The cancelled document in whose place this one was issued"),
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    price_basis = models.CharField(_("price basis"), max_length=5, choices=PriceBasis.choices, default=PriceBasis.NET)
    currency = CurrencyField(verbose_name=_("currency"))
    net_amount = AmountField(verbose_name=_("net"), default=0)
    tax_amount = AmountField(verbose_name=_("tax"), default=0)
    gross_amount = AmountField(verbose_name=_("total"), default=0)
    reporting_currency = CurrencyField(verbose_name=_("reporting currency"), blank=True)
    reporting_rate = models.DecimalField(
        _("reporting rate"),
        max_digits=16,
        decimal_places=8,
        null=True,
        blank=True,
        help_text=_("Units of the reporting currency for one of the document's"),
    )
    rounding_rule = models.CharField(max_length=30)
    engine_version = models.CharField(max_length=20, blank=True)
    issuer_details = models.JSONField(default=dict, encoder=ExactEncoder)
    recipient_details = models.JSONField(default=dict, encoder=ExactEncoder)
    language = models.CharField(max_length=5, default="en")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        ordering = ["-issued_on", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["series", "sequence"], name="invoice_sequence_once"),
            models.CheckConstraint(
                condition=(
                    Q(
                        state="draft",
                        number__isnull=True,
                        series__isnull=True,
                        sequence__isnull=True,
                        issued_on__isnull=True,
                        issued_at__isnull=True,
                    )
                    | Q(
                        state="issued",
                        number__isnull=False,
                        series__isnull=False,
                        sequence__isnull=False,
                        issued_on__isnull=False,
                        issued_at__isnull=False,
                        due_on__isnull=False,
                    )
                ),
                name="invoice_number_iff_issued",
            ),
            models.CheckConstraint(
                # SQLite adds in binary: 0.1 + 0.2 is not 0.3 there before it is rounded to the column's decimals.
                condition=Q(gross_amount=Round(F("net_amount") + F("tax_amount"), precision=4)),
                name="invoice_total_adds_up",
            ),
            models.CheckConstraint(
                condition=Q(kind="credit_note", corrects__isnull=False) | ~Q(kind="credit_note"),
                name="credit_note_names_original",
            ),
            models.CheckConstraint(condition=Q(period_to__gt=F("period_from")), name="invoice_period_not_empty"),
        ]
        indexes = [
            models.Index(fields=["party", "state", "issued_on"], name="invoice_party"),
            models.Index(fields=["state", "kind", "due_on"], name="invoice_due"),
            models.Index(fields=["period_from", "kind"], name="invoice_period"),
        ]
        permissions = [
            ("issue_invoice", "Can issue documents"),
            ("credit_invoice", "Can credit documents"),
            ("write_off_invoice", "Can ask that a claim is written off"),
            ("approve_correction", "Can approve credits and write-offs that another person asked for"),
            ("run_billing", "Can run the month close"),
        ]

    def __str__(self) -> str:
        return self.number or _("Draft %(id)s") % {"id": self.pk}


class LineKind(models.TextChoices):
    CHARGING = "charging", _("charging")
    SPONSORED = "sponsored", _("sponsored charging")
    REVENUE_SHARE = "revenue_share", _("revenue share")
    RENT = "rent", _("rent")
    COST = "cost", _("cost reimbursement")
    BASE_FEE = "base_fee", _("base fee")
    ALLOWANCE = "allowance", _("allowance")
    SHORTFALL = "shortfall", _("shortfall of the commitment")
    PENALTY = "penalty", _("penalty")
    UPTIME_CREDIT = "uptime_credit", _("credit for missed uptime")
    CREDIT = "credit", _("credit")
    ADVANCE = "advance", _("advance payment")
    ADVANCE_USED = "advance_used", _("advance payment set off")


class InvoiceLine(models.Model):
    """One line at one tax rate, 1 x its net amount: a group of sessions (by cost centre, vehicle or site), or what the
    contract's terms add or take; an allowance is negative, and `because` keeps what it was reckoned from.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+", verbose_name=_("contract"))
    corrects = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="corrections",
        help_text=_("On a credit note: the line that it takes back, whole or in part"),
    )
    advance = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="uses",
        help_text=_("Of an advance payment set off: the line of the advance invoice that it uses"),
    )
    position = models.PositiveIntegerField(_("position"))
    kind = models.CharField(max_length=16, choices=LineKind.choices)
    group_label = models.CharField(_("group"), max_length=160, blank=True)
    text = models.CharField(_("text"), max_length=300)
    session_count = models.PositiveIntegerField(_("sessions"), default=0)
    energy_wh = models.BigIntegerField(_("energy (Wh)"), default=0)
    tax_category = models.CharField(max_length=2, choices=TaxCategory.choices)
    tax_rate = RateField()
    net_amount = AmountField(verbose_name=_("net"))
    gross_amount = AmountField(verbose_name=_("gross"), null=True, help_text=_("Of documents whose prices include tax"))
    because = models.JSONField(default=dict, blank=True, encoder=ExactEncoder)

    class Meta:
        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")
        ordering = ["invoice", "position"]
        constraints = [models.UniqueConstraint(fields=["invoice", "position"], name="line_position_once")]

    def __str__(self) -> str:
        return f"{self.invoice} #{self.position}"


class InvoiceTax(models.Model):
    """The document's tax per category and rate, rounded once on the summed net (EN 16931 BG-23, BR-CO-17)."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="taxes")
    tax_category = models.CharField(max_length=2, choices=TaxCategory.choices)
    tax_rate = RateField()
    net_amount = AmountField()
    tax_amount = AmountField()
    ground = models.CharField(_("ground"), max_length=200, blank=True, help_text=_("Why no tax is charged, as printed"))
    ground_code = models.CharField(max_length=30, blank=True, help_text=_("Its VATEX code (EN 16931 BT-121)"))

    class Meta:
        ordering = ["invoice", "-tax_rate"]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "tax_category", "tax_rate"], name="tax_once_per_rate")
        ]

    def __str__(self) -> str:
        return f"{self.invoice} {self.tax_category} {self.tax_rate}"


class ChargeUse(models.TextChoices):
    BILLED = "billed", _("billed to its payer")
    SHARED = "shared", _("shared with the host")
    TAKEN_BACK = "back", _("taken back from the host")
    RELEASED = "freed", _("credited, to be billed again")


class BilledCharge(models.Model):
    """Which line bills a session charge, shares it with a host, or takes a credited one's share back from the host.

    Each of these at most once per charge and generation, by the database (I1). A document that is cancelled to be
    issued again releases its charges: its credit note names them as released, and the next generation bills them.
    """

    line = models.ForeignKey(InvoiceLine, on_delete=models.CASCADE, related_name="billed_charges")
    charge = models.ForeignKey(SessionCharge, on_delete=models.PROTECT, related_name="billed")
    use = models.CharField(_("use"), max_length=6, choices=ChargeUse.choices)
    generation = models.PositiveSmallIntegerField(default=1)
    net_amount = AmountField(
        null=True,
        help_text=_("Of hosts' shares: a credited part of the charge, without its energy; empty: the whole charge"),
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["charge", "use", "generation"], name="charge_used_once")]

    def __str__(self) -> str:
        return f"{self.charge} > {self.line}"


class CreditedCharge(models.Model):
    """What a line of a credit note takes off a session charge: billed less credited is what its payer still owes (I1).

    The charges of a line add up to it. On documents whose prices include tax `gross_amount` leads.
    """

    line = models.ForeignKey(InvoiceLine, on_delete=models.CASCADE, related_name="credited_charges")
    charge = models.ForeignKey(SessionCharge, on_delete=models.PROTECT, related_name="credited")
    net_amount = AmountField(verbose_name=_("net"))
    gross_amount = AmountField(verbose_name=_("gross"), null=True)

    class Meta:
        verbose_name = _("credited charge")
        verbose_name_plural = _("credited charges")
        constraints = [
            models.UniqueConstraint(fields=["line", "charge"], name="charge_credited_once_a_line"),
            models.CheckConstraint(condition=Q(net_amount__gte=0), name="credited_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.charge} < {self.line}"
