"""The operator: the company that runs the chargers and issues the documents."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.fields import AmountField, CurrencyField


class TaxWord(models.TextChoices):
    """What the tax is called on documents."""

    VAT = "vat", _("VAT")
    SALES_TAX = "sales_tax", _("Sales tax")


class Chart(models.TextChoices):
    """The chart of accounts that an operator's ledger begins with."""

    PLAIN = "plain", _("plain")
    SKR03 = "skr03", "SKR03"
    SKR04 = "skr04", "SKR04"


class Operator(models.Model):
    """The issuer of documents. Its details are copied onto each document when it is issued, so they may change here."""

    legal_name = models.CharField(_("legal name"), max_length=200)
    street = models.CharField(_("street"), max_length=200)
    postal_code = models.CharField(_("postal code"), max_length=20)
    city = models.CharField(_("city"), max_length=100)
    region = models.CharField(_("region"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166 code, such as DE"))
    vat_id = models.CharField(_("VAT id"), max_length=20, blank=True)
    tax_number = models.CharField(_("tax number"), max_length=40, blank=True)
    register_entry = models.CharField(_("commercial register"), max_length=200, blank=True)
    tax_word = models.CharField(_("tax is called"), max_length=12, choices=TaxWord.choices, default=TaxWord.VAT)
    currency = CurrencyField(verbose_name=_("currency"))
    zone = models.CharField(_("time zone"), max_length=64, help_text=_("IANA zone, such as Europe/Berlin"))
    language = models.CharField(_("language"), max_length=5, default="en")
    billing_email = models.EmailField(_("billing address"), help_text=_("Replies of accountants go here"))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    website = models.CharField(_("website"), max_length=100, blank=True)
    bank_name = models.CharField(_("bank"), max_length=100, blank=True)
    iban = models.CharField(_("IBAN or account number"), max_length=40, blank=True)
    bic = models.CharField(_("BIC or routing number"), max_length=20, blank=True)
    accent_colour = models.CharField(_("accent colour"), max_length=7, default="#0b7a53")
    logo_svg = models.TextField(_("logo (SVG)"), blank=True)
    contact_person = models.CharField(
        _("contact person"), max_length=120, blank=True, help_text=_("Named on documents and e-invoices (BT-41)")
    )
    endpoint_scheme = models.CharField(
        _("electronic address scheme"), max_length=4, blank=True, help_text=_("EAS code, such as 0204, 9930 or EM")
    )
    endpoint_id = models.CharField(_("electronic address"), max_length=100, blank=True)
    chart = models.CharField(_("chart of accounts"), max_length=5, choices=Chart.choices, default=Chart.PLAIN)
    run_limit_amount = AmountField(
        verbose_name=_("second person for a month close from"),
        null=True,
        blank=True,
        help_text=_("Net of the dry run, in the operator's currency; empty: no second person is needed"),
    )
    credit_limit_amount = AmountField(
        verbose_name=_("second person for a credit from"),
        null=True,
        blank=True,
        help_text=_("Gross of the credit note; empty: no second person is needed"),
    )
    refund_limit_amount = AmountField(
        verbose_name=_("second person for a refund from"),
        null=True,
        blank=True,
        default=0,
        help_text=_("0: for every refund; empty: no second person is needed"),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")
        ordering = ["legal_name"]

    def __str__(self) -> str:
        return self.legal_name


class TextPlace(models.TextChoices):
    """Where a text of the operator stands on documents."""

    INTRODUCTION = "introduction", _("introduction of invoices")
    CLOSING = "closing", _("closing of invoices")
    FOOTER = "footer", _("footer of all documents")
    MAIL = "mail", _("mail with a document")


class OperatorText(models.Model):
    """A sentence of the operator's own on his documents, per language; empty ones are left out."""

    operator = models.ForeignKey(Operator, on_delete=models.CASCADE, related_name="texts", verbose_name=_("operator"))
    place = models.CharField(_("place"), max_length=12, choices=TextPlace.choices)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES)
    text = models.CharField(_("text"), max_length=500)

    class Meta:
        verbose_name = _("document text")
        verbose_name_plural = _("document texts")
        ordering = ["operator", "place", "language"]
        constraints = [
            models.UniqueConstraint(fields=["operator", "place", "language"], name="operator_text_once"),
        ]

    def __str__(self) -> str:
        return f"{self.get_place_display()} ({self.language})"
