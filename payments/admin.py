"""Payments in the workspace: read, book a transfer, settle another invoice, ask the processor, save a test method."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from evbilling.kernel.errors import BadInput, BillingError
from evbilling.shell.admin import badge
from evbilling.shell.formats import format_money
from invoicing.models import Invoice, InvoiceState
from payments.models import Payment, PaymentEvent, PaymentMethod
from payments.operations.allocating import allocate_payment
from payments.operations.methods import detach_method, set_default_method
from payments.operations.payments import cancel_payment, refresh_payment
from payments.operations.transfers import record_transfer
from payments.queries import unallocated_amount

STATE_TONES = {
    "captured": "success",
    "failed": "danger",
    "cancelled": "",
    "unknown": "danger",
    "processing": "warning",
    "requires_action": "warning",
    "created": "info",
    "authorised": "info",
}


def _issued(number: str) -> Invoice:
    found = Invoice.objects.filter(number=number.strip(), state=InvoiceState.ISSUED).first()
    if found is None:
        raise BadInput("invoice", number, "Enter the number of an issued invoice, such as INV-2026-000365.")
    return found


class TransferForm(BaseDialogForm):
    """A line of the bank statement."""

    invoice = forms.CharField(label=_("Invoice number"), widget=UnfoldAdminTextInputWidget())
    amount = forms.DecimalField(
        label=_("Amount"), max_digits=14, decimal_places=2, min_value=0, widget=UnfoldAdminDecimalFieldWidget()
    )
    received_on = forms.DateField(label=_("Received on"), widget=UnfoldAdminSingleDateWidget())
    payer_reference = forms.CharField(
        label=_("Payer's reference"), max_length=140, required=False, widget=UnfoldAdminTextInputWidget()
    )


class AllocationForm(BaseDialogForm):
    """Which invoice takes how much of the free money."""

    invoice = forms.CharField(label=_("Invoice number"), widget=UnfoldAdminTextInputWidget())
    amount = forms.DecimalField(
        label=_("Amount"), max_digits=14, decimal_places=2, min_value=0, widget=UnfoldAdminDecimalFieldWidget()
    )


class ReasonForm(BaseDialogForm):
    """Why: kept in the audit trail."""

    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class ReadOnly(ModelAdmin):
    """Rows that only operations write."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows come from operations."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are read here, moved by actions."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Payments are kept."""
        return False

    def _run(self, request: HttpRequest, address: str, operation: Any, done: Any) -> HttpResponse:
        try:
            operation()
        except BillingError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, done)
        response = HttpResponseRedirect(address)
        response["HX-Redirect"] = address
        return response


class EventInline(TabularInline):
    """What happened, in order."""

    model = PaymentEvent
    fields = ("at", "kind", "amount_text")
    readonly_fields = fields
    extra = 0
    can_delete = False
    tab = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Events are written by operations."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Events are never changed."""
        return False

    @display(description=_("amount"))
    def amount_text(self, event: PaymentEvent) -> str:
        """With currency."""
        return format_money(event.amount, event.payment.currency) if event.amount else "–"


@admin.register(Payment)
class PaymentAdmin(ReadOnly):
    """Every attempt to collect money."""

    list_display = ("public_id_short", "party", "invoice", "state_badge", "way", "received_on", "amount_text")
    list_select_related = ("party", "invoice", "method")
    list_filter = ("state", "processor", ("received_on", RangeDateFilter), ("party", AutocompleteSelectFilter))
    list_filter_submit = True
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
    readonly_fields = fields
    actions_list = ("book_transfer",)
    actions_detail = ("allocate", "ask_processor", "cancel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        """With what the list shows."""
        return super().get_queryset(request).select_related("party", "invoice", "method")

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
    def amount_text(self, payment: Payment) -> str:
        """With currency, right-aligned."""
        return format_html('<span class="money">{}</span>', format_money(payment.amount, payment.currency))

    @display(description=_("not yet allocated"))
    def free_text(self, payment: Payment) -> str:
        """Money that settles nothing yet."""
        return format_money(unallocated_amount(payment), payment.currency)

    def has_record_transfer_permission(self, request: HttpRequest) -> bool:
        """Payments officers book transfers."""
        return request.user.has_perm("payments.record_transfer")

    def has_allocate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Payments officers allocate."""
        return request.user.has_perm("payments.allocate_payment")

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

        def operation() -> None:
            invoice = _issued(given["invoice"])
            record_transfer(
                operator_id=invoice.operator_id,
                party_id=invoice.party_id,
                amount=given["amount"],
                currency=invoice.currency,
                received_on=given["received_on"],
                payer_reference=given["payer_reference"],
                invoice_id=invoice.pk,
                by=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            )

        address = reverse("admin:payments_payment_changelist")
        return self._run(request, address, operation, _("The transfer is booked."))

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

        def operation() -> None:
            allocate_payment(
                payment_id=object_id,
                invoice_id=_issued(given["invoice"]).pk,
                amount=given["amount"],
                by=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            )

        return self._run(request, self._address(object_id), operation, _("The invoice is settled by that amount."))

    @action(description=_("Ask the processor"), url_path="ask", permissions=["allocate"], icon="sync")
    def ask_processor(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """What became of it."""
        return self._run(
            request,
            self._address(object_id),
            lambda: refresh_payment(payment_id=object_id, at=timezone.now()),
            _("The processor was asked; the payment shows its answer."),
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
        return self._run(
            request,
            self._address(object_id),
            lambda: cancel_payment(
                payment_id=object_id,
                reason=form.cleaned_data["reason"],
                by=request.user,  # type: ignore[arg-type]
                at=timezone.now(),
            ),
            _("The payment is cancelled."),
        )

    def _address(self, object_id: int) -> str:
        return reverse("admin:payments_payment_change", args=[object_id])


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ReadOnly):
    """Saved tokens; the card itself is at the processor."""

    list_display = ("party", "label", "processor", "expires_on", "default_badge", "state_badge", "consent_at")
    list_select_related = ("party",)
    list_filter = ("state", "processor", ("party", AutocompleteSelectFilter))
    list_filter_submit = True
    search_fields = ("party__legal_name__icontains", "last4")
    fields = ("party", "label", "processor", "expires_on", "state_badge", "consent_at", "consent_text_version")
    readonly_fields = fields
    actions_detail = ("make_default", "detach")

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

    def has_manage_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Payments officers."""
        return request.user.has_perm("payments.change_paymentmethod")

    @action(description=_("Make default"), url_path="default", permissions=["manage"], icon="star")
    def make_default(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Automatic charges use it."""
        return self._run(
            request,
            reverse("admin:payments_paymentmethod_change", args=[object_id]),
            lambda: set_default_method(method_id=object_id, by=request.user, at=timezone.now()),  # type: ignore[arg-type]
            _("Automatic charges use this method now."),
        )

    @action(description=_("Remove"), url_path="detach", permissions=["manage"], icon="delete")
    def detach(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Never charged again."""
        return self._run(
            request,
            reverse("admin:payments_paymentmethod_change", args=[object_id]),
            lambda: detach_method(method_id=object_id, by=request.user, at=timezone.now()),  # type: ignore[arg-type]
            _("The method is removed."),
        )
