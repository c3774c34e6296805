"""The two sides of a document or letter from the facts that it keeps of them (`queries.freezing`)."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from evbilling.shell.paper.address import LETTER_COUNTRIES, address_lines, tax_id_word
from evbilling.shell.paper.letterhead import BankAccount, Letterhead, Paper, PartyBlock


def letterhead_of(facts: Mapping[str, Any], language: str) -> Letterhead:
    """The issuer's look, with his own words at the foot in the document's language."""
    return Letterhead(
        name=facts["legal_name"],
        accent=facts["accent_colour"],
        logo_svg=facts["logo_svg"],
        paper=Paper.LETTER if facts["country"] in LETTER_COUNTRIES else Paper.A4,
        footer=own_text(facts, "footer", language),
    )


def own_text(facts: Mapping[str, Any], place: str, language: str) -> str:
    """The operator's sentence for a place of his documents (contracts.TextPlace); empty where he has none."""
    found: str = facts.get("texts", {}).get(language[:2], {}).get(place, "")
    return found


def issuer_block(facts: Mapping[str, Any]) -> PartyBlock:
    """The issuer as printed; call it with the document's language active."""
    country = facts["country"]
    numbers = (
        (tax_id_word(country), facts["vat_id"]),
        (tax_id_word(country) if country == "US" else _("Tax number"), facts["tax_number"]),
    )
    return PartyBlock(
        legal_name=facts["legal_name"],
        address_lines=address_lines(facts),
        tax_ids=tuple((label, value) for label, value in numbers if value),
        registration=facts["register_entry"],
        contact_name=facts.get("contact_person", ""),
        email=facts["billing_email"],
        phone=facts["phone"],
        website=facts["website"],
        bank=issuer_bank(facts),
    )


def issuer_bank(facts: Mapping[str, Any]) -> BankAccount | None:
    """The account to pay to; None where the issuer has named none."""
    return bank_account(facts["legal_name"], facts["iban"], facts["bic"], facts["bank_name"])


def recipient_block(facts: Mapping[str, Any], issuer: Mapping[str, Any]) -> PartyBlock:
    """The recipient as printed, with the country where it is not the issuer's."""
    abroad = (facts["country"],) if facts["country"] != issuer["country"] else ()
    return PartyBlock(
        legal_name=facts["legal_name"],
        address_lines=(*address_lines(facts), *abroad),
        tax_ids=((tax_id_word(facts["country"]), facts["vat_id"]),) if facts["vat_id"] else (),
    )


def bank_account(holder: str, account: str, code: str = "", name: str = "") -> BankAccount | None:
    """An IBAN begins with two letters; anything else is an account with its routing number."""
    if not account:
        return None
    if account[:2].isalpha():
        return BankAccount(holder, name, iban=account.replace(" ", ""), bic=code)
    return BankAccount(holder, name, account_number=account, routing_number=code)
