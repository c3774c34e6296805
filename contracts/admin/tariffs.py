"""Tariffs: price lists whose prices live in versions."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action, display

from contracts.admin.common import APPROVAL_STATES, of_the_only_operator
from contracts.admin.exchange import TariffExchange
from contracts.admin.tariff_review import words_of
from contracts.admin.tariff_versions import in_words
from contracts.models import Tariff, TariffState, TariffVersion
from evbilling.shell.admin import AuditedModelAdmin, ListInline, badge, right


class TariffVersionInline(ListInline):
    model = TariffVersion
    verbose_name_plural = _("versions")
    fields = readonly_fields = ("number", "valid_from", "state_badge", "words", "released_by", "details")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the people."""
        return super().get_queryset(request).select_related("tariff", "released_by").order_by("-number")

    @display(description=_("state"))
    def state_badge(self, version: TariffVersion) -> SafeString:
        """Whether it waits for a second person."""
        return badge(version.state, version.get_state_display(), APPROVAL_STATES)

    @display(description=_("prices"))
    def words(self, version: TariffVersion) -> str:
        """In plain words."""
        return in_words(version)


@admin.register(Tariff)
class TariffAdmin(TariffExchange, AuditedModelAdmin):
    """Price lists; the prices live in versions."""

    list_display = ("code", "name", "currency", "operator", "current")
    list_select_related = ("operator",)
    list_filter = (("operator", AutocompleteSelectFilter), ("currency", ChoicesDropdownFilter))
    search_fields = ("code__istartswith", "name__istartswith")
    autocomplete_fields = ("operator",)
    inlines = (TariffVersionInline,)
    actions_detail = ("draft_prices",)
    has_draft_prices_permission = right("contracts.add_tariffversion")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the versions, so that a row needs no query."""
        return super().get_queryset(request).prefetch_related("versions")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The only operator, with its currency."""
        return of_the_only_operator("currency") | super().get_changeform_initial_data(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Tariff | None = None) -> tuple[str, ...]:
        """The currency stays once there are prices in it."""
        return ("operator", "currency") if obj is not None and obj.versions.all() else ()

    @display(description=_("current prices"))
    def current(self, tariff: Tariff) -> str:
        """Of the version that is in force now."""
        now = timezone.now()
        released = [v for v in tariff.versions.all() if v.state == TariffState.RELEASED and v.valid_from <= now]
        if not released:
            return "\N{EN DASH}"
        return "; ".join(words_of(max(released, key=lambda version: version.valid_from)))

    @action(
        description=_("Draft new prices"),
        url_path="draft-prices",
        permissions=["draft_prices"],
        icon="sell",
    )
    def draft_prices(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the form, with the tariff filled in."""
        return redirect(f"{reverse('admin:contracts_tariffversion_add')}?tariff={object_id}")
