"""Electronic addresses and buyer references of e-invoices: which schemes there are, and what can be checked of them."""

import re

from django.utils.translation import gettext as _
from stdnum import ean
from stdnum.de import leitweg
from stdnum.exceptions import ValidationError as StdnumError

from evbilling.kernel.errors import BadInput, require

_CODES = """
    0002 0007 0009 0037 0060 0088 0096 0097 0106 0130 0135 0142 0147 0151 0154 0158 0170 0177 0183 0184 0188 0190
    0191 0192 0193 0194 0195 0196 0198 0199 0200 0201 0202 0203 0204 0205 0208 0209 0210 0211 0212 0213 0215 0216
    0217 0218 0219 0220 0221 0225 0230 0235 0240 0242 0244 0245 0246 0248 9910 9913 9914 9915 9918 9919 9920 9922
    9923 9924 9925 9926 9927 9928 9929 9930 9931 9932 9933 9934 9935 9936 9937 9938 9939 9940 9941 9942 9943 9944
    9945 9946 9947 9948 9949 9950 9951 9952 9953 9957 9959 AN AQ AS AU EM
"""
SCHEMES = frozenset(_CODES.split())
"""Codes of electronic address schemes (EAS) as EN 16931 BR-CL-25 knows them."""
MAIL, GLN, LEITWEG = "EM", "0088", "0204"
_LEITWEG = re.compile(r"\d{2,12}-[0-9A-Za-z]{1,30}-\d{2}")


def endpoint(scheme: str, value: str) -> tuple[str, str]:
    """Scheme and address without blanks; both empty for none.

    Raises BadInput for one without the other, an unknown scheme, or an address that its scheme's check refuses.
    """
    scheme, value = scheme.strip().upper(), "".join(value.split())
    if not scheme and not value:
        return "", ""
    require(value, BadInput("electronic address", value, _("A scheme alone reaches nobody; enter the address too.")))
    require(
        scheme in SCHEMES,
        BadInput(
            "electronic address scheme",
            scheme,
            _("Use a code of the EAS list, such as 0204 (Leitweg-ID), 0088 (GLN), 9930 (German VAT id) or EM (mail)."),
        ),
    )
    return scheme, _checked(scheme, value)


def _checked(scheme: str, value: str) -> str:
    if scheme == MAIL:
        local, _at, domain = value.rpartition("@")
        require(local and "." in domain, BadInput("electronic address", value, _("Scheme EM wants a mail address.")))
    elif scheme == GLN:
        require(ean.is_valid(value), BadInput("electronic address", value, _("It is no GLN; compare its digits.")))
    elif scheme == LEITWEG:
        return leitweg_id(value)
    return value


def leitweg_id(text: str) -> str:
    """A Leitweg-ID with its check digits tested. Raises BadInput."""
    try:
        return str(leitweg.validate(text.strip()))
    except StdnumError:
        raise BadInput(
            "Leitweg-ID", text, _("Its check digits do not fit; compare it with what the authority wrote.")
        ) from None


def buyer_reference(text: str) -> str:
    """The buyer's reference; one in three parts of digits is a Leitweg-ID and is checked as such. Raises BadInput."""
    reference = text.strip()
    return leitweg_id(reference) if _LEITWEG.fullmatch(reference) else reference
