"""Charging sessions: found by reference, token or vehicle; why each costs what it costs, line by line."""

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.paginator import InfinitePaginator

from evbilling.shell.admin import ReasonForm, WrittenByTheProduct, badge, link_to, right
from evbilling.shell.formats import format_duration, format_instant, format_kwh
from sessions.admin.common import DayRangeFilter, kwh, price_of, price_text, zone_of
from sessions.models import ChargingSession, Hold, SessionCharge
from sessions.operations.rating import rerate_sessions
from sessions.queries import SessionStatus, explain, of_status, price_now, status_of
from sessions.queries.status import TONES

BADGES = {status.value: "info" if tone == "live" else tone for status, tone in TONES.items()}


class StatusFilter(admin.SimpleListFilter):
    """Sessions of one status."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """All statuses, in the order of a session's way."""
        return SessionStatus.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[ChargingSession]) -> QuerySet[ChargingSession]:
        """The sessions of the chosen status; without one the current copies."""
        if self.value() in SessionStatus.values:
            return of_status(queryset, str(self.value()))
        return queryset.filter(superseded_at__isnull=True)


@admin.register(ChargingSession)
class ChargingSessionAdmin(WrittenByTheProduct):
    """What was consumed. Nothing is edited here: a source corrects by a new copy, a person decides holds."""

    list_display = ("provider_ref", "ended", "site", "vehicle", "contract", "energy_kwh", "net_price", "status_badge")
    list_select_related = ("site", "vehicle", "contract", "price")
    list_filter = (
        StatusFilter,
        ("site", AutocompleteSelectFilter),
        ("contract", AutocompleteSelectFilter),
        ("contract__party", AutocompleteSelectFilter),
        ("ended_at", DayRangeFilter),
    )
    search_fields = ("provider_ref__startswith", "token_ref__startswith", "vehicle__label__istartswith")
    search_help_text = _("Beginning of the reference, the token or the vehicle's name")
    ordering = ("-ended_at", "-id")
    paginator = InfinitePaginator
    list_per_page = 50
    actions = None
    actions_detail = ("price_again",)
    has_price_again_permission = right("charging.change_sessionprice")
    change_form_outer_before_template = "admin/sessions/session_detail.html"
    fieldsets = (
        (None, {"fields": ("status_text", "started", "ended", "duration", "energy_text", "price_text")}),
        (_("Who and where"), {"fields": ("contract_link", "vehicle", "token", "cost_centre", "site", "station")}),
        (
            _("As reported"),
            {
                "fields": (
                    "provider_ref",
                    "source",
                    "source_label",
                    "revision",
                    "superseded_at",
                    "token_ref",
                    "station_ref",
                    "state",
                    "received_at",
                    "extra",
                ),
                "classes": ("collapse",),
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChargingSession]:
        """With what the status follows from, so that a row needs no query."""
        return super().get_queryset(request).prefetch_related("holds", "charges")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """With all that the page shows; once a request."""
        known = getattr(request, "charging_session", None)
        if known is not None and str(known.pk) == str(object_id):
            return known
        shown = (
            Prefetch("holds", Hold.objects.select_related("resolved_by")),
            Prefetch("charges", SessionCharge.objects.select_related("contract__party")),
        )
        rows = super().get_queryset(request).prefetch_related(*shown)
        found = rows.select_related(
            "site",
            "vehicle",
            "contract__party",
            "price__contract_version__contract",
            "price__tariff_version__tariff",
            "token",
            "station",
            "cost_centre",
            "connector",
        )
        try:
            request.charging_session = found.get(pk=object_id)  # type: ignore[attr-defined]
            return request.charging_session  # type: ignore[attr-defined]
        except (ChargingSession.DoesNotExist, ValueError):
            return None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """With the price line by line, the holds, the charges and the other copies."""
        session = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if session is not None and self.has_view_permission(request, session):
            language = get_language() or "en"
            price = getattr(session, "price", None)
            live = None if price or session.ended_at else price_now(session, session.received_at, language)
            copies = ChargingSession.objects.filter(
                source=session.source, source_label=session.source_label, provider_ref=session.provider_ref
            )
            context = {
                "session": session,
                "price": price,
                "price_lines": explain(price, language) if price else [],
                "live": live,
                "holds": session.holds.all(),
                "charges": session.charges.all(),
                "copies": copies.exclude(pk=session.pk).order_by("-revision"),
                "zone": zone_of(session),
            }
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    @display(description=_("end"), ordering="ended_at")
    def ended(self, session: ChargingSession) -> str:
        """In the site's zone."""
        return format_instant(session.ended_at, zone_of(session)) if session.ended_at else "\N{EN DASH}"

    @display(description=_("start"))
    def started(self, session: ChargingSession) -> str:
        """In the site's zone."""
        return format_instant(session.started_at, zone_of(session))

    @display(description=_("duration"))
    def duration(self, session: ChargingSession) -> str:
        """From start to end."""
        if session.ended_at is None:
            return "\N{EN DASH}"
        return format_duration(int((session.ended_at - session.started_at).total_seconds()))

    @display(description=_("energy"), ordering="energy_wh")
    def energy_kwh(self, session: ChargingSession) -> str:
        """In kWh."""
        return kwh(session.energy_wh)

    @display(description=_("price"), ordering="price__net_amount")
    def net_price(self, session: ChargingSession) -> str:
        """The frozen price."""
        return price_of(session)

    @display(description=_("energy"))
    def energy_text(self, session: ChargingSession) -> str:
        """In kWh, on its page."""
        return format_kwh(session.energy_wh)

    @display(description=_("price"))
    def price_text(self, session: ChargingSession) -> str:
        """The frozen price, on its page."""
        price = getattr(session, "price", None)
        return price_text(price) if price else "\N{EN DASH}"

    @display(description=_("status"))
    def status_text(self, session: Any) -> str:
        """Where it stands, on its page."""
        return str(status_of(session).label)

    @display(description=_("contract"))
    def contract_link(self, session: ChargingSession) -> str:
        """Who pays."""
        return link_to(session.contract)

    @display(description=_("status"))
    def status_badge(self, session: Any) -> SafeString:
        """Where it stands on its way to a document."""
        status = status_of(session)
        return badge(status.value, str(status.label), BADGES)

    @action(
        description=_("Price again"),
        url_path="price-again",
        permissions=["price_again"],
        icon="currency_exchange",
        dialog={
            "title": _("Price again"),
            "description": _("Under the terms as they are now. A session on a document keeps its price."),
            "form_class": ReasonForm,
            "form_submit_text": _("Price again"),
        },
    )
    def price_again(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """Throw the price away and rate anew."""
        return self.run_and_return(
            request,
            rerate_sessions,
            str(_("The session was priced again.")),
            object_id=object_id,
            session_ids=[int(object_id)],
            reason=form.cleaned_data["reason"],
        )
