"""What every page of the workspace's admin shares: the audit trail as history, refusals as sentences, audited saves.

- `WorkspaceAdmin`: rows changed by operations. A BillingError raised while saving stands in the form, which keeps what
  was typed; nothing is stored. `run` and `run_and_return` call an operation from a button. A button that changes
  something has a dialog, if only with the button itself: what is opened by a link alone must change nothing.
- `WrittenByTheProduct`: rows that are only read, and changed by buttons. `ListInline`: such rows in another row's tab.
- `AuditedModelAdmin`: master data saved by the form itself; each create, change and delete writes its audit row in the
  same transaction (I19), inlines included.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import BaseDialogForm
from unfold.utils import display_for_label
from unfold.widgets import UnfoldAdminTextareaWidget

from evbilling.access.acting import acting_user
from evbilling.kernel.audit import history_of, record_audit
from evbilling.kernel.errors import BillingError
from evbilling.shell.changes import changes_in, changes_of
from evbilling.shell.dialogs import refuse, staying_open
from evbilling.shell.formats import format_instant, format_money

HISTORY_PAGE = 50
PALETTE_HITS = 6
"""Rows of each list that Ctrl+K shows."""


class ReasonForm(BaseDialogForm):
    """Asks why; the audit trail keeps it."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


def badge(state: str, text: str, colours: Mapping[str, str]) -> SafeString:
    """A state in its colour (success, info, warning, danger or "" for none), in lists, tabs and pages alike."""
    tones = {str(state): ""} | {str(key): value for key, value in colours.items()}
    return display_for_label((str(state), capfirst(text)), "", tones)


def money(amount: Decimal | None, currency: str) -> SafeString:
    """An amount with its currency, right-aligned; a dash where there is none."""
    text = "\N{EN DASH}" if amount is None else format_money(amount, currency)
    return format_html('<span class="money">{}</span>', text)


def page_of(row: Model) -> str:
    """The address of a row's page in the workspace."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def link_to(row: Model | None, text: str = "") -> str:
    """The row's name, or `text`, with a link to its page; a dash where there is no row."""
    if row is None:
        return "\N{EN DASH}"
    return format_html('<a class="underline" href="{}">{}</a>', page_of(row), text or row)


def right(permission: str) -> Callable[..., bool]:
    """A has_..._permission method of an admin page: whether the person has this permission, "app.codename"."""

    def check(self: Any, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(permission)

    return check


def leave_dialog(address: str) -> HttpResponse:
    """To another page, leaving a dialog if one is open."""
    response = HttpResponseRedirect(address)
    response["HX-Redirect"] = address
    return response


class _RefusedForm:
    """Mixed into a form whose operation was refused: the sentence stands above the fields, the input stays."""

    refusal: str

    def clean(self) -> dict[str, Any] | None:
        cleaned: dict[str, Any] | None = super().clean()  # type: ignore[misc]
        self.add_error(None, self.refusal)  # type: ignore[attr-defined]
        return cleaned


def _may_be_key(model: type[Model], text: str) -> bool:
    """Whether a row of the model could have this key: `abc` is no number."""
    try:
        model._meta.pk.to_python(text)  # type: ignore[union-attr]
    except ValidationError:
        return False
    return True


class WorkspaceAdmin(ModelAdmin):
    """Base of all admin pages; see the module."""

    list_per_page = 50
    list_filter_submit = True
    show_full_result_count = False
    warn_unsaved_form = True
    compressed_fields = True

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """What the search field finds; for Ctrl+K, which reads all that it is given, the first few."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        in_palette = request.resolver_match is not None and request.resolver_match.view_name == "admin:search"
        return (found[:PALETTE_HITS] if in_palette else found), may_repeat

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Drawn at once: a filter of the address with a number beyond what SQLite takes is said, and left out.

        PostgreSQL compares such a number, and finds no row. The window is named after what it lists.
        """
        title = {"title": capfirst(self.opts.verbose_name_plural)}
        try:
            response: HttpResponse = super().changelist_view(request, title | (extra_context or {}))
            return response.render() if isinstance(response, TemplateResponse) else response
        except OverflowError:
            if not request.GET:
                raise
            messages.error(request, gettext("A number in the address is too large; the filters are left out."))
            return HttpResponseRedirect(request.path)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """A refusal changes nothing: the form comes back with the sentence and what was typed.

        An address that names no row is answered before the buttons of the page look at it.
        """
        if object_id is not None and not _may_be_key(self.model, unquote(object_id)):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        try:
            return super().changeform_view(request, object_id, *args, **kwargs)
        except BillingError as refusal:
            request.refusal = refusal.message  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, *args, **kwargs)

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form; after a refusal one that says why."""
        form = super().get_form(request, obj, change=change, **kwargs)
        refusal = getattr(request, "refusal", None)
        if refusal is None:
            return form
        metaclass: Any = type(form)
        return metaclass(form.__name__, (_RefusedForm, form), {"refusal": refusal})

    def run(self, request: HttpRequest, operation: Callable[..., Any], done: Any, **values: Any) -> Any:
        """Call an operation as the signed-in person, now. Says `done` (%(it)s is the result) or why it was refused.

        Returns what the operation returned, None after a refusal.
        """
        try:
            result = operation(by=acting_user(request), at=timezone.now(), **values)
        except BillingError as refusal:
            refuse(request, refusal.message)
            return None
        messages.success(request, done % {"it": result})
        return result

    def run_and_return(
        self, request: HttpRequest, operation: Callable[..., Any], done: Any, *, object_id: Any, **values: Any
    ) -> HttpResponse:
        """`run`, then back to the object's page; also from a dialog."""
        self.run(request, operation, done, **values)
        return self.back_to(object_id)

    def back_to(self, object_id: Any) -> HttpResponse:
        """To the object's page."""
        return leave_dialog(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[object_id]))

    def back_to_list(self) -> HttpResponse:
        """To the list, from a button of the list or for an object that is gone."""
        return leave_dialog(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))

    def open_steps(self, request: HttpRequest, row: Any) -> set[str]:
        """Names of the buttons on a row's page that its state leaves open; each, unless a page says otherwise."""
        return set(self._extract_action_names(self.actions_detail))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the buttons that each row's state leaves open, for its menu."""
        found = super().get_changelist_instance(request)
        if self.actions_row:
            prefix = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_"
            found.result_list = list(found.result_list)
            for row in found.result_list:
                row.open_paths = {f"{prefix}{name}" for name in self.open_steps(request, row)}
        return found

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[Any]:
        """The buttons that the person may press and the row's state leaves open."""
        allowed = super().get_actions_detail(request, object_id)
        row = self.get_object(request, unquote(str(object_id))) if allowed else None
        if row is None:
            return []
        prefix = f"{self.opts.app_label}_{self.opts.model_name}_"
        names = {f"{prefix}{name}" for name in self.open_steps(request, row)}
        return [each for each in allowed if each.action_name in names]

    def get_urls(self) -> list[URLPattern]:
        """Buttons of a row that is not there, or whose address was mistyped, answer as the row's own page does.

        A dialog that asks for something stays open when it is refused.
        """
        patterns = super().get_urls()
        of_rows = (*self._get_base_actions_detail(), *self._get_base_actions_row())
        of_a_row = {each.action_name for each in of_rows}
        dialogs = {each.action_name: each.dialog for each in (*of_rows, *self._get_base_actions_list())}
        for pattern in patterns:
            dialog: Any = dialogs.get(str(pattern.name))
            if dialog is not None and "form_class" in dialog:
                pattern.callback = staying_open(pattern.callback, dialog)
            if pattern.name in of_a_row:
                pattern.callback = self._of_a_row(pattern.callback)
        return patterns

    def _of_a_row(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def checked(request: HttpRequest, object_id: str, **kwargs: Any) -> HttpResponse:
            if self.admin_site.has_permission(request) and self.get_object(request, unquote(object_id)) is None:
                return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
            return view(request, object_id=object_id, **kwargs)

        return checked

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The audit trail of one object, newest first."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        page = Paginator(history_of(obj), HISTORY_PAGE).get_page(request.GET.get("p"))
        zone = timezone.get_current_timezone_name()
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("History of %(what)s") % {"what": obj},
            "object": obj,
            "opts": self.opts,
            "page": page,
            "entries": [
                (record, format_instant(record.at, zone), list(changes_of(record, self.model))) for record in page
            ],
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/audit_history.html", context)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> list[Any]:
        """None: the audit trail says what changed."""
        return []

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        """The audit trail has it."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        """The audit trail has it."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        """The audit trail has it."""


class _NobodyWrites:
    """Rows come from operations: nobody adds, edits or deletes them by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


class WrittenByTheProduct(_NobodyWrites, WorkspaceAdmin):
    """Rows that only operations write; people read them, so each field is read, and press the page's buttons."""


class ListInline(_NobodyWrites, TabularInline):  # type: ignore[misc]  # the theme's bases differ in a hint
    """Rows in a tab of another row's page; the column `details` opens a row's own page. Nothing is edited here."""

    extra = 0
    tab = True
    per_page = 20
    can_delete = False
    show_change_link = False
    show_title = False

    @display(description=_("details"))
    def details(self, row: Any) -> str:
        """A link to the row's own page."""
        return link_to(row, gettext("Open"))


class AuditedModelAdmin(WorkspaceAdmin):
    """Master data: the form saves, and who changed what from which value to which is on record (I19)."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save with an audit row of the fields that changed."""
        super().save_model(request, obj, form, change)
        changes = changes_in(form)
        if changes or not change:
            self._record(request, obj, obj, "change" if change else "create", changes)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save inline rows; each leaves an audit row in the trail of the page's object."""
        for each in formset.deleted_forms:
            if each.instance.pk is not None:
                self._record(request, form.instance, each.instance, "delete", {})
        changed = [(each, each.instance.pk is None) for each in formset.forms if each.has_changed()]
        super().save_formset(request, form, formset, change)
        gone = set(formset.deleted_forms)
        for each, is_new in changed:
            if each not in gone:
                self._record(request, form.instance, each.instance, "create" if is_new else "change", changes_in(each))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete with an audit row."""
        with transaction.atomic():
            self._record(request, obj, obj, "delete", {})
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete several, each with its audit row, all or none."""
        with transaction.atomic():
            for obj in queryset:
                self._record(request, obj, obj, "delete", {})
            super().delete_queryset(request, queryset)

    def _record(self, request: HttpRequest, about: Model, row: Model, verb: str, changes: dict[str, Any]) -> None:
        what = {} if about is row else {str(row._meta.model_name): str(row)}
        record_audit(
            action=f"{row._meta.app_label}.{row._meta.model_name}.{verb}",
            obj=about,
            by=acting_user(request),
            at=timezone.now(),
            changes=what | changes,
            where=str(request.META.get("REMOTE_ADDR", "")),
        )
