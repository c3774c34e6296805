"""How the figures of the home pages are shown: comparisons in words, charts, tables whose numbers open."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from evbilling.kernel.clock import Period
from evbilling.portal.queries import Group, Month, Total
from evbilling.shell.charts import Bar, bar_chart, meter
from evbilling.shell.formats import (
    format_day,
    format_kwh,
    format_money,
    format_month,
    format_number,
    format_percent,
)
from evbilling.shell.tables import Column, Table

DIMENSIONS: Mapping[str, tuple[str | Promise, str | Promise]] = {
    "vehicle": (gettext_lazy("Vehicle"), gettext_lazy("No vehicle")),
    "driver": (gettext_lazy("Driver"), gettext_lazy("No driver named")),
    "cost_centre": (gettext_lazy("Cost centre"), gettext_lazy("No cost centre")),
    "site": (gettext_lazy("Site"), gettext_lazy("Unknown site")),
}
"""What a month can be divided by: its heading, and what sessions without one are called."""


def currency_symbol(currency: str) -> str:
    """€ or $, as amounts are written here: what heads a column of prices."""
    return format_money(0, currency).strip("0.,\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}")


def sessions_url(**filters: object) -> str:
    """The session list with these filters; empty ones are left out."""
    chosen = {name: value for name, value in filters.items() if value not in {None, ""}}
    return f"{reverse('portal:sessions')}?{urlencode(chosen)}" if chosen else reverse("portal:sessions")


def change(now: Decimal | int, before: Decimal | int, period: Period) -> str:
    """+45 % on September 2026; empty where the month before had none."""
    if not before:
        return ""
    # Percent of an exact ratio, to whole percents: a comparison, not an amount.
    ratio = (Decimal(now) / Decimal(before) - 1).quantize(Decimal("0.01"))
    sign = "+" if ratio > 0 else "\N{MINUS SIGN}" if ratio < 0 else "±"
    return _("%(change)s on %(month)s") % {
        "change": f"{sign}{format_percent(abs(ratio))}",
        "month": format_month(period.previous_month().start),
    }


def cost_hint(total: Total, compared: str) -> str:
    """The comparison, and what is not final in the figure."""
    words = [compared] if compared else []
    if total.estimated:
        words.append(_("estimated, not billed yet"))
    if total.unpriced:
        words.append(
            ngettext("%(count)s session without a price yet", "%(count)s sessions without a price yet", total.unpriced)
            % {"count": format_number(total.unpriced)}
        )
    return ", ".join(words)


def sessions_hint(total: Total) -> str:
    """per kWh, 96 sessions"""
    return ngettext("per kWh, %(count)s session", "per kWh, %(count)s sessions", total.sessions) % {
        "count": format_number(total.sessions)
    }


def energy_chart(month: Month) -> SafeString:
    """The energy of each day as bars that open the day's sessions."""
    days = [month.period.start + dt.timedelta(days=n) for n in range((month.period.end - month.period.start).days)]
    bars = [
        Bar(
            label=str(day.day),
            value=Decimal(month.per_day.get(day, 0)) / 1000,
            text=f"{format_day(day)}: {format_kwh(month.per_day.get(day, 0))}",
            href=sessions_url(day=day.isoformat()) if month.per_day.get(day) else "",
        )
        for day in days
    ]
    best = max(days, key=lambda day: month.per_day.get(day, 0))
    description = _("%(month)s, highest on %(day)s with %(energy)s.") % {
        "month": format_month(month.period.start),
        "day": format_day(best),
        "energy": format_kwh(month.per_day.get(best, 0)),
    }
    return bar_chart(bars, title=_("Energy per day"), description=description)


def group_table(
    groups: Sequence[Group], dimension: str, month: Month, params: QueryDict, *, with_cost: bool = True
) -> Table:
    """A month by vehicle, driver, cost centre or site: bars and figures, each opening its sessions."""
    heading, without = DIMENSIONS[dimension]
    largest = max((_length(group, with_cost) for group in groups), default=Decimal(0))

    def sessions_of(group: Group) -> str | None:
        return sessions_url(month=month.period.code, **{dimension: group.key}) if group.key else None

    def bar(group: Group) -> SafeString:
        return meter(_length(group, with_cost), largest, label=group.label or str(without))

    columns = [
        Column("label", heading, value=lambda group: group.label or without, sort="x", title=True, href=sessions_of),
        Column("bar", _("Share"), format="html", value=bar, minor=True),
        Column(
            "sessions", _("Sessions"), format="number", value=lambda group: group.total.sessions, sort="x", minor=True
        ),
        Column("energy", _("Energy"), format="kwh", value=lambda group: group.total.energy_wh, sort="x"),
    ]
    if with_cost:
        columns += [
            Column(
                "cost",
                _("Cost"),
                format="money",
                value=lambda group: group.total.cost,
                currency=month.currency,
                sort="x",
                href=sessions_of,
            ),
            Column(
                "unit_price",
                _("%(symbol)s per kWh") % {"symbol": currency_symbol(month.currency)},
                format="html",
                value=_unit_price,
                sort="x",
                minor=True,
            ),
        ]
    return Table(
        groups,
        columns,
        params,
        caption=heading,
        default_sort="-cost" if with_cost else "-energy",
        page_size=8,
        empty=_("No session in this month."),
    )


def _unit_price(group: Group) -> str | None:
    """With three decimals, so that the prices of a column stand under each other."""
    return None if group.total.unit_price is None else format_number(group.total.unit_price, 3)


def _length(group: Group, with_cost: bool) -> Decimal:
    return group.total.cost if with_cost else Decimal(group.total.energy_wh)
