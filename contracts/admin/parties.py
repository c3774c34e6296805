"""Operators and parties: master data, each change on record."""

import re
from typing import Any
from xml.etree import ElementTree

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, FieldTextFilter
from unfold.decorators import action, display

from contracts.admin.common import CONTRACT_STATES, IdentifiersForm, of_the_only_operator
from contracts.admin.exchange import PartyExchange
from contracts.models import (
    Contact,
    Contract,
    CostCentre,
    Membership,
    Operator,
    OperatorText,
    Party,
    PartyKind,
)
from evbilling.shell.admin import AuditedModelAdmin, ListInline, badge

_KINDS: dict[str, str] = {
    PartyKind.FLEET_OPERATOR: "info",
    PartyKind.EV_MANUFACTURER: "warning",
    PartyKind.PROPERTY_OWNER: "success",
    PartyKind.EV_DRIVER: "",
    PartyKind.ROAMING_PARTNER: "primary",
}


class OperatorForm(IdentifiersForm):
    class Meta:
        model = Operator
        fields = forms.ALL_FIELDS

    def clean_accent_colour(self) -> str:
        """A colour that documents can be drawn in."""
        colour: str = self.cleaned_data["accent_colour"]
        if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
            raise forms.ValidationError(_("%(value)s: write the colour like #0b7a53.") % {"value": colour})
        return colour

    def clean_logo_svg(self) -> str:
        """A picture that documents can be drawn with: one whole SVG element, without a document type."""
        logo: str = self.cleaned_data["logo_svg"].strip()
        if not logo:
            return logo
        wrong = _("The logo is no SVG picture: paste the whole file, from <svg to </svg>, without a document type.")
        if re.search("<!(doctype|entity)", logo, re.IGNORECASE):
            raise forms.ValidationError(wrong)
        try:
            root = ElementTree.fromstring(logo)  # noqa: S314 - without a document type there is nothing to expand
        except ElementTree.ParseError:
            raise forms.ValidationError(wrong) from None
        if root.tag != "{http://www.w3.org/2000/svg}svg":
            raise forms.ValidationError(wrong)
        return logo


class OperatorTextInline(TabularInline):
    """The operator's own sentences on documents and in mails, per place and language."""

    model = OperatorText
    extra = 0
    tab = True
    fields = ("place", "language", "text")


@admin.register(Operator)
class OperatorAdmin(AuditedModelAdmin):
    """The issuer of documents."""

    form = OperatorForm
    list_display = ("legal_name", "city", "country", "vat_id", "currency", "zone")
    search_fields = ("legal_name__istartswith", "vat_id__istartswith")
    inlines = (OperatorTextInline,)
    fieldsets = (
        (_("Company"), {"fields": ("legal_name", ("street", "postal_code", "city"), ("region", "country"))}),
        (_("Registers"), {"fields": (("vat_id", "tax_number"), "register_entry", "tax_word")}),
        (_("Documents"), {"fields": (("currency", "language"), "zone", "accent_colour", "logo_svg")}),
        (_("Reach"), {"fields": ("billing_email", ("phone", "website"), "contact_person")}),
        (
            _("E-invoices"),
            {
                "fields": (("endpoint_scheme", "endpoint_id"),),
                "description": _("Where electronic answers to your invoices go; Peppol needs it."),
            },
        ),
        (_("Bank"), {"fields": ("bank_name", ("iban", "bic"))}),
    )


class PartyForm(IdentifiersForm):
    class Meta:
        model = Party
        fields = forms.ALL_FIELDS


class ContactInline(TabularInline):
    model = Contact
    extra = 0
    tab = True
    fields = ("name", "email", "phone", "role")


class MembershipInline(TabularInline):
    model = Membership
    extra = 0
    tab = True
    fields = ("user", "role", "active")
    autocomplete_fields = ("user",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """With the users, so that a row needs no query."""
        return super().get_queryset(request).select_related("user")


class CostCentreInline(TabularInline):
    model = CostCentre
    extra = 0
    tab = True
    fields = ("code", "name")
    per_page = 50


class ContractInline(ListInline):
    model = Contract
    fields = readonly_fields = ("number", "kind", "state_badge", "starts_on", "ends_on", "details")

    @display(description=_("state"))
    def state_badge(self, contract: Contract) -> SafeString:
        """In the colours of all lists."""
        return badge(contract.state, contract.get_state_display(), CONTRACT_STATES)


@admin.register(Party)
class PartyAdmin(PartyExchange, AuditedModelAdmin):
    """Whom the operator deals with."""

    form = PartyForm
    list_display = ("legal_name", "number", "kind_badge", "city", "country", "vat_id", "currency")
    list_filter = (("kind", ChoicesDropdownFilter), ("country", FieldTextFilter), "is_business")
    search_fields = ("number__istartswith", "legal_name__istartswith", "vat_id__istartswith")
    search_help_text = _("Customer number, name or VAT id")
    inlines = (ContactInline, MembershipInline, CostCentreInline, ContractInline)
    actions_detail = ("timeline", "account")
    fieldsets = (
        (_("Party"), {"fields": (("number", "kind"), "legal_name", "is_business")}),
        (_("Address"), {"fields": ("street", ("postal_code", "city"), ("region", "country"))}),
        (
            _("Tax"),
            {
                "fields": (
                    ("vat_id", "tax_number", "tax_status"),
                    "self_billing_agreed_on",
                    ("exemption_text", "exemption_code"),
                )
            },
        ),
        (_("Documents and money"), {"fields": (("language", "currency"), ("delivery_channel", "iban"), "note")}),
        (
            _("E-invoices"),
            {
                "fields": (
                    ("einvoice_format", "einvoice_alone"),
                    "buyer_reference",
                    ("endpoint_scheme", "endpoint_id"),
                ),
                "description": _(
                    "XRechnung needs buyer reference and electronic address, Peppol the address and a reference or "
                    "purchase order. A document that lacks them is not issued."
                ),
            },
        ),
    )

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """With the currency of the only operator."""
        return of_the_only_operator("currency") | super().get_changeform_initial_data(request)

    @action(description=_("Account"), url_path="account", icon="account_balance_wallet")
    def account(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Statement and dunning, on a page of the workspace."""
        return redirect("admin:party_account", object_id)

    @action(description=_("Timeline"), url_path="timeline", icon="timeline")
    def timeline(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """All that happened with the party, from every area, on a page of the workspace."""
        return redirect("admin:party_timeline", object_id)

    @display(description=_("kind"), ordering="kind")
    def kind_badge(self, party: Party) -> SafeString:
        """What the party is to the operator."""
        return badge(party.kind, party.get_kind_display(), _KINDS)


@admin.register(CostCentre)
class CostCentreAdmin(AuditedModelAdmin):
    """A party's accounting units."""

    list_display = ("code", "name", "party")
    list_select_related = ("party",)
    search_fields = ("code__istartswith", "name__istartswith")
    autocomplete_fields = ("party",)
