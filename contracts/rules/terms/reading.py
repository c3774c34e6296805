"""Strict reading of a term's figures: every key known, every value in its form, every refusal a sentence."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BadInput, require

_MOST = Decimal(1_000_000_000)
_CLOCK = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)$", re.ASCII)
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def label(name: str) -> str:
    """What a figure is called on forms and in refusals."""
    return {
        "amount": _("amount"),
        "cap_percent": _("at most (percent of the month's charges)"),
        "credit_amount": _("credit a month"),
        "credit_percent_per_point": _("credit per point missed (percent)"),
        "day_cap": _("at most a day"),
        "days": _("days"),
        "dimension": _("what is capped"),
        "end_time": _("until"),
        "eu_default": _("statutory default"),
        "flat_amount": _("flat amount"),
        "from_kwh": _("from kWh"),
        "grace_minutes": _("grace (minutes)"),
        "kwh": _("kWh a month"),
        "max_amount": _("at most"),
        "months_of_base_fee": _("months of base fee"),
        "per": _("for each"),
        "percent": _("percent"),
        "price_per_kwh": _("price per missing kWh"),
        "price_per_minute": _("price per minute"),
        "remaining_commitment_percent": _("percent of the remaining commitment"),
        "session_cap": _("at most a session"),
        "start_time": _("from"),
        "tiers": _("tiers"),
        "yearly_percent": _("interest a year (percent)"),
    }.get(name, name)


class Figures:
    """The figures of one term, taken key by key; `done` refuses what nobody took."""

    def __init__(self, raw: object) -> None:
        if not isinstance(raw, Mapping):
            raise BadInput(_("figures"), raw, _("Write an object with one value for each figure of the term."))
        self._left: dict[str, Any] = {str(key): value for key, value in raw.items()}

    def done(self) -> None:
        """Raise BadInput for keys that the kind of term does not know."""
        require(
            not self._left,
            BadInput(_("figures"), ", ".join(sorted(self._left)), _("This kind of term has no such figure.")),
        )

    def has(self, name: str) -> bool:
        """Whether the figure is there and not empty."""
        return self._left.get(name) not in (None, "")

    def amount(self, name: str) -> Decimal:
        """An amount, price or quantity above zero with at most six decimals."""
        return self._number(name, low=Decimal(0), high=_MOST, above=True)

    def amount_or_none(self, name: str) -> Decimal | None:
        """The same, where the term may leave it out."""
        return self.amount(name) if self._given(name) else None

    def percent(self, name: str, *, high: int = 100) -> Decimal:
        """A percentage above 0, at most 100."""
        return self._number(name, low=Decimal(0), high=Decimal(high), above=True)

    def percent_or_none(self, name: str, *, high: int = 100) -> Decimal | None:
        """The same, where the term may leave it out."""
        return self.percent(name, high=high) if self._given(name) else None

    def from_zero(self, name: str) -> Decimal:
        """A quantity that may be zero."""
        return self._number(name, low=Decimal(0), high=_MOST, above=False)

    def whole(self, name: str, *, low: int, high: int, missing: int | None = None) -> int:
        """A whole number between two bounds, both included; `missing` stands in where it is left out."""
        if missing is not None and not self._given(name):
            return missing
        value = self._number(name, low=Decimal(low), high=Decimal(high), above=False)
        require(value == int(value), BadInput(label(name), value, _("Write a whole number.")))
        return int(value)

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the given words."""
        value = self._left.pop(name, None)
        if value not in choices:
            raise BadInput(label(name), value, _("Choose one of: %s.") % ", ".join(choices))
        return str(value)

    def flag(self, name: str) -> bool:
        """True or false; left out is false."""
        value = self._left.pop(name, None)
        require(value in (None, True, False), BadInput(label(name), value, _("Write true or false.")))
        return bool(value)

    def clock(self, name: str) -> dt.time:
        """A local time of day."""
        value = self._left.pop(name, None)
        match = _CLOCK.match(value) if isinstance(value, str) else None
        if match is None:
            raise BadInput(label(name), value, _("Write the time of day as HH:MM, for example 22:00."))
        return dt.time(int(match[1]), int(match[2]))

    def weekdays(self, name: str) -> tuple[str, ...]:
        """Days of the week in their order, each once; left out or empty is every day."""
        value = self._left.pop(name, None) or []
        if not isinstance(value, list | tuple) or any(day not in WEEKDAYS for day in value):
            raise BadInput(label(name), value, _("Name days of the week, such as MONDAY, or leave it empty for all."))
        require(len(set(value)) == len(value), BadInput(label(name), value, _("Name each day once.")))
        return tuple(day for day in WEEKDAYS if day in value)

    def rows(self, name: str) -> list["Figures"]:
        """A list of objects, at least one."""
        value = self._left.pop(name, None)
        if not isinstance(value, list | tuple) or not value:
            raise BadInput(label(name), value, _("Give at least one."))
        return [Figures(row) for row in value]

    def exactly_one(self, *names: str) -> str:
        """Which of these figures is given. Raises BadInput unless it is exactly one."""
        given = [name for name in names if self.has(name)]
        if len(given) != 1:
            wanted = ", ".join(label(name) for name in names)
            raise BadInput(wanted, ", ".join(label(name) for name in given), _("Fill in exactly one of these."))
        return given[0]

    def _given(self, name: str) -> bool:
        """Whether the figure has a value; an empty one counts as taken."""
        if not self.has(name):
            self._left.pop(name, None)
        return name in self._left

    def _number(self, name: str, *, low: Decimal, high: Decimal, above: bool) -> Decimal:
        value = self._left.pop(name, None)
        number = _decimal(value)
        if number is None:
            raise BadInput(label(name), value, _("Write a number such as 12.50."))
        exponent = number.normalize().as_tuple().exponent
        require(
            isinstance(exponent, int) and exponent >= -6,
            BadInput(label(name), str(number), _("Write at most six decimals.")),
        )
        if above:
            require(
                low < number <= high,
                BadInput(
                    label(name), str(number), _("It must be above %(low)s, at most %(high)s.") % _bounds(low, high)
                ),
            )
        else:
            require(
                low <= number <= high,
                BadInput(label(name), str(number), _("It must be from %(low)s to %(high)s.") % _bounds(low, high)),
            )
        return number


def _bounds(low: Decimal, high: Decimal) -> dict[str, str]:
    return {"low": f"{low:f}", "high": f"{high:f}"}


def _decimal(value: object) -> Decimal | None:
    """A number from a decimal string, an integer or a Decimal; never from a float."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        number = Decimal(value)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def text(value: Decimal) -> str:
    """A number as figures keep it: a plain decimal string without needless zeros."""
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
