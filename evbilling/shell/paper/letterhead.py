"""Who prints a document and how it looks: frozen data that the caller fills."""

import re
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BadInput


class Paper(StrEnum):
    """Sheet size."""

    A4 = "A4"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where to pay to: IBAN and BIC, or account and routing (ABA) number."""

    holder: str
    bank_name: str = ""
    iban: str = ""
    bic: str = ""
    account_number: str = ""
    routing_number: str = ""


@dataclass(frozen=True, slots=True)
class PartyBlock:
    """One side of the document as frozen at issue. `tax_ids` are (label, value), for example ("VAT ID", "DE123")."""

    legal_name: str
    address_lines: tuple[str, ...]
    tax_ids: tuple[tuple[str, str], ...] = ()
    registration: str = ""
    attention: str = ""
    contact_name: str = ""
    email: str = ""
    phone: str = ""
    website: str = ""
    bank: BankAccount | None = None


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The issuer's look. Colours are #rrggbb; `logo_svg` is a whole <svg> element; without it the name is set.

    `footer` is a sentence of the issuer's own above the foot of every page.
    """

    name: str
    accent: str = "#0b6e4f"
    ink: str = "#14212b"
    logo_svg: str = ""
    logo_height_mm: int = 9
    paper: Paper = Paper.A4
    footer: str = ""

    def __post_init__(self) -> None:
        for name, colour in (("accent", self.accent), ("ink", self.ink)):
            if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
                raise BadInput(name, colour, _("Write the colour like #0b6e4f."))
