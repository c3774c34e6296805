"""Contracts: drafted, corrected and led through their lifecycle by operations."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RangeDateFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldBooleanWidget

from contracts.admin.agreement_tabs import SiteInline, TokenInline, VehicleInline, VersionInline
from contracts.admin.common import CONTRACT_STATES, IdentifiersForm, of_the_only_operator
from contracts.admin.exchange import ContractExchange
from contracts.admin.papers import ActivateForm, SuspensionInline, papers_of_contract
from contracts.models import (
    Contract,
    ContractKind,
    ContractState,
    ContractVersion,
)
from contracts.operations import contracts as operations
from contracts.operations.versions import TERMS
from contracts.queries import PAYING_KINDS
from contracts.rules.lifecycle import Step, steps_from
from evbilling.access.acting import acting_user
from evbilling.shell.admin import ReasonForm, WorkspaceAdmin, badge, leave_dialog, page_of, right
from evbilling.shell.dialogs import DayInput

_FIELDS = (
    "operator_id",
    "party_id",
    "kind",
    "number",
    "currency",
    "zone",
    "starts_on",
    "purchase_order",
    "billing_group_id",
)
_ENDING = ("notice_given_on", "regular_end_on", "ended_early")
_STEP_OF = {
    "offer": Step.OFFER,
    "withdraw": Step.WITHDRAW,
    "activate": Step.ACTIVATE,
    "suspend": Step.SUSPEND,
    "resume": Step.RESUME,
    "end": Step.END,
}


def _made(contract: Contract) -> tuple[Any, ...]:
    made = (("created_by", "created_at"), ("activated_by", "activated_at"))
    return (_ENDING, *made) if contract.ends_on else made


class ContractForm(IdentifiersForm):
    class Meta:
        model = Contract
        fields = (
            *("number", "operator", "party", "kind", "currency", "zone", "starts_on", "sites"),
            *("purchase_order", "billing_group"),
        )


class DraftTermsForm(BaseDialogForm):
    """From which day new terms hold."""

    valid_from = forms.DateField(label=_("Valid from"), widget=DayInput)


class EndForm(ReasonForm):
    """The first day without the contract, when notice was given, and why."""

    ends_on = forms.DateField(label=_("Ends on"), help_text=_("First day on which it no longer holds"), widget=DayInput)
    notice_given_on = forms.DateField(
        label=_("Notice given on"), required=False, help_text=_("Empty: today"), widget=DayInput
    )
    early = forms.BooleanField(
        label=_("Both sides consent to an end before notice period and minimum term are over."),
        required=False,
        widget=UnfoldBooleanWidget,
    )
    field_order = ("ends_on", "notice_given_on", "early", "reason")


@admin.register(Contract)
class ContractAdmin(ContractExchange, WorkspaceAdmin):
    """Who pays or earns under which terms."""

    form = ContractForm
    change_form_outer_before_template = "admin/contracts/contract_papers.html"
    list_display = ("number", "party", "kind_text", "state_badge", "currency", "starts_on", "ends_on")
    list_filter = (
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("party", AutocompleteSelectFilter),
        ("starts_on", RangeDateFilter),
    )
    search_fields = ("number__istartswith", "party__legal_name__istartswith", "party__number__istartswith")
    search_help_text = _("Contract number, party or customer number")
    autocomplete_fields = ("operator", "party", "sites", "billing_group")
    actions_detail = (
        "draft_terms",
        "offer",
        "activate",
        "resume",
        "add_token",
        "add_vehicle",
        {"title": _("More"), "items": ["withdraw", "suspend", "end"]},
    )
    has_draft_terms_permission = right("contracts.add_contractversion")
    has_offer_permission = right("contracts.offer_contract")
    has_activate_permission = right("contracts.activate_contract")
    has_suspend_permission = right("contracts.suspend_contract")
    has_end_permission = right("contracts.end_contract")
    has_add_token_permission = right("contracts.add_tokenassignment")
    has_add_vehicle_permission = right("contracts.add_sponsoredvehicle")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the people who stand on the page."""
        return super().get_queryset(request).select_related("party", "operator", "created_by", "activated_by")

    def get_fieldsets(self, request: HttpRequest, obj: Contract | None = None) -> Any:
        """What makes the contract, then who made it."""
        sites = ("sites",) if obj is None or self._is_open(obj) else ()
        made = (
            _("Contract"),
            {"fields": (("number", "kind"), "operator", "party", ("purchase_order", "billing_group"))},
        )
        terms = (_("Where and when"), {"fields": ("starts_on", ("currency", "zone"), *sites)})
        if obj is None:
            return (made, terms)
        state = (
            _("State"),
            {"fields": (("state_badge", "ends_on"), *_made(obj))},
        )
        return (made, terms, state)

    def get_readonly_fields(self, request: HttpRequest, obj: Contract | None = None) -> tuple[str, ...]:
        """A draft is open; afterwards only the purchase order and the billing group are."""
        state = ("state_badge", "ends_on", *_ENDING, "created_by", "created_at", "activated_by", "activated_at")
        if obj is None or self._is_open(obj):
            return state
        return ("number", "kind", "operator", "party", "starts_on", "currency", "zone", *state)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The only operator, with its currency and zone."""
        return of_the_only_operator("currency", "zone") | super().get_changeform_initial_data(request)

    def get_autocomplete_fields(self, request: HttpRequest) -> Any:
        """Parties, operators and sites are searched, not listed."""
        return self.autocomplete_fields

    def get_inlines(self, request: HttpRequest, obj: Contract | None) -> list[Any]:
        """Terms, then what the kind of contract has: tokens or vehicles; and its sites."""
        if obj is None:
            return []
        members: list[Any] = []
        if obj.kind in PAYING_KINDS:
            members = [TokenInline]
        elif obj.kind == ContractKind.SPONSORSHIP:
            members = [VehicleInline]
        return [VersionInline, *members, SiteInline, SuspensionInline]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """With the documents of its versions, and what to see to before it binds."""
        contract = kwargs.get("obj") or context.get("original")
        if contract is not None and contract.pk:
            context |= papers_of_contract(contract)
        return super().render_change_form(request, context, *args, **kwargs)

    def open_steps(self, request: HttpRequest, row: Contract) -> set[str]:
        """Only the steps that are open in the contract's state."""
        in_state = steps_from(row.state)
        steps = super().open_steps(request, row) - {name for name, step in _STEP_OF.items() if step not in in_state}
        if row.state == ContractState.ENDED:
            steps -= {"draft_terms", "add_token", "add_vehicle"}
        if row.kind not in PAYING_KINDS:
            steps -= {"add_token"}
        if row.kind != ContractKind.SPONSORSHIP:
            steps -= {"add_vehicle"}
        return steps

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Contracts end; they are not deleted."""
        return False

    @staticmethod
    def _is_open(contract: Contract) -> bool:
        return contract.state == ContractState.DRAFT

    @display(description=_("kind"), ordering="kind")
    def kind_text(self, contract: Contract) -> str:
        """The kind as a person says it."""
        return capfirst(contract.get_kind_display())

    @display(description=_("state"), ordering="state")
    def state_badge(self, contract: Contract) -> SafeString:
        """Where it stands in its life."""
        return badge(contract.state, contract.get_state_display(), CONTRACT_STATES)

    def save_model(self, request: HttpRequest, obj: Contract, form: forms.ModelForm, change: bool) -> None:
        """By the operations."""
        sites = form.cleaned_data.get("sites")
        site_ids = None if sites is None else [site.pk for site in sites]
        values = {name: getattr(obj, name) for name in _FIELDS}
        who: dict[str, Any] = {"by": acting_user(request), "at": timezone.now()}
        if change:
            editable = {name: values[name] for name in _FIELDS if name.removesuffix("_id") in form.cleaned_data}
            operations.change_contract(contract_id=obj.pk, site_ids=site_ids, **editable, **who)
            return
        made = operations.create_contract(site_ids=site_ids or (), **values, **who)
        obj.pk = made.pk

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing besides: the operation has set the sites."""

    @action(
        description=_("Draft new terms"),
        url_path="draft-terms",
        permissions=["draft_terms"],
        icon="edit_document",
        dialog={
            "title": _("Draft new terms"),
            "description": _("The new version begins as a copy of the latest; a second person approves it."),
            "form_class": DraftTermsForm,
            "form_submit_text": _("Draft"),
        },
    )
    def draft_terms(self, request: HttpRequest, form: DraftTermsForm, object_id: int) -> HttpResponse:
        """A new version, then its page."""
        latest = ContractVersion.objects.filter(contract=object_id).order_by("-number").first()
        copied: dict[str, Any] = {}
        if latest is not None:
            copied = {name: getattr(latest, name) for name in TERMS} | {"copy_from": latest.pk}
        version = self.run(
            request,
            operations.draft_version,
            _("Drafted %(it)s."),
            contract_id=object_id,
            valid_from=form.cleaned_data["valid_from"],
            **copied,
        )
        if version is None:
            return self.back_to(object_id)
        return leave_dialog(page_of(version))

    @action(
        description=_("Offer"),
        url_path="offer",
        permissions=["offer"],
        icon="send",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Offer this contract"),
            "description": _("Each signatory gets the document by mail. From then on the draft cannot be corrected."),
            "form_submit_text": _("Offer"),
        },
    )
    def offer(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """To its party."""
        return self.run_and_return(
            request, operations.offer_contract, _("%(it)s is offered."), object_id=object_id, contract_id=object_id
        )

    @action(
        description=_("Withdraw offer"),
        url_path="withdraw",
        permissions=["offer"],
        icon="undo",
        dialog={"title": _("Withdraw the offer"), "form_class": ReasonForm, "form_submit_text": _("Withdraw")},
    )
    def withdraw(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """Back to a draft."""
        return self.run_and_return(
            request,
            operations.withdraw_offer,
            _("%(it)s is a draft again."),
            object_id=object_id,
            contract_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Activate"),
        url_path="activate",
        permissions=["activate"],
        icon="task_alt",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Activate this contract"),
            "description": _("You confirm as a second person that its terms are agreed. It binds from its first day."),
            "form_class": ActivateForm,
            "form_submit_text": _("Activate"),
        },
    )
    def activate(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """By a second person."""
        return self.run_and_return(
            request, operations.activate_contract, _("%(it)s is active."), object_id=object_id, contract_id=object_id
        )

    @action(
        description=_("Suspend"),
        url_path="suspend",
        permissions=["suspend"],
        icon="pause_circle",
        variant=ActionVariant.WARNING,
        dialog={"title": _("Suspend this contract"), "form_class": ReasonForm, "form_submit_text": _("Suspend")},
    )
    def suspend(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With a reason."""
        return self.run_and_return(
            request,
            operations.suspend_contract,
            _("%(it)s is suspended."),
            object_id=object_id,
            contract_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Resume"),
        url_path="resume",
        permissions=["suspend"],
        icon="play_circle",
        dialog={"title": _("Resume this contract"), "form_class": ReasonForm, "form_submit_text": _("Resume")},
    )
    def resume(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With a reason."""
        return self.run_and_return(
            request,
            operations.resume_contract,
            _("%(it)s is active again."),
            object_id=object_id,
            contract_id=object_id,
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("End"),
        url_path="end",
        permissions=["end"],
        icon="event_busy",
        variant=ActionVariant.DANGER,
        dialog={"title": _("End this contract"), "form_class": EndForm, "form_submit_text": _("End")},
    )
    def end(self, request: HttpRequest, form: EndForm, object_id: int) -> HttpResponse:
        """From a day on, with a reason."""
        return self.run_and_return(
            request,
            operations.end_contract,
            _("%(it)s has its end."),
            object_id=object_id,
            contract_id=object_id,
            ends_on=form.cleaned_data["ends_on"],
            notice_given_on=form.cleaned_data["notice_given_on"],
            early=form.cleaned_data["early"],
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Add token"),
        url_path="add-token",
        permissions=["add_token"],
        icon="add_card",
    )
    def add_token(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the form, with the contract filled in."""
        return redirect(f"{reverse('admin:contracts_tokenassignment_add')}?contract={object_id}")

    @action(
        description=_("Add vehicle"),
        url_path="add-vehicle",
        permissions=["add_vehicle"],
        icon="directions_car",
    )
    def add_vehicle(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """To the form, with the contract filled in."""
        return redirect(f"{reverse('admin:contracts_sponsoredvehicle_add')}?contract={object_id}")
