"""Penalties in the workspace: shown with evidence and arithmetic before they are billed, waived by two people; and the
reference rates of statutory interest."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from evbilling.access.acting import acting_user
from evbilling.kernel.clock import Period
from evbilling.shell.admin import ReasonForm, WorkspaceAdmin, WrittenByTheProduct, badge, link_to, money, right
from evbilling.shell.formats import format_day, format_percent, format_period
from invoicing.admin.penalty_evidence import evidence_rows
from invoicing.models import Penalty, PenaltyState, ReferenceRate
from invoicing.operations.penalties import ask_waiver, grant_waiver, refuse_waiver
from invoicing.operations.reference_rates import set_reference_rate
from invoicing.queries.penalties import PenaltyStatus, sentence_of, with_status

TONES = {
    PenaltyStatus.OPEN.value: "info",
    PenaltyStatus.ASKED.value: "warning",
    PenaltyStatus.WAIVED.value: "",
    PenaltyStatus.DRAFTED.value: "info",
    PenaltyStatus.BILLED.value: "success",
    PenaltyStatus.CREDITED.value: "",
    PenaltyStatus.VOID.value: "",
}
"""The badge of each status."""


class StatusFilter(admin.SimpleListFilter):
    """Penalties by what became of them."""

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Every status."""
        return list(PenaltyStatus.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the rule that the badge shows."""
        return queryset.filter(status=self.value()) if self.value() in PenaltyStatus.values else queryset


@admin.register(Penalty)
class PenaltyAdmin(WrittenByTheProduct):
    """What contracts owe beside their price, and what the operator credits: assessed when a month is billed."""

    list_display = ("what", "status_badge", "contract", "party", "about", "occurred_on", "sum")
    list_display_links = ("what",)
    list_select_related = ("contract__party", "session", "invoice", "site", "line__invoice")
    list_filter = (
        StatusFilter,
        ("kind", ChoicesDropdownFilter),
        ("contract", AutocompleteSelectFilter),
        ("occurred_on", RangeDateFilter),
    )
    search_fields = ("contract__number__istartswith", "contract__party__legal_name__istartswith", "source__icontains")
    search_help_text = _("Contract number, party, or what it is for")
    actions_detail = ("ask_waiver", "grant_waiver", "refuse_waiver")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("status_badge", "what"),
                    ("contract_link", "party"),
                    ("sum", "document"),
                    ("days", "occurred_on"),
                    "sentence",
                )
            },
        ),
        (_("Evidence and arithmetic"), {"fields": ("evidence", ("about", "version"), "assessed_at")}),
        (_("Waiver"), {"fields": (("asked_by", "asked_at"), ("waived_by", "waived_at"), "reason")}),
    )
    has_ask_permission = right("invoicing.ask_waiver")
    has_waive_permission = right("invoicing.waive_penalty")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what became of each."""
        return with_status(super().get_queryset(request)).select_related(*self.list_select_related)

    def open_steps(self, request: HttpRequest, row: Penalty) -> set[str]:
        """A waiver is asked for while it is open, then granted by another person or refused."""
        if row.line_id is not None or row.state == PenaltyState.WAIVED:
            return set()
        if row.state != PenaltyState.WAIVER_ASKED:
            return {"ask_waiver"}
        return {"refuse_waiver"} if row.asked_by_id == request.user.pk else {"grant_waiver", "refuse_waiver"}

    # --- Columns and fields -------------------------------------------------------------------------------------------

    @display(description=_("kind"), ordering="kind")
    def what(self, penalty: Penalty) -> str:
        """The kind as a person says it."""
        return capfirst(penalty.get_kind_display())

    @display(description=_("status"))
    def status_badge(self, penalty: Any) -> SafeString:
        """What became of it."""
        return badge(penalty.status, str(PenaltyStatus(penalty.status).label), TONES)

    @display(description=_("party"), ordering="contract__party__legal_name")
    def party(self, penalty: Penalty) -> str:
        """Whose contract."""
        return str(penalty.contract.party)

    @display(description=_("contract"))
    def contract_link(self, penalty: Penalty) -> str:
        """Opens it."""
        return link_to(penalty.contract)

    @display(description=_("for"))
    def about(self, penalty: Penalty) -> str:
        """The session, late document or site that it is about."""
        return link_to(penalty.session or penalty.invoice or penalty.site)

    @display(description=_("terms"))
    def version(self, penalty: Penalty) -> str:
        """The version of the contract whose term it follows."""
        return link_to(penalty.contract_version)

    @display(description=_("amount"), ordering="amount")
    def sum(self, penalty: Penalty) -> SafeString:
        """Of missed uptime what is credited."""
        return money(penalty.amount, penalty.currency)

    @display(description=_("document"))
    def document(self, penalty: Penalty) -> str:
        """What bills it."""
        return link_to(penalty.line.invoice if penalty.line is not None else None)

    @display(description=_("days"))
    def days(self, penalty: Penalty) -> str:
        """The days that it is for."""
        period = Period(penalty.period_from, penalty.period_to)
        one = period.start == period.last_day
        return format_day(period.start) if one else format_period(period.start, period.end)

    @display(description=_("why"))
    def sentence(self, penalty: Penalty) -> str:
        """The because in one sentence."""
        return sentence_of(penalty, get_language() or "en")

    @display(description=_("evidence"))
    def evidence(self, penalty: Penalty) -> SafeString:
        """Every input and every step, as they were when it was assessed."""
        rows = format_html_join(
            "", '<tr><th scope="row">{}</th><td>{}</td></tr>', evidence_rows(penalty.because, penalty.currency)
        )
        return format_html_join("", '<table class="evidence">{}</table>', [(rows,)])

    # --- Actions ------------------------------------------------------------------------------------------------------

    @action(
        description=_("Ask for a waiver"),
        url_path="ask-waiver",
        permissions=["ask"],
        icon="volunteer_activism",
        dialog={
            "title": _("Ask that this penalty be waived"),
            "description": _("It is not billed until a second person has decided."),
            "form_class": ReasonForm,
            "form_submit_text": pgettext_lazy("penalty", "Ask"),
        },
    )
    def ask_waiver(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With the reason."""
        return self.run_and_return(
            request,
            ask_waiver,
            _("A second person can waive it now."),
            object_id=object_id,
            penalty_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=pgettext_lazy("penalty", "Waive"),
        url_path="waive",
        permissions=["waive"],
        icon="task_alt",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Waive this penalty"),
            "description": _("It is never billed. The audit trail keeps who asked, why, and that you agreed."),
            "form_submit_text": pgettext_lazy("penalty", "Waive"),
        },
    )
    def grant_waiver(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """By a second person."""
        return self.run_and_return(
            request, grant_waiver, _("The penalty is waived."), object_id=object_id, penalty_id=object_id
        )

    @action(
        description=_("Refuse the waiver"),
        url_path="refuse-waiver",
        permissions=["ask"],
        icon="block",
        dialog={
            "title": _("Refuse or withdraw the request"),
            "description": _("The penalty is billed with the next document."),
            "form_class": ReasonForm,
            "form_submit_text": _("Refuse"),
        },
    )
    def refuse_waiver(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With the reason."""
        return self.run_and_return(
            request,
            refuse_waiver,
            _("The penalty will be billed."),
            object_id=object_id,
            penalty_id=object_id,
            reason=form.cleaned_data["reason"],
        )


@admin.register(ReferenceRate)
class ReferenceRateAdmin(WorkspaceAdmin):
    """The rates that statutory interest adds its points to; corrected as long as no interest follows from them."""

    list_display = ("valid_from", "rate", "source")
    fields = (("valid_from", "percent"), "source")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The day of a rate that is there stays."""
        return ("valid_from",) if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What interest was computed with stays."""
        return False

    def save_model(self, request: HttpRequest, obj: ReferenceRate, form: Any, change: bool) -> None:
        """By the operation, which refuses what interest has followed from."""
        saved = set_reference_rate(
            valid_from=obj.valid_from,
            percent=obj.percent,
            source=obj.source,
            by=acting_user(request),
            at=timezone.now(),
        )
        obj.pk = saved.pk

    @display(description=_("percent a year"), ordering="percent")
    def rate(self, row: ReferenceRate) -> str:
        """2.15 %."""
        return format_percent(row.percent / 100)
