"""What keeps reminders back: stops, and promises to pay."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, RangeDateFilter
from unfold.decorators import action, display

from evbilling.shell.admin import ReasonForm, WrittenByTheProduct, money, right
from invoicing.models import DunningStop, PaymentPromise
from invoicing.operations import dunning_decisions as decisions


@admin.register(DunningStop)
class DunningStopAdmin(WrittenByTheProduct):
    """Whom nobody reminds, why and until when."""

    list_display = ("party", "scope", "reason", "until", "set_by", "set_at", "lifted_at")
    list_filter = (("party", AutocompleteSelectFilter), ("lifted_at", admin.EmptyFieldListFilter))
    list_select_related = ("party", "contract", "invoice", "set_by")
    search_fields = ("party__legal_name__istartswith", "reason__icontains")
    fields = ("party", "scope", "reason", "until", "set_by", "set_at", "lifted_by", "lifted_at")
    actions_row = actions_detail = ("lift",)
    has_dun_permission = right("invoicing.run_dunning")

    @display(description=_("for"))
    def scope(self, stop: DunningStop) -> str:
        """The document, the contract, or everything."""
        return str(stop.invoice or stop.contract or _("all documents"))

    @action(
        description=_("Lift"),
        url_path="lift",
        permissions=["dun"],
        icon="notifications_active",
        dialog={
            "title": _("Lift this stop"),
            "description": _("The next run reminds of what is due by then."),
            "form_class": ReasonForm,
            "form_submit_text": _("Lift"),
        },
    )
    def lift(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With the reason."""
        reason = form.cleaned_data["reason"]
        self.run(request, decisions.lift_stop, _("Dunning goes on."), stop_id=object_id, reason=reason)
        return self.back_to_list()


@admin.register(PaymentPromise)
class PaymentPromiseAdmin(WrittenByTheProduct):
    """What customers promised."""

    list_display = ("invoice", "promised_on", "sum", "note", "taken_by", "taken_at", "withdrawn_at")
    list_filter = (("promised_on", RangeDateFilter),)
    list_select_related = ("invoice", "taken_by")
    search_fields = ("invoice__number__istartswith", "invoice__party__legal_name__istartswith")
    fields = list_display
    actions_row = actions_detail = ("withdraw",)
    has_dun_permission = right("invoicing.run_dunning")

    @display(description=_("amount"))
    def sum(self, promise: PaymentPromise) -> SafeString:
        """In the document's currency."""
        return money(promise.amount, promise.invoice.currency)

    @action(
        description=_("Withdraw"),
        url_path="withdraw",
        permissions=["dun"],
        icon="undo",
        dialog={
            "title": _("Withdraw this promise"),
            "description": _("Dunning of the document goes on."),
            "form_class": ReasonForm,
            "form_submit_text": _("Withdraw"),
        },
    )
    def withdraw(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With the reason."""
        reason = form.cleaned_data["reason"]
        self.run(request, decisions.withdraw_promise, _("Dunning goes on."), promise_id=object_id, reason=reason)
        return self.back_to_list()
