"""Exact numbers: scaled integers inside, Decimals at the edges, never a float.

Energy is counted in uWh, time in us, prices in millionths of the currency unit. A quantity that does not fit its scale
becomes a Fraction; integers and Fractions mix freely, so every sum and product in the engine is exact.
Money is counted in ticks: TICK of them are one currency unit, for energy, time and flat fees alike.
"""

from __future__ import annotations

from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, Inexact
from fractions import Fraction
from functools import lru_cache
from math import gcd

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
_TWICE = 2 * 10**REPEATING_PLACES
_DIGITS, _MOST_DIGITS = 60, 4_000
_ENDS = Context(prec=_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact])
_WIDE = Context(prec=_MOST_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])  # more digits than any input leads to


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


@lru_cache(maxsize=64)
def _place(digits: int) -> Decimal:
    """One in the last of so many decimals."""
    return Decimal((0, (1,), -digits))


_LAST_PLACE = _place(REPEATING_PLACES)


def rounded(value: Exact, digits: int, over: int = 1) -> Decimal:
    """`value / over` rounded half up (away from zero at the half) to `digits` decimals."""
    numerator, denominator = value.numerator * 10**digits, value.denominator * over
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return _WIDE.multiply(-magnitude if numerator < 0 else magnitude, _place(digits))


@lru_cache(maxsize=4096)
def _other_factors(number: int) -> int:
    """What is left of a number without its factors two and five: a fraction ends where it divides the numerator."""
    # the power of ten has more twos and fives than the number can hold
    return number // gcd(number, pow(10, number.bit_length(), number))


class Divisor:
    """Divides whole numbers by the denominator `unit * scale` and gives plain Decimals; see as_decimal()."""

    __slots__ = ("_as_decimal", "_other_factors", "_over", "_twice_over")

    def __init__(self, unit: int, scale: int) -> None:
        self._over = over = unit * scale
        self._twice_over = 2 * over
        self._as_decimal = Decimal(over)
        self._other_factors = _other_factors(unit) * _other_factors(scale)

    def of(self, value: int) -> Decimal:
        """`value` over the denominator."""
        if value % self._other_factors:  # the digits repeat
            magnitude = (abs(value) * _TWICE + self._over) // self._twice_over
            return _WIDE.multiply(-magnitude if value < 0 else magnitude, _LAST_PLACE)
        try:
            return _ENDS.divide(value, self._as_decimal)  # a quotient has no zeros to strip
        except Inexact:
            return _WIDE.divide(value, self._as_decimal)


@lru_cache(maxsize=4096)
def divisor(unit: int, scale: int = 1) -> Divisor:
    """The Divisor of a denominator in two factors: units are few, scales are small."""
    return Divisor(unit, scale)


def as_decimal(value: Exact, over: int = 1) -> Decimal:
    """`value / over` as a plain Decimal: all digits where they end, else REPEATING_PLACES of them, rounded half up."""
    if type(value) is int:
        return divisor(over).of(value)
    return Divisor(over, value.denominator).of(value.numerator)


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
