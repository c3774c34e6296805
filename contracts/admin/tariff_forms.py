"""The editor of prices: one row a price, its conditions and the limits; or the OCPI document, pasted or uploaded."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contracts.models import Tariff, TariffVersion
from contracts.rules.tariff_form import (
    NEWEST,
    WEEKDAYS,
    Conditions,
    PriceLimit,
    PriceRow,
    TariffRows,
    build_document,
    new_document,
    places,
    restrictions_of,
)
from contracts.rules.tariff_reading import LARGEST_STEP, Problem, read_tariff, row_place
from contracts.rules.tariff_shape import require_tariff_document
from contracts.rules.tariff_text import conditions_in_words
from evbilling.kernel import strict_json
from evbilling.kernel.errors import BillingError

MOST_ROWS = 200
MOST_UPLOADED = 1024 * 1024
_LIMITS = ("min_price", "max_price")
_DURATION = re.compile(r"(\d{1,4}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
KINDS = [
    ("ENERGY", _("Energy (per kWh)")),
    ("TIME", _("Charging time (per hour)")),
    ("PARKING_TIME", _("Time without charging (per hour)")),
    ("FLAT", _("Fee (per session)")),
]
DAYS = [
    ("MONDAY", pgettext_lazy("short day", "Mon")),
    ("TUESDAY", pgettext_lazy("short day", "Tue")),
    ("WEDNESDAY", pgettext_lazy("short day", "Wed")),
    ("THURSDAY", pgettext_lazy("short day", "Thu")),
    ("FRIDAY", pgettext_lazy("short day", "Fri")),
    ("SATURDAY", pgettext_lazy("short day", "Sat")),
    ("SUNDAY", pgettext_lazy("short day", "Sun")),
]


class DurationField(forms.CharField):
    """Time since the start of a session as hours and minutes (2:30, 0:05:30 with seconds); whole seconds inside."""

    widget = UnfoldAdminTextInputWidget

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]
        """Seconds; None where nothing is written."""
        text = str(value or "").strip()
        if not text:
            return None
        match = _DURATION.fullmatch(text)
        if match is None:
            raise forms.ValidationError(_("Write hours and minutes such as 2:30; %(given)s is none.") % {"given": text})
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return hours * 3600 + minutes * 60 + seconds

    def prepare_value(self, value: Any) -> Any:
        """Seconds as hours and minutes."""
        if not isinstance(value, int):
            return value
        minutes, seconds = divmod(value, 60)
        text = f"{minutes // 60}:{minutes % 60:02}"
        return f"{text}:{seconds:02}" if seconds else text


def _amount(label: Any, **more: Any) -> forms.DecimalField:
    widget = UnfoldAdminDecimalFieldWidget(attrs={"inputmode": "decimal"})
    return forms.DecimalField(label=label, min_value=0, required=False, widget=widget, **more)


def _typed(kind: str) -> UnfoldAdminTextInputWidget:
    widget = UnfoldAdminTextInputWidget()
    widget.input_type = kind
    return widget


def _clock(label: Any) -> forms.RegexField:
    advice = _("Write a time from 00:00 to 23:59; midnight is 00:00.")
    return forms.RegexField(
        _CLOCK, label=label, required=False, widget=_typed("time"), error_messages={"invalid": advice}
    )


def _day(label: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs=_typed("date").attrs)
    widget.input_type = "date"
    return forms.DateField(label=label, required=False, widget=widget, input_formats=["%Y-%m-%d"])


class PriceRowForm(forms.Form):
    """One price. The fields are called as in contracts.rules.tariff_form, so that a problem finds its field."""

    dimension = forms.ChoiceField(label=_("What is priced"), choices=KINDS, widget=UnfoldAdminSelectWidget)
    price = forms.DecimalField(
        label=_("Price"), min_value=0, widget=UnfoldAdminDecimalFieldWidget(attrs={"inputmode": "decimal"})
    )
    vat = _amount(_("Tax in percent"), max_value=100)
    step_size = forms.IntegerField(
        label=_("Step (Wh or seconds)"),
        min_value=0,
        max_value=LARGEST_STEP,
        initial=1,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    start_time = _clock(_("From (time of day)"))
    end_time = _clock(_("until"))
    day_of_week = forms.MultipleChoiceField(
        label=_("On these days only"), choices=DAYS, required=False, widget=forms.CheckboxSelectMultiple
    )
    min_duration = DurationField(label=_("From (hours:minutes since the start)"), required=False)
    max_duration = DurationField(label=_("until"), required=False)
    min_kwh = _amount(_("From kWh of the session"))
    max_kwh = _amount(_("until"))
    min_power = _amount(_("From power (kW)"))
    max_power = _amount(_("below"))
    min_current = _amount(_("From current (A)"))
    max_current = _amount(_("below"))
    start_date = _day(_("From (day)"))
    end_date = _day(_("until before"))
    reservation = forms.ChoiceField(
        label=_("Reservation"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[
            ("", _("for charging")),
            ("RESERVATION", _("for a reservation")),
            ("RESERVATION_EXPIRES", _("for a reservation that expires")),
        ],
    )

    PAIRS = (
        ("start_time", "end_time"),
        ("min_duration", "max_duration"),
        ("min_kwh", "max_kwh"),
        ("min_power", "max_power"),
        ("min_current", "max_current"),
        ("start_date", "end_date"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("ORDER", "DELETE"):
            if name in self.fields:
                self.fields[name].required = False

    def pairs(self) -> list[tuple[Any, Any]]:
        """The fields of lower and upper bounds, side by side."""
        return [(self[low], self[high]) for low, high in self.PAIRS]

    @property
    def summary(self) -> str:
        """The stored conditions in words, for the closed row."""
        when = self.initial.get("conditions")
        return ", ".join(conditions_in_words(restrictions_of(when))) if when else ""

    @property
    def is_open(self) -> bool:
        """Whether the conditions are shown at once: where one of them has an error."""
        return bool({*self.errors} - {"dimension", "price", "vat", "step_size"}) if self.is_bound else False

    def row(self) -> PriceRow:
        """What was filled in."""
        given = self.cleaned_data
        names = [name for pair in self.PAIRS for name in pair]
        days = given["day_of_week"]
        return PriceRow(
            dimension=given["dimension"],
            price=given["price"],
            step_size=1 if given.get("step_size") is None else given["step_size"],
            vat=given.get("vat"),
            conditions=Conditions(
                **{name: given[name] or None if isinstance(given[name], str) else given[name] for name in names},
                day_of_week=tuple(day for day in WEEKDAYS if day in days),
                reservation=given["reservation"] or None,
            ),
        )


class _RowSet(forms.BaseFormSet):
    """The rows in the order that the person gave them."""

    @property
    def filled(self) -> list[PriceRowForm]:
        """The rows that are neither empty nor taken out."""
        return [each for each in self.ordered_forms if each.cleaned_data.get("price") is not None]


PriceRows = forms.formset_factory(
    PriceRowForm, formset=_RowSet, extra=0, can_order=True, can_delete=True, max_num=MOST_ROWS, validate_max=True
)


def _initial(row: PriceRow) -> dict[str, Any]:
    conditions = row.conditions
    values = {name: getattr(conditions, name) for pair in PriceRowForm.PAIRS for name in pair}
    return {
        **{name: value for name, value in values.items() if value is not None},
        "dimension": row.dimension,
        "price": row.price,
        "vat": row.vat,
        "step_size": row.step_size,
        "day_of_week": list(conditions.day_of_week),
        "reservation": conditions.reservation or "",
        "conditions": conditions if conditions != Conditions() else None,
    }


class TariffVersionForm(forms.ModelForm):
    """Prices as rows, or the whole OCPI document; what was changed counts."""

    tax_included = forms.ChoiceField(
        label=_("The prices are"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[("NO", _("without tax")), ("YES", _("with tax")), ("N/A", _("free of any tax"))],
        help_text=_("Prices with tax need OCPI 2.3.0."),
    )
    min_price_excl = _amount(_("A session costs at least (without tax)"))
    min_price_incl = _amount(_("at least (with tax)"))
    max_price_excl = _amount(_("A session costs at most (without tax)"))
    max_price_incl = _amount(_("at most (with tax)"))
    file = forms.FileField(
        label=_("Take the prices from a file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".json,application/json"}),
        help_text=_("An OCPI Tariff object (JSON)."),
    )
    ocpi = forms.CharField(
        label=_("OCPI tariff"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 24, "spellcheck": "false", "class": "font-mono"}),
        help_text=_("The Tariff object (JSON) that the rows make. Paste another one to replace them."),
    )

    class Meta:
        model = TariffVersion
        fields = ("tariff", "valid_from", "ocpi_version")

    class Media:
        js = ("shell/tariff-rows.js",)
        css = {"all": ("shell/tariff.css",)}  # noqa: RUF012 - as Django declares it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        document = self.instance.document if self.instance.pk is not None else None
        self.stored: TariffRows | None = None
        self.unsayable: tuple[Problem, ...] = ()
        """Why the stored document cannot be shown as rows."""
        if document is not None:
            self.stored, self.unsayable = read_tariff(document, self.instance.ocpi_version)
            self.initial["ocpi"] = strict_json.dumps(document, indent=2)
        self.copied_from = self._latest() if document is None and not self.is_bound else None
        """The version from which a new one takes its prices to begin with."""
        given = self.stored
        if self.copied_from is not None:
            given, _none = read_tariff(self.copied_from.document, self.copied_from.ocpi_version)
            self.initial["ocpi_version"] = self.copied_from.ocpi_version
        shown = [_initial(row) for row in given.rows] if given else []
        if given:
            self.initial["tax_included"] = given.tax_included
            for name in _LIMITS:
                limit = getattr(given, name) or PriceLimit()
                self.initial.update({f"{name}_excl": limit.excl, f"{name}_incl": limit.incl})
        rows = PriceRows(self.data if self.is_bound else None, prefix="rows", initial=shown)
        rows.extra = 0 if shown or self.unsayable else 1
        self.rows: Any = rows

    def _latest(self) -> TariffVersion | None:
        """The last version of the tariff that the address names."""
        given = self.initial.get("tariff")
        versions = TariffVersion.objects.select_related("tariff").order_by("number")
        return versions.filter(tariff=given).last() if given else None

    def clean(self) -> dict[str, Any]:
        """The document, whichever way it was given."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        tariff = cleaned.get("tariff") or getattr(self.instance, "tariff", None)
        given = self._given_document(cleaned)
        rows_are_good = "rows-TOTAL_FORMS" not in self.data or self.rows.is_valid()
        if not rows_are_good:
            self.add_error(None, _("Some prices need another look; what is wrong stands beside them."))
        if self.errors or tariff is None:
            return cleaned
        filled = self._filled(cleaned)
        by_rows = bool(filled.rows) and filled != self.stored
        if given is not None and by_rows:
            raise forms.ValidationError(
                _("Both the prices and the OCPI document were changed; change one of them only.")
            )
        if given is not None:
            self._use_document(cleaned, given, tariff)
        elif self.unsayable and not filled.rows:
            cleaned["document"] = self.instance.document
        else:
            self._use_rows(cleaned, filled, tariff, changed=by_rows)
        return cleaned

    def _given_document(self, cleaned: Mapping[str, Any]) -> Any:
        """The document pasted or uploaded; None where the stored one stays."""
        file, text = cleaned.get("file"), cleaned.get("ocpi") or ""
        if file is not None and file.size > MOST_UPLOADED:
            self.add_error("file", _("Upload a file of at most 1 MB; this is no single tariff."))
            return None
        if file is None and not text.strip():
            return None
        place = "ocpi" if file is None else "file"
        try:
            document = strict_json.loads(text if file is None else file.read())
        except strict_json.BadJson as refusal:
            self.add_error(place, str(refusal))
            return None
        stored = self.instance.document if self.instance.pk is not None else None
        return None if strict_json.loads(strict_json.dumps(document)) == stored else document

    def _filled(self, cleaned: Mapping[str, Any]) -> TariffRows:
        bound = "rows-TOTAL_FORMS" in self.data
        limits = {}
        for name in _LIMITS:
            excl, incl = cleaned.get(f"{name}_excl"), cleaned.get(f"{name}_incl")
            limits[name] = None if excl is None and incl is None else PriceLimit(excl, incl)
        return TariffRows(
            tuple(each.row() for each in self.rows.filled) if bound else (),
            tax_included=cleaned.get("tax_included") or "NO",
            **limits,
        )

    def _use_rows(self, cleaned: dict[str, Any], filled: TariffRows, tariff: Tariff, *, changed: bool) -> None:
        if not filled.rows:
            raise forms.ValidationError(_("Give at least one price, or an OCPI document."))
        version = cleaned.get("ocpi_version") or self.instance.ocpi_version
        if filled.tax_included != "NO" and version != NEWEST:
            self.add_error(
                "tax_included", _("Only OCPI 2.3.0 can say this; choose that version or prices without tax.")
            )
            return
        if not changed and version == self.instance.ocpi_version and self.instance.pk is not None:
            cleaned["document"] = self.instance.document
            return
        base = new_document(code=tariff.code, currency=tariff.currency, country=tariff.operator.country)
        if self.instance.pk is not None:
            base |= {key: value for key, value in self.instance.document.items() if value not in (None, "")}
        document = build_document(
            filled, ocpi_version=version, base=base, updated=timezone.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        )
        _read, problems = read_tariff(document, version)
        for problem in problems:
            self._show(problem, filled)
        cleaned["document"] = document

    def _show(self, problem: Problem, filled: TariffRows) -> None:
        """A problem of the built document, beside the field from which it follows."""
        place = row_place(problem.path)
        name, _dot, key = problem.path.partition(".")
        if place is not None:
            element, component, field = place
            for form, found in zip(self.rows.filled, places(filled.rows), strict=True):
                if found.element == element and component in {None, found.component}:
                    form.add_error("dimension" if field == "type" else field, problem.message)
            self.add_error(None, _("Some prices need another look; what is wrong stands beside them."))
        elif name in _LIMITS:
            self.add_error(f"{name}_incl" if key in {"incl_vat", "after_taxes"} else f"{name}_excl", problem.message)
        else:
            self.add_error(None, f"{problem.path}: {problem.message}")

    def _use_document(self, cleaned: dict[str, Any], document: Any, tariff: Tariff) -> None:
        try:
            require_tariff_document(document, currency=tariff.currency)
        except BillingError as refusal:
            self.add_error("file" if cleaned.get("file") else "ocpi", str(refusal))
            return
        cleaned["document"] = document
