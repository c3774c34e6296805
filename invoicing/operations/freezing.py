"""The two sides of a document as it will show them for ever: copied from operator and party when it is issued."""

from contracts.models import Contract, ContractVersion, Operator, Party

_ADDRESS = ("legal_name", "street", "postal_code", "city", "region", "country", "vat_id")
_ISSUER = (
    *_ADDRESS,
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
)
_RECIPIENT = ("number", *_ADDRESS, "is_business", "tax_status", "iban")


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

    The contract's are `contract_number`, `purchase_order`, `contract_zone` and `payment_terms_days`.
    """
    return {name: getattr(party, name) for name in _RECIPIENT} | {
        "contract_number": contract.number,
        "purchase_order": contract.purchase_order,
        "contract_zone": contract.zone,
        "payment_terms_days": version.payment_terms_days,
    }
