"""Sites, stations and connectors."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from contracts.admin.common import IdentifiersForm
from contracts.models import Connector, Site, Station
from evbilling.shell.admin import AuditedModelAdmin
from evbilling.shell.formats import format_number


class SiteForm(IdentifiersForm):
    class Meta:
        model = Site
        fields = forms.ALL_FIELDS


class StationInline(TabularInline):
    model = Station
    extra = 0
    tab = True
    per_page = 50
    show_change_link = True
    fields = ("ref", "name")


class ConnectorInline(TabularInline):
    model = Connector
    extra = 0
    fields = ("ref", "kind", "max_power_w")


@admin.register(Site)
class SiteAdmin(AuditedModelAdmin):
    """Places with chargers."""

    form = SiteForm
    list_display = ("name", "ref", "kind", "owner", "city", "country", "zone")
    list_select_related = ("owner",)
    list_filter = (("kind", ChoicesDropdownFilter), ("owner", AutocompleteSelectFilter))
    search_fields = ("ref__istartswith", "name__istartswith", "city__istartswith")
    autocomplete_fields = ("owner",)
    inlines = (StationInline,)
    fieldsets = (
        (_("Site"), {"fields": (("ref", "name"), ("kind", "owner"))}),
        (_("Place"), {"fields": ("street", ("postal_code", "city"), ("region", "country"), "zone")}),
    )


@admin.register(Station)
class StationAdmin(AuditedModelAdmin):
    """Charging points."""

    list_display = ("ref", "name", "site", "power")
    list_select_related = ("site",)
    list_filter = (("site", AutocompleteSelectFilter), ("connectors__kind", ChoicesDropdownFilter))
    search_fields = ("ref__istartswith", "name__istartswith", "site__name__istartswith")
    autocomplete_fields = ("site",)
    inlines = (ConnectorInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the connectors, so that a row needs no query."""
        return super().get_queryset(request).prefetch_related("connectors")

    @display(description=_("maximum power"), formatting="price")
    def power(self, station: Station) -> str:
        """The strongest connector in kW."""
        watts = max((connector.max_power_w for connector in station.connectors.all()), default=0)
        return f"{format_number(watts // 1000)}\N{NO-BREAK SPACE}kW" if watts else "\N{EN DASH}"
