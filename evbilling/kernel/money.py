"""Amounts: Decimal in the currency's major unit with exactly its minor digits, never a float (ARCHITECTURE, Money)."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from django.utils.translation import gettext as _
from moneyed import CurrencyDoesNotExist, get_currency

from evbilling.kernel.errors import BadInput, MoneyError

ROUNDING_RULE = "session-half-up-1"
"""Name of the rounding rule in force, stored on every document: session charges are rounded once per session and
VAT rate to the minor unit, half up; VAT is rounded once per rate on the document's summed net (EN 16931 BR-CO-17)."""

GROSS_ROUNDING_RULE = "session-half-up-gross-1"
"""The same for prices that include tax: the gross of a session charge is rounded once per session and VAT rate; per
rate of a document net = round(gross / (1 + rate)) and VAT is the rest (`split_gross`)."""

ZERO = Decimal(0)
Exact = Decimal | Fraction | int


def minor_digits(currency: str) -> int:
    """Decimals of the currency's minor unit (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD."""
    try:
        sub_unit = get_currency(currency).sub_unit
    except CurrencyDoesNotExist:
        raise BadInput("currency", currency, _("Use an ISO 4217 code such as EUR.")) from None
    return len(str(sub_unit)) - 1


def quantum(currency: str) -> Decimal:
    """The smallest amount of the currency, for example Decimal('0.01')."""
    return Decimal(1).scaleb(-minor_digits(currency))


def exact(value: Exact | str, *, field: str = "amount") -> Decimal | Fraction:
    """Take a number without losing a digit. Raises MoneyError for a float, NaN or infinity."""
    if isinstance(value, bool) or not isinstance(value, Decimal | Fraction | int | str):
        raise MoneyError(f"{field}: {value!r} is a {type(value).__name__}; amounts are decimals.")
    if isinstance(value, Fraction):
        return value
    try:
        number = Decimal(value)
    except ArithmeticError:
        raise MoneyError(
            _("%(field)s: %(value)s is not a number; write it like 12.34.") % {"field": field, "value": repr(value)}
        ) from None
    if not number.is_finite():
        raise MoneyError(
            _("%(field)s: %(value)s is not a number; write it like 12.34.") % {"field": field, "value": repr(value)}
        )
    return number


def round_half_up(value: Exact, digits: int) -> Decimal:
    """Round to `digits` decimals, half away from zero (OCPI mandates no mode; t03 of its examples shows half up)."""
    number = exact(value)
    if isinstance(number, Decimal):
        return number.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    scaled = abs(number) * 10**digits
    units = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(-units if number < 0 else units).scaleb(-digits)


def quantise(value: Exact, currency: str) -> Decimal:
    """Round to the currency's minor unit, half up."""
    return round_half_up(value, minor_digits(currency))


def require_minor(amount: Decimal, currency: str, *, field: str = "amount") -> Decimal:
    """The amount in its minor digits. Raises MoneyError when it carries a fraction of the minor unit."""
    number = exact(amount, field=field)
    if isinstance(number, Fraction) or number != quantise(number, currency):
        raise MoneyError(
            _("%(field)s: %(amount)s has a fraction of the smallest unit of %(currency)s; round it first.")
            % {"field": field, "amount": amount, "currency": currency}
        )
    return quantise(number, currency)


def to_minor(amount: Decimal, currency: str) -> int:
    """Amount in minor units (cents). Raises MoneyError for a fraction of one."""
    return int(require_minor(amount, currency).scaleb(minor_digits(currency)))


def from_minor(units: int, currency: str) -> Decimal:
    """Amount of so many minor units."""
    return Decimal(units).scaleb(-minor_digits(currency))


def split_largest_remainder(total: Decimal, weights: Sequence[Exact], currency: str) -> list[Decimal]:
    """Split an amount by weights so that the parts add up to it exactly.

    Each part gets its share rounded towards zero; the minor units left over go to the largest remainders, the earlier
    part winning a tie. Negative totals split like their opposite. Raises MoneyError for negative weights, or when
    there is something to split and no weight at all.
    """
    units = to_minor(total, currency)
    shares = [Fraction(exact(weight, field="weight")) for weight in weights]
    whole = sum(shares, Fraction(0))
    if any(share < 0 for share in shares):
        raise MoneyError("A negative weight cannot take part in a split.")
    if whole == 0:
        if units:
            raise MoneyError(f"{total} {currency} cannot be split: no part has a weight.")
        return [from_minor(0, currency) for _ in shares]
    sign = -1 if units < 0 else 1
    raw = [abs(units) * share / whole for share in shares]
    parts = [int(value) for value in raw]
    left = abs(units) - sum(parts)
    by_remainder = sorted(range(len(raw)), key=lambda index: (parts[index] - raw[index], index))
    for index in by_remainder[:left]:
        parts[index] += 1
    return [from_minor(sign * part, currency) for part in parts]


def add(amounts: Iterable[Decimal]) -> Decimal:
    """Sum of decimals; Decimal zero for none."""
    return sum(amounts, ZERO)


def vat_of(net: Decimal, rate: Decimal, currency: str) -> Decimal:
    """VAT on a document's summed net at `rate` percent, rounded once (EN 16931 BR-CO-17)."""
    return quantise(Fraction(net) * Fraction(rate) / 100, currency)


def split_gross(gross: Decimal, rate: Decimal, currency: str) -> tuple[Decimal, Decimal]:
    """(net, VAT) of a gross-priced sum: net = gross / (1 + rate), VAT the rest (ARCHITECTURE, gross contracts)."""
    net = quantise(Fraction(gross) / (1 + Fraction(rate) / 100), currency)
    return net, gross - net
