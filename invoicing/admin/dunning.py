"""Dunning in the workspace: who is at which level, what comes next and when, and what people decide about it."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from evbilling.shell.admin import ListInline, ReasonForm, WrittenByTheProduct, badge, link_to, money, right
from evbilling.shell.dialogs import DayInput
from evbilling.shell.formats import format_day
from invoicing.models import DunningStep, DunningStop, OverdueDocument, PaymentPromise
from invoicing.operations import dunning_decisions as decisions
from invoicing.queries.documents import with_open_amount
from invoicing.queries.dunning import CASE_READS, cases_of, escalations, overdue_documents, stops_of

DASH = "\N{EN DASH}"
_ONE, _CONTRACT, _ALL = "document", "contract", "party"


class PromiseForm(BaseDialogForm):
    """A customer's word."""

    amount = forms.DecimalField(label=_("Amount"), min_value=Decimal("0.01"), widget=UnfoldAdminDecimalFieldWidget)
    promised_on = forms.DateField(label=_("To be paid by"), widget=DayInput)
    note = forms.CharField(
        label=_("Note"), max_length=300, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )


class StopForm(ReasonForm):
    """What is not reminded of any more, and until when."""

    what = forms.ChoiceField(
        label=_("For"),
        choices=[(_ONE, _("this document")), (_CONTRACT, _("its contract")), (_ALL, _("all of the party"))],
        widget=UnfoldAdminSelectWidget,
    )
    until = forms.DateField(label=_("Until"), required=False, widget=DayInput, help_text=_("Empty: until it is lifted"))


def _end_of(stop: DunningStop) -> str:
    return "" if stop.until is None else str(_(" (until %(day)s)") % {"day": format_day(stop.until)})


class StepInline(ListInline):
    """What was done about the document."""

    model = DunningStep
    fields = ("level", "action", "taken_on", "notice", "fee", "skipped", "details")
    readonly_fields = fields
    verbose_name_plural = _("dunning")

    @admin.display(description=_("notice"))
    def notice(self, taken: DunningStep) -> str:
        """Opens it."""
        return link_to(taken.letter)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DunningStep]:
        """Without the notices' bytes."""
        return super().get_queryset(request).select_related("letter", "fee").defer("letter__content")


class PromiseInline(ListInline):
    """What the customer promised."""

    model = PaymentPromise
    fields = ("promised_on", "sum", "note", "taken_by", "taken_at", "withdrawn_at")
    readonly_fields = fields

    @admin.display(description=_("amount"))
    def sum(self, promise: PaymentPromise) -> SafeString:
        """In the document's currency."""
        return money(promise.amount, promise.invoice.currency)


@admin.register(OverdueDocument)
class OverdueDocumentAdmin(WrittenByTheProduct):
    """Every overdue document with its level, what comes next, and why it waits."""

    list_display = ("number", "party", "due_on", "rest", "level", "coming", "waits_for")
    list_filter = (("party", AutocompleteSelectFilter), ("due_on", RangeDateFilter))
    search_fields = ("number__istartswith", "party__legal_name__istartswith", "contract__number__istartswith")
    search_help_text = _("Document number, party or contract number")
    ordering = ("due_on", "pk")
    fields = ("document", "party_link", "due_on", "rest", "contested", "level", "coming", "waits_for", "stops")
    inlines = (StepInline, PromiseInline)
    actions = None
    actions_row = actions_detail = ("promise", "stop", "skip")
    has_dun_permission = right("invoicing.run_dunning")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Overdue today, with the open amount and what their cases are made of."""
        overdue = overdue_documents(on=timezone.localdate())
        rows = OverdueDocument.objects.filter(pk__in=overdue.order_by().values("pk"))
        return with_open_amount(rows).select_related(*CASE_READS)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Read how the page's documents stand, all at once."""
        found = super().get_changelist_instance(request)
        rows = list(found.result_list)
        for row, case in zip(rows, cases_of(rows, on=timezone.localdate()), strict=True):
            row.case = case
        found.result_list = rows
        return found

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """With how it stands."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            (found.case,) = cases_of([found], on=timezone.localdate())
        return found

    @display(description=_("document"))
    def document(self, row: Any) -> str:
        """Opens the document itself."""
        address = reverse("admin:invoicing_invoice_change", args=[row.pk])
        return format_html('<a class="underline" href="{}">{}</a>', address, row)

    @display(description=_("party"))
    def party_link(self, row: Any) -> str:
        """Opens it."""
        return link_to(row.party)

    @display(description=_("open"))
    def rest(self, row: Any) -> SafeString:
        """What is not settled yet."""
        return money(row.case.open_amount, row.currency)

    @display(description=_("contested"))
    def contested(self, row: Any) -> SafeString:
        """What is not asked for."""
        return money(row.case.contested_amount, row.currency)

    @display(description=_("level"))
    def level(self, row: Any) -> str:
        """The highest one reached."""
        return str(row.case.reached or DASH)

    @display(description=_("next"))
    def coming(self, row: Any) -> str:
        """The next level and its day."""
        following = row.case.next
        if following is None:
            return DASH
        level, day = following
        words = _("a person, %(day)s") if level.escalate else _("level %(level)s, %(day)s")
        return words % {"level": level.level, "day": format_day(day)}

    @display(description=_("waits for"))
    def waits_for(self, row: Any) -> str:
        """Why nothing is done meanwhile."""
        return row.case.waits_for or DASH

    @display(description=_("dunning stops"))
    def stops(self, row: Any) -> str:
        """What is stopped, why and until when; each opens the stop, where it is lifted."""
        lines = [
            (link_to(stop, str(stop.invoice or stop.contract or _("all documents"))), stop.reason, _end_of(stop))
            for stop in stops_of(row, on=timezone.localdate())
        ]
        return format_html_join(mark_safe("<br>"), "{}: {}{}", lines) or DASH

    @action(
        description=_("Promise to pay"),
        url_path="promise",
        permissions=["dun"],
        icon="handshake",
        dialog={
            "title": _("The customer promises to pay"),
            "description": _("Nobody is reminded of this document until the day after."),
            "form_class": PromiseForm,
            "form_submit_text": pgettext_lazy("decision", "Note"),
        },
    )
    def promise(self, request: HttpRequest, form: PromiseForm, object_id: int) -> HttpResponse:
        """Until the day after."""
        values = {name: form.cleaned_data[name] for name in ("amount", "promised_on", "note")}
        self.run(request, decisions.promise_to_pay, _("Noted."), invoice_id=object_id, **values)
        return self.back_to_list()

    @action(
        description=_("Stop dunning"),
        url_path="stop",
        permissions=["dun"],
        icon="notifications_off",
        dialog={
            "title": _("Stop dunning"),
            "description": _("Nobody is reminded until the day given, or until the stop is lifted."),
            "form_class": StopForm,
            "form_submit_text": _("Stop"),
        },
    )
    def stop(self, request: HttpRequest, form: StopForm, object_id: int) -> HttpResponse:
        """Of the document, its contract or the party."""
        row = OverdueDocument.objects.get(pk=object_id)
        what = form.cleaned_data["what"]
        values = {
            "party_id": row.party_id,
            "contract_id": row.contract_id if what == _CONTRACT else None,
            "invoice_id": row.pk if what == _ONE else None,
            "until": form.cleaned_data["until"],
            "reason": form.cleaned_data["reason"],
        }
        self.run(request, decisions.stop_dunning, _("Dunning is stopped."), **values)
        return self.back_to_list()

    @action(
        description=_("Skip the next level"),
        url_path="skip",
        permissions=["dun"],
        icon="skip_next",
        dialog={
            "title": _("Skip the next level"),
            "description": _("It is neither sent nor charged; the level after it comes in its time."),
            "form_class": ReasonForm,
            "form_submit_text": _("Skip"),
        },
    )
    def skip(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With the reason."""
        reason = form.cleaned_data["reason"]
        self.run(request, decisions.skip_step, _("The level is skipped."), invoice_id=object_id, reason=reason)
        return self.back_to_list()


class ToDoFilter(admin.SimpleListFilter):
    """Steps that wait for a person."""

    title = _("to do")
    parameter_name = "todo"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """One."""
        return [("person", _("handed over, nobody took it up"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Escalations."""
        return queryset.filter(pk__in=escalations().values("pk")) if self.value() == "person" else queryset


@admin.register(DunningStep)
class DunningStepAdmin(WrittenByTheProduct):
    """Every level that a document reached: the notice that went out, or why none did."""

    list_display = ("document", "party", "level", "action", "asked", "taken_on", "state", "handled_by")
    list_filter = (ToDoFilter, ("action", ChoicesDropdownFilter), ("taken_on", RangeDateFilter))
    list_select_related = ("invoice__party", "handled_by")
    search_fields = ("invoice__number__istartswith", "invoice__party__legal_name__istartswith")
    search_help_text = _("Document number or party")
    fields = (
        "document",
        "party",
        "level",
        "action",
        "asked",
        "notice",
        "fee_link",
        "skipped",
        "taken_on",
        "handled_by",
        "handled_at",
    )
    actions_row = actions_detail = ("handle",)
    has_dun_permission = right("invoicing.run_dunning")

    @display(description=_("document"), ordering="invoice__number")
    def document(self, taken: DunningStep) -> str:
        """Opens it."""
        return link_to(taken.invoice)

    @display(description=_("party"))
    def party(self, taken: DunningStep) -> str:
        """Who owes it."""
        return str(taken.invoice.party)

    @display(description=_("asked for"))
    def asked(self, taken: DunningStep) -> SafeString:
        """Open and not contested that day."""
        return money(taken.open_amount, taken.invoice.currency)

    @display(description=_("notice"))
    def notice(self, taken: DunningStep) -> str:
        """Opens it."""
        return link_to(taken.letter)

    @display(description=_("fee"))
    def fee_link(self, taken: DunningStep) -> str:
        """The penalty that a fee note bills."""
        return link_to(taken.fee)

    @display(description=_("state"))
    def state(self, taken: DunningStep) -> SafeString:
        """Reminded, skipped, waiting for a person or taken up."""
        if taken.skipped:
            return badge("skipped", str(_("skipped")), {})
        if taken.letter_id is not None:
            return badge("reminded", str(_("reminded")), {"reminded": "success"})
        if taken.handled_at is None:
            return badge("waits", str(_("waits for a person")), {"waits": "danger"})
        return badge("handled", str(_("taken up")), {"handled": "success"})

    @action(
        description=_("Taken up"),
        url_path="handle",
        permissions=["dun"],
        icon="task_alt",
        dialog={
            "title": _("This document was taken up"),
            "description": _("Say what was agreed or done; the audit trail keeps it."),
            "form_class": ReasonForm,
            "form_submit_text": pgettext_lazy("decision", "Note"),
        },
    )
    def handle(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With what came of it."""
        note = form.cleaned_data["reason"]
        self.run(request, decisions.handle_escalation, _("Noted."), step_id=object_id, note=note)
        return self.back_to_list()
