"""A form for each kind of contract term: real fields, read by the rules as strictly as everything else."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from contracts.models import ContractTerm
from contracts.rules import terms
from contracts.rules.tariff_text import weekday_names
from contracts.rules.terms import session
from evbilling.kernel.errors import BillingError

TIERS = 5
"""Rows for tiers on a form."""


class TermForm(forms.ModelForm):
    """Reads its fields as the figures of its kind; a refusal of the rules stands above the fields."""

    kind = ""

    class Meta:
        model = ContractTerm
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        row = kwargs.get("instance")
        if row is not None and row.pk is not None:
            kwargs["initial"] = _initial(row.figures) | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        """With the figures, once every field is right."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            cleaned["figures"] = figures_of(cleaned)
            try:
                terms.parse(self.kind, cleaned["figures"])
            except BillingError as refusal:
                self.add_error(None, refusal.message)
        return cleaned


def term_form(kind: str) -> type[TermForm]:
    """The form of a kind, its labels in the active language."""
    fields = _FIELDS[kind]()
    return type("TermForm", (TermForm,), {**fields, "kind": kind, "__module__": __name__})


def figures_of(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that the fields say; empty fields are left out."""
    figures: dict[str, Any] = {}
    tiers = []
    for name, value in cleaned.items():
        if name.startswith("percent_"):
            continue
        if name.startswith("from_kwh_"):
            percent = cleaned.get(f"percent_{name.removeprefix('from_kwh_')}")
            if value is not None or percent is not None:
                tiers.append({"from_kwh": _text(value), "percent": _text(percent)})
        elif value is not False and value not in (None, "", []):  # 0 == False, and a zero was written by somebody
            figures[name] = _text(value)
    return figures | ({"tiers": tiers} if "from_kwh_1" in cleaned else {})


def _text(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.time):
        return f"{value:%H:%M}"
    return list(value) if isinstance(value, tuple | set) else value


def _initial(figures: Mapping[str, Any]) -> dict[str, Any]:
    tiers = {
        f"{name}_{place}": tier[name]
        for place, tier in enumerate(figures.get("tiers", ()), 1)
        for name in ("from_kwh", "percent")
    }
    return {name: value for name, value in figures.items() if name != "tiers"} | tiers


def _number(name: str, *, required: bool = True, label: str = "", help_text: str = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label or _capital(terms.label(name)),
        required=required,
        help_text=help_text,
        max_digits=15,
        decimal_places=6,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"inputmode": "decimal"}),
    )


def _whole(name: str, *, required: bool = True, high: int = 10_080) -> forms.IntegerField:
    label = _capital(terms.label(name))
    return forms.IntegerField(
        label=label, required=required, min_value=0, max_value=high, widget=UnfoldAdminIntegerFieldWidget
    )


def _choice(name: str, choices: list[tuple[str, str]]) -> forms.ChoiceField:
    return forms.ChoiceField(label=_capital(terms.label(name)), choices=choices, widget=UnfoldAdminSelectWidget)


def _clock(name: str) -> forms.TimeField:
    widget = UnfoldAdminTextInputWidget(attrs={"placeholder": "22:00"})
    widget.input_type = "time"
    return forms.TimeField(label=_capital(terms.label(name)), input_formats=["%H:%M"], widget=widget)


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def _window_cap() -> dict[str, forms.Field]:
    days = list(weekday_names().items())
    return {
        "dimension": _choice("dimension", [(each, session.dimension_word(each)) for each in terms.DIMENSIONS]),
        "start_time": _clock("start_time"),
        "end_time": _clock("end_time"),
        "max_amount": _number("max_amount", help_text=_("Net, for each session and each time that the window opens.")),
        "days": forms.MultipleChoiceField(
            label=_("Days on which it opens"),
            choices=days,
            required=False,
            widget=UnfoldAdminCheckboxSelectMultipleWidget,
            help_text=_("None means every day. Times are local to the site."),
        ),
    }


def _base_fee() -> dict[str, forms.Field]:
    units = [("contract", _("contract")), ("vehicle", _("vehicle")), ("site", _("site"))]
    return {
        "amount": _number("amount", help_text=_("A month, net; by days where the contract holds in part of it.")),
        "per": _choice("per", units),
    }


def _included_energy() -> dict[str, forms.Field]:
    return {
        "kwh": _number("kwh"),
        "per": _choice("per", [("contract", _("contract")), ("vehicle", _("vehicle"))]),
    }


def _tiers() -> dict[str, forms.Field]:
    fields: dict[str, forms.Field] = {}
    for place in range(1, TIERS + 1):
        numbered = {"place": place}
        needed = place == 1
        fields[f"from_kwh_{place}"] = _number(
            "from_kwh", required=needed, label=_("Tier %(place)s: from kWh") % numbered
        )
        fields[f"percent_{place}"] = _number("percent", required=needed, label=_("Tier %(place)s: percent") % numbered)
    return fields


def _minimum_commitment() -> dict[str, forms.Field]:
    either = _("Either an amount a month, or kWh with a price for each missing one.")
    return {
        "amount": _number("amount", required=False, help_text=either),
        "kwh": _number("kwh", required=False),
        "price_per_kwh": _number("price_per_kwh", required=False),
    }


def _overstay() -> dict[str, forms.Field]:
    return {
        "price_per_minute": _number("price_per_minute"),
        "grace_minutes": _whole("grace_minutes", required=False),
        "session_cap": _number("session_cap", required=False),
        "day_cap": _number("day_cap", required=False),
    }


def _no_show() -> dict[str, forms.Field]:
    return {"amount": _number("amount"), "grace_minutes": _whole("grace_minutes", required=False)}


def _late_payment() -> dict[str, forms.Field]:
    return {
        "eu_default": forms.BooleanField(
            label=_capital(terms.label("eu_default")),
            required=False,
            widget=UnfoldBooleanSwitchWidget,
            help_text=_("Directive 2011/7/EU, for business customers: 8 points above the reference rate."),
        ),
        "yearly_percent": _number("yearly_percent", required=False),
        "flat_amount": _number("flat_amount", required=False),
    }


def _failed_payment() -> dict[str, forms.Field]:
    return {"amount": _number("amount")}


def _early_termination() -> dict[str, forms.Field]:
    return {
        "amount": _number("amount", required=False, help_text=_("Fill in one of the three.")),
        "months_of_base_fee": _whole("months_of_base_fee", required=False, high=120),
        "remaining_commitment_percent": _number("remaining_commitment_percent", required=False),
    }


def _uptime_promise() -> dict[str, forms.Field]:
    either = _("Fill in one of the two credits.")
    return {
        "percent": _number("percent", label=_("Promised percent of the month's time")),
        "per": _choice("per", [("station", _("station")), ("site", _("site"))]),
        "credit_percent_per_point": _number("credit_percent_per_point", required=False, help_text=either),
        "credit_amount": _number("credit_amount", required=False),
        "cap_percent": _number("cap_percent", required=False),
    }


_FIELDS = {
    "window_cap": _window_cap,
    "base_fee": _base_fee,
    "included_energy": _included_energy,
    "graduated_discount": _tiers,
    "volume_discount": _tiers,
    "minimum_commitment": _minimum_commitment,
    "overstay": _overstay,
    "no_show": _no_show,
    "late_payment": _late_payment,
    "failed_payment": _failed_payment,
    "early_termination": _early_termination,
    "uptime_promise": _uptime_promise,
}
PAIRS = {
    "window_cap": ("dimension", ("start_time", "end_time"), "max_amount", "days"),
    "graduated_discount": tuple((f"from_kwh_{place}", f"percent_{place}") for place in range(1, TIERS + 1)),
    "volume_discount": tuple((f"from_kwh_{place}", f"percent_{place}") for place in range(1, TIERS + 1)),
}
"""How the fields of a kind stand on its page where it is not one a line."""
