"""The home page of a company, by its kind: what a month cost or brought, what is to be paid, what happens now."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contracts.models import Contract, Party, PartyKind
from evbilling.access.acting import acting_user
from evbilling.access.models import User
from evbilling.access.scope import visible
from evbilling.kernel.clock import Period, local_date, month_of, parse_month
from evbilling.kernel.errors import BadInput
from evbilling.portal import queries
from evbilling.portal.figures import (
    DIMENSIONS,
    change,
    cost_hint,
    energy_chart,
    group_table,
    sessions_hint,
    sessions_url,
)
from evbilling.portal.membership import current_membership
from evbilling.shell.charts import meter
from evbilling.shell.portal_frame import membership_of
from evbilling.shell.views import portal_page
from invoicing.models import Invoice
from invoicing.portal import STATE_TONES, document_rows, may_pay, own_documents, state_of
from invoicing.queries.documents import open_amount
from sessions.queries.sponsored_parts import budgets_in_use

_EARLIEST_YEAR = 2000
_LATEST_DOCUMENTS = 6
_TABS = ("vehicle", "driver", "cost_centre")


def home(request: HttpRequest) -> HttpResponseBase:
    """The company's own page; staff without a company go to their workspace."""
    user = request.user
    if user.is_authenticated and user.is_staff and current_membership(request) is None:
        return redirect("admin:index")
    return _home(request)


@never_cache
@require_safe
@portal_page
def _home(request: HttpRequest) -> HttpResponse:
    party: Party = membership_of(request).party
    page = {PartyKind.PROPERTY_OWNER: _owner, PartyKind.EV_MANUFACTURER: _manufacturer, PartyKind.EV_DRIVER: _driver}
    return page.get(PartyKind(party.kind), _fleet)(request, party)


def _fleet(request: HttpRequest, party: Party) -> HttpResponse:
    """A fleet: cost and energy of a month, by vehicle, driver and cost centre; charging now; invoices."""
    return render(request, "portal/home/fleet.html", _charging(request, party))


def _driver(request: HttpRequest, party: Party) -> HttpResponse:
    """A driver: the month, what is charging now, and the receipts."""
    return render(request, "portal/home/driver.html", _charging(request, party))


def _charging(request: HttpRequest, party: Party) -> dict[str, Any]:
    user = acting_user(request)
    books = queries.books_of(party, user)
    period = _period(request, books.last_on, books.zones)
    currency = _currency(request, books.currencies, party)
    month = queries.fleet_month(party, user, period, currency, books.zones)
    by = request.GET.get("by", _TABS[0])
    by = by if by in _TABS else _TABS[0]
    return _month_context(month, books.zones) | {
        "by": by,
        "tabs": [(name, DIMENSIONS[name][0]) for name in _TABS],
        "groups": group_table(month.grouped(by), by, month, request.GET),
        "currencies": books.currencies,
        "open": queries.payables(own_documents(request).filter(party=party), currency),
        "documents": _latest(request, party),
    }


def _manufacturer(request: HttpRequest, party: Party) -> HttpResponse:
    """An EV manufacturer: what its sponsored vehicles charged and what of it is the manufacturer's."""
    user = acting_user(request)
    books = queries.books_of(party, user)
    zone = min(books.zones, default="UTC")
    period = _period(request, queries.last_sponsored_on(party, user, zone), books.zones)
    currency = _currency(request, books.currencies, party)
    month = queries.sponsored_month(party, user, period, currency, books.zones)
    groups = month.grouped("vehicle")
    context = _month_context(month, books.zones) | {
        "vehicles": len(groups),
        "budgets": _budgets(party, user),
        "groups": group_table(groups, "vehicle", month, request.GET),
        "currencies": books.currencies,
        "open": queries.payables(own_documents(request).filter(party=party), currency),
        "documents": _latest(request, party),
    }
    return render(request, "portal/home/manufacturer.html", context)


def _budgets(party: Party, user: User) -> list[dict[str, Any]]:
    """What is used of the sponsor's budgets, each with its bar."""
    uses = budgets_in_use(visible(Contract.objects.filter(party=party), user), timezone.now())
    words = _("%(percent)s %% of the budget used")
    return [{"use": use, "bar": meter(use.percent, 100, label=words % {"percent": use.percent})} for use in uses]


def _owner(request: HttpRequest, party: Party) -> HttpResponse:
    """A property owner: sessions and energy at the own sites, and the settlements of the revenue share."""
    user = acting_user(request)
    known = queries.own_site_zones(party)
    zones = [zone for zone, _last in known]
    period = _period(request, max((last for _zone, last in known if last), default=None), zones)
    month, groups = queries.hosted_month(party, user, period, zones)
    documents = own_documents(request).filter(party=party)
    context = _month_context(month, zones) | {
        "sites": len(groups),
        "groups": group_table(groups, "site", month, request.GET, with_cost=False),
        "settled": queries.settled_in(documents, period, party.currency),
        "sessions_change": change(month.total.sessions, month.before.sessions, period),
        "documents": _latest(request, party),
    }
    return render(request, "portal/home/owner.html", context)


def _month_context(month: queries.Month, zones: Iterable[str]) -> dict[str, Any]:
    """What every home page shows of its month."""
    compared = change(month.total.cost, month.before.cost, month.period)
    later = month.period.next_month()
    return {
        "month": month,
        "chart": energy_chart(month) if month.total.sessions else "",
        "cost_hint": cost_hint(month.total, compared),
        "cost_tone": "warning" if month.before.cost and month.total.cost > month.before.cost else "",
        "energy_hint": change(month.total.energy_wh, month.before.energy_wh, month.period),
        "price_hint": sessions_hint(month.total),
        "sessions_url": sessions_url(month=month.period.code),
        "export_query": f"month={month.period.code}",
        "earlier": month.period.previous_month() if month.period.start.year > _EARLIEST_YEAR else None,
        "later": later if later.start <= _today(zones) else None,
    }


def _today(zones: Iterable[str]) -> dt.date:
    """The day in the zone by which the company's months are counted."""
    return local_date(timezone.now(), min(zones, default=timezone.get_current_timezone_name()))


def _period(request: HttpRequest, last_on: dt.date | None, zones: Iterable[str]) -> Period:
    """The month asked for; else that of the latest session, else this one."""
    asked = request.GET.get("month", "")
    today = _today(zones)
    fallback = month_of(last_on or today)
    try:
        period = parse_month(asked) if asked else fallback
    except BadInput:
        return fallback
    return period if _EARLIEST_YEAR <= period.start.year <= today.year + 1 else fallback


def _currency(request: HttpRequest, known: Sequence[str], party: Party) -> str:
    """The currency asked for if a contract bills in it; else the company's main one."""
    asked = request.GET.get("currency", "")
    return asked if asked in known else (known[0] if known else party.currency)


def _latest(request: HttpRequest, party: Party) -> list[dict[str, Any]]:
    """The company's latest documents with their state and what can be done. One query."""
    own: QuerySet[Invoice] = own_documents(request).filter(party=party)
    rows = document_rows(own).order_by("-issued_on", "-pk")[:_LATEST_DOCUMENTS]
    return [
        {
            "invoice": each,
            "open": open_amount(each),
            "state": state_of(each),
            "tone": STATE_TONES[state_of(each)],
            "may_pay": may_pay(each, membership_of(request).role),
        }
        for each in rows
    ]
