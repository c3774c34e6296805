"""No card number enters this product (invariant I21, PCI DSS 3): what people type is searched for one and refused.

A run of 13 to 19 digits counts when it passes the Luhn check and starts like a card (issuer ranges of ISO/IEC 7812):
that leaves 2 to 4 % of random numbers, of those that begin with 4 or 5 one in ten. So fields whose numbers are known to
be harmless (session and meter references) are not searched, and a bank account (IBAN, ISO 13616) with valid check
digits is none.
"""

import re

from django.utils.translation import gettext as _
from stdnum import iban

from evbilling.kernel.errors import BadInput, require

_RUN = re.compile(r"(?<![\d])(?:\d[ \-.]?){12,18}\d(?![\d])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_ISSUERS = re.compile(
    r"^(?:4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3[47]|3(?:0[0-5]|[689])|6(?:011|4[4-9]|5|2)|35(?:2[89]|[3-8])"
    r"|50|5[6-9]|6[0-9])"
)


def luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit)
        if index % 2:
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return total % 10 == 0


def _is_card(digits: str) -> bool:
    return 13 <= len(digits) <= 19 and _ISSUERS.match(digits) is not None and luhn(digits)


def holds_card_number(text: str) -> bool:
    """Whether a text holds what looks like a card number."""
    rest = _IBAN.sub(lambda found: "\N{HORIZONTAL ELLIPSIS}" if iban.is_valid(found.group()) else found.group(), text)
    return any(_is_card(re.sub(r"\D", "", run.group())) for run in _RUN.finditer(rest))


def require_no_card_number(field: str, text: str) -> None:
    """Refuse what a person typed where it holds what looks like a card number. The refusal does not repeat it (I21).

    Raises BadInput.
    """
    advice = _("It holds what looks like a card number; take it out, we never need it.")
    require(not holds_card_number(text), BadInput(field, "…", advice))


def require_words(field: str, text: str, advice: str) -> str:
    """What a person has to say, such as a reason, without blanks around it.

    Raises BadInput with the advice where nothing is said, and for what looks like a card number (I21).
    """
    said = text.strip()
    require(said, BadInput(field, text, advice))
    require_no_card_number(field, said)
    return said


def mask_card_numbers(text: str) -> str:
    """The text with every such number reduced to its last four digits."""

    def masked(run: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", run.group())
        return f"[card ending {digits[-4:]}]" if _is_card(digits) else run.group()

    return _RUN.sub(masked, text)
