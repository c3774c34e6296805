"""The two sides of a document as it will show them for ever: copied from operator and party when it is issued."""

from typing import Any

from contracts.models import AS_XML, ContactRole, Contract, ContractKind, ContractVersion, Operator, Party
from invoicing.models import Invoice, InvoiceState

ADDRESS = ("legal_name", "street", "postal_code", "city", "region", "country", "vat_id")
"""What every paper prints of operator and party."""
_ISSUER = (
    *ADDRESS,
    "tax_number",
    "register_entry",
    "tax_word",
    "billing_email",
    "phone",
    "website",
    "bank_name",
    "iban",
    "bic",
    "accent_colour",
    "logo_svg",
    "contact_person",
    "endpoint_scheme",
    "endpoint_id",
)
_RECIPIENT = (
    "number",
    *ADDRESS,
    "tax_number",
    "is_business",
    "tax_status",
    "iban",
    "einvoice_format",
    "buyer_reference",
    "endpoint_scheme",
    "endpoint_id",
)


def details_of(invoice: Invoice) -> tuple[dict[str, Any], dict[str, Any]]:
    """Issuer and recipient: frozen on an issued document (or while it is issued), of today on a draft."""
    if invoice.issuer_details and invoice.recipient_details:
        return invoice.issuer_details, invoice.recipient_details
    return (
        issuer_details(invoice.operator),
        recipient_details(invoice.party, invoice.contract, invoice.contract_version),
    )


def language_of(invoice: Invoice) -> str:
    """The language in which a document is written: frozen when it is issued, the party's on a draft."""
    language: str = invoice.language if invoice.state == InvoiceState.ISSUED else invoice.party.language
    return language


def issuer_details(operator: Operator) -> dict[str, object]:
    """What a document keeps of its issuer (Invoice.issuer_details): fields of Operator, and his own `texts`.

    These are by language and then by place (contracts.TextPlace).
    """
    texts: dict[str, dict[str, str]] = {}
    for text in operator.texts.all():
        texts.setdefault(text.language, {})[text.place] = text.text
    return {name: getattr(operator, name) for name in _ISSUER} | {"texts": texts}


def recipient_details(party: Party, contract: Contract, version: ContractVersion) -> dict[str, object]:
    """What a document keeps of its recipient (Invoice.recipient_details): fields of Party, and of the contract.

    The contract's are `contract_number`, `purchase_order`, `contract_zone` and `payment_terms_days`. A host whose
    settlements go out as XRechnung or over Peppol is their seller, and `contact` his person to ask.
    """
    return {name: getattr(party, name) for name in _RECIPIENT} | {
        "contract_number": contract.number,
        "purchase_order": contract.purchase_order,
        "contract_zone": contract.zone,
        "payment_terms_days": version.payment_terms_days,
        "contact": _contact(party) if _sells_by_xml(party, contract) else {},
    }


def _sells_by_xml(party: Party, contract: Contract) -> bool:
    return contract.kind == ContractKind.HOSTING and party.einvoice_format in AS_XML


def _contact(party: Party) -> dict[str, str]:
    """The accountant, otherwise the first person of a party."""
    people = sorted(party.contacts.all(), key=lambda person: (person.role != ContactRole.ACCOUNTANT, person.pk))
    return {"name": people[0].name, "phone": people[0].phone, "email": people[0].email} if people else {}
