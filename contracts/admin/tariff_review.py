"""What a tariff version does, for the people who write and release it: findings, words, display text, the week."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldBooleanWidget

from contracts.admin.tariff_forms import DAYS
from contracts.models import TariffVersion
from contracts.queries.tariffs import findings_of, fingerprint, version_before
from contracts.rules.tariff_diff import price_changes
from contracts.rules.tariff_form import WEEKDAYS, TariffRows
from contracts.rules.tariff_lint import Severity, TariffFinding, errors_of, warnings_of
from contracts.rules.tariff_reading import read_tariff
from contracts.rules.tariff_text import describe, display_parts, display_text, weekday_names
from contracts.rules.tariff_week import DAY, Moment, Run, clock, week_runs, week_words
from evbilling.kernel.clock import local_date
from evbilling.shell.charts import Stretch, heat_map
from evbilling.shell.formats import format_unit_price

TONES = {Severity.ERROR: "danger", Severity.WARNING: "warning", Severity.NOTE: "info"}
SEVERITIES = {Severity.ERROR: _("error"), Severity.WARNING: _("warning"), Severity.NOTE: _("note")}
_STRONGEST = 6
_UNITS = {
    "ENERGY": _("%(price)s per kWh"),
    "TIME": _("%(price)s per hour of charging"),
    "PARKING_TIME": _("%(price)s per minute without charging"),
}


class WeekForm(forms.Form):
    """At which point of a session the week is looked at."""

    kind = forms.ChoiceField(
        label=_("Price"),
        required=False,
        choices=[("ENERGY", _("per kWh")), ("TIME", _("per hour")), ("PARKING_TIME", _("per minute without charging"))],
        widget=UnfoldAdminSelectWidget,
    )
    power = forms.DecimalField(
        label=_("Power in kW"), min_value=0, max_value=10000, required=False, widget=UnfoldAdminDecimalFieldWidget
    )
    kwh = forms.DecimalField(
        label=_("after kWh"), min_value=0, max_value=10000, required=False, widget=UnfoldAdminDecimalFieldWidget
    )
    hours = forms.DecimalField(
        label=_("after hours"), min_value=0, max_value=1000, required=False, widget=UnfoldAdminDecimalFieldWidget
    )


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding with its colour and its severity as a word."""

    tone: str
    severity: Any
    message: str
    path: str
    code: str


def shown(findings: tuple[TariffFinding, ...]) -> list[ShownFinding]:
    """Findings as the pages show them."""
    return [
        ShownFinding(TONES[each.severity], SEVERITIES[each.severity], each.message, each.path, each.code)
        for each in findings
    ]


def words_of(version: TariffVersion) -> list[str]:
    """The prices in plain words, or why there are none."""
    _rows, problems = read_tariff(version.document, version.ocpi_version)
    if problems:
        return [gettext("not readable: %(path)s: %(why)s") % {"path": problems[0].path, "why": problems[0].message}]
    return describe(version.document)


def review(request: HttpRequest, version: TariffVersion) -> dict[str, Any]:
    """What the version's page shows beside the form."""
    tariff, _problems = read_tariff(version.document, version.ocpi_version)
    before = version_before(version)
    context: dict[str, Any] = {"version": version, "findings": shown(findings_of(version)), "before": before}
    if tariff is None:
        return context
    kinds = [kind for kind in _UNITS if any(row.dimension == kind for row in tariff.rows)]
    form = WeekForm(request.GET)
    given: Mapping[str, Any] = form.cleaned_data if form.is_valid() else {}
    kind = given.get("kind") if request.GET.get("kind") in kinds else (kinds[0] if kinds else "")
    shown_form = form if form.errors else WeekForm(initial={**given, "kind": kind})
    shown_form.fields["kind"].choices = [each for each in shown_form.fields["kind"].choices if each[0] in kinds]  # type: ignore[attr-defined]
    return context | {
        "words": describe(version.document),
        "display": display_parts(version.document),
        "display_text": display_text(version.document),
        "changes": price_changes(before.document, version.document) if before else (),
        "week_form": shown_form,
        "week": week_chart(tariff, str(kind), given, version) if kind else "",
    }


def week_chart(tariff: TariffRows, kind: str, given: Mapping[str, Any], version: TariffVersion) -> SafeString:
    """The heat map of the week of one kind of price."""
    hours: Decimal = given.get("hours") or Decimal(0)
    moment = Moment(
        power_kw=given.get("power"),
        kwh=given.get("kwh") or Decimal(0),
        seconds=int(hours * 3600),
        week_of=local_date(version.valid_from, version.tariff.operator.zone),
    )
    runs = week_runs(tariff, kind, moment)
    prices = sorted({run.price for run in runs if run.price is not None})
    texts = {price: _price_text(kind, price, version.tariff.currency) for price in prices}
    nothing = gettext("no price: free of charge")
    names = weekday_names()

    def said(run: Run) -> str:
        text = nothing if run.price is None else texts[run.price]
        return f"{names[WEEKDAYS[run.day]]} {clock(run.start)}\N{EN DASH}{clock(run.end)}: {text}"

    def when(price: Fraction | None) -> str:
        ranges = [(run.day * DAY + run.start, run.day * DAY + run.end) for run in runs if run.price == price]
        return week_words(ranges) or gettext("always")

    known: list[Fraction | None] = [*prices, *([None] if any(run.price is None for run in runs) else [])]
    keys = [(_level(price, prices), f"{nothing if price is None else texts[price]}: {when(price)}") for price in known]
    return heat_map(
        [label for _day, label in DAYS],
        [
            Stretch(
                run.day,
                Fraction(100 * run.start, DAY),
                Fraction(100 * run.end, DAY),
                _level(run.price, prices),
                said(run),
            )
            for run in runs
        ],
        ticks=[(Fraction(100 * hour, 24), f"{hour}") for hour in (0, 6, 12, 18, 24)],
        keys=keys,
        title=gettext("The week of %(version)s") % {"version": version},
        description="; ".join(text for _lvl, text in keys),
    )


def _price_text(kind: str, price: Fraction, currency: str) -> str:
    return str(_UNITS[kind]) % {"price": format_unit_price(price, currency)}


def _level(price: Fraction | None, prices: list[Fraction]) -> int | None:
    """Free prices are 0, the others rise from 1 to the strongest by their rank."""
    if price is None:
        return None
    if not price:
        return 0
    ranked = [each for each in prices if each]
    if len(ranked) == 1:
        return 3
    return 1 + ranked.index(price) * (_STRONGEST - 1) // (len(ranked) - 1)


class ReleaseForm(BaseDialogForm):
    """What changes and what the linter says, before prices are released; warnings need to be read."""

    form_before_template = "admin/contracts/release_review.html"
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    read = forms.BooleanField(label=_("I have read the warnings."), widget=UnfoldBooleanWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        version = TariffVersion.objects.select_related("tariff__operator").filter(pk=self.object_id or 0).first()
        findings = findings_of(version) if version else ()
        self.version, self.findings = version, findings
        if not warnings_of(findings):
            del self.fields["read"]
        if version is not None:
            self.initial["seen"] = fingerprint(version)

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        """The difference to the version before, in words, and the findings."""
        if self.version is None:
            return {}
        version, errors = self.version, errors_of(self.findings)
        before = version_before(version)
        readable = not read_tariff(version.document, version.ocpi_version)[1]
        return {
            "version": version,
            "before": before,
            "changes": price_changes(before.document if before else None, version.document) if readable else (),
            "findings": shown(self.findings),
            "errors": ngettext(
                "%(count)s error stops the release; correct the draft first.",
                "%(count)s errors stop the release; correct the draft first.",
                len(errors),
            )
            % {"count": len(errors)}
            if errors
            else "",
        }
