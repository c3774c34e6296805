"""Terms of a contract beyond what an OCPI tariff can say, and its penalties."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from contracts.models.contract import ContractVersion
from contracts.rules.terms import describe, parse
from evbilling.kernel.strict_json import ExactEncoder


class TermKind(models.TextChoices):
    """Session terms, monthly terms, then penalties; what each says is in contracts/rules/terms.py."""

    WINDOW_CAP = "window_cap", _("cap in a time window")
    BASE_FEE = "base_fee", _("monthly base fee")
    INCLUDED_ENERGY = "included_energy", _("included energy")
    GRADUATED_DISCOUNT = "graduated_discount", _("graduated discount")
    VOLUME_DISCOUNT = "volume_discount", _("volume discount")
    MINIMUM_COMMITMENT = "minimum_commitment", _("minimum commitment")
    OVERSTAY = "overstay", _("overstay fee")
    NO_SHOW = "no_show", _("no-show fee")
    LATE_PAYMENT = "late_payment", _("late payment")
    FAILED_PAYMENT = "failed_payment", _("failed payment fee")
    EARLY_TERMINATION = "early_termination", _("early termination fee")
    UPTIME_PROMISE = "uptime_promise", _("uptime promise")


class ContractTerm(models.Model):
    """One term of a contract version. `figures` is a JSON object whose keys its kind decides; amounts are decimal
    strings in the contract's currency. Frozen with its version.
    """

    version = models.ForeignKey(
        ContractVersion, on_delete=models.CASCADE, related_name="terms", verbose_name=_("contract version")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=TermKind.choices)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    figures = models.JSONField(_("figures"), encoder=ExactEncoder)

    class Meta:
        verbose_name = _("contract term")
        verbose_name_plural = _("contract terms")
        ordering = ["version", "kind", "position"]
        constraints = [
            models.UniqueConstraint(fields=["version", "kind", "position"], name="term_position_once"),
            models.CheckConstraint(condition=models.Q(kind__in=TermKind.values), name="term_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_kind_display()}"

    @property
    def sentence(self) -> str:
        """The term in plain words, in the active language."""
        return describe(parse(self.kind, self.figures), self.version.contract.currency)
