"""Sessions in the portal: found by month, vehicle, site and status, exported, explained line by line, and live."""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import Exists, Max, Min, OuterRef, Prefetch, Q, QuerySet, Sum
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contracts.models import (
    Contract,
    ContractKind,
    Party,
    PartyKind,
    PriceBasis,
    Site,
    SiteKind,
    SponsoredVehicle,
    Vehicle,
)
from evbilling.access.acting import acting_user
from evbilling.access.scope import visible
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import Period, local_date, month_of, months_between, parse_month
from evbilling.kernel.clock import zone as clock_zone
from evbilling.kernel.errors import BadInput
from evbilling.kernel.money import quantise
from evbilling.shell.formats import format_instant, format_month, format_number
from evbilling.shell.portal_frame import membership_of
from evbilling.shell.tables import Column, Table
from evbilling.shell.views import csv_response, portal_page
from sessions.models import ChargeRole, ChargingSession, SessionCharge, SessionState
from sessions.queries import OwnPart, SessionStatus, charging_now, explain, of_status, price_now, status_of
from sessions.queries.simulation import zone_of
from sessions.queries.status import TONES

MOST_EXPORTED = 50_000
MONTHS_OFFERED = 24
MOST_LIVE = 20
_STATUSES = (SessionStatus.HELD, SessionStatus.PRICED, SessionStatus.CHARGED, SessionStatus.EXCLUDED)


def own_sessions(request: HttpRequest) -> QuerySet[ChargingSession]:
    """Current sessions that the visitor sees and that concern the company chosen: pays, hosts or sponsors.

    The contracts and sites are looked up first, once a request, so that the sessions are found by an index.
    """
    if hasattr(request, "own_sessions"):
        return request.own_sessions
    party: Party = membership_of(request).party
    contracts = dict(Contract.objects.filter(party=party).values_list("pk", "kind"))
    concerns = Q(contract__in=list(contracts))
    sites = list(Site.objects.filter(owner=party).values_list("pk", flat=True))
    if sites:
        concerns |= Q(site__in=sites)
    if ContractKind.SPONSORSHIP in contracts.values():
        concerns |= Q(pk__in=_sponsored_by(party).values("session"))
    found = visible(ChargingSession.objects.filter(concerns, superseded_at__isnull=True), request.user)
    request.own_sessions = found  # type: ignore[attr-defined]
    return found


def _sponsored_by(party: Party) -> QuerySet[SessionCharge]:
    return SessionCharge.objects.filter(role=ChargeRole.SPONSOR, contract__party=party)


def _rows(sessions: QuerySet[ChargingSession]) -> QuerySet[ChargingSession]:
    """With all that a row shows, in three queries."""
    charges = Prefetch("charges", SessionCharge.objects.select_related("contract"))
    rows = sessions.select_related("site", "vehicle", "contract", "price", "token", "cost_centre")
    return rows.prefetch_related("holds", charges)


def _currency(session: ChargingSession) -> str:
    return session.contract.currency if session.contract else "EUR"


def _basis(session: ChargingSession) -> str:
    """Whether the session's price includes tax."""
    price = getattr(session, "price", None)
    return str((PriceBasis.GROSS if price is not None and price.includes_tax else PriceBasis.NET).label)


def _vehicle_of(session: ChargingSession, part: OwnPart) -> str:
    """Hosts do not see who drove."""
    shown = part.pays(session) or part.amount(session) is not None
    return str(session.vehicle) if shown and session.vehicle else ""


def _columns(part: OwnPart) -> Sequence[Column]:
    return [
        Column(
            "ended_at",
            _("End"),
            value=lambda row: format_instant(row.ended_at, zone_of(row)),
            sort="ended_at",
            title=True,
            href=lambda row: reverse("portal:session", args=[row.pk]),
        ),
        Column("vehicle", _("Vehicle"), value=lambda row: _vehicle_of(row, part), sort="vehicle__label"),
        Column("site", _("Site"), value=lambda row: str(row.site or row.station_ref), sort="site__name"),
        Column(
            "kind", _("Place"), value=lambda row: row.site.get_kind_display() if row.site else "", sort="site__kind"
        ),
        Column(
            "duration",
            _("Duration"),
            format="duration",
            value=lambda row: int((row.ended_at - row.started_at).total_seconds()) if row.ended_at else None,
            minor=True,
        ),
        Column("energy_wh", _("Energy"), format="kwh", sort="energy_wh"),
        Column("price", _("Price"), format="money", value=part.amount, currency="contract.currency"),
        Column(
            "status",
            _("Status"),
            format="badge",
            value=lambda row: status_of(row).label,
            tone=lambda row: TONES[status_of(row)],
        ),
    ]


class Filters:
    """The filters of the list from the query string; what cannot be read is passed over."""

    def __init__(self, params: QueryDict, party: Party, sessions: QuerySet[ChargingSession]) -> None:
        self.params = params
        self.month = self._month(params.get("month", ""))
        self.status = params.get("status", "") if params.get("status", "") in SessionStatus.values else ""
        self._named = Q(contract__party=party) | Q(pk__in=_sponsored_by(party).values("session"))
        sponsored = SponsoredVehicle.objects.filter(contract__party=party).values("vehicle")
        self.vehicles = Vehicle.objects.filter(Q(party=party) | Q(pk__in=sponsored))
        self.sites = Site.objects.filter(Exists(sessions.filter(site=OuterRef("pk"))))
        self.vehicle = self._id("vehicle")
        self.site = self._id("site")
        self.kinds = [(kind.value, kind.label) for kind in SiteKind]
        self.kind = params.get("kind", "") if params.get("kind", "") in SiteKind.values else ""
        self.cost_centre = self._id("cost_centre")
        self.driver = params.get("driver", "")[:120]
        self.day = self._day(params.get("day", ""))
        self.months = [(month.code, format_month(month.start)) for month in _months(sessions)]
        self.statuses = [(status.value, status.label) for status in _STATUSES]
        self._party = party

    @staticmethod
    def _month(text: str) -> Period | None:
        try:
            return parse_month(text)
        except BadInput:
            return None

    @staticmethod
    def _day(text: str) -> Period | None:
        try:
            day = dt.date.fromisoformat(text)
            parse_month(f"{day:%Y-%m}")
        except (ValueError, BadInput):
            return None
        return Period(day, day + dt.timedelta(days=1))

    def _id(self, name: str) -> int | None:
        text = self.params.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def apply(self, sessions: QuerySet[ChargingSession]) -> QuerySet[ChargingSession]:
        """The sessions that the filters leave; months and days are those of the session's end."""
        for period in (self.month, self.day):
            if period is not None:
                sessions = sessions.filter(_ended_in(period, sessions, self._party))
        own = Q(contract__party=self._party)
        if self.vehicle is not None:
            sessions = sessions.filter(self._named, vehicle=self.vehicle)
        if self.cost_centre is not None:
            sessions = sessions.filter(own, cost_centre=self.cost_centre)
        if self.driver:
            sessions = sessions.filter(own, token__driver_name=self.driver)
        if self.site is not None:
            sessions = sessions.filter(site=self.site)
        if self.kind:
            sessions = sessions.filter(site__kind=self.kind)
        return of_status(sessions, self.status) if self.status else sessions


def _ended_in(period: Period, sessions: QuerySet[ChargingSession], party: Party) -> Q:
    """Whose end lies in the period: in the contract's zone, for a property owner in the site's."""
    zone_field = "site__zone" if party.kind == PartyKind.PROPERTY_OWNER else "contract__zone"
    inside = Q(pk__in=[])
    for zone in set(sessions.order_by().values_list(zone_field, flat=True).distinct()) - {None}:
        start, end = period.instants(zone)
        inside |= Q(**{zone_field: zone}, ended_at__gte=start, ended_at__lt=end)
    return inside


def _months(sessions: QuerySet[ChargingSession]) -> list[Period]:
    """The months from the first session to the last, the latest first, at most 24."""
    ends = sessions.order_by().aggregate(first=Min("ended_at"), last=Max("ended_at"))
    if ends["first"] is None:
        return []
    zone = timezone.get_current_timezone_name()
    first, last = (month_of(local_date(ends[name], zone)) for name in ("first", "last"))
    return months_between(first, last)[::-1][:MONTHS_OFFERED]


def _filters(request: HttpRequest, sessions: QuerySet[ChargingSession]) -> Filters:
    return Filters(request.GET, membership_of(request).party, sessions)


@never_cache
@require_safe
@portal_page
def sessions(request: HttpRequest) -> HttpResponse:
    """The company's completed sessions, the latest first."""
    party = membership_of(request).party
    own = own_sessions(request).filter(state=SessionState.COMPLETED)
    filters = _filters(request, own)
    found = filters.apply(own)
    table = Table(
        _rows(found),
        _columns(OwnPart(party)),
        request.GET,
        caption=_("Charging sessions"),
        default_sort="-ended_at",
        empty=_("No session fits these filters."),
    )
    context = {
        "table": table,
        "filters": filters,
        "energy_wh": found.order_by().aggregate(total=Sum("energy_wh"))["total"] or 0,
        "export_query": request.GET.urlencode(),
        "live": _live(request, party),
    }
    return render(request, "portal/sessions/list.html", context)


@never_cache
@require_safe
@portal_page
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The filtered list as CSV, at most 50,000 rows; the export is on record."""
    party = membership_of(request).party
    own = own_sessions(request).filter(state=SessionState.COMPLETED)
    filters = _filters(request, own)
    rows = _rows(filters.apply(own)).order_by("-ended_at", "-pk")[:MOST_EXPORTED]
    record_audit(
        action="charging.session.export",
        obj=party,
        by=acting_user(request),
        at=timezone.now(),
        changes={"filters": request.GET.urlencode()},
        where=str(request.META.get("REMOTE_ADDR", "")),
    )
    return csv_response(_exported(rows, party), f"sessions-{filters.month.code if filters.month else 'all'}.csv")


def _exported(rows: QuerySet[ChargingSession], party: Party) -> Iterator[list[object]]:
    """Times in the site's zone with their offset, energy in kWh, amounts with a point."""
    part = OwnPart(party)
    yield [
        gettext("Reference"),
        gettext("Start"),
        gettext("End"),
        gettext("Site"),
        gettext("Place"),
        gettext("Vehicle"),
        gettext("Driver"),
        gettext("Cost centre"),
        gettext("Energy (kWh)"),
        gettext("Price"),
        gettext("Currency"),
        gettext("Price basis"),
        gettext("Status"),
    ]
    for row in rows.iterator(chunk_size=2000):
        zone = clock_zone(zone_of(row))
        amount, own = part.amount(row), part.pays(row)
        yield [
            row.provider_ref,
            row.started_at.astimezone(zone).isoformat(),
            row.ended_at.astimezone(zone).isoformat() if row.ended_at else "",
            row.site.name if row.site else "",
            row.site.get_kind_display() if row.site else "",
            _vehicle_of(row, part),
            row.token.driver_name if own and row.token else "",
            str(row.cost_centre or "") if own else "",
            format(Decimal(row.energy_wh) / 1000, ".3f"),
            "" if amount is None else format(quantise(amount, _currency(row)), "f"),
            _currency(row),
            "" if amount is None else _basis(row),
            status_of(row).label,
        ]


@never_cache
@require_safe
@portal_page
def session(request: HttpRequest, pk: int) -> HttpResponse:
    """One session: where, when, how much, and why it costs what it costs."""
    party = membership_of(request).party
    found = get_object_or_404(_rows(own_sessions(request)).select_related("station"), pk=pk)
    language = get_language() or "en"
    price, part = getattr(found, "price", None), OwnPart(party)
    own, amount = part.pays(found), part.amount(found)
    live = price_now(found, timezone.now(), language) if own and found.state == SessionState.ACTIVE else None
    context = {
        "session": found,
        "status": status_of(found),
        "tone": TONES[status_of(found)],
        "zone": zone_of(found),
        "currency": _currency(found),
        "is_own": own,
        "vehicle": _vehicle_of(found, part),
        "seconds": int(((found.ended_at or timezone.now()) - found.started_at).total_seconds()),
        "amount": amount,
        "includes_tax": price is not None and price.includes_tax,
        "price": price if own else None,
        "is_whole": price is not None and amount == price.amount,
        "lines": explain(price, language) if own and price else [],
        "live": live,
        "so_far": part.running(found, live.amount) if live else None,
    }
    return render(request, "portal/sessions/detail.html", context)


def _power(session: ChargingSession) -> str:
    """The most that the connector gives: 22 kW."""
    if session.connector is None:
        return ""
    watts = session.connector.max_power_w
    return f"{format_number(Decimal(watts) / 1000, 1 if watts % 1000 else 0)}\N{NO-BREAK SPACE}kW"


def _live(request: HttpRequest, party: Party) -> list[dict[str, Any]]:
    running = charging_now(own_sessions(request)).select_related("site", "vehicle", "contract", "connector")[:MOST_LIVE]
    now, part = timezone.now(), OwnPart(party)
    prices = {each.pk: price_now(each, now) if part.pays(each) else None for each in running}
    return [
        {
            "session": each,
            "zone": zone_of(each),
            "seconds": max(0, int((now - each.started_at).total_seconds())),
            "amount": part.running(each, price.amount) if (price := prices[each.pk]) else None,
            "currency": _currency(each),
            "vehicle": str(each.vehicle) if part.pays(each) and each.vehicle else "",
            "power": _power(each),
        }
        for each in running
    ]


@never_cache
@require_safe
@portal_page
def live(request: HttpRequest) -> HttpResponse:
    """What charges now with its cost so far: the fragment that the pages poll."""
    party = membership_of(request).party
    return render(request, "portal/sessions/live.html", {"live": _live(request, party)})


urlpatterns = [
    path("sessions/", sessions, name="sessions"),
    path("sessions/export.csv", export, name="sessions_export"),
    path("sessions/live/", live, name="sessions_live"),
    path("sessions/<int:pk>/", session, name="session"),
]
