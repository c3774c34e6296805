"""Money, numbers, dates and durations in a document's language (CLDR data by Babel).

Babel reads its patterns anew for every number, which is too slow for an annex of thousands of rows; so the separators
are taken from Babel once per locale and the figures are grouped here. The tests hold both ways equal.
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, get_decimal_symbol, get_group_symbol

from evbilling.kernel.errors import BadInput
from evbilling.kernel.money import minor_digits

MINUS = "\N{MINUS SIGN}"
NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"


@cache
def locale_of(language: str, currency: str) -> Locale:
    """The locale of a document: a bare "en" means American forms for US dollars and British ones otherwise."""
    tag = language.replace("-", "_")
    if tag == "en":
        tag = "en_US" if currency == "USD" else "en_GB"
    try:
        return Locale.parse(tag)
    except (ValueError, UnknownLocaleError):
        raise BadInput("language", language, "Use a code such as en or de.") from None


@dataclass(frozen=True, slots=True)
class Formats:
    """Formatter of one language and currency; get it from `formats_of`."""

    locale: Locale
    currency: str
    digits: int
    decimal: str
    group: str

    def money(self, amount: Decimal) -> str:
        """Amount with currency sign, as in €1,234.50 or 1.234,50 €."""
        text: str = format_currency(amount, self.currency, locale=self.locale)
        return text.replace("-", MINUS, 1)

    def amount(self, amount: Decimal) -> str:
        """Amount without currency sign, for columns whose head names it."""
        return self._fixed(int(amount.scaleb(self.digits)), self.digits)

    def kwh(self, energy_wh: int) -> str:
        """Energy in kWh to the Wh, as metered."""
        return self._fixed(energy_wh, 3)

    def whole(self, number: int) -> str:
        """Whole number with group separators."""
        return self._fixed(number, 0)

    def duration(self, seconds: int) -> str:
        """Hours and minutes, as in 1:05; minutes are cut off, not rounded. A dash for nothing."""
        if not seconds:
            return "\N{EN DASH}"
        minutes = seconds // 60
        return f"{minutes // 60}:{minutes % 60:02d}"

    def long_date(self, day: date) -> str:
        """Date with the month in words."""
        return _day(day, "long", self.locale)

    def short_date(self, day: date) -> str:
        """Date for columns."""
        return _day(day, "medium", self.locale)

    def clock(self, instant: datetime) -> str:
        """Time of day of the instant in its own zone."""
        return _clock(instant.hour, instant.minute, self.locale)

    def period(self, first: date, last: date) -> str:
        """From first to last day, both included, as short as it stays clear."""
        if first == last:
            return self.long_date(first)
        dates = (self.short_date(day).replace(" ", "\N{NO-BREAK SPACE}") for day in (first, last))
        return " \N{EN DASH} ".join(dates)

    def _fixed(self, units: int, digits: int) -> str:
        sign = MINUS if units < 0 else ""
        whole = str(abs(units)) if not digits else f"{abs(units):0{digits + 1}d}"
        fraction = ""
        if digits:
            whole, fraction = whole[:-digits], self.decimal + whole[-digits:]
        if len(whole) > 3:
            whole = f"{int(whole):,}".replace(",", self.group)
        return sign + whole + fraction


@cache
def formats_of(language: str, currency: str) -> Formats:
    """The formatter of a document's language and currency."""
    locale = locale_of(language, currency)
    return Formats(locale, currency, minor_digits(currency), get_decimal_symbol(locale), get_group_symbol(locale))


@lru_cache(maxsize=4096)
def _day(day: date, length: str, locale: Locale) -> str:
    return format_date(day, length, locale=locale)


@lru_cache(maxsize=4096)
def _clock(hour: int, minute: int, locale: Locale) -> str:
    return format_time(time(hour, minute), "short", locale=locale).replace(
        "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}"
    )
