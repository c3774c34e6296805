"""How figures read on every screen: money, energy, durations, dates and instants in the reader's language.

Numbers are never rounded away silently: money shows its currency's digits and an amount that has more of them is a
unit price. Floats are refused (ARCHITECTURE, Money).
"""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from django.utils.translation import get_language
from django.utils.translation import gettext as _

# English means day before month here: a European operator's dates would be misread otherwise.
_LOCALES = {"en": "en_GB", "de": "de_DE"}
_WH_PER_KWH = Decimal(1000)


@lru_cache(maxsize=32)
def _locale(language: str) -> Locale:
    return Locale.parse(_LOCALES.get(language, language).replace("-", "_"))


def locale_for(language: str | None = None, currency: str = "") -> Locale:
    """The formatting locale of a language code; without one, that of the page being shown.

    For money in US dollars a bare "en" is American: $0.26 on every screen as on every document.
    """
    language = language or get_language() or "en"
    return _locale("en_US" if language == "en" and currency == "USD" else language)


def _decimal(value: Decimal | int | str) -> Decimal:
    if isinstance(value, bool | float):
        raise TypeError(f"{value!r} is a {type(value).__name__}; figures are decimals or integers.")
    return Decimal(value)


def format_money(amount: Decimal | int, currency: str, locale: str | None = None) -> str:
    """€1,234.50: the amount with its currency and that currency's digits. Raises TypeError for a float."""
    return numbers.format_currency(_decimal(amount), currency, locale=locale_for(locale, currency))


def format_unit_price(amount: Decimal | int | Fraction, currency: str, locale: str | None = None) -> str:
    """€0.543 or €0.4933: a price per unit keeps up to six decimals and at least the currency's own."""
    if isinstance(amount, Fraction):
        amount = Decimal(amount.numerator) / Decimal(amount.denominator)
    digits = numbers.get_currency_precision(currency)
    shown = _decimal(amount).quantize(Decimal("0.000001")).normalize()
    wanted = max(digits, -int(shown.as_tuple().exponent))
    language = locale_for(locale, currency)
    pattern = language.currency_formats["standard"].pattern.replace("0.00", "0." + "0" * wanted if wanted else "0")
    return numbers.format_currency(shown, currency, format=pattern, locale=language, currency_digits=False)


def format_number(value: Decimal | int, digits: int = 0, locale: str | None = None) -> str:
    """A plain number with so many decimals (half up) and the language's separators."""
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    with numbers.decimal.localcontext() as exact:
        exact.rounding = numbers.decimal.ROUND_HALF_UP
        return numbers.format_decimal(_decimal(value), format=pattern, locale=locale_for(locale))


def format_exact(value: Decimal | int, locale: str | None = None) -> str:
    """19 or 7.125: a plain number with the decimals that it has, none where they are zero."""
    shown = _decimal(value).normalize()
    return format_number(shown, max(0, -int(shown.as_tuple().exponent)), locale)


def format_minor(amount: Decimal | int, currency: str, locale: str | None = None) -> str:
    """1,234.50: an amount with its currency's digits, for a sentence that says the currency beside it."""
    return format_number(amount, numbers.get_currency_precision(currency), locale)


def format_kwh(wh: int, digits: int = 2, locale: str | None = None) -> str:
    """1,234.56 kWh from integer watt-hours."""
    return f"{format_number(_decimal(wh) / _WH_PER_KWH, digits, locale)}\N{NO-BREAK SPACE}kWh"


def format_kw(watts: int, locale: str | None = None) -> str:
    """11 or 11.5 from integer watts: kilowatts with the decimals that there are, for a sentence that says the unit."""
    return format_exact(_decimal(watts) / 1000, locale)


def format_percent(rate: Decimal | int, locale: str | None = None) -> str:
    """19 % or 8.875 % from a rate such as Decimal('0.19'): up to the four decimals that rates are kept with."""
    return numbers.format_percent(_decimal(rate), format="#,##0.####\N{NO-BREAK SPACE}%", locale=locale_for(locale))


def format_duration(seconds: int) -> str:
    """1 h 35 min; full minutes, and seconds only below one minute."""
    if isinstance(seconds, float):
        raise TypeError(f"{seconds!r} is a float; durations are whole seconds.")
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    space = "\N{NO-BREAK SPACE}"
    if left < 60:
        return f"{sign}{left}{space}s"
    hours, minutes = divmod(left // 60, 60)
    if not hours:
        return f"{sign}{minutes}{space}min"
    return f"{sign}{hours}{space}h {minutes}{space}min" if minutes else f"{sign}{hours}{space}h"


def format_day(day: dt.date, locale: str | None = None) -> str:
    """22 Nov 2026."""
    return dates.format_date(day, format="medium", locale=locale_for(locale))


def format_month(day: dt.date, locale: str | None = None) -> str:
    """November 2026, of the month that holds the day."""
    return dates.format_skeleton("yMMMM", day, locale=locale_for(locale))


def format_instant(at: dt.datetime, zone_name: str, locale: str | None = None) -> str:
    """22 Nov 2026, 14:05 CET: local time in the zone, and the zone is said. Raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no zone; pass an aware instant.")
    language = locale_for(locale)
    local = at.astimezone(ZoneInfo(zone_name))
    moment = f"{dates.format_date(local, 'medium', locale=language)}, {local:%H:%M}"
    return f"{moment}\N{NO-BREAK SPACE}{local.tzname()}"


def format_period(start: dt.date, end: dt.date, locale: str | None = None) -> str:
    """November 2026 for a calendar month, otherwise both days; `end` is the first day outside."""
    last = end - dt.timedelta(days=1)
    if start.day == 1 and end.day == 1 and (last.year, last.month) == (start.year, start.month):
        return format_month(start, locale)
    return _("%(first)s to %(last)s") % {"first": format_day(start, locale), "last": format_day(last, locale)}
