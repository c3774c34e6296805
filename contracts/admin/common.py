"""What the pages of this app share: badges, checks of typed identifiers."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget

from contracts.models import ContractVersion, Operator, VersionState
from contracts.rules import electronic_addresses, identifiers
from evbilling.kernel.errors import BillingError

CONTRACT_STATES = {"draft": "", "offered": "info", "active": "success", "suspended": "warning", "ended": ""}
APPROVAL_STATES = {"draft": "warning", "approved": "success", "released": "success"}


def checked(check: Callable[..., str], *values: str) -> str:
    """The value as a rule accepts it; its refusal becomes the field's error."""
    try:
        return check(*values)
    except BillingError as refusal:
        raise forms.ValidationError(refusal.message) from None


def of_the_only_operator(*names: str) -> dict[str, Any]:
    """What a new row's form begins with where there is one operator only: the operator and these fields of it."""
    operators = list(Operator.objects.all()[:2])
    if len(operators) != 1:
        return {}
    return {"operator": operators[0].pk, **{name: getattr(operators[0], name) for name in names}}


class OperatorDialog(BaseDialogForm):
    """Asks whose plan or accounts it is about."""

    operator = forms.ModelChoiceField(
        label=_("Operator"), queryset=Operator.objects.all(), widget=UnfoldAdminSelectWidget
    )


class DraftInline(TabularInline):
    """Rows that are part of the terms: open while the version is a draft."""

    extra = 0
    tab = True

    def _open(self, request: HttpRequest, obj: ContractVersion | None) -> bool:
        may = request.user.has_perm("contracts.change_contractversion")
        return may and (obj is None or obj.state == VersionState.DRAFT)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return self._open(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return self._open(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return self._open(request, obj)


class IdentifiersForm(forms.ModelForm):
    """Checks country, zone, VAT id, electronic address and buyer reference where a form has them."""

    def clean_country(self) -> str:
        """An ISO 3166 code in capitals."""
        return checked(identifiers.country_code, self.cleaned_data["country"])

    def clean_zone(self) -> str:
        """An IANA zone."""
        return checked(identifiers.zone_name, self.cleaned_data["zone"])

    def clean_exemption_code(self) -> str:
        """A code of the VATEX list in capitals, or none."""
        return checked(identifiers.exemption_code, self.cleaned_data["exemption_code"])

    def clean(self) -> dict[str, Any]:
        """The VAT id belongs to the country, the electronic address to its scheme."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("vat_id") and cleaned.get("country"):
            try:
                cleaned["vat_id"] = identifiers.vat_id(cleaned["vat_id"], cleaned["country"])
            except BillingError as refusal:
                self.add_error("vat_id", refusal.message)
        if "endpoint_id" in cleaned and "endpoint_scheme" in cleaned:
            try:
                found = electronic_addresses.endpoint(cleaned["endpoint_scheme"], cleaned["endpoint_id"])
                cleaned["endpoint_scheme"], cleaned["endpoint_id"] = found
            except BillingError as refusal:
                self.add_error("endpoint_id", refusal.message)
        return cleaned

    def clean_buyer_reference(self) -> str:
        """A Leitweg-ID with its check digits tested, or the buyer's own reference."""
        return checked(electronic_addresses.buyer_reference, self.cleaned_data["buyer_reference"])
