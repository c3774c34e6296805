"""The account of one party: its statement from the ledger on screen, as PDF, CSV or mail, and how dunning stands."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from contracts.models import Operator, Party
from evbilling.access.acting import acting_user
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BillingError
from invoicing.operations.statements import read_statement, send_statement
from invoicing.portal.letters import statement_file
from invoicing.queries.dunning import cases, live_stops, overdue_documents
from invoicing.queries.statements import Statement, currencies_of, days_of_account

KINDS = {
    "document": gettext_lazy("document"),
    "credit": gettext_lazy("credit note"),
    "settlement": gettext_lazy("settlement"),
    "payment": gettext_lazy("payment"),
    "refund": gettext_lazy("refund"),
    "allocation": gettext_lazy("allocation"),
    "write_off": gettext_lazy("write-off"),
    "deposit": gettext_lazy("deposit"),
    "other": gettext_lazy("other"),
}
"""What moved the balance, or explains it."""


class PeriodForm(forms.Form):
    """Which account, and which days of it."""

    operator = forms.ModelChoiceField(
        label=gettext_lazy("Operator"), queryset=Operator.objects.all(), widget=UnfoldAdminSelectWidget
    )
    currency = forms.ChoiceField(label=gettext_lazy("Currency"), widget=UnfoldAdminSelectWidget)
    first = forms.DateField(label=gettext_lazy("From"), widget=UnfoldAdminDateWidget)
    last = forms.DateField(label=gettext_lazy("Until"), widget=UnfoldAdminDateWidget)

    def __init__(self, data: Any, *, currencies: list[str]) -> None:
        super().__init__(data)
        self.fields["currency"].choices = [(each, each) for each in currencies]  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def party_account(request: HttpRequest, party_id: int) -> HttpResponse:
    """The page; `?file=pdf` or `csv` gives the statement as a file, POST mails it to the accountants."""
    party = get_object_or_404(Party, pk=party_id)
    now = timezone.now()
    form = _form(request, party, now)
    if request.method == "POST":
        return _mail(request, form, party, now)
    statement = _read(request, form, party, now) if form.is_valid() else None
    kind = request.GET.get("file")
    if statement is not None and kind in {"pdf", "csv"}:
        return statement_file(statement, as_csv=kind == "csv", show=True)
    today = timezone.localdate()
    context = admin.site.each_context(request) | {
        "title": _("Account"),
        "party": party,
        "opts": Party._meta,
        "form": form,
        "statement": statement,
        "rows": [(each, KINDS[each.kind]) for each in statement.movements] if statement else [],
        "cases": cases(overdue_documents(on=today).filter(party=party), on=today),
        "stops": live_stops(on=today).filter(party=party).select_related("contract", "invoice", "set_by"),
        "may_send": request.user.has_perm("invoicing.resend_delivery"),
        "may_see_dunning": request.user.has_perm("invoicing.view_dunningstep"),
    }
    return render(request, "admin/party_account.html", context)


def _form(request: HttpRequest, party: Party, now: dt.datetime) -> PeriodForm:
    """What was asked for; at first the operator of the latest contract, the days that have bookings."""
    contract = party.contracts.select_related("operator").order_by("-pk").first()
    operator = contract.operator if contract else Operator.objects.order_by("pk").first()
    data = request.POST if request.method == "POST" else request.GET
    found = currencies_of(operator, party) if operator else []
    currencies = found or [party.currency]
    if "first" not in data and operator is not None:
        first, last = days_of_account(operator, party, today=local_date(now, operator.zone))
        data = {"operator": operator.pk, "currency": currencies[0], "first": first, "last": last}  # type: ignore[assignment]
    return PeriodForm(data, currencies=currencies)


def _values(form: PeriodForm, party: Party, now: dt.datetime) -> dict[str, Any]:
    chosen = form.cleaned_data
    own = {name: chosen[name] for name in ("currency", "first", "last")}
    return own | {"operator_id": chosen["operator"].pk, "party_id": party.pk, "at": now}


def _read(request: HttpRequest, form: PeriodForm, party: Party, now: dt.datetime) -> Statement | None:
    try:
        return read_statement(**_values(form, party, now))
    except BillingError as refusal:
        messages.error(request, refusal.message)
        return None


def _mail(request: HttpRequest, form: PeriodForm, party: Party, now: dt.datetime) -> HttpResponse:
    if not request.user.has_perm("invoicing.resend_delivery"):
        raise PermissionDenied
    if not form.is_valid():
        messages.error(request, _("Choose the days of the statement first."))
    else:
        try:
            delivery = send_statement(by=acting_user(request), **_values(form, party, now))
        except BillingError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, delivery.error or _("%(it)s is being sent.") % {"it": delivery})
    return HttpResponseRedirect(request.get_full_path())
