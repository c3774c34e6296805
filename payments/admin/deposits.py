"""Free money of a payment held as a contract's security, and set free again."""

import datetime as dt
from collections.abc import Callable

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from evbilling.access.models import User
from evbilling.shell.admin import right
from invoicing.admin.advances import contract_by_number
from invoicing.models import Deposit
from payments.admin.amounts import amount_field
from payments.operations.deposits import free_payment, hold_payment


class DepositForm(BaseDialogForm):
    """For which contract, how much, and why."""

    contract = forms.CharField(label=_("Contract number"), widget=UnfoldAdminTextInputWidget())
    amount = amount_field()
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextInputWidget())


class DepositActions:
    """Two buttons of a payment's page."""

    has_move_deposit_permission = right("invoicing.move_deposit")

    @action(
        description=_("Hold as deposit"),
        url_path="hold",
        permissions=["move_deposit"],
        icon="lock",
        dialog={
            "title": _("Hold free money as a deposit"),
            "description": _("It secures the contract and settles no invoice until it is returned."),
            "form_class": DepositForm,
            "form_submit_text": _("Hold"),
        },
    )
    def hold_deposit(self, request: HttpRequest, form: DepositForm, object_id: int) -> HttpResponse:
        """Free money of this payment."""
        return self._move(request, hold_payment, _("The deposit is held."), form, object_id)

    @action(
        description=_("Return deposit"),
        url_path="free",
        permissions=["move_deposit"],
        icon="lock_open",
        dialog={
            "title": _("Return held money"),
            "description": _("It is free money of this payment again and can settle invoices or be paid back."),
            "form_class": DepositForm,
            "form_submit_text": _("Return"),
        },
    )
    def free_deposit(self, request: HttpRequest, form: DepositForm, object_id: int) -> HttpResponse:
        """Held money of this payment."""
        return self._move(request, free_payment, _("The deposit is returned."), form, object_id)

    def _move(
        self, request: HttpRequest, operation: Callable[..., Deposit], done: object, form: DepositForm, object_id: int
    ) -> HttpResponse:
        given = form.cleaned_data

        def move(*, by: User, at: dt.datetime) -> Deposit:
            contract_id = contract_by_number(given["contract"]).pk
            about = {"contract_id": contract_id, "amount": given["amount"], "reason": given["reason"]}
            return operation(payment_id=object_id, by=by, at=at, **about)

        return self.run_and_return(request, move, done, object_id=object_id)  # type: ignore[attr-defined,no-any-return]
