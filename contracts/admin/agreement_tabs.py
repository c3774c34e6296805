"""The tabs of a contract's page: its versions, tokens or vehicles, and sites."""

from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from contracts.admin.common import APPROVAL_STATES
from contracts.models import Contract, ContractVersion, SponsoredVehicle, TokenAssignment
from contracts.rules.shares import share_in_short, sponsor_in_short
from evbilling.shell.admin import ListInline, badge, link_to


class VersionInline(ListInline):
    model = ContractVersion
    verbose_name_plural = _("versions & terms")
    fields = readonly_fields = ("version", "valid_from", "state_badge", "payment_terms_days", "terms", "approved_by")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what a row says of its terms."""
        rows = super().get_queryset(request).select_related("contract", "approved_by", "sponsorship")
        return rows.prefetch_related("tariff_assignments__tariff", "revenue_shares__site").order_by("-number")

    @display(description=_("version"))
    def version(self, version: ContractVersion) -> str:
        """v1, v2 and so on, each opening its page."""
        return link_to(version, f"v{version.number}")

    @display(description=_("state"))
    def state_badge(self, version: ContractVersion) -> SafeString:
        """Whether it waits for a second person."""
        return badge(version.state, version.get_state_display(), APPROVAL_STATES)

    @display(description=_("terms"))
    def terms(self, version: ContractVersion) -> str:
        """The tariffs, or the percentage."""
        return terms_of(version)


def terms_of(version: ContractVersion) -> str:
    """What a version says, in a few words: its tariffs, revenue share or sponsorship."""
    currency = version.contract.currency
    shares = list(version.revenue_shares.all())
    if shares:
        texts = [(each.site, share_in_short(each.terms, currency)) for each in shares]
        return "; ".join(f"{site}: {text}" if site else text for site, text in texts)
    if hasattr(version, "sponsorship"):
        return sponsor_in_short(version.sponsorship.terms, currency)
    return ", ".join(assignment.tariff.name for assignment in version.tariff_assignments.all()) or "\N{EN DASH}"


class TokenInline(ListInline):
    model = TokenAssignment
    verbose_name_plural = _("tokens")
    fields = readonly_fields = ("token", "vehicle", "cost_centre", "valid_from", "valid_to", "details")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what a row shows."""
        rows = super().get_queryset(request).select_related("token__vehicle", "cost_centre", "contract")
        return rows.order_by("token__ref", "-valid_from")

    @display(description=_("vehicle"))
    def vehicle(self, assignment: TokenAssignment) -> str:
        """The vehicle that the token belongs to."""
        return str(assignment.token.vehicle or "\N{EN DASH}")


class VehicleInline(ListInline):
    model = SponsoredVehicle
    verbose_name_plural = _("vehicles")
    fields = readonly_fields = ("vehicle", "party", "valid_from", "valid_to", "details")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what a row shows."""
        rows = super().get_queryset(request).select_related("vehicle__party", "contract")
        return rows.order_by("vehicle__label", "-valid_from")

    @display(description=_("party"))
    def party(self, sponsored: SponsoredVehicle) -> str:
        """Whose vehicle it is."""
        return str(sponsored.vehicle.party)


class SiteInline(ListInline):
    model = Contract.sites.through
    verbose_name_plural = _("sites")
    fields = readonly_fields = ("site", "city", "owner")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what a row shows."""
        return super().get_queryset(request).select_related("site__owner", "contract").order_by("site__name")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the contract sees its sites."""
        return request.user.has_perm("contracts.view_contract")

    @display(description=_("city"))
    def city(self, row: Any) -> str:
        """Where the site is."""
        return str(row.site.city)

    @display(description=_("property owner"))
    def owner(self, row: Any) -> str:
        """Whose site it is."""
        return str(row.site.owner or "\N{EN DASH}")
