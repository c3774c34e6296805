"""Refunds in the workspace: who asked for them, who lets them go, what became of them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from evbilling.shell.admin import ReasonForm, WrittenByTheProduct, badge, link_to, money, right
from evbilling.shell.dialogs import DayInput
from payments.models import Refund, RefundState
from payments.operations.refunds import approve_refund, ask_processor, confirm_transfer, decline_refund
from payments.operations.transfers import TRANSFER

STATE_TONES = {
    "asked": "warning",
    "sending": "info",
    "done": "success",
    "failed": "danger",
    "unknown": "danger",
    "declined": "",
}


class PaidOnForm(BaseDialogForm):
    """When the transfer left the operator's account."""

    paid_on = forms.DateField(label=_("Paid on"), widget=DayInput)


@admin.register(Refund)
class RefundAdmin(WrittenByTheProduct):
    """Money that goes back, or went."""

    list_display = ("reference", "party", "payment_link", "state_badge", "asked_at", "asked_by", "amount_text")
    list_select_related = ("payment__party", "asked_by")
    list_filter = ("state", ("payment__party", AutocompleteSelectFilter))
    search_fields = (
        "public_id__istartswith",
        "payment__public_id__istartswith",
        "payment__invoice__number__istartswith",
    )
    search_help_text = _("Reference of the refund or the payment, or the invoice's number")
    fields = (
        "public_id",
        "state_badge",
        "amount_text",
        "party",
        "payment_link",
        "reason",
        "asked_by",
        "asked_at",
        "decided_by",
        "decided_at",
        "paid_on",
        "failure",
        "processor_ref",
    )
    actions_detail = ("approve", "decline", "transferred", "ask")
    has_approve_permission = right("payments.approve_refund")
    has_ask_permission = right("payments.ask_refund")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what list and page show."""
        return super().get_queryset(request).select_related("payment__party", "payment__operator")

    def open_steps(self, request: HttpRequest, row: Refund) -> set[str]:
        """Decided by another person than asked, while it waits; followed while it is on its way."""
        if row.state == RefundState.ASKED:
            return set() if row.asked_by_id == request.user.pk else {"approve", "decline"}
        if row.payment.processor == TRANSFER:
            return {"transferred"} if row.state == RefundState.SENDING else set()
        return {"ask"} if row.state in {RefundState.SENDING, RefundState.UNKNOWN} else set()

    @display(description=_("reference"), ordering="id")
    def reference(self, refund: Refund) -> str:
        """The first characters tell refunds apart."""
        return refund.public_id[:16]

    @display(description=_("party"), ordering="payment__party__legal_name")
    def party(self, refund: Refund) -> str:
        """Who gets it."""
        return link_to(refund.payment.party)

    @display(description=_("payment"))
    def payment_link(self, refund: Refund) -> str:
        """Where the money came from."""
        return link_to(refund.payment)

    @display(description=_("state"), ordering="state")
    def state_badge(self, refund: Refund) -> SafeString:
        """In the colours used everywhere."""
        return badge(refund.state, refund.get_state_display(), STATE_TONES)

    @display(description=_("amount"), ordering="amount")
    def amount_text(self, refund: Refund) -> SafeString:
        """With currency, right-aligned."""
        return money(refund.amount, refund.currency)

    @action(
        description=_("Approve"),
        url_path="approve",
        permissions=["approve"],
        icon="task_alt",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Approve this refund"),
            "description": _("The money goes back the way it came. Who asked for it cannot approve it."),
            "form_submit_text": _("Approve"),
        },
    )
    def approve(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """By a second person."""
        done = _("The refund is on its way.")
        return self.run_and_return(request, approve_refund, done, object_id=object_id, refund_id=object_id)

    @action(
        description=_("Decline"),
        url_path="decline",
        permissions=["approve"],
        icon="block",
        dialog={
            "title": _("Decline this refund"),
            "description": _("The money stays the party's credit."),
            "form_class": ReasonForm,
            "form_submit_text": _("Decline"),
        },
    )
    def decline(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With the reason."""
        reason = form.cleaned_data["reason"]
        done = _("The refund is declined.")
        return self.run_and_return(
            request, decline_refund, done, object_id=object_id, refund_id=object_id, reason=reason
        )

    @action(
        description=_("The transfer was made"),
        url_path="transferred",
        permissions=["ask"],
        icon="account_balance",
        dialog={
            "title": _("The transfer was made"),
            "description": _(
                "Only for money that came by bank transfer: you sent it back from the operator's account."
            ),
            "form_class": PaidOnForm,
            "form_submit_text": _("Book"),
        },
    )
    def transferred(self, request: HttpRequest, form: PaidOnForm, object_id: int) -> HttpResponse:
        """Books it."""
        paid_on = form.cleaned_data["paid_on"]
        done = _("The refund is booked.")
        return self.run_and_return(
            request, confirm_transfer, done, object_id=object_id, refund_id=object_id, paid_on=paid_on
        )

    @action(
        description=_("Ask the processor"),
        url_path="ask",
        permissions=["ask"],
        icon="sync",
        dialog={
            "title": _("Ask the processor"),
            "description": _("The refund follows the answer. One that the processor never saw has failed."),
            "form_submit_text": _("Ask"),
        },
    )
    def ask(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """What became of it."""
        done = _("The processor was asked; the refund shows its answer.")
        return self.run_and_return(request, ask_processor, done, object_id=object_id, refund_id=object_id)
