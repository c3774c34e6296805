"""Accounts and closed months in the workspace: charts, numbers for DATEV, closing and opening again by two persons."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm

from contracts.admin.common import OperatorDialog
from evbilling.access.acting import acting_user
from evbilling.shell.admin import AuditedModelAdmin, ReasonForm, WrittenByTheProduct, badge, right
from evbilling.shell.dialogs import DayInput
from invoicing.models import (
    Account,
    AccountingPeriod,
    AccountRule,
    BooksCheck,
    DatevSettings,
    JournalLine,
    PersonalAccount,
)
from invoicing.operations.charts import take_chart
from invoicing.operations.periods import ask_reopening, close_period, decline_reopening, reopen_period
from invoicing.tasks import check_books_by_hand


def finding_list(check: BooksCheck) -> SafeString:
    """The findings of a check, one a line."""
    rows = ((f["invariant"], f["about"], f["problem"]) for f in check.findings)
    return format_html_join(mark_safe("<br>"), "<b>{}</b> {}: {}", rows) or mark_safe("\N{EN DASH}")


PERIOD_TONES = {"closed": "success", "asked": "warning", "reopened": "info"}


class AccountRuleInline(TabularInline):  # type: ignore[misc]  # the theme's bases differ in a hint
    """Accounts of a DATEV file at a tax category and rate."""

    model = AccountRule
    fields = ("tax_category", "tax_rate", "code", "name", "automatic")
    extra = 0


@admin.register(Account)
class AccountAdmin(AuditedModelAdmin):
    """The chart of accounts: codes and names are the operator's until the first booking, roles are the product's."""

    list_display = ("code", "name", "role", "operator", "booked")
    list_filter = ("operator",)
    list_select_related = ("operator",)
    fields = ("operator", "role", "code", "name")
    readonly_fields = ("operator", "role")
    inlines = (AccountRuleInline,)
    actions = None
    actions_list = ("take_chart",)
    has_take_permission = right("invoicing.change_account")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        """With whether anything is booked on it."""
        used = Exists(JournalLine.objects.filter(account=OuterRef("pk")))
        return super().get_queryset(request).annotate(is_used=used)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What is booked on keeps its code and name: printed journals name them."""
        return ("operator", "role", "code", "name") if obj is not None and obj.is_used else ("operator", "role")

    @display(description=_("booked on"), boolean=True)
    def booked(self, account: Any) -> bool:
        """Whether its code and name are fixed."""
        return bool(account.is_used)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Made with the first booking."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Booked on."""
        return False

    @action(
        description=_("Take the chart"),
        url_path="take-chart",
        permissions=["take"],
        icon="account_tree",
        dialog={
            "title": _("Number the accounts by the operator's chart"),
            "description": _("Codes and names become those of the chart on the operator's page, before any booking."),
            "form_class": OperatorDialog,
            "form_submit_text": _("Take the chart"),
        },
    )
    def take_chart(self, request: HttpRequest, form: OperatorDialog) -> HttpResponse:
        """By the operation."""
        done = str(_("The accounts of %(it)s are numbered by its chart."))
        self.run(request, take_chart, done, operator_id=form.cleaned_data["operator"].pk)
        return self.back_to_list()


class CloseForm(OperatorDialog):
    """Which month of which operator."""

    month = forms.DateField(label=_("Month"), help_text=_("Any day in it"), widget=DayInput)


@admin.register(AccountingPeriod)
class AccountingPeriodAdmin(WrittenByTheProduct):
    """Closed months: nothing is booked into them, until two persons open one again."""

    list_display = ("month_text", "operator", "state", "closed_at", "closed_by", "asked_by", "reopened_by")
    list_filter = ("operator",)
    list_select_related = ("operator", "closed_by", "asked_by", "reopened_by")
    fields = (
        "operator",
        "month",
        "state",
        "closed_at",
        "closed_by",
        "asked_by",
        "asked_at",
        "reason",
        "reopened_by",
        "reopened_at",
    )
    actions = None
    actions_list = ("close_month",)
    actions_detail = ("ask", "decline", "reopen")
    has_close_permission = right("invoicing.close_period")
    has_ask_permission = right("invoicing.ask_reopening")
    has_reopen_permission = right("invoicing.reopen_period")

    def open_steps(self, request: HttpRequest, row: AccountingPeriod) -> set[str]:
        """Asked for once; then kept closed by either person, or opened by another than asked."""
        if row.reopened_at is not None:
            return set()
        if row.asked_by_id is None:
            return {"ask"}
        return {"decline"} if row.asked_by_id == request.user.pk else {"decline", "reopen"}

    @display(description=_("month"), ordering="month")
    def month_text(self, period: AccountingPeriod) -> str:
        """YYYY-MM."""
        return str(period)

    @display(description=_("state"))
    def state(self, period: AccountingPeriod) -> SafeString:
        """Closed, asked to be opened again, or opened again."""
        if period.reopened_at is not None:
            return badge("reopened", str(_("opened again")), PERIOD_TONES)
        if period.asked_by_id is not None:
            return badge("asked", str(_("waits for a second person")), PERIOD_TONES)
        return badge("closed", str(_("closed")), PERIOD_TONES)

    @action(
        description=_("Close a month"),
        url_path="close-month",
        permissions=["close"],
        icon="lock",
        dialog={
            "title": _("Close a month in the ledger"),
            "description": _("Nothing can be booked into it afterwards, unless two people open it again."),
            "form_class": CloseForm,
            "form_submit_text": _("Close the month"),
        },
    )
    def close_month(self, request: HttpRequest, form: CloseForm) -> HttpResponse:
        """By the operation."""
        month: dt.date = form.cleaned_data["month"]
        operator_id = form.cleaned_data["operator"].pk
        self.run(request, close_period, str(_("%(it)s is closed.")), operator_id=operator_id, month=month)
        return self.back_to_list()

    @action(
        description=_("Ask to open again"),
        url_path="ask-reopening",
        permissions=["ask"],
        icon="lock_open",
        dialog={
            "title": _("Ask that the month is opened again"),
            "description": _("A second person decides. Say what has to be booked into it."),
            "form_class": ReasonForm,
            "form_submit_text": pgettext_lazy("decision", "Ask"),
        },
    )
    def ask(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """The first person."""
        return self.run_and_return(
            request,
            ask_reopening,
            str(_("Asked: a second person opens %(it)s.")),
            object_id=object_id,
            period_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Keep it closed"),
        url_path="decline-reopening",
        permissions=["ask"],
        icon="block",
        dialog={
            "title": _("Keep the month closed"),
            "description": _("The request to open it again is refused or taken back."),
            "form_class": ReasonForm,
            "form_submit_text": _("Keep it closed"),
        },
    )
    def decline(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """Either person."""
        return self.run_and_return(
            request,
            decline_reopening,
            str(_("%(it)s stays closed.")),
            object_id=object_id,
            period_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Open again"),
        url_path="reopen",
        permissions=["reopen"],
        icon="lock_open_right",
        dialog={
            "title": _("Open the month again"),
            "description": _("It takes bookings until it is closed anew. Exports made of it are no longer complete."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Open again"),
        },
    )
    def reopen(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """The second person."""
        return self.run_and_return(
            request, reopen_period, str(_("%(it)s is open again.")), object_id=object_id, period_id=object_id
        )


@admin.register(DatevSettings)
class DatevSettingsAdmin(AuditedModelAdmin):
    """The tax adviser's numbers, one row per operator."""

    list_display = ("operator", "consultant_number", "client_number", "fiscal_year_month", "account_length")
    list_select_related = ("operator",)
    fields = (
        "operator",
        ("consultant_number", "client_number"),
        ("fiscal_year_month", "account_length"),
        ("debtors_from", "creditors_from"),
        "is_final",
    )


@admin.register(PersonalAccount)
class PersonalAccountAdmin(AuditedModelAdmin):
    """Numbers of customers and hosts in DATEV; enter those that the tax adviser has, the export gives the others."""

    list_display = ("number", "party", "kind", "operator")
    list_filter = ("operator", "kind")
    list_select_related = ("party", "operator")
    search_fields = ("=number", "party__legal_name__istartswith")
    search_help_text = _("Number or party")
    autocomplete_fields = ("party",)
    fields = ("operator", "party", "kind", "number")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A number that was given stays given."""
        return False


@admin.register(BooksCheck)
class BooksCheckAdmin(WrittenByTheProduct):
    """Every proof of the books, with what it found."""

    list_display = ("finished_at", "cause", "checks", "result")
    list_filter = ("cause",)
    fields = ("started_at", "finished_at", "cause", "checks", "result", "problems")
    actions_list = ("prove_now",)
    has_prove_permission = right("invoicing.close_period")

    @display(description=_("result"))
    def result(self, check: BooksCheck) -> SafeString:
        """Clean, or how many findings."""
        count = len(check.findings)
        text = str(_("clean")) if not count else str(_("%(count)s findings") % {"count": count})
        return badge("bad" if count else "good", text, {"good": "success", "bad": "danger"})

    @display(description=_("findings"))
    def problems(self, check: BooksCheck) -> SafeString:
        """One line each: invariant, object, sentence."""
        return finding_list(check)

    @action(
        description=_("Prove the books now"),
        url_path="prove",
        permissions=["prove"],
        icon="fact_check",
        dialog={
            "title": _("Prove the books now"),
            "description": _("A worker runs all checks; the result stands in this list. Nothing else changes."),
            "form_class": BaseDialogForm,
            "form_submit_text": _("Prove"),
        },
    )
    def prove_now(self, request: HttpRequest, form: BaseDialogForm) -> HttpResponse:
        """By a worker: it may take a minute."""
        check_books_by_hand.delay(acting_user(request).pk)
        messages.success(request, _("The books are being proved; the result appears here."))
        return self.back_to_list()
