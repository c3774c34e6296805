"""What a session costs, and who pays which part of it."""

from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models import Contract, ContractVersion, TariffVersion
from evbilling.kernel.fields import AmountField, CurrencyField, RateField
from evbilling.kernel.strict_json import ExactEncoder
from sessions.models.session import ChargingSession


class SessionPrice(models.Model):
    """The frozen result of rating one completed session: its lines, each with a because, and its rounded net.

    `parts` holds the net rounded once per VAT rate that the tariff states: [{"vat_rate": "19" or null, "net": "4.20"}]
    (null: the tariff states none, the tax table decides on the document). Where the contract's prices include tax, each
    part has its rounded "gross" too, which leads: the net is gross / (1 + rate). Rating again under the same engine and
    tariff version gives the same cents (I4); `check_books` does so.
    """

    session = models.OneToOneField(ChargingSession, on_delete=models.PROTECT, related_name="price")
    contract_version = models.ForeignKey(ContractVersion, on_delete=models.PROTECT, related_name="+")
    tariff_version = models.ForeignKey(TariffVersion, on_delete=models.PROTECT, related_name="prices")
    engine_version = models.CharField(max_length=20)
    rounding_rule = models.CharField(max_length=30)
    currency = CurrencyField()
    net_amount = AmountField(verbose_name=_("net price"))
    gross_amount = AmountField(
        verbose_name=_("gross price"),
        null=True,
        help_text=_("Of prices that include tax; there it leads, the net follows"),
    )
    parts = models.JSONField(encoder=ExactEncoder)
    lines = models.JSONField(encoder=ExactEncoder)
    rated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("session price")
        verbose_name_plural = _("session prices")
        constraints = [models.CheckConstraint(condition=Q(net_amount__gte=0), name="price_not_negative")]

    def __str__(self) -> str:
        return f"{self.session} {self.amount} {self.currency}"

    @property
    def amount(self) -> Decimal:
        """What the session costs in its contract's price basis: with tax where prices include it, else without."""
        return self.net_amount if self.gross_amount is None else self.gross_amount

    @property
    def includes_tax(self) -> bool:
        """Whether the price is with tax."""
        return self.gross_amount is not None


class ChargeRole(models.TextChoices):
    CUSTOMER = "customer", _("customer")
    SPONSOR = "sponsor", _("sponsor")


class SessionCharge(models.Model):
    """One payer's part of a session's price at one VAT rate, split at month close, in the minor unit.

    The parts of all payers add up to the price (I1): by their gross where the price includes tax, whose net is
    gross / (1 + rate), rounded for each charge. A sponsor's names the terms that it was split under and, where
    those limit the kWh of a vehicle and month, the energy of the session that they covered. Made when a document is
    drafted, removed with the draft, frozen by the database once the document is issued.
    """

    price = models.ForeignKey(SessionPrice, on_delete=models.PROTECT, related_name="charges")
    session = models.ForeignKey(ChargingSession, on_delete=models.PROTECT, related_name="charges")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="charges")
    role = models.CharField(max_length=8, choices=ChargeRole.choices)
    vat_rate = RateField(null=True, blank=True, help_text=_("As the tariff states it; empty: from the tax table"))
    currency = CurrencyField()
    net_amount = AmountField(verbose_name=_("net amount"))
    gross_amount = AmountField(
        verbose_name=_("gross amount"),
        null=True,
        help_text=_("Of prices that include tax; there it leads, the net follows"),
    )
    sponsor_version = models.ForeignKey(
        ContractVersion,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The terms under which a sponsor pays it"),
    )
    covered_wh = models.BigIntegerField(
        _("covered energy (Wh)"), null=True, blank=True, help_text=_("What it took of the sponsor's monthly kWh")
    )
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("session charge")
        verbose_name_plural = _("session charges")
        constraints = [
            models.UniqueConstraint(fields=["session", "contract", "vat_rate"], name="charge_once_per_payer_rate"),
            models.UniqueConstraint(
                fields=["session", "contract"], condition=Q(vat_rate__isnull=True), name="charge_once_per_payer"
            ),
            models.CheckConstraint(condition=Q(net_amount__gte=0), name="charge_not_negative"),
        ]
        indexes = [models.Index(fields=["contract", "session"], name="charge_contract_session")]

    def __str__(self) -> str:
        return f"{self.session} {self.amount} {self.currency}"

    @property
    def amount(self) -> Decimal:
        """The part in the basis of the price that was split."""
        return self.net_amount if self.gross_amount is None else self.gross_amount
