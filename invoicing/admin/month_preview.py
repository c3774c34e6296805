"""Month preview: what a version's terms would make of a past month of the contract's real sessions. Reads only."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from unfold.widgets import UnfoldAdminTextInputWidget

from contracts.models import ContractVersion
from contracts.queries import terms_of
from contracts.rules.terms import describe
from evbilling.kernel.clock import Period, local_date, parse_month
from evbilling.kernel.errors import BillingError
from evbilling.shell.admin import page_of
from invoicing.queries.month_preview import month_preview
from sessions.models import SessionPrice


class MonthForm(forms.Form):
    """Which month."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    month = forms.CharField(label=_("Month"), widget=UnfoldAdminTextInputWidget(attrs={"type": "month"}))

    def clean_month(self) -> Period:
        """YYYY-MM."""
        try:
            return parse_month(self.cleaned_data["month"])
        except BillingError as refusal:
            raise forms.ValidationError(refusal.message) from None


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The month and the answer on one page; nothing is written."""
    asked = request.GET.get("version", "")
    version = get_object_or_404(
        ContractVersion.objects.select_related("contract__party"), pk=asked if asked.isdecimal() else 0
    )
    form = MonthForm({"version": version.pk, "month": request.GET.get("month") or _latest(version)})
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Month preview of %(version)s") % {"version": version},
        "opts": ContractVersion._meta,
        "version": version,
        "back": page_of(version),
        "form": form,
        "currency": version.contract.currency,
        "sentences": [describe(term, version.contract.currency) for term in terms_of(version)],
    }
    if form.is_valid():
        try:
            context["preview"] = month_preview(version, form.cleaned_data["month"])
        except BillingError as refusal:
            form.add_error(None, refusal.message)
    return render(request, "admin/invoicing/month_preview.html", context)


def _latest(version: ContractVersion) -> str:
    """The month of the contract's last priced session, else this one."""
    prices = SessionPrice.objects.filter(contract_version__contract=version.contract_id)
    latest = prices.aggregate(latest=Max("session__ended_at"))["latest"] or timezone.now()
    return f"{local_date(latest, version.contract.zone):%Y-%m}"
