"""Imports: choose a profile and a file, see what it would do, then do it; profiles say how a source is read."""

import base64
import binascii
import zlib
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from evbilling.access.acting import acting_user
from evbilling.kernel.clock import zone
from evbilling.kernel.errors import BadInput, BillingError
from evbilling.shell.admin import AuditedModelAdmin, ListInline, WrittenByTheProduct, badge, page_of
from sessions.models import ImportBatch, ImportProfile, RefusedRow
from sessions.operations.imports import Preview, import_file, preview_import
from sessions.rules.intake import OPTIONAL, REQUIRED

MOST_UPLOADED = 20 * 1024 * 1024
MOST_CARRIED = 6 * 1024 * 1024
CONFIRM_WITHIN = 3600
SHOWN = 50
_SALT = "sessions.import"


class UploadForm(forms.Form):
    """Which file, and how it is read."""

    profile = forms.ModelChoiceField(
        label=_("Import profile"), queryset=ImportProfile.objects.all(), widget=UnfoldAdminSelectWidget
    )
    file = forms.FileField(
        label=_("File"), widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,text/csv,text/plain"})
    )

    def clean_file(self) -> Any:
        """Small enough for the browser; larger ones go by the command."""
        file = self.cleaned_data["file"]
        if file.size > MOST_UPLOADED:
            raise forms.ValidationError(_("Upload at most 20 MB; use manage.py import_sessions for larger files."))
        return file


class ConfirmForm(forms.Form):
    """The file that was looked at, signed, so that exactly this one is imported: nothing is kept on the server."""

    carried = forms.CharField(widget=forms.HiddenInput)


def carry(request: HttpRequest, profile: ImportProfile, file_name: str, content: bytes) -> str:
    """The looked-at file as signed text for the confirmation. Raises BadInput when it is too large to carry."""
    packed = base64.b85encode(zlib.compress(content, 6)).decode()
    if len(packed) > MOST_CARRIED:
        raise BadInput("file", file_name, gettext("It is too large to import here; use manage.py import_sessions."))
    return signing.dumps([request.user.pk, profile.pk, file_name, packed], salt=_SALT)


def carried_file(request: HttpRequest, text: str) -> tuple[int, str, bytes]:
    """Profile, name and content of the file that this person looked at. Raises BadInput for anything else."""
    try:
        user_id, profile_id, name, packed = signing.loads(text, salt=_SALT, max_age=CONFIRM_WITHIN)
        if user_id != request.user.pk:
            raise signing.BadSignature
        return profile_id, name, zlib.decompress(base64.b85decode(packed))
    except (signing.BadSignature, ValueError, zlib.error, binascii.Error):
        raise BadInput("file", "", gettext("The preview is more than an hour old; choose the file again.")) from None


class RefusedRowInline(ListInline):
    """The lines that could not be read."""

    model = RefusedRow
    fields = ("line_number", "field", "reason", "content")


@admin.register(ImportBatch)
class ImportBatchAdmin(WrittenByTheProduct):
    """Every import and what became of its lines; a new one begins with a preview."""

    list_display = (
        "file_name",
        "profile",
        "at",
        "by",
        "rows",
        "added",
        "revised",
        "unchanged",
        "refused_badge",
        "held",
    )
    list_select_related = ("profile", "by")
    list_filter = ("profile",)
    search_fields = ("file_name__icontains",)
    fields = readonly_fields = (
        "file_name",
        "profile",
        "at",
        "by",
        "rows",
        "added",
        "revised",
        "unchanged",
        "refused",
        "held",
        "file_sha256",
    )
    inlines = (RefusedRowInline,)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who may import."""
        return request.user.has_perm("charging.import_sessions")

    @display(description=_("refused"), ordering="refused")
    def refused_badge(self, batch: ImportBatch) -> SafeString:
        """How many lines could not be read."""
        return badge("some" if batch.refused else "none", str(batch.refused), {"none": "success", "some": "danger"})

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> Any:
        """Upload, preview, confirm."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        try:
            if "carried" in request.POST:
                return self._confirmed(request)
            form = UploadForm(request.POST or None, request.FILES or None)
            if request.method == "POST" and form.is_valid():
                return self._previewed(request, form)
        except BillingError as refusal:
            form = UploadForm(initial={"profile": request.POST.get("profile")})
            return self._page(request, {"form": form, "refusal": refusal.message})
        return self._page(request, {"form": form})

    def _previewed(self, request: HttpRequest, form: UploadForm) -> HttpResponse:
        profile, file = form.cleaned_data["profile"], form.cleaned_data["file"]
        content = file.read()
        preview = preview_import(profile=profile, content=content)
        confirm = ConfirmForm(initial={"carried": carry(request, profile, file.name, content)})
        return self._page(
            request,
            {
                "preview": preview,
                "confirm": confirm,
                "profile": profile,
                "file_name": file.name,
                "refused_rows": preview.refused[:SHOWN],
                "more_refused": max(0, len(preview.refused) - SHOWN),
                "read_rows": [row for _line, row in preview.readable[:10]],
                "energy_wh": _energy(preview),
                "form": UploadForm(initial={"profile": profile}),
            },
        )

    def _confirmed(self, request: HttpRequest) -> HttpResponse:
        profile_id, name, content = carried_file(request, request.POST["carried"])
        batch = import_file(
            profile_id=profile_id, file_name=name, content=content, by=acting_user(request), at=timezone.now()
        )
        said = ngettext("%(count)s session was added.", "%(count)s sessions were added.", batch.added)
        messages.success(request, said % {"count": batch.added})
        if batch.refused:
            refused = ngettext("%(count)s line was refused.", "%(count)s lines were refused.", batch.refused)
            messages.warning(request, refused % {"count": batch.refused})
        return HttpResponseRedirect(page_of(batch))

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        full = {**self.admin_site.each_context(request), "title": _("Import sessions"), "opts": self.opts, **context}
        return TemplateResponse(request, "admin/sessions/import.html", full)


def _energy(preview: Preview) -> int:
    return sum(row.energy_wh for _line, row in preview.readable)


def _column(label: Any, *, required: bool = True) -> forms.CharField:
    return forms.CharField(label=label, required=required, max_length=100, widget=UnfoldAdminTextInputWidget)


class ProfileForm(forms.ModelForm):
    """One field for each column instead of JSON."""

    column_provider_ref = _column(_("Column of the session's reference"))
    column_token_ref = _column(_("Column of the token"))
    column_station_ref = _column(_("Column of the station"))
    column_started_at = _column(_("Column of the start"))
    column_ended_at = _column(_("Column of the end"))
    column_energy = _column(_("Column of the energy"))
    column_charging_duration = _column(_("Column of the charging time"), required=False)
    column_parking_duration = _column(_("Column of the parking time"), required=False)
    column_connector_ref = _column(_("Column of the connector"), required=False)
    further = forms.CharField(
        label=_("Further columns kept"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Headings, separated by commas; kept with the session"),
    )

    class Meta:
        model = ImportProfile
        fields = (
            "code",
            "name",
            "source_label",
            "delimiter",
            "encoding",
            "decimal_mark",
            "energy_unit",
            "instant_format",
            "year_offset",
            "zone",
            "max_hours",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        columns = self.instance.columns or {}
        for name in (*REQUIRED, *OPTIONAL):
            self.initial.setdefault(f"column_{name}", columns.get(name, ""))
        self.initial.setdefault("further", ", ".join(self.instance.extra_columns or []))

    def clean_zone(self) -> str:
        """An IANA zone."""
        try:
            return str(zone(self.cleaned_data["zone"]))
        except BillingError as refusal:
            raise forms.ValidationError(refusal.message) from None

    def clean_encoding(self) -> str:
        """One that can be read."""
        try:
            "".encode(self.cleaned_data["encoding"])
        except LookupError:
            raise forms.ValidationError(_("This encoding is not known; utf-8-sig reads most files.")) from None
        return str(self.cleaned_data["encoding"])

    def save(self, commit: bool = True) -> Any:
        """Columns and further columns go to the row."""
        self.instance.columns = {
            name: self.cleaned_data[f"column_{name}"].strip()
            for name in (*REQUIRED, *OPTIONAL)
            if self.cleaned_data[f"column_{name}"].strip()
        }
        self.instance.extra_columns = [
            heading.strip() for heading in self.cleaned_data["further"].split(",") if heading.strip()
        ]
        return super().save(commit)


@admin.register(ImportProfile)
class ImportProfileAdmin(AuditedModelAdmin):
    """How the files of a source are read."""

    form = ProfileForm
    list_display = ("name", "code", "source_label", "zone", "energy_unit", "max_hours")
    search_fields = ("code__istartswith", "name__icontains")
    fieldsets = (
        (None, {"fields": ("name", "code", "source_label", "max_hours")}),
        (_("File"), {"fields": ("delimiter", "encoding", "decimal_mark", "energy_unit")}),
        (_("Times"), {"fields": ("zone", "instant_format", "year_offset")}),
        (_("Columns"), {"fields": (*(f"column_{name}" for name in (*REQUIRED, *OPTIONAL)), "further")}),
    )
