"""The rating engine: prices charging sessions under OCPI tariffs, exactly and explained.

Pure: no ORM, clock or settings.
"""

from sessions.rules.rating.audit import Compared, audit_cdr
from sessions.rules.rating.because import because_data, because_sentence, because_short
from sessions.rules.rating.charges import session_charges
from sessions.rules.rating.engine import rate
from sessions.rules.rating.findings import Finding, first_error, has_errors
from sessions.rules.rating.numbers import minor_digits
from sessions.rules.rating.request import line_data, price_request
from sessions.rules.rating.result import ENGINE_VERSION, ROUNDING_RULE, Because, RatingLine, RatingResult
from sessions.rules.rating.session import Period, RatingInput, make_period, make_session
from sessions.rules.rating.session_forms import parse_cdr, parse_session
from sessions.rules.rating.tariff import OCPI_VERSIONS, Tariff, cached_tariff, parse_tariff
from sessions.rules.rating.window_caps import Cap, cap_windows

__all__ = [
    "ENGINE_VERSION",
    "OCPI_VERSIONS",
    "ROUNDING_RULE",
    "Because",
    "Cap",
    "Compared",
    "Finding",
    "Period",
    "RatingInput",
    "RatingLine",
    "RatingResult",
    "Tariff",
    "audit_cdr",
    "because_data",
    "because_sentence",
    "because_short",
    "cached_tariff",
    "cap_windows",
    "first_error",
    "has_errors",
    "line_data",
    "make_period",
    "make_session",
    "minor_digits",
    "parse_cdr",
    "parse_session",
    "parse_tariff",
    "price_request",
    "rate",
    "session_charges",
]
