"""Advance invoices and deposits in the workspace."""

import datetime as dt

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from contracts.models import Contract
from evbilling.access.models import User
from evbilling.kernel.errors import BadInput
from evbilling.shell.admin import ReasonForm, WrittenByTheProduct, money
from evbilling.shell.dialogs import DayInput
from invoicing.models import Deposit, DepositKind, Invoice
from invoicing.operations.advances import credit_unused_advance, issue_advance


def contract_by_number(number: str) -> Contract:
    """The contract that a dialog names. Raises BadInput."""
    found = Contract.objects.filter(number=number.strip()).first()
    if found is None:
        raise BadInput(gettext("contract"), number, gettext("Enter the number of a contract, as its page shows it."))
    return found


class AdvanceForm(BaseDialogForm):
    """Whose advance, how much, and what for."""

    contract = forms.CharField(label=_("Contract number"), widget=UnfoldAdminTextInputWidget())
    amount = forms.DecimalField(
        label=_("Amount (net, or with tax where the contract's prices include it)"),
        max_digits=14,
        decimal_places=3,
        min_value=0,
        widget=UnfoldAdminDecimalFieldWidget(),
    )
    issued_on = forms.DateField(label=_("Issued on"), widget=DayInput)
    reason = forms.CharField(label=_("What is paid in advance"), max_length=200, widget=UnfoldAdminTextInputWidget())


class AdvanceActions:
    """Two buttons: an advance invoice is issued from the list of documents, and what is left of it credited."""

    @action(
        description=_("Issue an advance invoice"),
        url_path="advance",
        permissions=["issue"],
        icon="savings",
        dialog={
            "title": _("Issue an advance invoice"),
            "description": _("For money before the supply. Once it is paid, the next invoices of the contract use it."),
            "form_class": AdvanceForm,
            "form_submit_text": _("Issue"),
        },
    )
    def issue_advance(self, request: HttpRequest, form: AdvanceForm) -> HttpResponse:
        """To one contract."""
        given = form.cleaned_data

        def issue(*, by: User, at: dt.datetime) -> Invoice:
            return issue_advance(
                contract_id=contract_by_number(given["contract"]).pk,
                amount=given["amount"],
                issued_on=given["issued_on"],
                reason=given["reason"],
                by=by,
                at=at,
            )

        self.run(request, issue, _("Issued %(it)s."))  # type: ignore[attr-defined]
        return self.back_to_list()  # type: ignore[attr-defined,no-any-return]

    @action(
        description=_("Credit what is left"),
        url_path="credit-rest",
        permissions=["credit"],
        icon="currency_exchange",
        dialog={
            "title": _("Credit what no invoice used of this advance"),
            "description": _("What was paid of it becomes the customer's credit."),
            "form_class": ReasonForm,
            "form_submit_text": _("Credit"),
        },
    )
    def credit_rest(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """As at the contract's end."""
        return self.run_and_return(  # type: ignore[attr-defined,no-any-return]
            request,
            credit_unused_advance,
            _("Credited %(it)s of the advance."),
            object_id=object_id,
            invoice_id=object_id,
            reason=form.cleaned_data["reason"],
        )


@admin.register(Deposit)
class DepositAdmin(WrittenByTheProduct):
    """Security taken from free money of payments, and returned to it: both are done on the payment's page."""

    list_display = ("contract", "kind", "amount_text", "moved_on", "source", "reason")
    list_select_related = ("contract",)
    list_filter = (("kind", ChoicesDropdownFilter), ("moved_on", RangeDateFilter))
    search_fields = ("contract__number__istartswith", "contract__party__legal_name__istartswith")
    search_help_text = _("Contract number or party")
    fields = ("contract", "kind", "amount_text", "moved_on", "source", "reason", "moved_by", "moved_at")

    @display(description=_("amount"), ordering="amount")
    def amount_text(self, deposit: Deposit) -> SafeString:
        """What was returned is negative."""
        held = deposit.kind == DepositKind.HELD
        return money(deposit.amount if held else -deposit.amount, deposit.currency)
