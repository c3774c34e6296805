"""Vehicles and tokens."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from contracts.models import SponsoredVehicle, Token, TokenAssignment, Vehicle
from evbilling.shell.admin import AuditedModelAdmin, ListInline, badge


class _PayersInline(ListInline):
    model = TokenAssignment
    verbose_name_plural = _("paying contracts")
    fields = readonly_fields = ("contract", "cost_centre", "valid_from", "valid_to", "details")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the rows show."""
        return super().get_queryset(request).select_related("contract", "cost_centre", "token").order_by("-valid_from")


class _SponsorsInline(ListInline):
    model = SponsoredVehicle
    verbose_name_plural = _("sponsors")
    fields = readonly_fields = ("contract", "valid_from", "valid_to", "details")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the rows show."""
        return super().get_queryset(request).select_related("contract", "vehicle").order_by("-valid_from")


class _TokensInline(ListInline):
    model = Token
    fields = readonly_fields = ("ref", "kind", "driver_name", "blocked_at", "details")


@admin.register(Vehicle)
class VehicleAdmin(AuditedModelAdmin):
    """Vehicles of parties."""

    list_display = ("label", "plate", "make", "party", "cost_centre", "vin")
    list_select_related = ("party", "cost_centre")
    list_filter = (("party", AutocompleteSelectFilter),)
    search_fields = ("label__istartswith", "plate__istartswith", "vin__istartswith")
    search_help_text = _("Name, plate or VIN")
    autocomplete_fields = ("party", "cost_centre")
    inlines = (_TokensInline, _SponsorsInline)


@admin.register(Token)
class TokenAdmin(AuditedModelAdmin):
    """What drivers identify with."""

    list_display = ("ref", "kind", "driver_name", "vehicle", "state_badge")
    list_select_related = ("vehicle",)
    list_filter = (("kind", ChoicesDropdownFilter), ("blocked_at", RangeDateTimeFilter))
    search_fields = ("ref__istartswith", "driver_name__istartswith", "vehicle__label__istartswith")
    search_help_text = _("Identifier, driver or vehicle")
    autocomplete_fields = ("vehicle",)
    inlines = (_PayersInline,)

    @display(description=_("state"), ordering="blocked_at")
    def state_badge(self, token: Token) -> SafeString:
        """Whether the token may be used."""
        if token.blocked_at:
            return badge("blocked", gettext("Blocked"), {"blocked": "danger"})
        return badge("usable", gettext("Usable"), {"usable": "success"})
