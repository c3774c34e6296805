"""The months of an operator's ledger: which are open, what is to do before one is closed, and the exports made."""

from collections.abc import Callable
from itertools import dropwhile
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from contracts.models import Operator
from evbilling.access.acting import acting_user
from evbilling.kernel.clock import Period, parse_month
from evbilling.kernel.errors import BillingError
from evbilling.kernel.models import AuditRecord
from evbilling.workspace import lists
from evbilling.workspace.accounting.pages import TYPES, filters_of, tabs
from evbilling.workspace.words import action_text
from invoicing.models import DatevSettings
from invoicing.operations.document_zip import export_documents
from invoicing.operations.exports import ExportFile, export_datev, export_journal
from invoicing.operations.periods import close_period
from invoicing.queries.accounting.closing import ClosingCheck, closing_checks, ledger_months

EXPORTS_SHOWN = 30
LISTS: dict[str, Callable[[], str]] = {
    "drafts": lists.drafts,
    "runs": lists.billing_runs,
    "unposted": lists.books_checks,
    "credit": lambda: reverse("admin:accounting_report", args=["deferred"]),
    "disputes": lists.open_disputes,
    "proof": lists.books_checks,
}
"""Where each point is worked on."""


class MonthForm(forms.Form):
    """One month of one operator."""

    operator = forms.ModelChoiceField(Operator.objects.all())
    month = forms.CharField()

    def clean_month(self) -> Period:
        """YYYY-MM."""
        try:
            return parse_month(self.cleaned_data["month"])
        except BillingError as refusal:
            raise forms.ValidationError(refusal.message) from None


class ExportForm(MonthForm):
    """What is exported of it."""

    what = forms.ChoiceField(choices=[(name, name) for name in ("datev", "csv", "xlsx", "documents")])
    currency = forms.CharField(max_length=3, required=False)


@require_GET
def months_page(request: HttpRequest) -> HttpResponse:
    """All months from the last that was booked on or closed, the latest first, and the list before closing for the
    oldest open one that is over.
    """
    filters = filters_of(request)
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": _("Months"),
        "tabs": tabs(filters, "months"),
        "filters": filters,
        "may_close": request.user.has_perm("invoicing.close_period"),
    }
    if filters.operator is not None:
        months = ledger_months(filters.operator, at=timezone.now())
        due = next((month for month in reversed(months) if month.is_over and month.state == "open"), None)
        checks = closing_checks(filters.operator, due.period) if due else []
        shown = list(dropwhile(lambda month: month.is_untouched, months)) or months
        context |= {
            "months": shown,
            "untouched": len(months) - len(shown),
            "due": due,
            "checks": [(check, _list_of(check)) for check in checks],
        }
    return render(request, "admin/accounting/months.html", context)


@require_POST
def close_month(request: HttpRequest) -> HttpResponse:
    """Close one month, by the operation."""
    form = MonthForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose the month, written as YYYY-MM."))
        return HttpResponseRedirect(reverse("admin:accounting_months"))
    operator = form.cleaned_data["operator"]
    try:
        closed = close_period(
            operator_id=operator.pk,
            month=form.cleaned_data["month"].start,
            by=acting_user(request),
            at=timezone.now(),
        )
    except BillingError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("%(month)s is closed.") % {"month": closed})
    return HttpResponseRedirect(f"{reverse('admin:accounting_months')}?operator={operator.pk}")


@require_GET
def exports_page(request: HttpRequest) -> HttpResponse:
    """What can be exported, and what was."""
    filters = filters_of(request)
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": _("Exports"),
        "tabs": tabs(filters, "exports"),
        "filters": filters,
        "may_export": request.user.has_perm("invoicing.export_books"),
    }
    if filters.operator is not None:
        made = AuditRecord.objects.filter(
            action__startswith="invoicing.export.",
            object_type=Operator._meta.label,
            object_id=str(filters.operator.pk),
        )
        context |= {
            "datev": DatevSettings.objects.filter(operator=filters.operator).first(),
            "made": [(record, action_text(record.action)) for record in made[:EXPORTS_SHOWN]],
            "currency": filters.currency or filters.operator.currency,
        }
    return render(request, "admin/accounting/exports.html", context)


@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """The file asked for; a refusal leads back with the sentence."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose the month, written as YYYY-MM, and what is exported."))
        return HttpResponseRedirect(reverse("admin:accounting_exports"))
    what, currency = form.cleaned_data["what"], form.cleaned_data["currency"]
    operator, period = form.cleaned_data["operator"], form.cleaned_data["month"]
    values = {"operator_id": operator.pk, "period": period, "by": acting_user(request), "at": timezone.now()}
    made: dict[str, Callable[[], ExportFile]] = {
        "datev": lambda: export_datev(currency=currency or operator.currency, **values),
        "csv": lambda: export_journal(currency=currency, kind="csv", **values),
        "xlsx": lambda: export_journal(currency=currency, kind="xlsx", **values),
    }
    try:
        if what == "documents":
            name = f"documents_{period.code}.zip"
            return _attached(StreamingHttpResponse(export_documents(**values), content_type="application/zip"), name)
        file = made[what]()
    except BillingError as refusal:
        messages.error(request, refusal.message)
        query = filters_of(request).query(operator=str(operator.pk), **{"from": period.code, "to": period.code})
        return HttpResponseRedirect(f"{reverse('admin:accounting_exports')}?{query}")
    kind = "text/csv; charset=windows-1252" if what == "datev" else TYPES[what]
    return _attached(HttpResponse(file.content, content_type=kind), file.name)


def _attached[R: HttpResponseBase](response: R, name: str) -> R:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _list_of(check: ClosingCheck) -> str:
    return LISTS[check.name]() if check.count else ""
