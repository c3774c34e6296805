"""Document numbers: INV-2026-000365, gapless per issuer, kind and year of issue (I9)."""

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BillingError

PREFIXES = {"invoice": "INV", "credit_note": "CN", "settlement": "SET", "fee_note": "FEE", "advance": "ADV"}
MOST_IN_A_YEAR = 999_999


class SeriesExhausted(BillingError):
    """A series has run out of numbers for the year."""

    code = "series_exhausted"

    def __init__(self, prefix: str, year: int) -> None:
        super().__init__(
            _("The number series %(series)s has used its %(count)s numbers.")
            % {"series": f"{prefix}-{year}", "count": MOST_IN_A_YEAR}
        )


def prefix_of(kind: str, issuer_id: int, first_issuer_id: int) -> str:
    """The series' prefix. The first issuer's is plain; another's carries its id, since numbers are unique over all."""
    return PREFIXES[kind] if issuer_id == first_issuer_id else f"{PREFIXES[kind]}{issuer_id}"


def number_of(prefix: str, year: int, sequence: int) -> str:
    """The printed number. Raises SeriesExhausted beyond 999,999 a year."""
    if sequence > MOST_IN_A_YEAR:
        raise SeriesExhausted(prefix, year)
    return f"{prefix}-{year:04d}-{sequence:06d}"
