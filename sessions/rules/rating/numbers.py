"""Exact numbers: scaled integers inside, Decimals at the edges, never a float.

Energy is counted in uWh, time in us, prices in millionths of the currency unit. A quantity that does not fit its scale
becomes a Fraction; integers and Fractions mix freely, so every sum and product in the engine is exact.
Money is counted in ticks: TICK of them are one currency unit, for energy, time and flat fees alike.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

type Exact = int | Fraction

KWH = 10**9  # uWh in a kWh
WH = 10**6  # uWh in a Wh
SECOND = 10**6  # us in a second
MINUTE = 60 * SECOND
HOUR = 3600 * SECOND
DAY = 24 * HOUR
WEEK = 7 * DAY
PRICE_SCALE = 10**6
POWER_SCALE = 10**6  # kW and A are kept in millionths
PERCENT_SCALE = 10**4  # a VAT rate in ten-thousandths of a percent
WHOLE = 100 * PERCENT_SCALE

TICKS_PER_KWH_US = 18 * 10**9  # least common multiple of KWH and HOUR
ENERGY_FACTOR = TICKS_PER_KWH_US // KWH
TIME_FACTOR = TICKS_PER_KWH_US // HOUR
FLAT_FACTOR = TICKS_PER_KWH_US
TICK = TICKS_PER_KWH_US * PRICE_SCALE

REPEATING_PLACES = 18  # decimals printed of an amount that has no finite decimal form


def scaled(value: Decimal | int, scale: int) -> Exact:
    """`value * scale`, exact: an int where it is whole, else a Fraction."""
    numerator, denominator = value.as_integer_ratio()
    whole, rest = divmod(numerator * scale, denominator)
    return Fraction(numerator * scale, denominator) if rest else whole


def share(value: Exact, part: Exact, of: Exact) -> Exact:
    """`value * part / of`, exact: an int where it is whole, else a Fraction."""
    product = value * part
    if type(product) is int and type(of) is int:
        whole, rest = divmod(product, of)
        return Fraction(product, of) if rest else whole
    result = Fraction(product) / of
    return result.numerator if result.denominator == 1 else result


def rounded(value: Exact, digits: int, over: int = 1) -> Decimal:
    """`value / over` rounded half up (away from zero at the half) to `digits` decimals."""
    numerator, denominator = value.numerator * 10**digits, value.denominator * over
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return Decimal(f"{'-' if numerator < 0 and magnitude else ''}{magnitude}E-{digits}")


def as_decimal(value: Exact, over: int = 1) -> Decimal:
    """`value / over` as a plain Decimal: all digits where they end, else REPEATING_PLACES of them."""
    if type(value) is not int:
        ratio = Fraction(value, over)
        value, over = ratio.numerator, ratio.denominator
    other, factor, places = _decimal_form(over)
    digits, rest = divmod(value, other)
    if rest:
        return rounded(value, REPEATING_PLACES, over)
    digits *= factor
    for zeros in (16, 8, 4, 2, 1):
        if places >= zeros and digits % 10**zeros == 0:
            digits, places = digits // 10**zeros, places - zeros
    return Decimal(f"{digits}E-{places}")


@lru_cache(maxsize=1024)
def _decimal_form(over: int) -> tuple[int, int, int]:
    """A denominator as (what 10 does not divide, factor, places): over = other * 10**places / factor."""
    other, twos, fives = over, 0, 0
    while other % 2 == 0:
        other, twos = other // 2, twos + 1
    while other % 5 == 0:
        other, fives = other // 5, fives + 1
    places = max(twos, fives)
    return other, 10**places * other // over, places


def plain(value: Decimal) -> str:
    """A Decimal as a plain string without exponent and without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# ISO 4217: the currencies whose minor unit is not a hundredth.
_MINOR_DIGITS = dict.fromkeys(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"], 0
) | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)


def minor_digits(currency: str) -> int:
    """Decimals of the currency's minor unit (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD."""
    return _MINOR_DIGITS.get(currency, 2)
