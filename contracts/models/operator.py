"""The operator: the company that runs the chargers and issues the documents."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.fields import CurrencyField


class TaxWord(models.TextChoices):
    """What the tax is called on documents."""

    VAT = "vat", _("VAT")
    SALES_TAX = "sales_tax", _("Sales tax")


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
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("operator")
        verbose_name_plural = _("operators")
        ordering = ["legal_name"]

    def __str__(self) -> str:
        return self.legal_name
