"""What hosts earn and sponsors pay, as rows of a draft of terms; each row is set by its operation."""

from typing import Any

from django.http import HttpRequest

from contracts.admin.common import DraftInline
from contracts.models import RevenueShare, Sponsorship
from contracts.operations.shares import remove_revenue_share, set_revenue_share, set_sponsorship

_SHARE = ("site", "kind", "percent_of_net", "per_kwh_amount", "rent_amount")
_SPONSORSHIP = ("kind", "percent", "kwh_per_month", "budget_amount", "budget_period", "alert_percent")


class RevenueShareInline(DraftInline):
    model = RevenueShare
    fields = _SHARE
    autocomplete_fields = ("site",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what a row shows."""
        return super().get_queryset(request).select_related("site", "version__contract")


class SponsorshipInline(DraftInline):
    model = Sponsorship
    fields = _SPONSORSHIP
    max_num = 1
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what a row shows."""
        return super().get_queryset(request).select_related("version__contract")


def save_shares(version_id: int, formset: Any, who: dict[str, Any]) -> None:
    """The changed rows of a revenue share or sponsorship formset, each by its operation.

    A share whose site changed is taken out and put in again.
    """
    changed = [each for each in formset.forms if each.has_changed()]
    if formset.model is Sponsorship:
        for each in changed:
            values = {name: each.cleaned_data[name] for name in _SPONSORSHIP}
            set_sponsorship(version_id=version_id, **values, **who)
        return
    for each in changed:
        if each.instance.pk is not None and (each in formset.deleted_forms or "site" in each.changed_data):
            remove_revenue_share(share_id=each.instance.pk, **who)
    for each in changed:
        if each not in formset.deleted_forms:
            values = {name: each.cleaned_data[name] for name in _SHARE}
            site = values.pop("site")
            set_revenue_share(version_id=version_id, site_id=site.pk if site else None, **values, **who)
