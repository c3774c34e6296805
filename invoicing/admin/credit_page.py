"""Crediting an issued document in part: a page with its lines, tax rows and sessions; previewed before it is done."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from contracts.models import TariffState, TariffVersion
from evbilling.access.acting import acting_user
from evbilling.kernel.errors import BadInput, BillingError
from evbilling.shell.admin import page_of
from evbilling.shell.dialogs import DayInput
from invoicing.admin.common import tax_words
from invoicing.models import Correction, CorrectionState, Invoice, InvoiceState
from invoicing.operations.credit_notes import held_lines
from invoicing.operations.crediting import (
    Amounts,
    Lines,
    Rerated,
    SessionAmounts,
    What,
    Whole,
    credit,
    preview_credit,
)
from invoicing.operations.reissuing import Then, reissue, try_out
from invoicing.rules.tax import Category
from sessions.models import ChargingSession
from sessions.rules.correcting import SessionChange

WHOLE, AGAIN, LINES, AMOUNTS, SESSION = "whole", "again", "lines", "amounts", "session"
MODES = (
    (WHOLE, _("All that is left of it; its sessions are not billed again")),
    (AGAIN, _("Cancel it and bill its sessions again")),
    (LINES, _("Amounts of single lines")),
    (AMOUNTS, _("Amounts per tax rate")),
    (SESSION, _("One session")),
)
FOLLOWS = (
    (Then.DRAFT.value, _("Draft the replacement now")),
    (Then.ISSUE.value, _("Draft and issue the replacement now")),
    (Then.LATER.value, _("The next month close drafts it")),
)


def _text() -> Any:
    return UnfoldAdminTextInputWidget()


class CreditForm(forms.Form):
    """What is credited. The fields of lines and rates come from the document."""

    mode = forms.ChoiceField(label=_("What is credited"), choices=MODES, widget=UnfoldAdminSelectWidget)
    then = forms.ChoiceField(label=_("Then"), choices=FOLLOWS, required=False, widget=UnfoldAdminSelectWidget)
    session = forms.CharField(label=_("Session (reference)"), required=False, max_length=64, widget=_text())
    amount = forms.DecimalField(
        label=_("Credit this amount"), required=False, min_value=Decimal("0.01"), decimal_places=3, widget=_text()
    )
    energy = forms.DecimalField(
        label=_("or: correct energy (kWh)"), required=False, min_value=0, decimal_places=3, widget=_text()
    )
    idle = forms.IntegerField(
        label=_("or: correct idle minutes after charging"), required=False, min_value=0, widget=_text()
    )
    tariff = forms.ModelChoiceField(
        label=_("or: correct tariff version"),
        required=False,
        queryset=TariffVersion.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    free = forms.BooleanField(label=_("or: free of charge"), required=False, widget=UnfoldBooleanSwitchWidget)
    reason = forms.CharField(
        label=_("Reason (printed on the credit note)"),
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    issued_on = forms.DateField(label=_("Issued on"), required=False, widget=DayInput)

    def __init__(self, invoice: Invoice, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invoice = invoice
        tariff: Any = self.fields["tariff"]
        tariff.queryset = TariffVersion.objects.filter(
            tariff__operator=invoice.operator_id, state=TariffState.RELEASED
        ).select_related("tariff")
        self.lines = held_lines(invoice)
        for line in self.lines:
            self.fields[f"line_{line.held.id}"] = forms.DecimalField(
                label=line.text, required=False, min_value=0, max_digits=14, decimal_places=3, widget=_text()
            )
        self.rates = list(dict.fromkeys(line.key for line in self.lines))
        for place, (category, rate) in enumerate(self.rates):
            self.fields[f"rate_{place}"] = forms.DecimalField(
                label=tax_words(category, rate),
                required=False,
                min_value=0,
                max_digits=14,
                decimal_places=3,
                widget=_text(),
            )

    def line_fields(self) -> Iterator[tuple[Any, Decimal]]:
        """Each line's field with what is left of it."""
        for line in self.lines:
            if line.held.left > 0:
                yield self[f"line_{line.held.id}"], line.held.left

    def rate_fields(self) -> Iterator[tuple[Any, Decimal]]:
        """Each rate's field with what is left of it."""
        for place, key in enumerate(self.rates):
            yield self[f"rate_{place}"], sum((line.held.left for line in self.lines if line.key == key), Decimal(0))

    def what(self) -> What:
        """What was chosen. Raises BadInput."""
        mode, values = self.cleaned_data["mode"], self.cleaned_data
        if mode == LINES:
            given = ((line.held.id, values.get(f"line_{line.held.id}")) for line in self.lines)
            return Lines({line_id: amount for line_id, amount in given if amount})
        if mode == AMOUNTS:
            amounts: dict[tuple[Category, Decimal], Decimal] = {}
            for place, key in enumerate(self.rates):
                if values.get(f"rate_{place}"):
                    amounts[key] = values[f"rate_{place}"]
            return Amounts(amounts)
        if mode == SESSION:
            return self._session()
        return Whole()

    def _session(self) -> What:
        values, ref = self.cleaned_data, self.cleaned_data["session"].strip()
        found = ChargingSession.objects.filter(provider_ref=ref, charges__billed__line__invoice=self.invoice).first()
        if found is None:
            raise BadInput(gettext("session"), ref, gettext("Enter the reference of a session on this document."))
        if values["amount"]:
            return SessionAmounts({found.pk: values["amount"]})
        until = None
        if values["idle"] is not None and found.ended_at is not None:
            until = max(found.started_at, found.ended_at - dt.timedelta(minutes=values["idle"]))
        return Rerated(
            {
                found.pk: SessionChange(
                    energy_wh=None if values["energy"] is None else int(values["energy"] * 1000),
                    charging_until=until,
                    tariff_version_id=values["tariff"].pk if values["tariff"] else None,
                    free=values["free"],
                )
            }
        )


@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, invoice_id: int) -> HttpResponse:
    """The form; its preview; and, with the second button, the credit itself."""
    if not request.user.has_perm("invoicing.credit_invoice"):
        raise PermissionDenied
    invoice = get_object_or_404(Invoice.objects.select_related("operator", "party"), pk=invoice_id)
    if invoice.state != InvoiceState.ISSUED:
        messages.error(request, gettext("A draft is discarded, not credited."))
        return HttpResponseRedirect(page_of(invoice))
    form = CreditForm(invoice, request.POST or None, initial={"mode": LINES, "then": Then.DRAFT.value})
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": gettext("Credit %(document)s") % {"document": invoice},
        "opts": Invoice._meta,
        "invoice": invoice,
        "back": page_of(invoice),
        "form": form,
        "limit": invoice.operator.credit_limit_amount,
    }
    if request.method == "POST" and form.is_valid():
        try:
            what = form.what()
            if "do" in request.POST:
                return HttpResponseRedirect(page_of(said(request, *_corrected(request, invoice, form, what))))
            try_out(lambda: _corrected(request, invoice, form, what))
            context["plan"] = preview_credit(invoice_id=invoice.pk, what=what)
        except BillingError as refusal:
            form.add_error(None, refusal.message)
    return render(request, "admin/invoicing/credit.html", context)


def _corrected(
    request: HttpRequest, invoice: Invoice, form: CreditForm, what: What
) -> tuple[Correction, list[Invoice]]:
    """The credit, or the cancellation and what takes the document's place."""
    values = form.cleaned_data
    common: dict[str, Any] = {
        "invoice_id": invoice.pk,
        "reason": values["reason"],
        "issued_on": values["issued_on"],
        "by": acting_user(request),
        "at": timezone.now(),
    }
    if values["mode"] == AGAIN:
        return reissue(then=Then(values["then"] or ""), **common)
    return credit(what=what, **common), []


def said(request: HttpRequest, correction: Correction, made: list[Invoice]) -> Invoice:
    """Tell the person what became of it; the document to show next."""
    if correction.state != CorrectionState.DONE or correction.credit_note is None:
        messages.warning(request, gettext("A second person has to approve it; it waits among the corrections."))
        return correction.invoice
    messages.success(request, gettext("%(it)s is issued.") % {"it": correction.credit_note})
    for each in made:
        messages.success(request, gettext("In its place: %(it)s.") % {"it": each})
    return made[0] if made else correction.credit_note
