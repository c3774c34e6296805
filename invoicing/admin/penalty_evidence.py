"""The because of a penalty as rows of a table: what each figure is called, and how it reads."""

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evbilling.shell.formats import format_day, format_instant, format_money, format_unit_price

_LABELS: dict[str, Promise] = {
    "session": gettext_lazy("session"),
    "who": gettext_lazy("vehicle or token"),
    "day": gettext_lazy("day"),
    "charging_ended_at": gettext_lazy("charging ended"),
    "left_at": gettext_lazy("session ended"),
    "stayed_minutes": gettext_lazy("minutes after charging"),
    "grace_minutes": gettext_lazy("grace (minutes)"),
    "billed_minutes": gettext_lazy("billed minutes"),
    "price_per_minute": gettext_lazy("price per minute"),
    "full_amount": gettext_lazy("before the caps"),
    "session_cap": gettext_lazy("at most a session"),
    "day_cap": gettext_lazy("at most a day"),
    "day_used": gettext_lazy("used that day before"),
    "reserved_from": gettext_lazy("reserved from"),
    "ended_at": gettext_lazy("ended"),
    "waited_minutes": gettext_lazy("minutes reserved"),
    "energy_wh": gettext_lazy("energy (Wh)"),
    "priced_by_tariff": gettext_lazy("priced by the tariff"),
    "total": gettext_lazy("total of the document"),
    "due_on": gettext_lazy("due on"),
    "until": gettext_lazy("until (not included)"),
    "days": gettext_lazy("days with interest"),
    "day_count": gettext_lazy("day count"),
    "segments": gettext_lazy("open amounts"),
    "accrued": gettext_lazy("accrued in all"),
    "booked_before": gettext_lazy("booked before"),
    "open_when_due": gettext_lazy("open at the end of the due date"),
    "payment": gettext_lazy("payment"),
    "document": gettext_lazy("document"),
    "level": gettext_lazy("dunning level"),
    "open": gettext_lazy("open amount"),
    "failure": gettext_lazy("what the processor said"),
    "ends_on": gettext_lazy("first day without the contract"),
    "may_end_on": gettext_lazy("could end on"),
    "minimum_term_until": gettext_lazy("minimum term until"),
    "notice_on": gettext_lazy("notice given on"),
    "notice_days": gettext_lazy("notice period (days)"),
    "fixed_amount": gettext_lazy("agreed amount"),
    "months_of_base_fee": gettext_lazy("months of base fee"),
    "monthly_base_fee": gettext_lazy("base fee a month"),
    "monthly_commitment": gettext_lazy("commitment a month"),
    "remaining_commitment": gettext_lazy("remaining commitment"),
    "percent": gettext_lazy("percent"),
    "unit": gettext_lazy("station or site"),
    "from": gettext_lazy("from"),
    "stations": gettext_lazy("stations"),
    "whole_minutes": gettext_lazy("minutes of the month"),
    "down_minutes": gettext_lazy("minutes out of service"),
    "uptime_percent": gettext_lazy("in service (percent)"),
    "promised_percent": gettext_lazy("promised (percent)"),
    "missed_points": gettext_lazy("points missed"),
    "charges": gettext_lazy("charges there"),
    "credit_percent_per_point": gettext_lazy("credit per point (percent)"),
    "credit_amount": gettext_lazy("credit a month"),
    "cap_percent": gettext_lazy("at most (percent of the charges)"),
    "cap": gettext_lazy("at most"),
    "amount": gettext_lazy("amount"),
}
"""What the figures are called, in the order in which the rules write them; what is not named here needs no row."""
_AMOUNTS = frozenset(
    [
        "full_amount",
        "session_cap",
        "day_cap",
        "day_used",
        "priced_by_tariff",
        "total",
        "accrued",
        "booked_before",
        "open_when_due",
        "fixed_amount",
        "monthly_base_fee",
        "monthly_commitment",
        "remaining_commitment",
        "charges",
        "credit_amount",
        "cap",
        "open",
        "amount",
    ]
)


def evidence_rows(because: Mapping[str, Any], currency: str) -> Iterator[tuple[str, Any]]:
    """(label, value) of each figure that there is, in the reader's language."""
    for name, value in because.items():
        if name in _LABELS and value is not None:
            yield capfirst(str(_LABELS[name])), _shown(name, value, currency)


def _shown(name: str, value: Any, currency: str) -> Any:
    if isinstance(value, list):
        return format_html_join(mark_safe("<br>"), "{}", ((_part(each, currency),) for each in value))
    if name in _AMOUNTS:
        return format_money(Decimal(value), currency)
    if name == "price_per_minute":
        return format_unit_price(Decimal(value), currency)
    if isinstance(value, str) and len(value) == len("2026-10-05") and value[4:5] == "-":
        return format_day(dt.date.fromisoformat(value))
    if isinstance(value, str) and len(value) > len("2026-10-05T") and value[10:11] == "T":
        return format_instant(dt.datetime.fromisoformat(value), timezone.get_current_timezone_name())
    return value


def _part(each: Mapping[str, Any], currency: str) -> str:
    if "ref" in each:
        return _("%(station)s: %(minutes)s min out of service") % {
            "station": each["ref"],
            "minutes": each["down_minutes"],
        }
    return _("%(first)s to %(last)s: %(open)s for %(days)s days at %(percent)s %%") % {
        "first": format_day(dt.date.fromisoformat(each["from"])),
        "last": format_day(dt.date.fromisoformat(each["to"]) - dt.timedelta(days=1)),
        "open": format_money(Decimal(each["open"]), currency),
        "days": each["days"],
        "percent": each["percent"],
    }
