"""Billing runs and their contracts in the workspace; the month close page of the workspace starts and steers them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from evbilling.access.acting import acting_user
from evbilling.kernel.errors import BillingError
from evbilling.shell.admin import WrittenByTheProduct, badge, link_to
from invoicing.models import BillingRun, BillingRunItem, ItemState
from invoicing.operations import run_steering
from invoicing.tasks import enqueue_run

RUN_TONES = {"running": "info", "paused": "warning", "finished": "success"}
ITEM_TONES = {"pending": "info", "drafted": "warning", "issued": "success", "failed": "danger"}
"""Badges, the same on every screen."""


class BillingRunAdmin(WrittenByTheProduct):
    """The months that were closed, with what became of them. Registered by the workspace with its month close page."""

    list_display = ("month", "operator", "state_badge", "issue", "issued_on", "contracts", "failed", "created_at")
    list_filter = ("state", "operator")
    list_select_related = ("operator",)
    fields = ("operator", "period_from", "period_to", "state_badge", "issue", "issued_on", "created_by", "created_at")
    actions_detail = ("open_month_close",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BillingRun]:
        """With their counts, so that the list needs no query per row."""
        counts = {"done": ~Q(items__state=ItemState.PENDING), "failures": Q(items__state=ItemState.FAILED)}
        found = super().get_queryset(request).annotate(total=Count("items"))
        return found.annotate(**{name: Count("items", filter=which) for name, which in counts.items()})

    @display(description=_("month"), ordering="period_from")
    def month(self, run: BillingRun) -> str:
        """YYYY-MM."""
        return str(run)

    @display(description=_("state"), ordering="state")
    def state_badge(self, run: BillingRun) -> SafeString:
        """In the colours used everywhere."""
        return badge(run.state, run.get_state_display(), RUN_TONES)

    @display(description=_("contracts done"))
    def contracts(self, run: Any) -> str:
        """Done of all; opens them."""
        return _items_link(run, "", f"{run.done} / {run.total}")

    @display(description=_("failed"))
    def failed(self, run: Any) -> str:
        """The ones to look at; opens them."""
        return _items_link(run, "&state__exact=failed", str(run.failures)) if run.failures else "0"

    @action(description=_("Month close"), url_path="month-close", icon="event_available")
    def open_month_close(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the page that steers the run."""
        run = BillingRun.objects.get(pk=object_id)
        return HttpResponseRedirect(f"{reverse('admin:month_close')}?operator={run.operator_id}&period={run}")


def _items_link(run: BillingRun, query: str, text: str) -> str:
    address = reverse("admin:invoicing_billingrunitem_changelist")
    return format_html('<a href="{}?run__id__exact={}{}">{}</a>', address, run.pk, query, text)


@admin.register(BillingRunItem)
class BillingRunItemAdmin(WrittenByTheProduct):
    """One contract of a run: its document, or why there is none."""

    list_display = ("contract", "party", "month", "state_badge", "reason", "document", "attempts", "finished_at")
    list_filter = ("state", "run", "contract__kind")
    list_select_related = ("run", "contract__party", "invoice")
    search_fields = ("contract__number__istartswith", "contract__party__legal_name__istartswith")
    search_help_text = _("Contract number or party")
    fields = (
        "contract",
        "party",
        "month",
        "state_badge",
        "reason",
        "document",
        "attempts",
        "claimed_at",
        "finished_at",
    )
    ordering = ("-run__period_from", "contract__number")
    actions = ("try_again",)

    @display(description=_("party"), ordering="contract__party__legal_name")
    def party(self, item: BillingRunItem) -> str:
        """Who the contract is with."""
        return str(item.contract.party)

    @display(description=_("month"), ordering="run__period_from")
    def month(self, item: BillingRunItem) -> str:
        """YYYY-MM."""
        return str(item.run)

    @display(description=_("state"), ordering="state")
    def state_badge(self, item: BillingRunItem) -> SafeString:
        """In the colours used everywhere."""
        return badge(item.state, item.get_state_display(), ITEM_TONES)

    @display(description=_("document"))
    def document(self, item: BillingRunItem) -> str:
        """Opens it."""
        return link_to(item.invoice)

    def has_run_billing_permission(self, request: HttpRequest) -> bool:
        """Whoever may run the month close."""
        return request.user.has_perm("invoicing.run_billing")

    @admin.action(description=_("Try failed contracts again"), permissions=["run_billing"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[BillingRunItem]) -> None:
        """The chosen ones that failed; the others are left alone."""
        by, again, tried, refused = acting_user(request), set(), 0, ""
        for item in queryset.filter(state=ItemState.FAILED).order_by("pk"):
            try:
                again.add(run_steering.retry_item(item_id=item.pk, by=by, at=timezone.now()).run_id)
                tried += 1
            except BillingError as refusal:
                refused = refusal.message
        for run_id in again:
            enqueue_run(run_id=run_id)
        if refused:
            self.message_user(request, refused, level="error")
        self.message_user(request, _("%(count)s contracts are tried again.") % {"count": tried})
