"""The first page of the day: what needs a person now, the month in figures, and where the house stands.

Every figure opens the list that it counts. What is costly at 100,000 sessions is kept for thirty seconds.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from babel.dates import format_interval
from babel.numbers import format_currency
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from contracts.models import Operator
from evbilling.kernel.clock import Period, local_date, month_of, months_between, parse_month
from evbilling.kernel.errors import BillingError
from evbilling.shell.charts import Part, Tone, meter, stacked_bar
from evbilling.shell.formats import (
    format_day,
    format_kwh,
    format_money,
    format_month,
    format_number,
    format_percent,
    locale_for,
)
from evbilling.workspace import lists
from evbilling.workspace.daily_chart import DayMark, daily_chart
from evbilling.workspace.queries import live, standing, waiting
from evbilling.workspace.queries.month import MonthFigures, first_and_last_end, month_figures, operator_sessions
from evbilling.workspace.queries.receivables import Receivables, receivables
from evbilling.workspace.words import action_text

KEPT_SECONDS = 30
LIVE_SHOWN = 8
ENTRIES_SHOWN = 8
AGE_TONES: tuple[Tone, ...] = ("success", "info", "warning", "brand", "danger")
"""From green to red; admin.css gives them their colours."""


@dataclass(frozen=True, slots=True)
class Item:
    """One kind of thing that waits: how many, what it is worth, where it is worked on."""

    label: str | Promise
    count: int
    href: str
    tone: str = "warning"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure beside the month before. `trend`: up, down, same, or "" where there is nothing to compare."""

    label: str
    value: str
    href: str
    change: str = ""
    against: str = ""
    trend: str = ""
    note: str = ""
    good: str = "up"

    @property
    def tone(self) -> str:
        """Whether the change is welcome."""
        return "" if self.trend in {"", "same"} else ("good" if self.trend == self.good else "bad")


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: adds what templates/admin/index.html shows, as far as the person may see it."""
    now = timezone.now()
    context["title"] = _("Dashboard")
    operators = list(Operator.objects.order_by("legal_name"))
    operator = next((each for each in operators if str(each.pk) == request.GET.get("operator")), None)
    operator = operator or (operators[0] if operators else None)
    if operator is None:
        return context | {"operators": operators, "operator": None}
    may = request.user.has_perm
    today = local_date(now, operator.zone)
    owed = _kept(f"owed.{operator.pk}", lambda: receivables(operator, today=today))
    items = _waiting(may, owed)
    context |= {
        "operators": operators,
        "operator": operator,
        "today": today,
        "waiting": [item for item in items if item.count],
        "clear": [item for item in items if not item.count],
        "books": standing.last_books_check(at=now) if may("invoicing.view_bookscheck") else None,
        "may_see_books": may("invoicing.view_bookscheck"),
    }
    if may("charging.view_chargingsession"):
        context |= _month(request, operator, len(operators) == 1, owed, today) | live_context(now)
    if may("invoicing.view_invoice"):
        context |= {"owed": owed, "aging": _aging(owed, today), "owed_others": _others(owed.others)}
    if may("invoicing.view_billingrun"):
        context["run"] = _run(standing.last_run(operator))
    if may("kernel.view_auditrecord"):
        context["entries"] = [(entry, action_text(entry.action)) for entry in standing.latest_entries(ENTRIES_SHOWN)]
    return context


@require_GET
def charging_now(request: HttpRequest) -> HttpResponse:
    """The live table alone: the page asks for it again while it is open."""
    return render(request, "admin/charging_now.html", live_context(timezone.now()))


def live_context(now: dt.datetime) -> dict[str, Any]:
    """The running sessions that started last, and how many there are if not all of them are shown."""
    shown = live.live_sessions(at=now, most=LIVE_SHOWN)
    count = len(shown) if len(shown) < LIVE_SHOWN else live.running_sessions().count()
    return {"live": shown, "live_count": count, "live_href": lists.sessions(status="running")}


def _kept[T](name: str, compute: Callable[[], T]) -> T:
    found: T | None = cache.get(f"dashboard.{name}")
    if found is None:
        found = compute()
        cache.set(f"dashboard.{name}", found, KEPT_SECONDS)
    return found


def _waiting(may: Callable[[str], bool], owed: Receivables) -> list[Item]:
    """What a person has to look at, the urgent first; kinds that the person may not see are left out."""
    counted = waiting.counts()
    unrated = _kept("unrated", lambda: waiting.unrated_sessions().count())
    overdue = format_money(owed.overdue_amount, owed.currency)
    holds = ngettext("%(count)s open hold", "%(count)s open holds", counted["holds"])
    holds = holds % {"count": format_number(counted["holds"])}
    items = [
        ("charging.view_hold", Item(_("Held sessions"), counted["held_sessions"], lists.open_holds(), note=holds)),
        (
            "charging.view_chargingsession",
            Item(_("Sessions without a price"), unrated, lists.sessions(status="unrated")),
        ),
        ("invoicing.view_invoice", Item(_("Drafts to issue"), counted["drafts"], lists.drafts(), "info")),
        (
            "invoicing.view_invoice",
            Item(_("Overdue invoices"), owed.overdue_count, lists.overdue_invoices(), "danger", overdue),
        ),
        (
            "invoicing.view_penalty",
            Item(_("Waivers of penalties to decide"), counted["waivers"], lists.asked_waivers(), "info"),
        ),
        (
            "invoicing.view_dispute",
            Item(_("Open disputes"), counted["disputes"], lists.open_disputes(), "warning"),
        ),
        (
            "invoicing.view_correction",
            Item(_("Corrections to approve"), counted["corrections"], lists.asked_corrections(), "info"),
        ),
        (
            "invoicing.view_delivery",
            Item(_("Mails that did not arrive"), counted["mails"], lists.bad_mails(), "danger"),
        ),
        (
            "payments.view_payment",
            Item(_("Payments without an answer"), counted["payments"], lists.unknown_payments(), "danger"),
        ),
        (
            "kernel.view_outboxmessage",
            Item(_("Background steps that failed"), counted["steps"], lists.bad_steps(), "danger"),
        ),
        (
            "contracts.view_contract",
            Item(_("Contracts to activate"), counted["activation"], lists.offered_contracts(), "info"),
        ),
        ("contracts.view_contractversion", Item(_("Terms to approve"), counted["terms"], lists.draft_terms(), "info")),
        (
            "contracts.view_contractversion",
            Item(_("Terms not acknowledged"), counted["unknown_terms"], lists.unacknowledged_terms()),
        ),
        (
            "contracts.view_tariffversion",
            Item(_("Tariffs to release"), counted["tariffs"], lists.draft_tariffs(), "info"),
        ),
    ]
    full = _kept("budgets", lambda: waiting.full_budgets(timezone.now())) if counted["budgets"] else []
    if full:
        budgets = Item(_("Sponsors' budgets nearly used"), len(full), lists.contracts(full))
        items.append(("contracts.view_contract", budgets))
    return [item for permission, item in items if may(permission)]


def _month(
    request: HttpRequest, operator: Operator, only_one: bool, owed: Receivables, today: dt.date
) -> dict[str, Any]:
    """The month asked for, else the one of the latest session, else this one."""
    sessions = operator_sessions(operator, only_one=only_one)
    ends = first_and_last_end(sessions, operator.zone)
    first, last = ends or (today, today)
    period = _asked(request) or month_of(last)
    figures = _kept(
        f"month.{operator.pk}.{period.code}",
        lambda: month_figures(sessions, period=period, zone=operator.zone, currency=operator.currency, last_day=last),
    )
    months = months_between(month_of(first), month_of(last)) if ends else []
    if period not in months:
        months = sorted([*months, period])
    place = months.index(period)
    return {
        "period": period,
        "months": list(reversed(months)),
        "earlier": months[place - 1] if place else None,
        "later": months[place + 1] if place + 1 < len(months) else None,
        "figures": _figures(figures, operator, owed),
        "chart": _chart(figures, operator),
        "has_figures": figures.total.sessions > 0,
    }


def _asked(request: HttpRequest) -> Period | None:
    try:
        return parse_month(request.GET.get("month", ""))
    except BillingError:
        return None


def _figures(found: MonthFigures, operator: Operator, owed: Receivables) -> list[Figure]:
    now, before = found.total, found.before
    month = lists.sessions(period=found.period, zone=operator.zone)
    said = _compared(found)
    day = {"day": format_day(owed.before_on)}
    shown = [
        Figure(
            _("Revenue, net"),
            format_money(now.net, operator.currency),
            month,
            *_change(now.net, before.net, *said),
            note=_others(now.other_net),
        ),
        Figure(
            _("Energy delivered"),
            format_kwh(now.energy_wh, 0),
            month,
            *_change(Decimal(now.energy_wh), Decimal(before.energy_wh), *said),
        ),
        Figure(
            _("Sessions"),
            format_number(now.sessions),
            month,
            *_change(Decimal(now.sessions), Decimal(before.sessions), *said),
        ),
    ]
    overdue = ngettext("%(count)s overdue", "%(count)s overdue", owed.overdue_count)
    return [
        *shown,
        Figure(
            _("Receivables open today"),
            format_money(owed.open_amount, owed.currency),
            lists.open_invoices(),
            *_change(owed.open_amount, owed.before, _("against %(day)s") % day, _("none on %(day)s") % day),
            note=overdue % {"count": format_number(owed.overdue_count)} if owed.overdue_count else "",
            good="down",
        ),
    ]


def _compared(found: MonthFigures) -> tuple[str, str]:
    """What the month is measured against, and how to say that there was nothing."""
    if not found.partial:
        month = {"month": format_month(found.before_from)}
        return _("against %(month)s") % month, _("none in %(month)s") % month
    shown = format_interval(found.before_from, found.before_to, "yMMMd", locale=locale_for())
    days = {"days": shown}
    return _("against %(days)s") % days, _("none in %(days)s") % days


def _change(now: Decimal, before: Decimal, against: str, none: str) -> tuple[str, str, str]:
    """(+54.2 %, against October 2015, up); without anything before there is no ratio to speak of."""
    if not before:
        return ("", none if now else "", "")
    ratio = ((now - before) / before).quantize(Decimal("0.001"))
    if not ratio:
        return ("", _("no change %(against)s") % {"against": against}, "same")
    return (f"{'+' if ratio > 0 else ''}{format_percent(ratio)}", against, "up" if ratio > 0 else "down")


def _others(amounts: dict[str, Decimal]) -> str:
    """What other currencies add, in words."""
    text = ", ".join(format_money(amount, currency) for currency, amount in sorted(amounts.items()))
    return _("and %(amounts)s") % {"amounts": text} if text else ""


def _chart(found: MonthFigures, operator: Operator) -> Any:
    language = locale_for()
    short = language.datetime_skeletons["MMMd"]
    days = [
        DayMark(
            label=short.apply(day, language),
            bar=each.net,
            bar_text=format_money(each.net, operator.currency),
            point=Decimal(each.energy_wh) / 1000,
            point_text=format_kwh(each.energy_wh, 0),
            href=lists.sessions(period=Period(day, day + dt.timedelta(days=1)), zone=operator.zone),
        )
        for day, each in found.days.items()
    ]
    return daily_chart(
        days,
        title=_("Revenue and energy per day"),
        description=_("%(revenue)s and %(energy)s in %(month)s")
        % {
            "revenue": format_money(found.total.net, operator.currency),
            "energy": format_kwh(found.total.energy_wh, 0),
            "month": format_month(found.period.start),
        },
        bar_axis=lambda amount: _round_money(amount, operator.currency),
        known=max(
            (at for at, each in enumerate(found.days.values(), 1) if each.sessions or not found.partial), default=0
        ),
        point_axis=lambda kilowatt_hours: f"{format_number(kilowatt_hours)}\N{NO-BREAK SPACE}kWh",
    )


def _round_money(amount: Decimal, currency: str) -> str:
    """A round amount on an axis, without the zeros after the point."""
    locale = locale_for(currency=currency)
    pattern = locale.currency_formats["standard"].pattern.replace("0.00", "0.##")
    return str(format_currency(amount, currency, format=pattern, locale=locale, currency_digits=False))


def _aging(owed: Receivables, today: dt.date) -> Any:
    parts = []
    for bucket, tone in zip(owed.buckets, AGE_TONES, strict=True):
        if bucket.from_days is None:
            label = _("Not due yet")
        elif bucket.to_days is None:
            label = _("Over %(days)s days") % {"days": bucket.from_days - 1}
        else:
            label = _("%(first)s to %(last)s days") % {"first": bucket.from_days, "last": bucket.to_days}
        amount = bucket.amounts.get(owed.currency, Decimal(0))
        parts.append(
            Part(
                label=f"{label} ({format_number(bucket.count)})",
                value=amount,
                text=format_money(amount, owed.currency),
                tone=tone,
                href=lists.invoices_by_age(bucket.from_days, bucket.to_days, today),
            )
        )
    return stacked_bar(
        parts,
        title=_("Receivables by age"),
        description=_("Open invoices by days past their due date"),
    )


def _run(found: standing.RunStanding | None) -> dict[str, Any] | None:
    if found is None:
        return None
    query = urlencode({"operator": found.run.operator_id, "period": str(found.run)})
    return {
        "standing": found,
        "href": f"{reverse('admin:month_close')}?{query}",
        "month": format_month(found.run.period_from),
        "meter": meter(found.done, found.total or 1, label=_("%(percent)s %% done") % {"percent": found.percent}),
        "failed_href": lists.failed_items(found.run.pk),
    }
