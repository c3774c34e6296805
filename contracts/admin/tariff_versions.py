"""Tariff versions: prices as rows, reviewed by linter, week and words, released by a second person, then frozen."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from contracts.admin.common import APPROVAL_STATES
from contracts.admin.tariff_forms import TariffVersionForm
from contracts.admin.tariff_review import ReleaseForm, review, words_of
from contracts.models import TariffState, TariffVersion
from contracts.operations.tariffs import change_tariff_version, draft_tariff_version, release_tariff_version
from evbilling.access.acting import acting_user
from evbilling.kernel import strict_json
from evbilling.shell.admin import WorkspaceAdmin, badge, right

_LONGEST_ID = 18


def in_words(version: TariffVersion) -> SafeString:
    """The prices as a list of sentences."""
    return format_html(
        '<ul class="list-disc ml-4">{}</ul>', format_html_join("", "<li>{}</li>", ((x,) for x in words_of(version)))
    )


@admin.register(TariffVersion)
class TariffVersionAdmin(WorkspaceAdmin):
    """Prices from an instant on; the list shows what waits for a second person."""

    form = TariffVersionForm
    change_form_outer_before_template = "admin/contracts/tariff_review.html"
    change_form_after_template = "admin/contracts/tariff_rows.html"
    change_form_outer_after_template = "admin/contracts/tariff_week.html"
    list_display = ("version", "tariff", "valid_from", "state_badge", "words", "created_by")
    list_select_related = ("tariff", "created_by")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("tariff", AutocompleteSelectFilter),
        ("valid_from", RangeDateTimeFilter),
    )
    search_fields = ("tariff__code__istartswith", "tariff__name__istartswith")
    autocomplete_fields = ("tariff",)
    actions_detail = ("release", "simulate", "what_if", "download")
    has_release_permission = right("contracts.release_tariffversion")
    has_read_permission = right("contracts.view_tariffversion")
    has_simulate_permission = right("charging.view_chargingsession")
    has_what_if_permission = right("charging.view_sessionprice")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the pages show."""
        return super().get_queryset(request).select_related("tariff__operator", "created_by", "released_by")

    def get_fieldsets(self, request: HttpRequest, obj: TariffVersion | None = None) -> Any:
        """What frames the prices; they themselves stand in the editor below, or in words above."""
        state = (_("State"), {"fields": (("state_badge", "created_by"), ("released_by", "released_at"))})
        made = (_("Tariff"), {"fields": ("tariff", ("valid_from", "ocpi_version"))})
        if obj is not None and not self.has_change_permission(request, obj):
            return (made, state, (_("OCPI tariff"), {"fields": ("pretty",), "classes": ("collapse",)}))
        return (made, *((state,) if obj else ()))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With the review of a stored version; the editor for those who may change it."""
        version = kwargs.get("obj") or context.get("original")
        if version is not None and version.pk:
            context["review"] = review(request, version)
        context["edits_prices"] = self.has_change_permission(request, version) if version else True
        return super().render_change_form(request, context, *args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: TariffVersion | None = None) -> tuple[str, ...]:
        """The tariff stays."""
        state = ("state_badge", "created_by", "released_by", "released_at", "pretty")
        return state if obj is None else ("tariff", *state)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address fills in; a tariff that is a number, or none."""
        given = super().get_changeform_initial_data(request)
        if not (str(given.get("tariff", "")).isdecimal() and len(str(given["tariff"])) <= _LONGEST_ID):
            given.pop("tariff", None)
        return given

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Released prices are frozen."""
        may = super().has_change_permission(request, obj)
        return may and not (isinstance(obj, TariffVersion) and obj.state == TariffState.RELEASED)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Their number stays."""
        return False

    def open_steps(self, request: HttpRequest, row: TariffVersion) -> set[str]:
        """Release, as long as it is open."""
        return super().open_steps(request, row) - (set() if row.state == TariffState.DRAFT else {"release"})

    @display(description=_("version"), ordering="tariff__code")
    def version(self, version: TariffVersion) -> str:
        """Tariff and number."""
        return str(version)

    @display(description=_("state"), ordering="state")
    def state_badge(self, version: TariffVersion) -> SafeString:
        """Whether it waits for a second person."""
        return badge(version.state, version.get_state_display(), APPROVAL_STATES)

    @display(description=_("in plain words"))
    def words(self, version: TariffVersion) -> str:
        """What a driver would be told."""
        return in_words(version)

    @display(description=_("OCPI tariff"))
    def pretty(self, version: TariffVersion) -> SafeString:
        """The document as stored."""
        return format_html(
            '<pre class="whitespace-pre-wrap font-mono text-sm">{}</pre>', strict_json.dumps(version.document, indent=2)
        )

    def save_model(self, request: HttpRequest, obj: TariffVersion, form: forms.ModelForm, change: bool) -> None:
        """By the operations."""
        values = {
            "valid_from": obj.valid_from,
            "ocpi_version": obj.ocpi_version,
            "document": form.cleaned_data["document"],
            "by": acting_user(request),
            "at": timezone.now(),
        }
        if change:
            change_tariff_version(version_id=obj.pk, **values)
            return
        made = draft_tariff_version(tariff_id=obj.tariff_id, **values)
        obj.pk, obj.number = made.pk, made.number

    @action(
        description=_("Release"),
        url_path="release",
        permissions=["release"],
        icon="task_alt",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Release these prices"),
            "description": _("You confirm them as a second person. From then on they are frozen."),
            "form_class": ReleaseForm,
            "form_submit_text": _("Release"),
        },
    )
    def release(self, request: HttpRequest, form: ReleaseForm, object_id: int) -> HttpResponse:
        """By a second person, who has seen what changes and what the linter says."""
        done = gettext("%(it)s is released.")
        seen = form.cleaned_data["seen"] or None
        return self.run_and_return(
            request, release_tariff_version, done, object_id=object_id, version_id=object_id, seen=seen
        )

    @action(description=_("Simulate"), url_path="simulate", permissions=["simulate"], icon="calculate")
    def simulate(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the simulator, with this version chosen."""
        return redirect(f"{reverse('admin:charging_simulator')}?tariff_version={object_id}")

    @action(description=_("What if"), url_path="what-if", permissions=["what_if"], icon="difference")
    def what_if(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the comparison of real sessions, with this version chosen."""
        return redirect(f"{reverse('admin:charging_what_if')}?version={object_id}")

    @action(description=_("Download OCPI"), url_path="download", permissions=["read"], icon="download")
    def download(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The document as a JSON file."""
        version = TariffVersion.objects.select_related("tariff").get(pk=object_id)
        return HttpResponse(
            strict_json.dumps(version.document, indent=2) + "\n",
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{version.tariff.code}-v{version.number}.json"'},
        )
