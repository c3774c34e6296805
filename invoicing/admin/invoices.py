"""Invoices, credit notes and settlements in the workspace: drafts are issued or discarded, issued ones read."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from evbilling.kernel.errors import BillingError
from evbilling.shell.admin import ReasonForm, WrittenByTheProduct, badge, link_to, money, right
from evbilling.shell.dialogs import DayInput
from evbilling.shell.formats import format_period
from evbilling.shell.views import file_response
from invoicing.admin import credit_page, invoice_tabs
from invoicing.admin.advances import AdvanceActions
from invoicing.admin.common import SEND_AGAIN
from invoicing.admin.deliveries import DeliveryInline
from invoicing.admin.einvoices import EInvoiceActions
from invoicing.models import CLAIMS, Document, Invoice, InvoiceKind, InvoiceState
from invoicing.operations.crediting import Whole, credit
from invoicing.operations.deliveries import resend_delivery
from invoicing.operations.documents import preview_draft
from invoicing.operations.drafting import discard_draft
from invoicing.operations.issuing import issue_draft
from invoicing.operations.write_offs import write_off
from invoicing.portal import STATE_TONES
from invoicing.queries.documents import PaymentState, in_payment_state, open_amount, payment_state, with_open_amount

UNPAID = "unpaid"
_OF_DRAFTS = {"issue", "preview", "discard"}
_OF_ISSUED = {"open_pdf", "send_again", "credit", "credit_in_part", "credit_rest", "write_off"}


class IssueForm(BaseDialogForm):
    """The date that the document carries."""

    issued_on = forms.DateField(label=_("Issued on"), widget=DayInput)


class WriteOffForm(ReasonForm):
    """How much, and whether the tax comes back."""

    amount = forms.DecimalField(
        label=_("Amount (empty: all that is open)"),
        required=False,
        min_value=Decimal("0.01"),
        decimal_places=3,
        widget=UnfoldAdminTextInputWidget(),
    )
    with_tax = forms.BooleanField(
        label=_("Uncollectible by law: the tax on it is claimed back"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )


class PaymentFilter(admin.SimpleListFilter):
    """Documents by their state of payment today."""

    title = _("payment")
    parameter_name = "payment"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Every state, and all that is not settled."""
        return [(UNPAID, _("not settled")), *PaymentState.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the rule that the badge shows."""
        if self.value() == UNPAID:
            return queryset.filter(state=InvoiceState.ISSUED, is_credited=False, open_amount__gt=0)
        if self.value() in PaymentState.values:
            return in_payment_state(queryset, str(self.value()), on=timezone.localdate())
        return queryset


@admin.register(Invoice)
class InvoiceAdmin(AdvanceActions, EInvoiceActions, WrittenByTheProduct):
    """What is owed. An issued document is never changed: it is credited, and sent again as it was archived."""

    list_display = ("shown_number", "kind_text", "party", "period", "issued_on", "due_on", "gross", "rest", "payment")
    list_filter = (
        PaymentFilter,
        ("kind", ChoicesDropdownFilter),
        ("party", AutocompleteSelectFilter),
        ("issued_on", RangeDateFilter),
        ("due_on", RangeDateFilter),
        ("period_from", RangeDateFilter),
    )
    list_select_related = ("party",)
    search_fields = ("number__istartswith", "party__legal_name__istartswith", "contract__number__istartswith")
    search_help_text = _("Document number, party or contract number")
    actions = None
    actions_list = ("issue_advance",)
    actions_detail = (
        "issue",
        "preview",
        "discard",
        "open_pdf",
        "send_again",
        "credit",
        "credit_in_part",
        "credit_rest",
        "write_off",
        "check_einvoice",
        "einvoice_xml",
    )
    inlines = (
        invoice_tabs.LineInline,
        invoice_tabs.TaxInline,
        invoice_tabs.SessionInline,
        invoice_tabs.DocumentInline,
        DeliveryInline,
        invoice_tabs.AllocationInline,
        invoice_tabs.JournalInline,
    )
    fieldsets = (
        (
            None,
            {"fields": (("payment", "kind_text"), ("party_link", "contract_link"), ("period", "corrected"), "reason")},
        ),
        (_("Amounts"), {"fields": (("net", "tax", "gross"), "rest")}),
        (_("Dates"), {"fields": (("issued_on", "due_on"), ("issued_at", "issued_by"))}),
    )
    has_issue_permission = right("invoicing.issue_invoice")
    has_credit_permission = right("invoicing.credit_invoice")
    has_write_off_permission = right("invoicing.write_off_invoice")
    has_resend_permission = right("invoicing.resend_delivery")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what is open, so that a row needs no query."""
        return with_open_amount(super().get_queryset(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """With the rows that the page names."""
        found = self.get_queryset(request).select_related(
            "party", "contract", "contract_version", "corrects", "issued_by", "operator"
        )
        try:
            return found.get(pk=object_id)
        except (Invoice.DoesNotExist, ValueError):
            return None

    def open_steps(self, request: HttpRequest, row: Any) -> set[str]:
        """Drafts are issued, previewed or discarded; issued documents opened, sent again or credited."""
        steps = super().open_steps(request, row) - (_OF_ISSUED if row.state == InvoiceState.DRAFT else _OF_DRAFTS)
        if row.kind == InvoiceKind.CREDIT_NOTE or row.is_credited:
            steps -= {"credit", "credit_in_part"}
        if row.kind != InvoiceKind.ADVANCE or row.is_credited:
            steps -= {"credit_rest"}
        if row.kind not in CLAIMS or open_amount(row) <= 0:
            steps -= {"write_off"}
        return steps

    def get_urls(self) -> list[Any]:
        """With the archived files."""
        view = self.admin_site.admin_view(self.download)
        credit_view = self.admin_site.admin_view(credit_page.page)
        return [
            path("document/<int:document_id>/", view, name="invoicing_document_download"),
            path("<int:invoice_id>/credit-note/", credit_view, name="invoicing_invoice_credit_page"),
            *super().get_urls(),
        ]

    def download(self, request: HttpRequest, document_id: int) -> HttpResponse:
        """The archived bytes of a file."""
        if not request.user.has_perm("invoicing.view_document"):
            raise PermissionDenied
        document = Document.objects.filter(pk=document_id).first()
        if document is None:
            raise Http404
        return file_response(bytes(document.content), document.content_type, document.file_name, show=True)

    # --- Columns and fields -------------------------------------------------------------------------------------------

    @display(description=_("number"), ordering="number")
    def shown_number(self, invoice: Invoice) -> str:
        """Its number, or that it is a draft."""
        return str(invoice)

    @display(description=_("kind"), ordering="kind")
    def kind_text(self, invoice: Invoice) -> str:
        """The kind as a person says it."""
        return capfirst(invoice.get_kind_display())

    @display(description=_("period"), ordering="period_from")
    def period(self, invoice: Invoice) -> str:
        """The month, or both days."""
        return format_period(invoice.period_from, invoice.period_to)

    @display(description=_("net"))
    def net(self, invoice: Invoice) -> SafeString:
        """Before tax."""
        return money(invoice.net_amount, invoice.currency)

    @display(description=_("tax"))
    def tax(self, invoice: Invoice) -> SafeString:
        """All rates together."""
        return money(invoice.tax_amount, invoice.currency)

    @display(description=_("total"), ordering="gross_amount")
    def gross(self, invoice: Invoice) -> SafeString:
        """With tax."""
        return money(invoice.gross_amount, invoice.currency)

    @display(description=_("open"), ordering="open_amount")
    def rest(self, invoice: Invoice) -> SafeString:
        """What is not settled yet."""
        return money(None if invoice.state == InvoiceState.DRAFT else open_amount(invoice), invoice.currency)

    @display(description=_("payment"))
    def payment(self, invoice: Invoice) -> SafeString:
        """The state today, in the colours used everywhere."""
        state = payment_state(invoice, on=timezone.localdate())
        return badge(state.value, str(state.label), STATE_TONES)

    @display(description=_("party"))
    def party_link(self, invoice: Invoice) -> str:
        """Opens it."""
        return link_to(invoice.party)

    @display(description=_("contract"))
    def contract_link(self, invoice: Invoice) -> str:
        """Opens it."""
        return link_to(invoice.contract)

    @display(description=_("corrects"))
    def corrected(self, invoice: Invoice) -> str:
        """The document that a credit note credits."""
        return link_to(invoice.corrects)

    # --- Actions ------------------------------------------------------------------------------------------------------

    @action(
        description=_("Issue"),
        url_path="issue",
        permissions=["issue"],
        icon="task_alt",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Issue this document"),
            "description": _("It gets its number, cannot be changed afterwards, and goes to the accountants."),
            "form_class": IssueForm,
            "form_submit_text": _("Issue"),
        },
    )
    def issue(self, request: HttpRequest, form: IssueForm, object_id: int) -> HttpResponse:
        """Under the date given."""
        day: dt.date = form.cleaned_data["issued_on"]
        return self.run_and_return(
            request,
            issue_draft,
            str(_("%(it)s is issued.")),
            object_id=object_id,
            invoice_id=object_id,
            issued_on=day,
        )

    @action(description=_("Preview PDF"), url_path="preview", permissions=["view"], icon="preview")
    def preview(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The draft as it would be issued today; nothing is kept."""
        try:
            content = preview_draft(invoice_id=object_id, on=timezone.localdate())
        except BillingError as refusal:
            messages.error(request, refusal.message)
            return self.back_to(object_id)
        return file_response(content, "application/pdf", f"draft-{object_id}.pdf", show=True)

    @action(
        description=_("Discard draft"),
        url_path="discard",
        permissions=["issue"],
        icon="delete",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Discard this draft"),
            "description": _("Its sessions wait for the next draft of their contract."),
            "form_submit_text": _("Discard"),
        },
    )
    def discard(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """Then back to the list."""
        self.run(request, discard_draft, str(_("The draft is gone.")), invoice_id=object_id)
        if Invoice.objects.filter(pk=object_id).exists():
            return self.back_to(object_id)
        return self.back_to_list()

    @action(description=_("Open PDF"), url_path="pdf", permissions=["view"], icon="picture_as_pdf")
    def open_pdf(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The archived bytes."""
        document = Document.objects.filter(invoice=object_id, kind="pdf").first()
        if document is None:
            messages.warning(request, _("The PDF is being drawn; look again in a moment."))
            return self.back_to(object_id)
        return file_response(bytes(document.content), document.content_type, document.file_name, show=True)

    @action(**SEND_AGAIN)
    def send_again(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """A new intent, with the reason."""
        return self.run_and_return(
            request,
            resend_delivery,
            str(_("%(it)s is being sent.")),
            object_id=object_id,
            invoice_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Credit"),
        url_path="credit",
        permissions=["credit"],
        icon="undo",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Credit this document in full"),
            "description": _("A credit note over the whole amount is issued today and goes to the accountants."),
            "form_class": ReasonForm,
            "form_submit_text": _("Credit"),
        },
    )
    def credit(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """To the credit note."""
        correction = self.run(
            request,
            credit,
            str(_("%(it)s: done, or waiting among the corrections for a second person.")),
            invoice_id=object_id,
            what=Whole(),
            reason=form.cleaned_data["reason"],
        )
        return self.back_to(correction.credit_note_id or object_id if correction else object_id)

    @action(
        description=_("Credit in part or bill again"), url_path="credit-in-part", permissions=["credit"], icon="rule"
    )
    def credit_in_part(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The page with its lines, rates and sessions; opening it changes nothing."""
        return HttpResponseRedirect(reverse("admin:invoicing_invoice_credit_page", args=[object_id]))

    @action(
        description=_("Write off"),
        url_path="write-off",
        permissions=["write_off"],
        icon="money_off",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Ask that this claim is written off"),
            "description": _("A second person decides. Afterwards nothing of it is open; it cannot be undone."),
            "form_class": WriteOffForm,
            "form_submit_text": pgettext_lazy("decision", "Ask"),
        },
    )
    def write_off(self, request: HttpRequest, form: "WriteOffForm", object_id: int) -> HttpResponse:
        """What is open, or a part of it."""
        return self.run_and_return(
            request,
            write_off,
            str(_("%(it)s waits for a second person.")),
            object_id=object_id,
            invoice_id=object_id,
            amount=form.cleaned_data["amount"],
            with_tax=form.cleaned_data["with_tax"],
            reason=form.cleaned_data["reason"],
        )
