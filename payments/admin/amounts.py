"""The field of an amount in the dialogs of payments."""

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDecimalFieldWidget


def amount_field() -> forms.DecimalField:
    """An amount in the decimals of any currency; the operation holds it to those of the money's own (require_minor)."""
    widget = UnfoldAdminDecimalFieldWidget(attrs={"step": "any"})
    return forms.DecimalField(label=_("Amount"), max_digits=16, decimal_places=4, min_value=0, widget=widget)
