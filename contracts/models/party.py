"""Parties: whom the operator deals with, their contact persons, and which users act for them."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evbilling.kernel.fields import CurrencyField


class PartyKind(models.TextChoices):
    FLEET_OPERATOR = "fleet_operator", _("fleet operator")
    EV_MANUFACTURER = "ev_manufacturer", _("EV manufacturer")
    PROPERTY_OWNER = "property_owner", _("property owner")
    EV_DRIVER = "ev_driver", _("EV driver")
    ROAMING_PARTNER = "roaming_partner", _("roaming partner")


class TaxStatus(models.TextChoices):
    """How a party stands towards VAT when it supplies us (settlements of hosts, DOMAIN RevenueShare)."""

    REGISTERED = "registered", _("registered for tax")
    EXEMPT_SMALL = "exempt_small", _("exempt small business")
    NOT_TAXABLE = "not_taxable", _("not taxable")


class DeliveryChannel(models.TextChoices):
    """How a party gets its documents; in the portal they are always."""

    MAIL = "mail", _("mail to the accountants")
    FOLDER = "folder", _("export folder")
    PORTAL = "portal", _("portal only")


class EInvoiceFormat(models.TextChoices):
    """Which structured invoice (EN 16931) a party gets: in the PDF, or as a file of its own beside it."""

    NONE = "none", _("PDF only")
    FACTURX = "facturx", _("Factur-X in the PDF")
    XRECHNUNG = "xrechnung", "XRechnung (UBL)"
    PEPPOL = "peppol", "Peppol BIS 3 (UBL)"


AS_XML = (EInvoiceFormat.XRECHNUNG, EInvoiceFormat.PEPPOL)
"""The e-invoices that are a file of their own."""


class Party(models.Model):
    """A company or person with whom contracts are made.

    Documents copy name, address and VAT id when they are issued: an invoice must show what was true on its day, even
    when the party moves or is renamed later.
    """

    number = models.CharField(_("customer number"), max_length=20, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=PartyKind.choices)
    legal_name = models.CharField(_("legal name"), max_length=200)
    street = models.CharField(_("street"), max_length=200)
    postal_code = models.CharField(_("postal code"), max_length=20)
    city = models.CharField(_("city"), max_length=100)
    region = models.CharField(_("region"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166 code, such as DE"))
    vat_id = models.CharField(_("VAT id"), max_length=20, blank=True)
    tax_number = models.CharField(
        _("tax number"),
        max_length=40,
        blank=True,
        help_text=_("Of a property owner without VAT id; printed on settlements (BT-32)"),
    )
    is_business = models.BooleanField(_("business"), default=True)
    tax_status = models.CharField(
        _("tax status"), max_length=12, choices=TaxStatus.choices, default=TaxStatus.REGISTERED
    )
    self_billing_agreed_on = models.DateField(
        _("self-billing agreed on"), null=True, blank=True, help_text=_("Without it no self-billed settlement is made")
    )
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES, default="en")
    currency = CurrencyField(verbose_name=_("currency"))
    iban = models.CharField(_("IBAN or account number"), max_length=40, blank=True)
    delivery_channel = models.CharField(
        _("documents go by"), max_length=6, choices=DeliveryChannel.choices, default=DeliveryChannel.MAIL
    )
    einvoice_format = models.CharField(
        _("e-invoice"), max_length=9, choices=EInvoiceFormat.choices, default=EInvoiceFormat.FACTURX
    )
    einvoice_alone = models.BooleanField(
        _("e-invoice alone"),
        default=False,
        help_text=_(
            "Mails and export folder carry the XRechnung or Peppol file without the PDF and the session lists, which "
            "stay in the portal"
        ),
    )
    buyer_reference = models.CharField(
        _("buyer reference"), max_length=60, blank=True, help_text=_("Leitweg-ID or the buyer's own reference (BT-10)")
    )
    endpoint_scheme = models.CharField(
        _("electronic address scheme"), max_length=4, blank=True, help_text=_("EAS code, such as 0204, 9930 or EM")
    )
    endpoint_id = models.CharField(_("electronic address"), max_length=100, blank=True)
    exemption_text = models.CharField(
        _("ground of exemption"), max_length=200, blank=True, help_text=_("Printed where the contract is exempt")
    )
    exemption_code = models.CharField(
        _("exemption code"), max_length=30, blank=True, help_text=_("VATEX code, such as VATEX-EU-132 (BT-121)")
    )
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("party")
        verbose_name_plural = _("parties")
        constraints = [
            models.CheckConstraint(
                name="alone_goes_only_a_file_of_its_own",
                condition=Q(einvoice_alone=False) | Q(einvoice_format__in=AS_XML),
                violation_error_message=_(
                    "Only an XRechnung or a Peppol file can go alone. Choose one of them, or take the tick away."
                ),
            )
        ]
        ordering = ["legal_name"]

    def __str__(self) -> str:
        return self.legal_name


class ContactRole(models.TextChoices):
    ACCOUNTANT = "accountant", _("accountant (receives documents)")
    FLEET_MANAGER = "fleet_manager", _("fleet manager")
    SIGNATORY = "signatory", _("signatory")
    OTHER = "other", _("other")


class Contact(models.Model):
    """A person at a party. Accountants receive the documents by mail."""

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="contacts", verbose_name=_("party"))
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("email"))
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    role = models.CharField(_("role"), max_length=16, choices=ContactRole.choices)

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        constraints = [
            models.UniqueConstraint(fields=["party", "email", "role"], name="contact_once_per_role"),
        ]
        ordering = ["party", "role", "email"]

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


class MembershipRole(models.TextChoices):
    MANAGER = "manager", _("manager")
    PAYER = "payer", _("payer")
    VIEWER = "viewer", _("viewer")


class Membership(models.Model):
    """Joins a portal user to a party; all the rows that the user may see follow from it (invariant I20)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("user")
    )
    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="memberships", verbose_name=_("party"))
    role = models.CharField(_("role"), max_length=10, choices=MembershipRole.choices)
    active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("portal member")
        verbose_name_plural = _("portal members")
        constraints = [models.UniqueConstraint(fields=["user", "party"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} @ {self.party}"
