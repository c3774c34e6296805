"""The ledger in the workspace: journal, allocations, number series, tax rates. Accounts and months: accounts.py."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import action, display

from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from evbilling.shell.admin import (
    ReasonForm,
    WrittenByTheProduct,
    link_to,
    money,
    right,
)
from invoicing.admin.common import SidesInline
from invoicing.models import Allocation, JournalEntry, JournalLine, NumberSeries
from invoicing.operations.allocations import reverse_allocation


class JournalLineInline(SidesInline):
    """The sides of an entry."""

    fields = ("account", "party", "debit", "credit")
    readonly_fields = fields
    ordering = ("pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[JournalLine]:
        """With what a row shows."""
        return super().get_queryset(request).select_related("account", "party", "entry")


@admin.register(JournalEntry)
class JournalEntryAdmin(WrittenByTheProduct):
    """The bookings, append-only."""

    list_display = ("booked_on", "text", "source", "amount")
    list_filter = (("booked_on", RangeDateFilter), "operator")
    search_fields = ("text__icontains", "source__istartswith")
    search_help_text = _("Text, or the beginning of the source such as invoice:12")
    fields = ("operator", "booked_on", "source", "text", "currency", "posted_at")
    inlines = (JournalLineInline,)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With the sum of the debit side, so that a row needs no query."""
        debit = amount_sum("lines__amount", filter=Q(lines__amount__gt=0))
        return super().get_queryset(request).annotate(debit_amount=debit)

    @display(description=_("amount"))
    def amount(self, entry: Any) -> SafeString:
        """What the entry moves: its debit side, which equals its credit side."""
        return money(quantise(entry.debit_amount or ZERO, entry.currency), entry.currency)


@admin.register(Allocation)
class AllocationAdmin(WrittenByTheProduct):
    """Which money settles which document."""

    list_display = ("allocated_on", "document", "source", "sum", "allocated_by")
    list_filter = (("allocated_on", RangeDateFilter),)
    list_select_related = ("invoice", "allocated_by")
    search_fields = ("invoice__number__istartswith", "source__istartswith")
    search_help_text = _("Document number, or the beginning of the source such as payment:")
    fields = ("document", "source", "sum", "allocated_on", "allocated_at", "allocated_by", "reverses")
    actions = None
    actions_detail = ("undo",)
    has_undo_permission = right("invoicing.undo_allocation")

    @display(description=_("document"))
    def document(self, allocation: Allocation) -> str:
        """Opens it."""
        return link_to(allocation.invoice)

    @display(description=_("amount"), ordering="amount")
    def sum(self, allocation: Allocation) -> SafeString:
        """Negative where it undoes another one."""
        return money(allocation.amount, allocation.currency)

    @action(
        description=_("Undo"),
        url_path="undo",
        permissions=["undo"],
        icon="undo",
        dialog={
            "title": _("Undo this allocation"),
            "description": _("The document is open again; the money is the party's unallocated credit."),
            "form_class": ReasonForm,
            "form_submit_text": _("Undo"),
        },
    )
    def undo(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """By a row of its own."""
        return self.run_and_return(
            request,
            reverse_allocation,
            str(_("Undone: %(it)s.")),
            object_id=object_id,
            allocation_id=object_id,
            reason=form.cleaned_data["reason"],
        )


@admin.register(NumberSeries)
class NumberSeriesAdmin(WrittenByTheProduct):
    """The counters behind document numbers."""

    list_display = ("__str__", "operator", "last_number")
    list_select_related = ("operator",)
    fields = ("operator", "prefix", "year", "last_number")
    actions = None
