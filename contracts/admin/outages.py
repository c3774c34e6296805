"""Outages of stations: recorded when they begin, ended, corrected with a reason, or taken in as a list."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextareaWidget

from contracts.models import StationOutage
from contracts.operations.outages import correct_outage, end_outage, import_outages, record_outage
from evbilling.access.acting import acting_user
from evbilling.shell.admin import WorkspaceAdmin, badge, right
from evbilling.shell.formats import format_duration, format_instant


class OutageForm(forms.ModelForm):
    """A correction says why."""

    reason = forms.CharField(
        label=_("Reason of the correction"),
        max_length=300,
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    class Meta:
        model = StationOutage
        fields = ("station", "started_at", "ended_at", "planned", "cause")


class EndOutageForm(BaseDialogForm):
    """When the station worked again."""

    ended_at = forms.SplitDateTimeField(label=_("Until"), widget=UnfoldAdminSplitDateTimeWidget)


class OutageListForm(BaseDialogForm):
    """A list as other systems give it."""

    rows = forms.CharField(
        label=_("Rows"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text=_(
            "CSV, one outage a row: station reference; from; until (may be empty); planned (yes or no); cause. Times "
            "such as 2026-10-05 14:00 are local to the site."
        ),
    )


@admin.register(StationOutage)
class StationOutageAdmin(WorkspaceAdmin):
    """What a promise of uptime is measured by; planned ones do not count."""

    form = OutageForm
    list_display = ("station", "site", "from_text", "until_text", "lasted", "planned_badge", "cause")
    list_select_related = ("station__site",)
    list_filter = (
        ("station", AutocompleteSelectFilter),
        "planned",
        ("started_at", RangeDateTimeFilter),
    )
    search_fields = ("station__ref__istartswith", "station__name__istartswith", "cause__icontains")
    search_help_text = _("Station or cause")
    autocomplete_fields = ("station",)
    actions_detail = ("end",)
    actions_list = ("take_in",)
    has_end_permission = right("contracts.change_stationoutage")
    has_take_in_permission = right("contracts.add_stationoutage")

    def get_fieldsets(self, request: HttpRequest, obj: StationOutage | None = None) -> Any:
        """What happened; of one that is there who recorded it, and why it is corrected."""
        told = ("station", ("started_at", "ended_at"), "planned", "cause")
        if obj is None:
            return ((None, {"fields": told}),)
        return ((None, {"fields": told}), (_("Record"), {"fields": ("reason", ("recorded_by", "recorded_at"))}))

    def get_readonly_fields(self, request: HttpRequest, obj: StationOutage | None = None) -> tuple[str, ...]:
        """The station stays; who recorded it too."""
        return () if obj is None else ("station", "recorded_by", "recorded_at")

    def open_steps(self, request: HttpRequest, row: StationOutage) -> set[str]:
        """Ending, while it lasts."""
        return {"end"} if row.ended_at is None else set()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """It is corrected."""
        return False

    def save_model(self, request: HttpRequest, obj: StationOutage, form: Any, change: bool) -> None:
        """By the operations, which refuse what overlaps."""
        values: dict[str, Any] = {
            "started_at": obj.started_at,
            "ended_at": obj.ended_at,
            "planned": obj.planned,
            "cause": obj.cause,
            "by": acting_user(request),
            "at": timezone.now(),
        }
        if change:
            correct_outage(outage_id=obj.pk, reason=form.cleaned_data["reason"], **values)
        else:
            obj.pk = record_outage(station_id=obj.station_id, **values).pk

    @display(description=_("site"), ordering="station__site__name")
    def site(self, outage: StationOutage) -> str:
        """Where."""
        return str(outage.station.site)

    @display(description=_("from"), ordering="started_at")
    def from_text(self, outage: StationOutage) -> str:
        """In the site's zone."""
        return format_instant(outage.started_at, outage.station.site.zone)

    @display(description=_("until"), ordering="ended_at")
    def until_text(self, outage: StationOutage) -> str:
        """In the site's zone."""
        return format_instant(outage.ended_at, outage.station.site.zone) if outage.ended_at else "\N{EN DASH}"

    @display(description=_("lasted"))
    def lasted(self, outage: StationOutage) -> str:
        """How long, up to now while it lasts."""
        until: dt.datetime = outage.ended_at or timezone.now()
        return format_duration((until - outage.started_at) // dt.timedelta(seconds=1))

    @display(description=_("kind"), ordering="planned")
    def planned_badge(self, outage: StationOutage) -> SafeString:
        """Whether it counts."""
        text = str(_("planned")) if outage.planned else str(_("unplanned"))
        return badge(str(outage.planned), text, {"False": "warning", "True": "info"})

    @action(
        description=_("Works again"),
        url_path="end",
        permissions=["end"],
        icon="power",
        dialog={
            "title": _("The station works again"),
            "form_class": EndOutageForm,
            "form_submit_text": _("End the outage"),
        },
    )
    def end(self, request: HttpRequest, form: EndOutageForm, object_id: int) -> HttpResponse:
        """From the moment given."""
        return self.run_and_return(
            request,
            end_outage,
            _("The outage has ended."),
            object_id=object_id,
            outage_id=object_id,
            ended_at=form.cleaned_data["ended_at"],
        )

    @action(
        description=_("Take in a list"),
        url_path="take-in",
        permissions=["take_in"],
        icon="upload_file",
        dialog={
            "title": _("Take in a list of outages"),
            "description": _("All rows or none: the first that cannot be used is named."),
            "form_class": OutageListForm,
            "form_submit_text": _("Take in"),
        },
    )
    def take_in(self, request: HttpRequest, form: OutageListForm) -> HttpResponse:
        """All or none."""
        self.run(request, import_outages, _("Recorded outages: %(it)s."), text=form.cleaned_data["rows"])
        return self.back_to_list()
