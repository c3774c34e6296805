"""What a document lacks for its recipient's format, found before it is issued: a few look-ups, no query.

Each finding names the rule that would refuse the document later, and where the clerk enters what is missing.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from contracts.models import EInvoiceFormat, TaxStatus, TaxWord
from contracts.rules.electronic_addresses import SCHEMES
from evbilling.kernel.money import minor_digits
from invoicing.einvoice.model import Finding, Format
from invoicing.rules.tax import Category

Details = Mapping[str, Any]
"""Invoice.issuer_details or Invoice.recipient_details."""
_GERMAN_RULES = {2: "DE-R-002", 4: "DE-R-004", 6: "DE-R-006", 7: "DE-R-007", 9: "DE-R-009", 15: "DE-R-015"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What preflight looks at. `grounds` has a (category, printed ground or code) for each tax row of the document."""

    format: Format
    issuer: Details
    recipient: Details
    currency: str
    grounds: Collection[tuple[str, str]]
    self_billed: bool
    purchase_order: str = ""

    @property
    def seller(self) -> Details:
        """Who supplies: the host of a self-billed document."""
        return self.recipient if self.self_billed else self.issuer

    @property
    def buyer(self) -> Details:
        """Who is supplied."""
        return self.issuer if self.self_billed else self.recipient

    @property
    def categories(self) -> set[str]:
        """The tax categories on the document."""
        return {category for category, _ground in self.grounds}

    @property
    def german(self) -> bool:
        """Whether the German rules hold: XRechnung, and Peppol between Germans."""
        both = self.issuer["country"] == self.recipient["country"] == "DE"
        return self.format is Format.XRECHNUNG or self.format is Format.PEPPOL and both


def why_none(issuer: Details, recipient: Details, settled: Details | None = None) -> str:
    """Why a document between these two has no e-invoice, as a sentence; empty where it has one.

    `settled` is the host of a self-billed document as he stood when he was settled.
    """
    if recipient.get("einvoice_format", EInvoiceFormat.NONE) == EInvoiceFormat.NONE:
        return _("The party takes PDF files only.")
    if issuer["tax_word"] == TaxWord.SALES_TAX:
        return _("EN 16931 is about VAT; documents with sales tax are PDF files only.")
    if settled is not None and settled.get("tax_status") == TaxStatus.NOT_TAXABLE:
        return _("A statement to an owner who is not taxable is no invoice; it is a PDF file only.")
    return ""


def find_missing(asked: Asked) -> list[Finding]:
    """All that is missing, in the order in which a clerk reads a document."""
    findings = [*_parties(asked), *_tax(asked)]
    if asked.format is not Format.FACTURX:
        findings += [*_addresses(asked), *_references(asked)]
    if asked.german:
        findings += _german(asked)
    return findings


def _parties(asked: Asked) -> Iterator[Finding]:
    for details, rule in ((asked.seller, "BR-09"), (asked.buyer, "BR-11")):
        if not details["country"]:
            yield _about(asked, details, rule, _("%(party)s has no country. Enter it in the address."))
    if minor_digits(asked.currency) > 2:
        text = _("E-invoices know two decimals; %(currency)s has more. Set the party's e-invoice to PDF only.")
        yield Finding("BR-DEC-14", text % {"currency": asked.currency})


def _tax(asked: Asked) -> Iterator[Finding]:
    seller, buyer, categories = asked.seller, asked.buyer, asked.categories
    taxable = sorted(categories - {Category.OUTSIDE})
    if Category.OUTSIDE in categories and taxable:
        yield Finding("BR-O-11", _("What is not subject to tax needs a document of its own; discard and draft again."))
    if taxable and not (seller["vat_id"] or seller.get("tax_number")):
        text = _("%(party)s supplies but has neither VAT id nor tax number. Enter one of them.")
        yield _about(asked, seller, f"BR-{taxable[-1]}-02", text)
    if (
        not taxable
        and not asked.self_billed
        and not any(seller.get(name) for name in ("register_entry", "vat_id", "tax_number"))
    ):
        text = _("%(party)s has no commercial register entry, VAT id or tax number. Enter one of them.")
        yield _about(asked, seller, "BR-CO-26", text)
    if Category.REVERSE_CHARGE in categories and not buyer["vat_id"]:
        yield _about(asked, buyer, "BR-AE-02", _("Reverse charge needs the VAT id of %(party)s. Enter it."))
    for details in (seller, buyer):
        if taxable and details["vat_id"] and not details["vat_id"][:2].isalpha():
            text = _("VAT id %(vat_id)s of %(party)s begins with no country code, such as DE. Correct it.")
            yield _about(asked, details, "BR-CO-09", text)
    if any(category == Category.EXEMPT and not ground for category, ground in asked.grounds):
        text = _("The ground of exemption of %(party)s is missing. Enter it, then draft again.")
        yield _about(asked, asked.recipient, "BR-E-10", text)


def _addresses(asked: Asked) -> Iterator[Finding]:
    """BT-34 and BT-49. The operator's mail address serves where none is entered and no network has to find him."""
    for details, rule in ((asked.seller, "PEPPOL-EN16931-R020"), (asked.buyer, "PEPPOL-EN16931-R010")):
        if not details.get("endpoint_id"):
            if asked.format is Format.XRECHNUNG and details is asked.issuer and details["billing_email"]:
                continue
            text = _("%(party)s has no electronic address. Enter it with its scheme, such as 0204 or 9930.")
            yield _about(asked, details, rule, text)
        elif details.get("endpoint_scheme") not in SCHEMES:
            text = _(
                "The electronic address of %(party)s has no known scheme. Enter an EAS code, such as 0204 or 9930."
            )
            yield _about(asked, details, "BR-CL-25", text)


def _references(asked: Asked) -> Iterator[Finding]:
    """BT-10; a self-billed document carries our own contract number there."""
    if asked.self_billed or asked.recipient.get("buyer_reference"):
        return
    if asked.german:
        rule = "BR-DE-15" if asked.format is Format.XRECHNUNG else _GERMAN_RULES[15]
        text = _("%(party)s has no buyer reference. Enter the Leitweg-ID, or the buyer's own reference, at the party.")
        yield _about(asked, asked.recipient, rule, text)
    elif not asked.purchase_order:
        text = _("%(party)s has neither buyer reference nor purchase order. Enter one of them.")
        yield _about(asked, asked.recipient, "PEPPOL-EN16931-R003", text)


def _german(asked: Asked) -> Iterator[Finding]:
    seller, buyer = asked.seller, asked.buyer
    contact = contact_of(seller, self_billed=asked.self_billed)
    if not contact.get("name"):
        text = _("%(party)s has no contact person. Add one at the party.")
        yield _about(asked, seller, _german_rule(asked, 2), text)
    elif not contact.get("phone"):
        text = _("The contact of %(party)s has no phone number. Enter it.")
        yield _about(asked, seller, _german_rule(asked, 6), text)
    if contact.get("name") and not contact.get("email"):
        text = _("The contact of %(party)s has no mail address. Enter it.")
        yield _about(asked, seller, _german_rule(asked, 7), text)
    for details, number in ((seller, 4), (buyer, 9)):
        if not details["postal_code"] or not details["city"]:
            text = _("The address of %(party)s has no postal code or city. Enter them.")
            yield _about(asked, details, _german_rule(asked, number), text)


def contact_of(seller: Details, *, self_billed: bool) -> Mapping[str, str]:
    """Whom to ask about a document: the host's person, or the operator's (his company where nobody is named)."""
    if self_billed:
        return seller.get("contact") or {}
    name = seller.get("contact_person") or seller["legal_name"]
    return {"name": name, "phone": seller["phone"], "email": seller["billing_email"]}


def _german_rule(asked: Asked, number: int) -> str:
    return f"BR-DE-{number}" if asked.format is Format.XRECHNUNG else _GERMAN_RULES[number]


def _about(asked: Asked, details: Details, rule: str, text: str) -> Finding:
    names = {"party": details["legal_name"], "vat_id": details["vat_id"]}
    return Finding(rule, text % names, of_issuer=details is asked.issuer)
