"""The kernel's tables in the workspace: background steps with retry, and the audit trail to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display

from evbilling.kernel import outbox
from evbilling.kernel.models import AuditRecord, OutboxMessage
from evbilling.shell.admin import ReasonForm, WrittenByTheProduct, badge, right
from evbilling.workspace import month_close
from evbilling.workspace.words import action_text, step_text

__all__ = ["month_close"]

admin.site.empty_value_display = "\N{EN DASH}"
STEP_TONES = {"done": "success", "failed": "danger", "unknown": "danger", "queued": "info", "in_flight": "warning"}


class RetryForm(ReasonForm):
    """Why it is safe to repeat; needed only for what may have happened."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = False


@admin.register(OutboxMessage)
class OutboxMessageAdmin(WrittenByTheProduct):
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
    actions_detail = ("retry",)
    has_retry_permission = right("kernel.retry_outboxmessage")

    @display(description=_("step"), ordering="kind")
    def step(self, message: OutboxMessage) -> str:
        """What it does, in words."""
        return step_text(message.kind)

    @display(description=_("state"), ordering="state")
    def state_badge(self, message: OutboxMessage) -> SafeString:
        """In the colours used everywhere."""
        return badge(message.state, message.get_state_display(), STEP_TONES)

    @action(
        description=_("Try again"),
        url_path="retry",
        permissions=["retry"],
        icon="refresh",
        dialog={
            "title": _("Try this step again"),
            "description": _("A mail that may have gone out is sent again only with a reason."),
            "form_class": RetryForm,
            "form_submit_text": _("Try again"),
        },
    )
    def retry(self, request: HttpRequest, form: RetryForm, object_id: int) -> HttpResponse:
        """Failed or unknown steps."""
        return self.run_and_return(
            request,
            outbox.retry_by_hand,
            _("The step runs again."),
            object_id=object_id,
            message_id=object_id,
            reason=form.cleaned_data["reason"],
        )


@admin.register(AuditRecord)
class AuditRecordAdmin(WrittenByTheProduct):
    """Who did what, when, why."""

    list_display = ("at", "person", "what", "object", "reason", "result_badge")
    list_filter = (("at", RangeDateTimeFilter), "result")
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
