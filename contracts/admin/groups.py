"""Billing groups: contracts of one party that share an invoice a month."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from contracts.admin.common import CONTRACT_STATES, of_the_only_operator
from contracts.models import BillingGroup, Contract
from evbilling.shell.admin import AuditedModelAdmin, ListInline, badge


class MemberInline(ListInline):
    model = Contract
    verbose_name_plural = _("contracts")
    fields = readonly_fields = ("number", "kind", "state_badge", "starts_on", "ends_on", "details")

    @display(description=_("state"))
    def state_badge(self, contract: Contract) -> SafeString:
        """In the colours of all lists."""
        return badge(contract.state, contract.get_state_display(), CONTRACT_STATES)


@admin.register(BillingGroup)
class BillingGroupAdmin(AuditedModelAdmin):
    """Who is billed together; a contract joins and leaves on its own page."""

    list_display = ("name", "party", "currency", "zone")
    list_select_related = ("party",)
    list_filter = (("party", AutocompleteSelectFilter),)
    search_fields = ("name__istartswith", "party__legal_name__istartswith", "party__number__istartswith")
    search_help_text = _("Name or party")
    autocomplete_fields = ("operator", "party")
    fieldsets = ((_("Billing group"), {"fields": ("name", "party", "operator", ("currency", "zone"))}),)
    inlines = (MemberInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: BillingGroup | None = None) -> tuple[str, ...]:
        """What its contracts and documents share is said once; for another currency there is another group."""
        return ("party", "operator", "currency", "zone") if obj is not None else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The only operator, with its currency and zone."""
        return of_the_only_operator("currency", "zone") | super().get_changeform_initial_data(request)
