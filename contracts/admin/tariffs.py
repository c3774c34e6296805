"""Tariffs and their versions: five figures or an OCPI document, shown in plain words, released by a second person."""

from decimal import Decimal
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
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextareaWidget

from contracts.admin.common import APPROVAL_STATES
from contracts.models import Tariff, TariffState, TariffVersion
from contracts.operations.tariffs import change_tariff_version, draft_tariff_version, release_tariff_version
from contracts.rules.tariff_simple import SimplePrices, build_document, read_document
from contracts.rules.tariff_shape import require_tariff_document
from contracts.rules.tariff_text import describe
from evbilling.access.acting import acting_user
from evbilling.kernel import strict_json
from evbilling.kernel.errors import BillingError
from evbilling.shell.admin import AuditedModelAdmin, ListInline, WorkspaceAdmin, badge, right

_PRICES = ("energy_price", "time_price", "time_after_hours", "start_fee", "vat_percent")


class TariffVersionForm(forms.ModelForm):
    """Either the five figures or the whole OCPI document; what was changed counts."""

    energy_price = forms.DecimalField(
        label=_("Price per kWh"), min_value=0, required=False, widget=UnfoldAdminDecimalFieldWidget
    )
    time_price = forms.DecimalField(
        label=_("Price per hour"), min_value=0, required=False, widget=UnfoldAdminDecimalFieldWidget
    )
    time_after_hours = forms.DecimalField(
        label=_("after hours"),
        min_value=0,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("The price per hour counts from so many hours after the start; empty means at once."),
    )
    start_fee = forms.DecimalField(
        label=_("Fee per session"), min_value=0, required=False, widget=UnfoldAdminDecimalFieldWidget
    )
    vat_percent = forms.DecimalField(
        label=_("Tax in percent"),
        min_value=0,
        max_value=100,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("Empty leaves it to the tax table."),
    )
    ocpi = forms.CharField(
        label=_("OCPI tariff"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 24, "spellcheck": "false", "class": "font-mono"}),
        help_text=_("A Tariff object (JSON), for what the simple prices cannot say."),
    )

    class Meta:
        model = TariffVersion
        fields = ("tariff", "valid_from", "ocpi_version")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            self.initial["ocpi"] = strict_json.dumps(self.instance.document, indent=2)
            simple = read_document(self.instance.document)
            if simple is not None:
                self.initial.update({name: getattr(simple, name) for name in _PRICES})

    def clean(self) -> dict[str, Any]:
        """The document, whichever way it was given."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        tariff = cleaned.get("tariff") or getattr(self.instance, "tariff", None)
        if self.errors or tariff is None:
            return cleaned
        by_figures = any(name in self.changed_data for name in _PRICES)
        by_document = "ocpi" in self.changed_data
        if by_figures and by_document:
            raise forms.ValidationError(
                _("Both the simple prices and the OCPI document were changed; change one of them only.")
            )
        if by_figures or not cleaned.get("ocpi"):
            self._use_figures(cleaned, tariff)
        else:
            self._use_document(cleaned, tariff)
        return cleaned

    def _use_figures(self, cleaned: dict[str, Any], tariff: Tariff) -> None:
        figures: dict[str, Any] = {name: cleaned.get(name) for name in _PRICES}
        figures["time_after_hours"] = figures["time_after_hours"] or Decimal(0)
        try:
            cleaned["document"] = build_document(
                SimplePrices(**figures),
                code=tariff.code,
                currency=tariff.currency,
                country=tariff.operator.country,
                updated=timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            )
        except BillingError as refusal:
            self.add_error(None, refusal.message)

    def _use_document(self, cleaned: dict[str, Any], tariff: Tariff) -> None:
        try:
            document = strict_json.loads(cleaned["ocpi"])
            require_tariff_document(document, currency=tariff.currency)
        except (strict_json.BadJson, BillingError) as refusal:
            self.add_error("ocpi", str(refusal))
            return
        cleaned["document"] = document


def _in_words(version: TariffVersion) -> SafeString:
    return format_html(
        '<ul class="list-disc ml-4">{}</ul>',
        format_html_join("", "<li>{}</li>", ((x,) for x in describe(version.document))),
    )


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
        return _in_words(version)


@admin.register(Tariff)
class TariffAdmin(AuditedModelAdmin):
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
        return "; ".join(describe(max(released, key=lambda version: version.valid_from).document))

    @action(
        description=_("Draft new prices"),
        url_path="draft-prices",
        permissions=["draft_prices"],
        icon="sell",
    )
    def draft_prices(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the form, with the tariff filled in."""
        return redirect(f"{reverse('admin:contracts_tariffversion_add')}?tariff={object_id}")


@admin.register(TariffVersion)
class TariffVersionAdmin(WorkspaceAdmin):
    """Prices from an instant on; the list shows what waits for a second person."""

    form = TariffVersionForm
    list_display = ("version", "tariff", "valid_from", "state_badge", "words", "created_by")
    list_select_related = ("tariff", "created_by")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("tariff", AutocompleteSelectFilter),
        ("valid_from", RangeDateTimeFilter),
    )
    search_fields = ("tariff__code__istartswith", "tariff__name__istartswith")
    autocomplete_fields = ("tariff",)
    actions_detail = ("release",)
    has_release_permission = right("contracts.release_tariffversion")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the pages show."""
        return super().get_queryset(request).select_related("tariff__operator", "created_by", "released_by")

    def get_fieldsets(self, request: HttpRequest, obj: TariffVersion | None = None) -> Any:
        """Figures and document in a draft; words and document afterwards."""
        state = (_("State"), {"fields": (("state_badge", "created_by"), ("released_by", "released_at"))})
        if obj is not None and not self.has_change_permission(request, obj):
            return (
                (_("Prices"), {"fields": ("tariff", ("valid_from", "ocpi_version"), "words")}),
                state,
                (_("OCPI tariff"), {"fields": ("pretty",), "classes": ("collapse",)}),
            )
        made = (_("Tariff"), {"fields": ("tariff", ("valid_from", "ocpi_version"), *(("words",) if obj else ()))})
        simple = (
            _("Simple prices"),
            {
                "fields": ("energy_price", ("time_price", "time_after_hours"), "start_fee", "vat_percent"),
                "classes": ("tab",),
            },
        )
        document = (_("OCPI document"), {"fields": ("ocpi",), "classes": ("tab",)})
        return (made, simple, document, *((state,) if obj else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: TariffVersion | None = None) -> tuple[str, ...]:
        """The tariff stays."""
        state = ("state_badge", "created_by", "released_by", "released_at", "words", "pretty")
        return state if obj is None else ("tariff", *state)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Released prices are frozen."""
        may = super().has_change_permission(request, obj)
        return may and not (isinstance(obj, TariffVersion) and obj.state == TariffState.RELEASED)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Their number stays."""
        return False

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """Release, as long as it is open."""
        is_draft = TariffVersion.objects.filter(pk=object_id, state=TariffState.DRAFT).exists()
        return super().get_actions_detail(request, object_id) if is_draft else []

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
        return _in_words(version)

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
            "form_submit_text": _("Release"),
        },
    )
    def release(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """By a second person."""
        done = gettext("%(it)s is released.")
        return self.run_and_return(request, release_tariff_version, done, object_id=object_id, version_id=object_id)
