"""What stands at the head of every document and letter, and the account to pay to: words shared by both."""

import re
from decimal import Decimal
from typing import Any

import segno
from django.utils.translation import pgettext

from evbilling.shell.paper.code import Code
from evbilling.shell.paper.letterhead import BankAccount, Letterhead, Paper, PartyBlock

_MASK = 4


def recipient_lines(party: PartyBlock) -> str:
    """What stands below the recipient's name, each on its line."""
    tax_ids = (f"{label} {value}" for label, value in party.tax_ids)
    return "".join(f"\n{line}" for line in (party.attention, *party.address_lines, *tax_ids) if line)


def issuer_lines(issuer: PartyBlock, letterhead: Letterhead) -> str:
    """Name, address and mail; the name is left out where the wordmark says it, the rest is at the foot."""
    said = not letterhead.logo_svg and letterhead.name == issuer.legal_name
    return "\n".join(filter(None, ("" if said else issuer.legal_name, *issuer.address_lines, issuer.email)))


def sender_line(issuer: PartyBlock, letterhead: Letterhead, otherwise: str = "") -> str:
    """Above the recipient: the return address for a window envelope (A4), or what the block is (Letter)."""
    if letterhead.paper is Paper.A4:
        return " · ".join((issuer.legal_name, *issuer.address_lines))
    return otherwise


def bank_facts(bank: BankAccount) -> list[tuple[str, str]]:
    """Account data as (label, value) pairs in the active language."""
    spaced = " ".join(re.findall(".{1,4}", bank.iban.replace(" ", "")))
    facts = [
        (pgettext("document", "Account holder"), bank.holder),
        (pgettext("document", "IBAN"), spaced),
        (pgettext("document", "BIC"), bank.bic),
        (pgettext("document", "Account number"), bank.account_number),
        (pgettext("document", "Routing number"), bank.routing_number),
        (pgettext("document", "Bank"), bank.bank_name),
    ]
    return [(label, value) for label, value in facts if value]


def transfer_code(bank: BankAccount | None, amount: Decimal, currency: str, reference: str, ink: str) -> Code | None:
    """The EPC069-12 code of a SEPA transfer; None unless the amount is in EUR and the account an IBAN.

    The mask is fixed: readers take any of the eight, and to find the prettiest costs four times the rest of the code.
    """
    if bank is None or not bank.iban or currency != "EUR" or not 0 < amount < 1_000_000_000:
        return None
    fields = (
        "BCD",
        "002",
        "1",
        "SCT",
        bank.bic,
        bank.holder[:70],
        bank.iban,
        f"EUR{amount:.2f}",
        "",
        "",
        reference[:140],
    )
    code = segno.make_qr("\n".join(fields), error="m", boost_error=False, encoding="utf-8", mask=_MASK)
    return Code(code.matrix, ink)


def pictures(pay: dict[str, Any] | None) -> dict[str, Code]:
    """What the templates show as "code:transfer", where there is one."""
    return {"code:transfer": pay["qr"]} if pay and pay["qr"] else {}
