"""What the pages of this app share: badges, checks of typed identifiers, lists inside other pages."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from contracts.rules import identifiers
from evbilling.kernel.errors import BillingError

CONTRACT_STATES = {"draft": "", "offered": "info", "active": "success", "suspended": "warning", "ended": "danger"}
APPROVAL_STATES = {"draft": "warning", "approved": "success", "released": "success"}


def right(codename: str) -> Callable[..., bool]:
    """A has_..._permission method of an admin page: whether the person has this permission of the app."""

    def check(self: Any, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(f"contracts.{codename}"))

    return check


def checked(check: Callable[..., str], *values: str) -> str:
    """The value as a rule accepts it; its refusal becomes the field's error."""
    try:
        return check(*values)
    except BillingError as refusal:
        raise forms.ValidationError(refusal.message) from None


class IdentifiersForm(forms.ModelForm):
    """Checks country, zone and VAT id where a form has them."""

    def clean_country(self) -> str:
        """An ISO 3166 code in capitals."""
        return checked(identifiers.country_code, self.cleaned_data["country"])

    def clean_zone(self) -> str:
        """An IANA zone."""
        return checked(identifiers.zone_name, self.cleaned_data["zone"])

    def clean(self) -> dict[str, Any]:
        """The VAT id belongs to the country."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("vat_id") and cleaned.get("country"):
            try:
                cleaned["vat_id"] = identifiers.vat_id(cleaned["vat_id"], cleaned["country"])
            except BillingError as refusal:
                self.add_error("vat_id", refusal.message)
        return cleaned


def page_link(row: Model, text: str) -> SafeString:
    """A link to a row's page in the admin."""
    opts = row._meta
    address = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
    return format_html('<a href="{}" class="font-medium text-primary-600 dark:text-primary-500">{}</a>', address, text)


class ListInline(TabularInline):
    """Rows shown on another row's page in a tab, each with a link to its own page; nothing is edited here."""

    extra = 0
    tab = True
    per_page = 25
    show_change_link = False
    show_title = False
    can_delete = False

    @display(description=_("details"))
    def details(self, row: Any) -> SafeString:
        """A link to the row's own page."""
        return page_link(row, gettext("Open"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are added on a page of their own."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are changed on their own page."""
        return False
