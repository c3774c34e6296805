"""Whether a customer's VAT id carries a supply under reverse charge."""

from stdnum import get_cc_module

from contracts.models import Contract, TaxWord
from contracts.rules.identifiers import vat_id
from evbilling.kernel.errors import BadInput, BillingError
from invoicing.rules.tax import DomesticReverseCharge, MissingCustomerTaxId, Treatment, WrongCustomerTaxId


def tax_id_refusal(treatment: Treatment, contract: Contract, supply_country: str) -> BillingError | None:
    """Why a supply from a country (ISO; empty: the operator's) cannot be billed; None where it can.

    Under reverse charge the id must be there, have valid check digits, and be of another country than the supply. At
    home the party's ground of exemption says by which law the customer owes the tax. Sales tax knows no such ids.
    """
    if treatment is not Treatment.REVERSE_CHARGE or contract.operator.tax_word == TaxWord.SALES_TAX:
        return None
    party = contract.party
    if not party.vat_id:
        return MissingCustomerTaxId(party.legal_name)
    country = country_of(party.vat_id, party.country)
    if not is_valid(party.vat_id, country):
        return WrongCustomerTaxId(party.legal_name, party.vat_id)
    home = supply_country or contract.operator.country
    if country == home.upper() and not party.exemption_text.strip():
        return DomesticReverseCharge(party.legal_name, party.vat_id, country)
    return None


def country_of(text: str, otherwise: str) -> str:
    """The country of a VAT id: by its first letters where a country's ids begin so (Greek ones with EL)."""
    prefix = "".join(text.split())[:2].upper()
    country = "GR" if prefix == "EL" else prefix
    known = country.isalpha() and get_cc_module(country.lower(), "vat") is not None
    return country if known else otherwise.upper()


def is_valid(text: str, country: str) -> bool:
    """Whether the check digits of the country's ids hold; an id that nobody can check does not."""
    if get_cc_module(country.lower(), "vat") is None:
        return False
    try:
        return bool(vat_id(text, country))
    except BadInput:
        return False
