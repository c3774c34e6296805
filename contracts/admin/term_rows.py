"""Terms beyond the tariff on the workspace's pages: rows of a version, each with its sentence and its own form."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import display

from contracts.admin.term_forms import PAIRS, TermForm, term_form
from contracts.models import ContractTerm, ContractVersion, TermKind, VersionState
from contracts.operations.terms import add_term, change_term, remove_term
from contracts.rules import terms
from evbilling.access.acting import acting_user
from evbilling.shell.admin import ListInline, WorkspaceAdmin, page_of


class TermInline(ListInline):
    """The terms of a version, each in a sentence; a click opens its form."""

    model = ContractTerm
    verbose_name_plural = _("fees, discounts & penalties")
    fields = readonly_fields = ("kind", "sentence", "details")

    def get_queryset(self, request: HttpRequest) -> Any:
        """In the order in which they act."""
        acting = Case(*(When(kind=kind, then=place) for place, kind in enumerate(terms.ORDER)))
        return super().get_queryset(request).select_related("version__contract").order_by(acting, "position")

    @display(description=_("in words"))
    def sentence(self, row: ContractTerm) -> str:
        """What it says."""
        return row.sentence


@admin.register(ContractTerm)
class ContractTermAdmin(WorkspaceAdmin):
    """One term of a version, edited while the version is a draft; opened from the version's page."""

    list_display = ("version", "kind", "sentence")
    list_select_related = ("version__contract__party",)
    list_filter = (("kind", ChoicesDropdownFilter), ("version__contract", AutocompleteSelectFilter))
    search_fields = ("version__contract__number__istartswith",)
    search_help_text = _("Contract number")

    @display(description=_("in words"))
    def sentence(self, row: ContractTerm) -> str:
        """What it says."""
        return row.sentence

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the pages show."""
        return super().get_queryset(request).select_related("version__contract__party")

    def get_fieldsets(self, request: HttpRequest, obj: ContractTerm | None = None) -> Any:
        """The fields of its kind; of frozen terms the sentence."""
        if obj is not None and not self._open(request, obj.version):
            return ((None, {"fields": ("version", "kind", "sentence")}),)
        kind = self._kind(request, obj)
        fields = PAIRS.get(kind) or tuple(term_form(kind).base_fields)
        return ((str(capfirst(TermKind(kind).label)), {"fields": fields, "description": _what(kind)}),)

    def get_readonly_fields(self, request: HttpRequest, obj: ContractTerm | None = None) -> tuple[str, ...]:
        """Frozen terms are read."""
        frozen = obj is not None and not self._open(request, obj.version)
        return ("version", "kind", "sentence") if frozen else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """The form of its kind."""
        kwargs["form"] = term_form(self._kind(request, obj))
        return super().get_form(request, obj, change=change, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """To a draft, from its page alone."""
        return "version" in request.GET and request.user.has_perm("contracts.change_contractversion")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return obj is None or self._open(request, obj.version)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft, one at a time."""
        return obj is not None and self._open(request, obj.version)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First which kind, among those that fit; then its fields."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        version = self._version(request)
        if not self._open(request, version):
            raise PermissionDenied
        kinds = _open_kinds(version)
        if request.GET.get("kind") not in kinds:
            return self._choose(request, version, kinds)
        title = gettext("Add a term to %(version)s") % {"version": version}
        return super().add_view(request, form_url, {"title": title, **(extra_context or {})})

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """One button: it leads back to the version."""
        context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: ContractTerm, form: TermForm, change: bool) -> None:
        """By the operations."""
        who: dict[str, Any] = {"by": acting_user(request), "at": timezone.now()}
        figures = form.cleaned_data["figures"]
        if change:
            change_term(term_id=obj.pk, figures=figures, **who)
            return
        made = add_term(version_id=self._version(request).pk, kind=form.kind, figures=figures, **who)
        obj.pk, obj.version, obj.kind, obj.figures = made.pk, made.version, made.kind, made.figures

    def delete_model(self, request: HttpRequest, obj: ContractTerm) -> None:
        """By the operation."""
        remove_term(term_id=obj.pk, by=acting_user(request), at=timezone.now())

    def response_add(self, request: HttpRequest, obj: ContractTerm, post_url_continue: Any = None) -> HttpResponse:
        """Back to the version, which shows the sentence."""
        return self._back(request, obj, gettext("Added: %(sentence)s") % {"sentence": obj.sentence})

    def response_change(self, request: HttpRequest, obj: ContractTerm) -> HttpResponse:
        """Back to the version."""
        obj.refresh_from_db()
        return self._back(request, obj, gettext("Changed: %(sentence)s") % {"sentence": obj.sentence})

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:
        """Back to the version."""
        version = ContractVersion.objects.filter(pk=request.GET.get("version") or 0).first()
        messages.success(request, gettext("Removed: %(term)s") % {"term": obj_display})
        return HttpResponseRedirect(page_of(version)) if version is not None else self.back_to_list()

    def _back(self, request: HttpRequest, obj: ContractTerm, done: str) -> HttpResponse:
        messages.success(request, done)
        return HttpResponseRedirect(page_of(obj.version))

    def _version(self, request: HttpRequest) -> ContractVersion:
        asked = request.GET.get("version", "")
        return get_object_or_404(
            ContractVersion.objects.select_related("contract"), pk=asked if asked.isdecimal() else 0
        )

    def _open(self, request: HttpRequest, version: ContractVersion) -> bool:
        return version.state == VersionState.DRAFT and request.user.has_perm("contracts.change_contractversion")

    def _kind(self, request: HttpRequest, obj: ContractTerm | None) -> str:
        return obj.kind if obj is not None else request.GET.get("kind", TermKind.BASE_FEE)

    def _choose(self, request: HttpRequest, version: ContractVersion, kinds: list[str]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Add a term to %(version)s") % {"version": version},
            "opts": self.opts,
            "version": version,
            "kinds": [
                {
                    "name": TermKind(kind).label,
                    "what": _what(kind),
                    "address": f"?{urlencode({'version': str(version.pk), 'kind': kind})}",
                }
                for kind in kinds
            ],
        }
        return render(request, "admin/contracts/term_kinds.html", context)


def _open_kinds(version: ContractVersion) -> list[str]:
    """The kinds that the version can take, in the order in which they act."""
    standing = list(version.terms.values_list("kind", flat=True))
    return [kind for kind in terms.ORDER if terms.fits(kind, version.contract.kind) and not terms.clash(kind, standing)]


def _what(kind: str) -> str:
    """What a kind of term is for, in a sentence."""
    return {
        "window_cap": gettext("What a session costs between two times of day is capped."),
        "included_energy": gettext("The first kWh of a month are free."),
        "graduated_discount": gettext("Each kWh of the month gets the percentage of its tier."),
        "volume_discount": gettext("The kWh reached in the month give a percentage on all of them."),
        "base_fee": gettext("A fee a month, for the contract, each vehicle or each site."),
        "minimum_commitment": gettext("What a month falls short of a promise is charged."),
        "overstay": gettext("Minutes after the end of charging cost something."),
        "no_show": gettext("A reservation that nobody uses costs something."),
        "late_payment": gettext("Interest and a flat amount after the due date."),
        "failed_payment": gettext("A returned or declined payment costs something."),
        "early_termination": pgettext("term", "Ending before the minimum term costs something."),
        "uptime_promise": gettext("The operator promises working stations and credits what it misses."),
    }[kind]
