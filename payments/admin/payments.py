"""Payments in the workspace: read, book a transfer, settle another invoice, ask the processor, save a test method."""

import datetime as dt
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from evbilling.access.models import User
from evbilling.kernel.errors import BadInput
from evbilling.shell.admin import ListInline, ReasonForm, WrittenByTheProduct, badge, money, right
from evbilling.shell.dialogs import DayInput
from evbilling.shell.formats import format_money
from invoicing.models import Allocation, Invoice, InvoiceState
from invoicing.queries.deposits import held_of
from payments.admin.amounts import amount_field
from payments.admin.deposits import DepositActions
from payments.models import OPEN_STATES, Payment, PaymentEvent, PaymentMethod, PaymentState
from payments.operations.allocating import allocate_payment, source_of
from payments.operations.methods import detach_method, set_default_method
from payments.operations.payments import cancel_payment, refresh_payment
from payments.operations.refunds import ask_refund
from payments.operations.transfers import record_transfer
from payments.portal import STATE_TONES
from payments.queries import expected_of, far_above, unallocated_amount


def _issued(number: str) -> Invoice:
    found = Invoice.objects.filter(number=number.strip(), state=InvoiceState.ISSUED).first()
    if found is None:
        raise BadInput("invoice", number, gettext("Enter the number of an issued invoice, such as INV-2026-000365."))
    return found


class TransferForm(BaseDialogForm):
    """A line of the bank statement."""

    invoice = forms.CharField(label=_("Invoice number"), widget=UnfoldAdminTextInputWidget())
    amount = amount_field()
    received_on = forms.DateField(label=_("Received on"), widget=DayInput)
    payer_reference = forms.CharField(
        label=_("Payer's reference"), max_length=140, required=False, widget=UnfoldAdminTextInputWidget()
    )
    sure = forms.BooleanField(label=_("The amount is right"), required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """What is far above all that the customer owes is asked back: a transfer that is booked is never deleted."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        invoice = Invoice.objects.filter(number=given.get("invoice", "").strip(), state=InvoiceState.ISSUED).first()
        if invoice is None or given.get("amount") is None:
            return given
        expected = expected_of(invoice)
        if far_above(given["amount"], expected):
            self.fields["sure"].widget = UnfoldBooleanSwitchWidget()
            if not given["sure"]:
                question = gettext("%(party)s owes %(open)s. Look at the statement again; tick this if it is so.")
                owed = format_money(expected, invoice.currency)
                self.add_error("sure", question % {"party": invoice.party, "open": owed})
        return given


class AllocationForm(BaseDialogForm):
    """Which invoice takes how much of the free money."""

    invoice = forms.CharField(label=_("Invoice number"), widget=UnfoldAdminTextInputWidget())
    amount = amount_field()


class RefundForm(BaseDialogForm):
    """How much goes back, and why."""

    amount = amount_field()
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextInputWidget())


class EventInline(ListInline):
    """What happened, in order."""

    model = PaymentEvent
    fields = ("at", "kind", "amount_text")
    readonly_fields = fields

    @display(description=_("amount"))
    def amount_text(self, event: PaymentEvent) -> SafeString:
        """With currency."""
        return money(event.amount or None, event.payment.currency)


@admin.register(Payment)
class PaymentAdmin(DepositActions, WrittenByTheProduct):
    """Every attempt to collect money."""

    list_display = ("public_id_short", "party", "invoice", "state_badge", "way", "received_on", "amount_text")
    list_select_related = ("party", "invoice", "method")
    list_filter = ("state", "processor", ("received_on", RangeDateFilter), ("party", AutocompleteSelectFilter))
    search_fields = ("public_id__istartswith", "invoice__number__istartswith", "payer_reference__icontains")
    search_help_text = _("Reference, invoice number or payer's reference")
    inlines = (EventInline,)
    fields = (
        "public_id",
        "state_badge",
        "amount_text",
        "free_text",
        "party",
        "invoice",
        "way",
        "received_on",
        "payer_reference",
        "failure",
        "processor_ref",
        "created_at",
    )
    actions_list = ("book_transfer",)
    actions_detail = ("allocate", "refund", "hold_deposit", "free_deposit", "ask_processor", "cancel")
    has_refund_permission = right("payments.ask_refund")
    has_record_transfer_permission = right("payments.record_transfer")
    has_allocate_permission = right("payments.allocate_payment")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        """With what the list shows."""
        return super().get_queryset(request).select_related("party", "invoice", "method")

    def open_steps(self, request: HttpRequest, row: Payment) -> set[str]:
        """What was captured is settled, held or paid back; an open attempt is asked after, or given up while it waits
        for the customer.
        """
        if row.state != PaymentState.CAPTURED:
            asked = {"ask_processor"} if row.state in OPEN_STATES else set()
            return asked | {"cancel"} if row.state == PaymentState.REQUIRES_ACTION else asked
        steps = {"refund"}
        if unallocated_amount(row) > 0:
            steps |= {"allocate", "hold_deposit"}
        return steps | {"free_deposit"} if held_of(source_of(row)) > 0 else steps

    @display(description=_("reference"), ordering="id")
    def public_id_short(self, payment: Payment) -> str:
        """The first twelve characters tell payments apart."""
        return payment.public_id[:16]

    @display(description=_("state"), ordering="state")
    def state_badge(self, payment: Payment) -> SafeString:
        """In the colours used everywhere."""
        return badge(payment.state, payment.get_state_display(), STATE_TONES)

    @display(description=_("way"))
    def way(self, payment: Payment) -> str:
        """The method, or the processor where none is saved."""
        if payment.method is not None:
            return str(payment.method)
        return str(_("Bank transfer")) if payment.processor == "transfer" else str(_("Payment page"))

    @display(description=_("amount"), ordering="amount")
    def amount_text(self, payment: Payment) -> SafeString:
        """With currency, right-aligned."""
        return money(payment.amount, payment.currency)

    @display(description=_("not yet allocated"))
    def free_text(self, payment: Payment) -> SafeString:
        """Money that settles nothing yet."""
        return money(unallocated_amount(payment), payment.currency)

    @action(
        description=_("Book a bank transfer"),
        url_path="book-transfer",
        permissions=["record_transfer"],
        icon="account_balance",
        dialog={
            "title": _("Book a bank transfer"),
            "description": _("Money that arrived on the operator's account. What is over stays the party's credit."),
            "form_class": TransferForm,
            "form_submit_text": _("Book"),
        },
    )
    def book_transfer(self, request: HttpRequest, form: TransferForm) -> HttpResponse:
        """One line of a statement."""
        given = form.cleaned_data

        def book(*, by: User, at: dt.datetime) -> Payment:
            invoice = _issued(given["invoice"])
            return record_transfer(
                operator_id=invoice.operator_id,
                party_id=invoice.party_id,
                amount=given["amount"],
                currency=invoice.currency,
                received_on=given["received_on"],
                payer_reference=given["payer_reference"],
                invoice_id=invoice.pk,
                by=by,
                at=at,
            )

        self.run(request, book, _("The transfer is booked."))
        return self.back_to_list()

    @action(
        description=_("Settle an invoice"),
        url_path="allocate",
        permissions=["allocate"],
        icon="join_inner",
        dialog={
            "title": _("Settle an invoice with free money"),
            "form_class": AllocationForm,
            "form_submit_text": _("Settle"),
        },
    )
    def allocate(self, request: HttpRequest, form: AllocationForm, object_id: int) -> HttpResponse:
        """Free money of this payment."""
        given = form.cleaned_data

        def settle(*, by: User, at: dt.datetime) -> Allocation:
            invoice_id = _issued(given["invoice"]).pk
            return allocate_payment(payment_id=object_id, invoice_id=invoice_id, amount=given["amount"], by=by, at=at)

        return self.run_and_return(request, settle, _("The invoice is settled by that amount."), object_id=object_id)

    @action(
        description=_("Pay back"),
        url_path="refund",
        permissions=["refund"],
        icon="undo",
        dialog={
            "title": _("Pay money back"),
            "description": _("Free money goes back the way it came; over the limit a second person approves."),
            "form_class": RefundForm,
            "form_submit_text": _("Ask for the refund"),
        },
    )
    def refund(self, request: HttpRequest, form: RefundForm, object_id: int) -> HttpResponse:
        """Part of this payment."""
        return self.run_and_return(
            request,
            ask_refund,
            _("The refund is asked for."),
            object_id=object_id,
            payment_id=object_id,
            amount=form.cleaned_data["amount"],
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Ask the processor"),
        url_path="ask",
        permissions=["allocate"],
        icon="sync",
        dialog={
            "title": _("Ask the processor"),
            "description": _("The payment follows the answer. A charge that the processor never saw has failed."),
            "form_submit_text": _("Ask"),
        },
    )
    def ask_processor(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """What became of it."""
        return self.run_and_return(
            request,
            refresh_payment,
            _("The processor was asked; the payment shows its answer."),
            object_id=object_id,
            payment_id=object_id,
        )

    @action(
        description=_("Cancel"),
        url_path="cancel",
        permissions=["allocate"],
        icon="cancel",
        dialog={
            "title": _("Cancel a payment that waits for the customer"),
            "form_class": ReasonForm,
            "form_submit_text": _("Cancel the payment"),
        },
    )
    def cancel(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """The hosted page is closed."""
        return self.run_and_return(
            request,
            cancel_payment,
            _("The payment is cancelled."),
            object_id=object_id,
            payment_id=object_id,
            reason=form.cleaned_data["reason"],
        )


@admin.register(PaymentMethod)
class PaymentMethodAdmin(WrittenByTheProduct):
    """Saved tokens; the card itself is at the processor."""

    list_display = ("party", "label", "processor", "expires_on", "default_badge", "state_badge", "consent_at")
    list_select_related = ("party",)
    list_filter = ("state", "processor", ("party", AutocompleteSelectFilter))
    search_fields = ("party__legal_name__icontains", "last4")
    fields = ("party", "label", "processor", "expires_on", "state_badge", "consent_at", "consent_text_version")
    actions_detail = ("make_default", "detach")
    has_manage_permission = right("payments.change_paymentmethod")

    @display(description=_("method"))
    def label(self, method: PaymentMethod) -> str:
        """Brand and last four digits."""
        return str(method)

    @display(description=_("state"))
    def state_badge(self, method: PaymentMethod) -> SafeString:
        """Active or removed."""
        return badge(method.state, method.get_state_display(), {"active": "success", "detached": ""})

    @display(description=_("default"), boolean=True)
    def default_badge(self, method: PaymentMethod) -> bool:
        """What automatic charges use."""
        return method.is_default

    @action(
        description=_("Make default"),
        url_path="default",
        permissions=["manage"],
        icon="star",
        dialog={
            "title": _("Charge this method automatically"),
            "description": _("It takes the place of the party's present default."),
            "form_submit_text": _("Make default"),
        },
    )
    def make_default(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """Automatic charges use it."""
        done = _("Automatic charges use this method now.")
        return self.run_and_return(request, set_default_method, done, object_id=object_id, method_id=object_id)

    @action(
        description=_("Remove"),
        url_path="detach",
        permissions=["manage"],
        icon="delete",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Remove this method"),
            "description": _("It is never charged again; past payments keep naming it."),
            "form_submit_text": _("Remove"),
        },
    )
    def detach(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """Never charged again."""
        done = _("The method is removed.")
        return self.run_and_return(request, detach_method, done, object_id=object_id, method_id=object_id)
