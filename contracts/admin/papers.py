"""The document of a contract's terms in the workspace: who acknowledged it, what is still missing, and the buttons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget

from contracts.documents.mail import file_name
from contracts.models import (
    Acknowledgement,
    Contract,
    ContractDocument,
    ContractState,
    ContractSuspension,
    ContractVersion,
    OfferMail,
    Side,
    VersionState,
)
from contracts.operations.agreements import acknowledge_as_operator, preview_document, waive_acknowledgement
from contracts.operations.offers import send_terms
from contracts.queries import version_on
from contracts.queries.agreements import (
    OPEN_STATES,
    all_acknowledgements,
    document_of,
    documents_of,
    missing_sides,
    signatories,
    unacknowledged,
)
from contracts.queries.findings import findings_before_activation
from evbilling.shell.admin import ListInline, ReasonForm, badge, right
from evbilling.shell.formats import format_instant
from evbilling.shell.views import file_response

MAIL_STATES = {"done": "success", "failed": "danger", "unknown": "warning", "cancelled": "", "queued": "info"}


@dataclass(frozen=True, slots=True)
class SideRow:
    """One side of a version: who it is, and its acknowledgement as a sentence; empty while it is missing."""

    name: str
    said: str
    waived: bool


@dataclass(frozen=True, slots=True)
class Paper:
    """A version with its document and both sides."""

    version: ContractVersion
    document: ContractDocument | None
    sides: list[SideRow]

    @property
    def is_complete(self) -> bool:
        """Whether both sides acknowledged it or were excused."""
        return all(side.said for side in self.sides)


def papers_of(versions: Sequence[ContractVersion]) -> list[Paper]:
    """What the pages show of versions' documents. Two queries."""
    documents = documents_of(versions)
    acknowledged = all_acknowledgements(versions, documents)
    return [_paper(each, documents.get(each.pk), acknowledged.get(each.pk, {})) for each in versions]


def _paper(version: ContractVersion, document: ContractDocument | None, done: dict[str, Acknowledgement]) -> Paper:
    contract = version.contract
    names = {Side.OPERATOR: contract.operator.legal_name, Side.PARTY: contract.party.legal_name}
    sides = [SideRow(names[side], _said(done.get(side), contract.zone), _waived(done.get(side))) for side in names]
    return Paper(version, document, sides)


def _waived(found: Acknowledgement | None) -> bool:
    return found is not None and bool(found.waived_reason)


def _said(found: Acknowledgement | None, zone: str) -> str:
    if found is None:
        return ""
    when = format_instant(found.acknowledged_at, zone)
    if found.waived_reason:
        text = gettext("waived by %(name)s, %(when)s: %(reason)s")
        return text % {"name": found.name, "when": when, "reason": found.waived_reason}
    if found.address:
        return gettext("acknowledged by %(name)s, %(when)s, from %(address)s") % {
            "name": found.name,
            "when": when,
            "address": found.address,
        }
    return gettext("acknowledged by %(name)s, %(when)s") % {"name": found.name, "when": when}


def papers_of_contract(contract: Contract) -> dict[str, Any]:
    """The panel of a contract's page: its approved versions with their documents, and what to see to."""
    approved = list(contract.versions.filter(state=VersionState.APPROVED).order_by("-valid_from")[:5])
    for version in approved:
        version.contract = contract
    open_one = contract.state in {ContractState.DRAFT, ContractState.OFFERED}
    return {"papers": papers_of(approved), "findings": findings_before_activation(contract) if open_one else []}


class AcknowledgedFilter(admin.SimpleListFilter):
    """Approved terms of contracts in force by whether the party knows them."""

    title = _("acknowledged by the party")
    parameter_name = "acknowledged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Those that are missing are the ones to see to."""
        return [("missing", _("missing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """By the rule that the dashboard counts by."""
        return unacknowledged(queryset) if self.value() == "missing" else queryset


class AcknowledgeForm(BaseDialogForm):
    """The document that is acknowledged, by its hash."""

    form_before_template = "admin/contracts/acknowledge_before.html"
    sha256 = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.version = ContractVersion.objects.select_related("contract").filter(pk=self.object_id or 0).first()
        self.document = document_of(self.version) if self.version else None
        self.initial["sha256"] = self.document.sha256 if self.document else "-"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """Version, hash and size of what is acknowledged."""
        return {"version": self.version, "document": self.document}


class WaiveForm(ReasonForm):
    """Which side is excused, and why."""

    side = forms.ChoiceField(label=_("Side"), choices=Side.choices, widget=UnfoldAdminSelectWidget)
    field_order = ("side", "reason")


class ActivateForm(BaseDialogForm):
    """What was found and who acknowledged, before a contract is activated."""

    form_before_template = "admin/contracts/activate_before.html"

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """The findings, errors first, and the sides of the first version."""
        contract = (
            Contract.objects.select_related("operator", "party").filter(pk=object_id or self.object_id or 0).first()
        )
        if contract is None:
            return {}
        version = version_on(contract, contract.starts_on)
        return {"findings": findings_before_activation(contract), "paper": papers_of([version])[0] if version else None}


class PaperActions:
    """Buttons of a version's page for its document; mixed into its admin."""

    has_acknowledge_permission = right("contracts.acknowledge_contract")
    has_waive_permission = right("contracts.waive_acknowledgement")
    has_send_permission = right("contracts.offer_contract")
    has_read_permission = right("contracts.view_contractversion")

    @staticmethod
    def open_paper_steps(version: ContractVersion) -> set[str]:
        """The buttons that make sense in the version's state."""
        if version.state != VersionState.APPROVED:
            return {"preview"}
        steps = {"open_pdf"}
        missing = missing_sides(version)
        if version.contract.state in OPEN_STATES:
            steps |= {"send_terms"} if signatories(version.contract.party) else set()
            steps |= {"acknowledge"} if Side.OPERATOR in missing else set()
        return steps | ({"waive"} if missing and version.contract.state != ContractState.ENDED else set())

    @action(description=_("Open document"), url_path="pdf", permissions=["read"], icon="picture_as_pdf")
    def open_pdf(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The archived bytes of the latest edition."""
        version = ContractVersion.objects.select_related("contract__operator").get(pk=object_id)
        latest = version.documents.order_by("-edition").first()
        if latest is None:
            return self.preview(request, object_id)
        return file_response(bytes(latest.content), "application/pdf", file_name(version), show=True)

    @action(description=_("Preview document"), url_path="preview", permissions=["read"], icon="visibility")
    def preview(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The document as it would be; a draft is marked as one."""
        version = ContractVersion.objects.select_related("contract__operator").get(pk=object_id)
        content = preview_document(version_id=object_id, at=timezone.now())
        return file_response(content, "application/pdf", file_name(version), show=True)

    @action(
        description=_("Acknowledge"),
        url_path="acknowledge",
        permissions=["acknowledge"],
        icon="verified",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Acknowledge for the operator"),
            "description": _("You confirm that the operator knows this document and agrees to its terms."),
            "form_class": AcknowledgeForm,
            "form_submit_text": _("Acknowledge"),
        },
    )
    def acknowledge(self, request: HttpRequest, form: AcknowledgeForm, object_id: int) -> HttpResponse:
        """The operator's word, with the hash that was shown and the address it came from."""
        return self.run_and_return(  # type: ignore[attr-defined, no-any-return]
            request,
            acknowledge_as_operator,
            _("%(it)s: acknowledged."),
            object_id=object_id,
            version_id=object_id,
            sha256=form.cleaned_data["sha256"],
            address=str(request.META.get("REMOTE_ADDR", "")),
        )

    @action(
        description=_("Waive acknowledgement"),
        url_path="waive",
        permissions=["waive"],
        icon="assignment_turned_in",
        dialog={
            "title": _("Waive an acknowledgement"),
            "description": _("For example because the contract was signed on paper. It is kept with your name."),
            "form_class": WaiveForm,
            "form_submit_text": _("Waive"),
        },
    )
    def waive(self, request: HttpRequest, form: WaiveForm, object_id: int) -> HttpResponse:
        """For one side, with a reason."""
        return self.run_and_return(  # type: ignore[attr-defined, no-any-return]
            request,
            waive_acknowledgement,
            _("%(it)s: waived."),
            object_id=object_id,
            version_id=object_id,
            side=form.cleaned_data["side"],
            reason=form.cleaned_data["reason"],
        )

    @action(
        description=_("Mail to the party"),
        url_path="send",
        permissions=["send"],
        icon="outgoing_mail",
        dialog={
            "title": _("Mail these terms to the party"),
            "description": _(
                "Each signatory, else each fleet manager, gets the document and a link to acknowledge it."
            ),
            "form_class": ReasonForm,
            "form_submit_text": _("Mail"),
        },
    )
    def send_terms(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """A new mail to each person who may sign."""
        self.run(  # type: ignore[attr-defined]
            request,
            send_terms,
            _("The mails are on their way."),
            version_id=object_id,
            reason=form.cleaned_data["reason"],
        )
        return self.back_to(object_id)  # type: ignore[attr-defined, no-any-return]


class AcknowledgementInline(ListInline):
    model = Acknowledgement
    verbose_name_plural = _("acknowledgements")
    fields = readonly_fields = ("side", "name", "email", "acknowledged_at", "address", "waived_reason", "hash")

    @display(description=_("contract document"))
    def hash(self, row: Acknowledgement) -> str:
        """The beginning of the hash of what was acknowledged."""
        return row.document_sha256[:12] or "\N{EN DASH}"


class OfferMailInline(ListInline):
    model = OfferMail
    verbose_name_plural = _("mails")
    fields = readonly_fields = ("email", "intent", "state", "asked", "error")

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the steps."""
        return super().get_queryset(request).select_related("step", "version__contract").order_by("-intent", "email")

    @display(description=_("state"))
    def state(self, row: OfferMail) -> SafeString:
        """What became of it."""
        if row.step is None:
            return badge("", gettext("not asked for"), {})
        return badge(row.step.state, row.step.get_state_display(), MAIL_STATES)

    @display(description=_("asked for"))
    def asked(self, row: OfferMail) -> str:
        """When, in the contract's zone."""
        return format_instant(row.created_at, row.version.contract.zone)

    @display(description=_("last error"))
    def error(self, row: OfferMail) -> str:
        """What the mail server said."""
        return (row.step.last_error if row.step else "") or "\N{EN DASH}"


class SuspensionInline(ListInline):
    model = ContractSuspension
    verbose_name_plural = _("suspensions")
    fields = readonly_fields = ("started_at", "ended_at", "rule_text", "reason")

    @display(description=_("sessions meanwhile"))
    def rule_text(self, row: ContractSuspension) -> str:
        """What happens to sessions that start in it."""
        return capfirst(row.get_rule_display())
