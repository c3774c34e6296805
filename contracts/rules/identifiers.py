"""Identifiers of parties and places: country codes, time zones and VAT ids, checked before they reach a document."""

import re
from functools import lru_cache

from babel import Locale
from django.utils.translation import gettext as _
from stdnum import get_cc_module
from stdnum.exceptions import ValidationError as StdnumError

from evbilling.kernel.clock import zone
from evbilling.kernel.errors import BadInput, require

_NO_COUNTRIES = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
"""Codes of regions, tests and the unknown, which the locale data list beside countries."""
_VATEX = re.compile(r"VATEX-(EU|[A-Z]{2})-[A-Z0-9]+(-[A-Z0-9]+)?")


@lru_cache(maxsize=1)
def _countries() -> frozenset[str]:
    codes = {str(code) for code in Locale("en").territories}
    return frozenset(code for code in codes if len(code) == 2 and code.isalpha()) - _NO_COUNTRIES


def country_code(text: str) -> str:
    """The ISO 3166 code in capitals. Raises BadInput for one that no country has."""
    code = text.strip().upper()
    require(code in _countries(), BadInput("country", text, _("Use an ISO 3166 code such as DE.")))
    return code


def vat_id(text: str, country: str) -> str:
    """The VAT id without blanks and separators, its check digits tested where the country has any.

    Raises BadInput when it cannot be one of that country. Greek ids begin with EL.
    """
    compact = "".join(text.split()).upper()
    module = get_cc_module(country.lower(), "vat") if compact else None
    if module is None:
        return compact
    try:
        number = str(module.validate(compact))
    except StdnumError:
        raise BadInput(
            "VAT id", text, _("It is no VAT id of %s; compare it with the company's papers.") % country
        ) from None
    prefix = "EL" if country == "GR" else country
    return number if number.startswith(prefix) or not compact.startswith(prefix) else prefix + number


def exemption_code(text: str) -> str:
    """A code of the VATEX list (EN 16931 BT-121), such as VATEX-EU-132, in capitals; empty stays empty.

    Raises BadInput for a text that cannot be one.
    """
    code = text.strip().upper()
    require(
        not code or _VATEX.fullmatch(code),
        BadInput("exemption code", text, _("Use a code of the VATEX list such as VATEX-EU-132, or leave it empty.")),
    )
    return code


def zone_name(text: str) -> str:
    """The name of an IANA zone. Raises BadInput for an unknown one."""
    return zone(text.strip()).key
