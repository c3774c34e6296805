"""Contract versions: the terms, edited while they are a draft, approved by a second person."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from contracts.admin.agreement_tabs import terms_of
from contracts.admin.common import APPROVAL_STATES, DraftInline
from contracts.admin.papers import AcknowledgedFilter, AcknowledgementInline, OfferMailInline, PaperActions, papers_of
from contracts.admin.shares import RevenueShareInline, SponsorshipInline, save_shares
from contracts.admin.term_rows import TermInline
from contracts.models import (
    ContractKind,
    ContractVersion,
    DunningPlan,
    TariffAssignment,
    VersionState,
)
from contracts.operations.assignments import assign_tariff, unassign_tariff
from contracts.operations.versions import TERMS, approve_version, change_version
from evbilling.access.acting import acting_user
from evbilling.shell.admin import WorkspaceAdmin, badge, right

_TERMS = ("valid_from", *TERMS)


class TariffAssignmentInline(DraftInline):
    model = TariffAssignment
    verbose_name_plural = _("tariffs")
    fields = ("tariff", "site", "min_power_w", "max_power_w", "priority")
    autocomplete_fields = ("tariff", "site")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what a row shows."""
        return super().get_queryset(request).select_related("tariff", "site", "version__contract")


@admin.register(ContractVersion)
class ContractVersionAdmin(PaperActions, WorkspaceAdmin):
    """The terms of contracts; the list shows what waits for a second person."""

    list_display = ("version", "party", "valid_from", "state_badge", "payment_terms_days", "terms", "created_by")
    list_select_related = ("contract__party", "contract__operator", "created_by", "approved_by", "sponsorship")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        AcknowledgedFilter,
        ("contract__kind", ChoicesDropdownFilter),
        ("valid_from", RangeDateFilter),
    )
    search_fields = ("contract__number__istartswith", "contract__party__legal_name__istartswith")
    search_help_text = _("Contract number or party")
    change_form_outer_before_template = "admin/contracts/contract_papers.html"
    actions_detail = (
        "approve",
        "add_term",
        "month_preview",
        "preview",
        "acknowledge",
        "open_pdf",
        "send_terms",
        "waive",
    )
    has_approve_permission = right("contracts.approve_contractversion")
    has_add_term_permission = right("contracts.change_contractversion")
    has_month_preview_permission = right("invoicing.view_invoice")
    readonly_fields = ("contract", "version", "state_badge", "created_by", "created_at", "approved_by", "approved_at")
    fieldsets = (
        (
            _("Terms"),
            {
                "fields": (
                    "contract",
                    ("valid_from", "payment_terms_days"),
                    ("price_basis", "tax_treatment"),
                    ("group_lines_by", "split_documents_by"),
                    "minimum_invoice_amount",
                )
            },
        ),
        (
            _("Term and notice"),
            {"fields": (("minimum_term_until", "notice_days"), ("suspension_rule", "dunning_plan"))},
        ),
        (_("In words"), {"fields": ("terms_text",)}),
        (
            _("State"),
            {"fields": (("version", "state_badge"), ("created_by", "created_at"), ("approved_by", "approved_at"))},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """With what the pages show."""
        rows = super().get_queryset(request).select_related(*self.list_select_related)
        return rows.prefetch_related("tariff_assignments__tariff", "revenue_shares__site")

    def get_inlines(self, request: HttpRequest, obj: ContractVersion | None) -> list[Any]:
        """What the kind of contract needs."""
        kind = obj.contract.kind if obj is not None else ""
        return [
            {ContractKind.HOSTING.value: RevenueShareInline, ContractKind.SPONSORSHIP.value: SponsorshipInline}.get(
                kind, TariffAssignmentInline
            ),
            *((TermInline,) if kind != ContractKind.HOSTING else ()),
            *((AcknowledgementInline, OfferMailInline) if obj is not None and obj.approved_at else ()),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """With the operator's dunning plans in the contract's currency."""
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None and "dunning_plan" in form.base_fields:
            plans = DunningPlan.objects.filter(operator=obj.contract.operator_id, currency=obj.contract.currency)
            form.base_fields["dunning_plan"].queryset = plans
        return form

    def has_add_permission(self, request: HttpRequest) -> bool:
        """From the contract's page alone, where the latest terms are copied."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Approved terms are frozen."""
        may = super().has_change_permission(request, obj)
        return may and not (isinstance(obj, ContractVersion) and obj.state == VersionState.APPROVED)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Their number stays."""
        return False

    def open_steps(self, request: HttpRequest, row: ContractVersion) -> set[str]:
        """Approval, as long as it is open; what can be done with its document."""
        steps = self.open_paper_steps(row) | ({"approve"} if row.state == VersionState.DRAFT else set())
        if row.contract.kind != ContractKind.HOSTING:
            steps |= {"add_term", "month_preview"} if row.state == VersionState.DRAFT else {"month_preview"}
        return steps

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With its document, once there is one."""
        version = kwargs.get("obj") or context.get("original")
        if version is not None and version.pk and version.state == VersionState.APPROVED:
            context["papers"] = papers_of([version])
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=_("version"), ordering="contract__number")
    def version(self, version: ContractVersion) -> str:
        """Contract and number."""
        return str(version)

    @display(description=_("party"), ordering="contract__party__legal_name")
    def party(self, version: ContractVersion) -> str:
        """Whose contract it is."""
        return str(version.contract.party)

    @display(description=_("state"), ordering="state")
    def state_badge(self, version: ContractVersion) -> SafeString:
        """Whether it waits for a second person."""
        return badge(version.state, version.get_state_display(), APPROVAL_STATES)

    @display(description=_("terms"))
    def terms(self, version: ContractVersion) -> str:
        """Tariffs or percentage."""
        return terms_of(version)

    def save_model(self, request: HttpRequest, obj: ContractVersion, form: forms.ModelForm, change: bool) -> None:
        """By the operation."""
        values = {name: getattr(obj, name) for name in _TERMS}
        who: dict[str, Any] = {"by": acting_user(request), "at": timezone.now()}
        change_version(version_id=obj.pk, **values, **who)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Tariffs and percentages by their operations; a changed assignment is taken out and put in again."""
        who: dict[str, Any] = {"by": acting_user(request), "at": timezone.now()}
        changed = [each for each in formset.forms if each.has_changed()]
        if formset.model is TariffAssignment:
            for each in changed:
                if each.instance.pk is not None:
                    unassign_tariff(assignment_id=each.instance.pk, **who)
            for each in changed:
                if each not in formset.deleted_forms:
                    _assign(form.instance.pk, each.cleaned_data, who)
            return
        save_shares(form.instance.pk, formset, who)

    @action(
        description=_("Approve"),
        url_path="approve",
        permissions=["approve"],
        icon="task_alt",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Approve these terms"),
            "description": _("You confirm them as a second person. From then on they are frozen."),
            "form_submit_text": _("Approve"),
        },
    )
    def approve(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """By a second person."""
        return self.run_and_return(
            request, approve_version, _("%(it)s is approved."), object_id=object_id, version_id=object_id
        )

    @action(description=_("Add a term"), url_path="add-term", permissions=["add_term"], icon="playlist_add")
    def add_term(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the choice of its kind."""
        return redirect(f"{reverse('admin:contracts_contractterm_add')}?version={object_id}")

    @action(description=_("Month preview"), url_path="month", permissions=["month_preview"], icon="calendar_month")
    def month_preview(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To what its terms make of a past month."""
        return redirect(f"{reverse('admin:invoicing_month_preview')}?version={object_id}")


def _assign(version_id: int, data: dict[str, Any], who: dict[str, Any]) -> None:
    assign_tariff(
        version_id=version_id,
        tariff_id=data["tariff"].pk,
        site_id=data["site"].pk if data.get("site") else None,
        min_power_w=data.get("min_power_w"),
        max_power_w=data.get("max_power_w"),
        priority=data["priority"],
        **who,
    )
