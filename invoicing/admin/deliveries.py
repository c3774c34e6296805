"""Mails to accountants in the workspace: what was sent to whom, what failed and why, and sending again."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from evbilling.shell.admin import ReasonForm, WrittenByTheProduct, badge, link_to, right
from invoicing.admin.common import SEND_AGAIN
from invoicing.models import Delivery
from invoicing.operations.deliveries import resend_delivery

TONES = {"queued": "info", "sending": "warning", "sent": "success", "failed": "danger", "unknown": "danger"}


@admin.register(Delivery)
class DeliveryAdmin(WrittenByTheProduct):
    """Each intent to send a document."""

    list_display = ("document", "party", "intent", "to", "state_badge", "error", "created_at", "sent_at")
    list_filter = ("state",)
    list_select_related = ("invoice__party",)
    search_fields = (
        "invoice__number__istartswith",
        "message_ref__icontains",
        "invoice__party__legal_name__istartswith",
    )
    search_help_text = _("Document number, party or message id")
    fields = (
        "document",
        "party",
        "intent",
        "to",
        "subject",
        "state_badge",
        "error",
        "message_ref",
        "created_at",
        "sent_at",
    )
    readonly_fields = fields
    actions_detail = ("send_again",)
    has_resend_permission = right("invoicing.resend_delivery")

    @display(description=_("document"), ordering="invoice__number")
    def document(self, delivery: Delivery) -> str:
        """Opens it."""
        return link_to(delivery.invoice)

    @display(description=_("party"), ordering="invoice__party__legal_name")
    def party(self, delivery: Delivery) -> str:
        """Whose accountants."""
        return str(delivery.invoice.party)

    @display(description=_("to"))
    def to(self, delivery: Delivery) -> str:
        """The addresses."""
        return ", ".join(delivery.recipients) or "\N{EN DASH}"

    @display(description=_("state"), ordering="state")
    def state_badge(self, delivery: Delivery) -> SafeString:
        """In the colours used everywhere."""
        return badge(delivery.state, delivery.get_state_display(), TONES)

    @action(**SEND_AGAIN)
    def send_again(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """A new intent, with the reason."""
        invoice_id = Delivery.objects.values_list("invoice_id", flat=True).get(pk=object_id)
        delivery = self.run(
            request,
            resend_delivery,
            str(_("%(it)s is being sent.")),
            invoice_id=invoice_id,
            reason=form.cleaned_data["reason"],
        )
        return self.back_to(delivery.pk if delivery else object_id)
