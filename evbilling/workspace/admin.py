"""The kernel's tables in the workspace: background steps with retry, and the audit trail to read."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from evbilling.kernel import outbox
from evbilling.kernel.errors import BillingError
from evbilling.kernel.models import AuditRecord, OutboxMessage
from evbilling.shell.admin import badge
from evbilling.workspace import month_close
from evbilling.workspace.words import action_text, step_text

__all__ = ["month_close"]

admin.site.empty_value_display = "\N{EN DASH}"
STEP_TONES = {"done": "success", "failed": "danger", "unknown": "danger", "queued": "info", "in_flight": "warning"}


class ReasonForm(BaseDialogForm):
    """Why it is safe to repeat; needed for what may have happened."""

    reason = forms.CharField(
        label=_("Reason"), max_length=300, required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


class ReadOnly(ModelAdmin):
    """Rows that the product writes by itself."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds them."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes them."""
        return False


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnly):
    """Mails, documents, charges: what runs behind the screens, and what of it needs a person."""

    list_display = ("step", "key", "state_badge", "attempts", "due_at", "finished_at", "last_error")
    list_filter = ("state", "queue", "kind")
    search_fields = ("key__istartswith", "kind__istartswith")
    search_help_text = _("Kind or key")
    fields = (
        "step",
        "kind",
        "key",
        "state_badge",
        "queue",
        "attempts",
        "created_at",
        "due_at",
        "claimed_at",
        "finished_at",
        "last_error",
        "payload",
    )
    readonly_fields = fields
    actions_detail = ("retry",)

    @display(description=_("step"), ordering="kind")
    def step(self, message: OutboxMessage) -> str:
        """What it does, in words."""
        return step_text(message.kind)

    @display(description=_("state"), ordering="state")
    def state_badge(self, message: OutboxMessage) -> SafeString:
        """In the colours used everywhere."""
        return badge(message.state, message.get_state_display(), STEP_TONES)

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Whoever may retry steps."""
        return request.user.has_perm("kernel.retry_outboxmessage")

    @action(
        description=_("Try again"),
        url_path="retry",
        permissions=["retry"],
        icon="refresh",
        dialog={
            "title": _("Try this step again"),
            "description": _("A mail that may have gone out is sent again only with a reason."),
            "form_class": ReasonForm,
            "form_submit_text": _("Try again"),
        },
    )
    def retry(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """Failed or unknown steps."""
        try:
            outbox.retry_by_hand(
                message_id=object_id, by=request.user, at=timezone.now(), reason=form.cleaned_data["reason"]
            )
        except BillingError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, _("The step runs again."))
        address = reverse("admin:kernel_outboxmessage_change", args=[object_id])
        response = HttpResponseRedirect(address)
        response["HX-Redirect"] = address
        return response


@admin.register(AuditRecord)
class AuditRecordAdmin(ReadOnly):
    """Who did what, when, why."""

    list_display = ("at", "person", "what", "object", "reason", "result_badge")
    list_filter = (("at", RangeDateTimeFilter), "result")
    list_filter_submit = True
    search_fields = ("action__istartswith", "object_label__istartswith", "by_label__istartswith")
    search_help_text = _("Action, object or person")
    fields = (
        ("at", "result_badge"),
        ("person", "where"),
        ("what", "action"),
        ("object", "object_type", "object_id"),
        "reason",
        "changes",
        "members",
    )
    readonly_fields = ("at", "result_badge", "person", "where", "what", "action", "object", "object_type", "object_id")
    readonly_fields += ("reason", "changes", "members")

    @display(description=_("by"), ordering="by_label")
    def person(self, record: AuditRecord) -> str:
        """Who; the product itself is the system."""
        return str(_("system")) if record.by_id is None and record.by_label == "system" else record.by_label

    @display(description=_("what was done"), ordering="action")
    def what(self, record: AuditRecord) -> str:
        """The action in words."""
        return action_text(record.action)

    @display(description=_("with what"), ordering="object_label")
    def object(self, record: AuditRecord) -> str:
        """The object as it was called then."""
        return record.object_label

    @display(description=_("result"), ordering="result")
    def result_badge(self, record: AuditRecord) -> SafeString:
        """Ok, or what came instead."""
        text = str(_("ok")) if record.result == "ok" else record.result
        return badge(
            record.result, text, {"ok": "success"} | ({} if record.result == "ok" else {record.result: "warning"})
        )
