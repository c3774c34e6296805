"""Addresses as their country writes them, and what a tax number is called."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

LETTER_COUNTRIES = frozenset({"US", "CA", "MX"})
"""Where documents are printed on Letter instead of A4."""
REGION_IN_ADDRESS = frozenset({"US", "CA", "AU"})
"""Where the last line of an address reads "City, Region Code"."""


def address_lines(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Street and town of an address: street, postal_code, city, region, country."""
    if facts["country"] in REGION_IN_ADDRESS:
        town = f"{facts['city']}, {facts['region']} {facts['postal_code']}" if facts["region"] else facts["city"]
    else:
        town = f"{facts['postal_code']} {facts['city']}".strip()
    return tuple(line for line in (facts["street"], town) if line)


def tax_id_word(country: str) -> str:
    """What the number is called by which a tax office knows a business."""
    return "EIN" if country == "US" else _("VAT ID")
