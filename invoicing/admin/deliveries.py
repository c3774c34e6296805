"""Deliveries in the workspace: what went to whom and how, what became of it, and sending again."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from evbilling.shell.admin import ListInline, ReasonForm, WrittenByTheProduct, badge, link_to, right
from invoicing.admin.common import SEND_AGAIN
from invoicing.models import Delivery, DeliveryEvent
from invoicing.operations.deliveries import resend_delivery, resend_letter
from invoicing.queries.deliveries import Fate, needing_a_person, with_fate

TONES = {
    Fate.QUEUED.value: "info",
    Fate.SENDING.value: "warning",
    Fate.SENT.value: "success",
    Fate.DELIVERED.value: "success",
    Fate.OPENED.value: "success",
    Fate.FAILED.value: "danger",
    Fate.UNKNOWN.value: "danger",
    Fate.RETURNED.value: "danger",
}
"""The badge of each fate."""
PERSON = "person"


class FateFilter(admin.SimpleListFilter):
    """Deliveries by what became of them."""

    title = _("state")
    parameter_name = "fate"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Every fate, and all that a person has to look at."""
        return [(PERSON, _("needs a person")), *Fate.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the rule that the badge shows."""
        if self.value() == PERSON:
            return queryset.filter(pk__in=needing_a_person().values("pk"))
        return queryset.filter(fate=self.value()) if self.value() in Fate.values else queryset


def fate_badge(delivery: Any) -> SafeString:
    """What became of a delivery, in the colours used everywhere. Needs `with_fate`."""
    return badge(delivery.fate, str(Fate(delivery.fate).label), TONES)


class DeliveryInline(ListInline):
    """The mails that carried a document or letter."""

    model = Delivery
    fields = ("intent", "channel", "to", "fate_shown", "error", "created_at", "sent_at", "details")
    readonly_fields = fields

    @admin.display(description=_("state"))
    def fate_shown(self, delivery: Delivery) -> SafeString:
        """Sent, arrived, opened, came back."""
        return fate_badge(delivery)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what became of each."""
        return with_fate(super().get_queryset(request))

    @admin.display(description=_("to"))
    def to(self, delivery: Delivery) -> str:
        """The addresses."""
        return ", ".join(delivery.recipients) or "\N{EN DASH}"


class EventInline(ListInline):
    """What the mail provider said, in the order in which it came in."""

    model = DeliveryEvent
    fields = ("kind", "recipient", "occurred_at", "received_at", "detail")
    readonly_fields = fields
    verbose_name_plural = _("what the mail provider said")


@admin.register(DeliveryEvent)
class DeliveryEventAdmin(WrittenByTheProduct):
    """Reports of the mail provider, those too that name no mail of ours."""

    list_display = ("kind", "recipient", "delivery", "provider", "occurred_at", "received_at")
    list_filter = (("kind", ChoicesDropdownFilter),)
    list_select_related = ("delivery__invoice", "delivery__letter")
    search_fields = ("recipient__istartswith", "message_ref__icontains")
    search_help_text = _("Recipient or message id")
    fields = (
        "kind",
        "recipient",
        "delivery",
        "detail",
        "provider",
        "event_ref",
        "message_ref",
        "occurred_at",
        "received_at",
    )


@admin.register(Delivery)
class DeliveryAdmin(WrittenByTheProduct):
    """Each intent to send a document or letter."""

    list_display = ("document", "party", "channel", "intent", "to", "fate_shown", "error", "created_at", "sent_at")
    list_filter = (FateFilter, ("channel", ChoicesDropdownFilter))
    list_select_related = ("invoice__party", "letter__party")
    search_fields = (
        "invoice__number__istartswith",
        "letter__file_name__icontains",
        "message_ref__icontains",
        "invoice__party__legal_name__istartswith",
        "letter__party__legal_name__istartswith",
    )
    search_help_text = _("Document number, party or message id")
    fields = (
        "document",
        "party",
        "channel",
        "intent",
        "to",
        "subject",
        "fate_shown",
        "error",
        "message_ref",
        "created_at",
        "sent_at",
    )
    inlines = (EventInline,)
    actions_detail = ("send_again",)
    has_resend_permission = right("invoicing.resend_delivery")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what became of each."""
        return with_fate(super().get_queryset(request)).select_related(*self.list_select_related)

    @display(description=_("document"), ordering="invoice__number")
    def document(self, delivery: Delivery) -> str:
        """Opens the document or letter."""
        return link_to(delivery.invoice or delivery.letter)

    @display(description=_("party"), ordering="invoice__party__legal_name")
    def party(self, delivery: Delivery) -> str:
        """To whom."""
        item = delivery.invoice or delivery.letter
        return str(item.party) if item is not None and item.party is not None else "\N{EN DASH}"

    @display(description=_("to"))
    def to(self, delivery: Delivery) -> str:
        """The addresses."""
        return ", ".join(delivery.recipients) or "\N{EN DASH}"

    @display(description=_("state"), ordering="state")
    def fate_shown(self, delivery: Delivery) -> SafeString:
        """What became of it."""
        return fate_badge(delivery)

    @action(**SEND_AGAIN)
    def send_again(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """A new intent, with the reason."""
        asked = Delivery.objects.get(pk=object_id)
        done, reason = str(_("%(it)s is being sent.")), form.cleaned_data["reason"]
        if asked.letter_id is not None:
            delivery = self.run(request, resend_letter, done, letter_id=asked.letter_id, reason=reason)
        else:
            delivery = self.run(request, resend_delivery, done, invoice_id=asked.invoice_id, reason=reason)
        return self.back_to(delivery.pk if delivery else object_id)
