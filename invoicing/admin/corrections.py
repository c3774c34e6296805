"""Corrections that a second person decides, and disputes with their evidence, in the workspace."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from contracts.models import PriceBasis, StationOutage
from evbilling.shell.admin import ReasonForm, WrittenByTheProduct, badge, link_to, money, right
from evbilling.shell.formats import format_duration, format_instant, format_kwh, format_money
from invoicing.models import Correction, CorrectionState, Dispute, DisputeState
from invoicing.operations.disputes import decide_dispute
from invoicing.operations.reissuing import decide_correction
from invoicing.portal.disputes import TONES
from invoicing.queries.disputes import gross_of_session, left_of_session
from sessions.admin.common import zone_of
from sessions.models import ChargingSession
from sessions.queries.pricing import explain
from sessions.rules.correcting import SessionChange

CORRECTION_TONES = {
    CorrectionState.ASKED.value: "warning",
    CorrectionState.DONE.value: "success",
    CorrectionState.REFUSED.value: "",
}


@admin.register(Correction)
class CorrectionAdmin(WrittenByTheProduct):
    """Credits and write-offs: who asked, why, who approved; those that wait for a second person are decided here."""

    list_display = ("what", "state_badge", "document", "party", "sum", "reason", "asked_by", "asked_at")
    list_select_related = ("invoice__party", "asked_by")
    list_filter = (("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    search_fields = ("invoice__number__istartswith", "invoice__party__legal_name__istartswith")
    search_help_text = _("Document number or party")
    actions_detail = ("approve", "refuse")
    actions_row = ("approve", "refuse")
    fieldsets = (
        (None, {"fields": (("what", "state_badge"), ("document", "party"), ("sum", "credited_by"), "reason")}),
        (_("Two persons"), {"fields": (("asked_by", "asked_at"), ("decided_by", "decided_at"), "refusal")}),
    )
    has_approve_permission = right("invoicing.approve_correction")

    def open_steps(self, request: HttpRequest, row: Correction) -> set[str]:
        """Approved by another person while it waits; the asker may withdraw it."""
        if row.state != CorrectionState.ASKED:
            return set()
        return {"refuse"} if row.asked_by_id == request.user.pk else {"approve", "refuse"}

    @display(description=_("correction"), ordering="kind")
    def what(self, row: Correction) -> str:
        """Credit, cancellation to be billed again, or write-off."""
        return str(_("cancel and bill again") if row.reissue else row.get_kind_display())

    @display(description=_("state"), ordering="state")
    def state_badge(self, row: Correction) -> SafeString:
        """In its colour."""
        return badge(row.state, row.get_state_display(), CORRECTION_TONES)

    @display(description=_("document"))
    def document(self, row: Correction) -> str:
        """Opens it."""
        return link_to(row.invoice)

    @display(description=_("party"))
    def party(self, row: Correction) -> str:
        """Whose document."""
        return str(row.invoice.party)

    @display(description=_("amount"), ordering="amount")
    def sum(self, row: Correction) -> SafeString:
        """With tax."""
        return money(row.amount, row.currency)

    @display(description=_("credit note"))
    def credited_by(self, row: Correction) -> str:
        """Opens it."""
        return link_to(row.credit_note)

    @action(
        description=_("Approve"),
        url_path="approve",
        permissions=["approve"],
        icon="task_alt",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Approve this correction"),
            "description": _("The credit note is issued today, or the claim written off; neither can be undone."),
            "form_submit_text": _("Approve"),
        },
    )
    def approve(self, request: HttpRequest, form: BaseDialogForm, object_id: int) -> HttpResponse:
        """As the second person."""
        return self.run_and_return(
            request,
            decide_correction,
            str(_("%(it)s is done.")),
            object_id=object_id,
            correction_id=object_id,
            approve=True,
        )

    @action(
        description=_("Refuse"),
        url_path="refuse",
        permissions=["approve"],
        icon="block",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Refuse this correction"),
            "description": _("Nothing changes but the request; the reason is kept."),
            "form_class": ReasonForm,
            "form_submit_text": _("Refuse"),
        },
    )
    def refuse(self, request: HttpRequest, form: ReasonForm, object_id: int) -> HttpResponse:
        """With a reason."""
        return self.run_and_return(
            request,
            decide_correction,
            str(_("%(it)s is refused.")),
            object_id=object_id,
            correction_id=object_id,
            approve=False,
            reason=form.cleaned_data["reason"],
        )


class AnswerForm(BaseDialogForm):
    """What the customer reads."""

    answer = forms.CharField(
        label=_("Answer (the customer reads it)"),
        max_length=1000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    )


class AcceptForm(AnswerForm):
    """In full, or by what was wrong."""

    amount = forms.DecimalField(
        label=_("Credit this amount before tax, with tax where prices include it (empty: all of the session)"),
        required=False,
        min_value=Decimal("0.01"),
        decimal_places=3,
        widget=UnfoldAdminTextInputWidget(),
    )
    energy = forms.DecimalField(
        label=_("or: correct energy (kWh)"),
        required=False,
        min_value=0,
        decimal_places=3,
        widget=UnfoldAdminTextInputWidget(),
    )
    partly = forms.BooleanField(
        label=_("The customer was right in part only"), required=False, widget=UnfoldBooleanSwitchWidget
    )


@admin.register(Dispute)
class DisputeAdmin(WrittenByTheProduct):
    """Sessions that customers contest: the evidence on one page, and the decision."""

    list_display = ("session", "state_badge", "document", "party", "sum", "message", "raised_at")
    list_select_related = ("invoice", "session", "party")
    list_filter = (("state", ChoicesDropdownFilter), ("party", AutocompleteSelectFilter))
    search_fields = ("invoice__number__istartswith", "session__provider_ref__istartswith")
    search_help_text = _("Document number or session")
    actions_detail = ("accept", "refuse")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("state_badge", "party_link"),
                    ("document", "session_link"),
                    ("sum", "left"),
                    "message",
                    ("raised_by", "raised_at"),
                )
            },
        ),
        (_("Evidence"), {"fields": ("facts", "periods", "because", "tariff", "holds", "outages", "earlier")}),
        (_("Decision"), {"fields": ("answer", ("decided_by", "decided_at"), "note")}),
    )
    has_decide_permission = right("invoicing.decide_dispute")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """With what the page names."""
        return super().get_queryset(request).select_related("invoice", "session__site", "party", "credit_note")

    def open_steps(self, request: HttpRequest, row: Dispute) -> set[str]:
        """Decided once."""
        return super().open_steps(request, row) if row.state == DisputeState.OPEN else set()

    @display(description=_("state"), ordering="state")
    def state_badge(self, row: Dispute) -> SafeString:
        """In its colour."""
        return badge(row.state, row.get_state_display(), TONES)

    @display(description=_("document"))
    def document(self, row: Dispute) -> str:
        """Opens it."""
        return link_to(row.invoice)

    @display(description=_("session"))
    def session_link(self, row: Dispute) -> str:
        """Opens it."""
        return link_to(row.session)

    @display(description=_("party"))
    def party_link(self, row: Dispute) -> str:
        """Opens it."""
        return link_to(row.party)

    @display(description=_("contested, with tax"), ordering="contested_amount")
    def sum(self, row: Dispute) -> SafeString:
        """With tax."""
        return money(row.contested_amount, row.currency)

    @display(description=_("left of the session, with tax"))
    def left(self, row: Dispute) -> SafeString:
        """As it was contested; where the document's prices are net, what of it can be credited beside it."""
        gross = money(gross_of_session(row.invoice, row.session_id), row.currency)
        if row.invoice.price_basis == PriceBasis.GROSS:
            return gross
        net = format_money(left_of_session(row.invoice, row.session_id), row.currency)
        return format_html("{} ({})", gross, gettext("%(amount)s before tax") % {"amount": net})

    @display(description=_("credit note"))
    def note(self, row: Dispute) -> str:
        """Opens it."""
        return link_to(row.credit_note)

    @display(description=_("session and meter"))
    def facts(self, row: Dispute) -> str:
        """When, where, how much, and what the source says of the meter."""
        session = row.session
        zone = zone_of(session)
        ended = format_instant(session.ended_at, zone) if session.ended_at else "\N{EN DASH}"
        told = ", ".join(f"{name}: {value}" for name, value in session.extra.items())
        place = session.site or session.station_ref
        return f"{format_instant(session.started_at, zone)} \N{EN DASH} {ended}; {place}; " + (
            f"{format_kwh(session.energy_wh)}" + (f"; {told}" if told else "")
        )

    @display(description=_("charging periods"))
    def periods(self, row: Dispute) -> SafeString:
        """As the source sent them, where the station is."""
        zone = zone_of(row.session)
        return _listed(
            gettext("%(start)s: %(energy)s, charging %(charging)s, parked %(parked)s")
            % {
                "start": format_instant(dt.datetime.fromisoformat(each["start_at"]), zone),
                "energy": format_kwh(each.get("energy_wh") or 0),
                "charging": format_duration(each.get("charging_s") or 0),
                "parked": format_duration(each.get("parking_s") or 0),
            }
            for each in row.session.periods
        )

    @display(description=_("why it costs what it costs"))
    def because(self, row: Dispute) -> SafeString:
        """Each line of the price with its because."""
        price = getattr(row.session, "price", None)
        if price is None:
            return _listed(())
        return _listed(
            f"{line.because} = {format_money(line.amount, price.currency)}" if line.amount is not None else line.because
            for line in explain(price, get_language() or "en")
        )

    @display(description=_("tariff"))
    def tariff(self, row: Dispute) -> str:
        """Opens the version that priced it."""
        price = getattr(row.session, "price", None)
        return link_to(price.tariff_version if price is not None else None)

    @display(description=_("holds"))
    def holds(self, row: Dispute) -> SafeString:
        """What had waited for a person, and what he decided."""
        return _listed(
            f"{each.get_kind_display()} ({each.get_state_display()}): {each.detail} {each.resolution}"
            for each in row.session.holds.order_by("pk")
        )

    @display(description=_("outages of the station meanwhile"))
    def outages(self, row: Dispute) -> SafeString:
        """Those that touch the session."""
        return _listed(str(each) for each in outages_of(row.session))

    @display(description=_("earlier disputes of the party"))
    def earlier(self, row: Dispute) -> SafeString:
        """The latest ten."""
        before = Dispute.objects.filter(party=row.party_id, pk__lt=row.pk).select_related("session", "invoice")[:10]
        return _listed(f"{each.session}: {each.get_state_display()}. {each.answer}" for each in before)

    @action(
        description=_("Accept"),
        url_path="accept",
        permissions=["decide"],
        icon="thumb_up",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Accept this dispute"),
            "description": _(
                "A linked credit note is issued today, or asked for where a second person has to approve."
            ),
            "form_class": AcceptForm,
            "form_submit_text": _("Accept and credit"),
        },
    )
    def accept(self, request: HttpRequest, form: AcceptForm, object_id: int) -> HttpResponse:
        """In full, by an amount, or priced again with other kWh."""
        values = form.cleaned_data
        energy = values["energy"]
        return self.run_and_return(
            request,
            decide_dispute,
            str(_("The dispute is answered.")),
            object_id=object_id,
            dispute_id=object_id,
            decision=DisputeState.PARTLY if values["partly"] else DisputeState.ACCEPTED,
            answer=values["answer"],
            amount=values["amount"],
            change=None if energy is None else SessionChange(energy_wh=int(energy * 1000)),
        )

    @action(
        description=_("Refuse"),
        url_path="refuse",
        permissions=["decide"],
        icon="thumb_down",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Refuse this dispute"),
            "description": _("The customer reads your answer; dunning of the amount goes on."),
            "form_class": AnswerForm,
            "form_submit_text": _("Refuse"),
        },
    )
    def refuse(self, request: HttpRequest, form: AnswerForm, object_id: int) -> HttpResponse:
        """With the reason."""
        return self.run_and_return(
            request,
            decide_dispute,
            str(_("The dispute is answered.")),
            object_id=object_id,
            dispute_id=object_id,
            decision=DisputeState.REFUSED,
            answer=form.cleaned_data["answer"],
        )


def outages_of(session: ChargingSession) -> QuerySet[Any]:
    """Outages recorded at the station between start and end of the session."""
    found = StationOutage.objects.filter(
        station=session.station_id, started_at__lt=session.ended_at or session.started_at
    )
    return found.exclude(ended_at__lt=session.started_at).order_by("started_at")


def _listed(rows: Any) -> SafeString:
    found = format_html_join("", "<li>{}</li>", ((row,) for row in rows))
    return format_html("<ul>{}</ul>", found) if found else format_html("{}", "\N{EN DASH}")
