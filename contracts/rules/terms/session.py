"""The term that acts on a session's price: a cap on one part of it inside a window of the day."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from contracts.rules.tariff_text import weekday_names
from contracts.rules.terms.reading import Figures, text
from evbilling.shell.formats import format_money

DIMENSIONS = ("ENERGY", "TIME", "PARKING_TIME")


@dataclass(frozen=True, slots=True)
class WindowCap:
    """What a session costs in one dimension, net, inside each occurrence of a local window is at most `max_amount`.

    The window opens at `start_time` and closes at `end_time`, on the next day where that is not later; equal times are
    a whole day. `days` (empty: all) are the days on which it opens. Times are local to the site.
    """

    dimension: str
    start_time: dt.time
    end_time: dt.time
    days: tuple[str, ...]
    max_amount: Decimal

    @classmethod
    def read(cls, figures: Figures) -> "WindowCap":
        """From its figures. Raises BadInput."""
        return cls(
            dimension=figures.choice("dimension", DIMENSIONS),
            start_time=figures.clock("start_time"),
            end_time=figures.clock("end_time"),
            days=figures.weekdays("days"),
            max_amount=figures.amount("max_amount"),
        )

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        found: dict[str, Any] = {
            "dimension": self.dimension,
            "start_time": f"{self.start_time:%H:%M}",
            "end_time": f"{self.end_time:%H:%M}",
            "max_amount": text(self.max_amount),
        }
        return found | ({"days": list(self.days)} if self.days else {})

    def describe(self, currency: str) -> str:
        """In a sentence."""
        values = {
            "what": dimension_word(self.dimension),
            "start": f"{self.start_time:%H:%M}",
            "end": f"{self.end_time:%H:%M}",
            "amount": format_money(self.max_amount, currency),
            "days": ", ".join(weekday_names()[day] for day in self.days),
        }
        if self.days:
            return (
                _("%(what)s between %(start)s and %(end)s, starting on %(days)s, costs at most %(amount)s a session.")
                % values
            )
        return _("%(what)s between %(start)s and %(end)s costs at most %(amount)s a session and window.") % values


def dimension_word(dimension: str) -> str:
    """What a session is charged for, at the beginning of a sentence."""
    return {"ENERGY": _("Energy"), "TIME": _("Charging time"), "PARKING_TIME": _("Time without charging")}[dimension]
