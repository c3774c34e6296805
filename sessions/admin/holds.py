"""The worklist of held sessions: look, then release or reject with a reason, one or many."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from evbilling.access.acting import acting_user
from evbilling.kernel.errors import BillingError
from evbilling.shell.admin import WrittenByTheProduct, badge, link_to, right
from evbilling.shell.formats import format_instant, format_kwh
from sessions.admin.common import kwh, zone_of
from sessions.models import Hold, HoldState
from sessions.operations.holds import reject_hold, release_hold

STATES = {"open": "warning", "released": "success", "rejected": "danger"}
MOST_AT_ONCE = 500


class DecisionForm(forms.Form):
    """Why; kept with the hold and in the audit trail."""

    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class DecisionDialog(DecisionForm, BaseDialogForm):
    """The same question in a dialog."""


@admin.register(Hold)
class HoldAdmin(WrittenByTheProduct):
    """Each row is one reason why a session waits."""

    list_display = ("session_ref", "kind", "detail", "site", "contract", "ended", "energy_kwh", "state_badge")
    list_display_links = ("session_ref",)
    list_select_related = ("session__site", "session__contract")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("session__site", AutocompleteSelectFilter),
        ("session__contract", AutocompleteSelectFilter),
    )
    search_fields = ("session__provider_ref__startswith", "session__token_ref__startswith")
    search_help_text = _("Beginning of the session's reference or token")
    ordering = ("state", "-opened_at", "-id")
    actions = ("release_selected", "reject_selected")
    actions_row = actions_detail = ("release", "reject")
    fields = (
        "session_link",
        "kind",
        "detail",
        "site",
        "contract",
        "ended",
        "energy_text",
        "state",
        "opened_at",
        "resolved_at",
        "resolved_by",
        "resolution",
    )
    has_resolve_permission = right("charging.resolve_hold")

    @display(description=_("session"), ordering="session__provider_ref")
    def session_ref(self, hold: Hold) -> str:
        """Its reference."""
        return hold.session.provider_ref

    @display(description=_("session"))
    def session_link(self, hold: Hold) -> str:
        """To its page."""
        return link_to(hold.session)

    @display(description=_("site"))
    def site(self, hold: Hold) -> str:
        """Where it charged."""
        return str(hold.session.site or hold.session.station_ref)

    @display(description=_("contract"))
    def contract(self, hold: Hold) -> str:
        """Who would pay."""
        return str(hold.session.contract or "\N{EN DASH}")

    @display(description=_("end"), ordering="session__ended_at")
    def ended(self, hold: Hold) -> str:
        """In the site's zone."""
        return format_instant(hold.session.ended_at, zone_of(hold.session)) if hold.session.ended_at else ""

    @display(description=_("energy"), ordering="session__energy_wh")
    def energy_kwh(self, hold: Hold) -> str:
        """In kWh."""
        return kwh(hold.session.energy_wh)

    @display(description=_("energy"))
    def energy_text(self, hold: Hold) -> str:
        """In kWh, on its page."""
        return format_kwh(hold.session.energy_wh)

    @display(description=_("state"), ordering="state")
    def state_badge(self, hold: Hold) -> SafeString:
        """Open, or how it was decided."""
        return badge(hold.state, str(hold.get_state_display()), STATES)

    @action(
        description=_("Release"),
        url_path="release",
        permissions=["resolve"],
        icon="check_circle",
        dialog={
            "title": _("Release this session"),
            "description": _("It will be priced and billed. Say why that is right."),
            "form_class": DecisionDialog,
            "form_submit_text": _("Release"),
        },
    )
    def release(self, request: HttpRequest, form: DecisionDialog, object_id: int) -> HttpResponse:
        """Let it be billed."""
        return self.run_and_return(
            request,
            release_hold,
            str(_("Released: %(it)s.")),
            object_id=object_id,
            hold_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Reject"),
        url_path="reject",
        permissions=["resolve"],
        icon="block",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Reject this session"),
            "description": _("It will stand on no document, and stays listed as excluded. Say why."),
            "form_class": DecisionDialog,
            "form_submit_text": _("Reject"),
        },
    )
    def reject(self, request: HttpRequest, form: DecisionDialog, object_id: int) -> HttpResponse:
        """Leave it out of every document."""
        return self.run_and_return(
            request,
            reject_hold,
            str(_("Rejected: %(it)s.")),
            object_id=object_id,
            hold_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @admin.action(description=_("Release the selected sessions"), permissions=["resolve"])
    def release_selected(self, request: HttpRequest, queryset: QuerySet[Hold]) -> HttpResponse:
        """Asks why first, then tells what became of each."""
        return self._decide(request, queryset, release_hold, "release_selected", _("Release held sessions"))

    @admin.action(description=_("Reject the selected sessions"), permissions=["resolve"])
    def reject_selected(self, request: HttpRequest, queryset: QuerySet[Hold]) -> HttpResponse:
        """Asks why first, then tells what became of each."""
        return self._decide(request, queryset, reject_hold, "reject_selected", _("Reject held sessions"))

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[Hold],
        operation: Callable[..., Hold],
        name: str,
        title: Any,
    ) -> HttpResponse:
        holds = list(
            queryset.filter(state=HoldState.OPEN).select_related("session__site", "session__contract")[:MOST_AT_ONCE]
        )
        form = DecisionForm(request.POST if "reason" in request.POST else None)
        results = None
        if form.is_valid():
            results = [(hold, self._one(request, operation, hold, form.cleaned_data["reason"])) for hold in holds]
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "form": form,
            "holds": holds,
            "results": results,
            "refused": sum(1 for _hold, refusal in results if refusal) if results else 0,
            "energy_wh": sum(hold.session.energy_wh for hold in holds),
            "action": name,
        }
        return TemplateResponse(request, "admin/sessions/decide_holds.html", context)

    @staticmethod
    def _one(request: HttpRequest, operation: Callable[..., Hold], hold: Hold, reason: str) -> str:
        """Empty when it was done, else why not; the others go on."""
        try:
            operation(hold_id=hold.pk, reason=reason, by=acting_user(request), at=timezone.now())
        except BillingError as refusal:
            return refusal.message
        return ""
