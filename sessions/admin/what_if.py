"""What-if: a month of real sessions priced again under another tariff version, beside what they cost today.

The page answers at once and asks for the figures by itself; they are kept for ten minutes, for this very state of the
prices and of the tariff, so that a download needs no second calculation.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.core.cache import cache
from django.db.models import Max
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from contracts.models import Contract, TariffVersion
from evbilling.kernel import strict_json
from evbilling.kernel.clock import Period, local_date, month_of, parse_month
from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import quantise, round_half_up
from evbilling.shell.views import csv_response
from sessions.models import SessionPrice
from sessions.queries.what_if import Comparison, Figures, Scope, WhatIf, compare, count_prices, what_if

SHOWN = 100
"""Rows of a table on the page; the files have all."""
KEPT_SECONDS = 600
OFFERED_CONTRACTS = 500
SESSIONS_PER_SECOND = 6000
"""For the note on how long it takes; measured on one slow core (docs/contracts.md)."""


class VersionField(forms.ModelChoiceField):
    """Tariff versions by code, number, name and state."""

    def label_from_instance(self, obj: TariffVersion) -> str:
        """As the list reads."""
        return f"{obj} \N{MIDDLE DOT} {obj.tariff.name} \N{MIDDLE DOT} {obj.get_state_display()}"


class WhatIfForm(forms.Form):
    """The question: which prices, which month, whose sessions."""

    version = VersionField(
        label=_("Tariff version"),
        queryset=TariffVersion.objects.select_related("tariff").order_by("tariff__code", "-number"),
        widget=UnfoldAdminSelectWidget,
    )
    period = forms.CharField(label=_("Month"), widget=UnfoldAdminTextInputWidget(attrs={"type": "month"}))
    contract = forms.CharField(
        label=_("Contract"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"list": "what-if-contracts", "autocomplete": "off"}),
        help_text=_("Its number; empty means all contracts."),
    )
    same_tariff = forms.BooleanField(
        label=_("Only sessions that this tariff prices today"), required=False, widget=UnfoldBooleanWidget
    )

    def clean_period(self) -> Period:
        """YYYY-MM."""
        try:
            return parse_month(self.cleaned_data["period"])
        except BillingError as refusal:
            raise forms.ValidationError(refusal.message) from None

    def clean_contract(self) -> Contract | None:
        """By its number."""
        number = self.cleaned_data["contract"].strip()
        found = Contract.objects.filter(number=number).first() if number else None
        if number and found is None:
            raise forms.ValidationError(_("There is no contract %(number)s."), params={"number": number})
        return found

    @property
    def scope(self) -> Scope:
        """Of a valid form."""
        contract = self.cleaned_data["contract"]
        return Scope(
            period=self.cleaned_data["period"],
            contract_id=contract.pk if contract else None,
            of_tariff=self.cleaned_data["version"].tariff_id if self.cleaned_data["same_tariff"] else None,
        )


@require_GET
def page(request: HttpRequest) -> HttpResponseBase:
    """The question; `part=figures` the answer alone, `file=vehicles` or `file=sessions` the answer as CSV."""
    asked = "version" in request.GET and "period" in request.GET
    form = WhatIfForm(request.GET if asked else None, initial={"period": _last_month()} | _given(request))
    query = request.GET.copy()
    query.pop("part", None)
    query.pop("file", None)
    context: dict[str, Any] = {"form": form, "query": query.urlencode()}
    part, file = request.GET.get("part"), request.GET.get("file")
    if asked and form.is_valid():
        try:
            count, newest = count_prices(form.scope)
            context |= {"count": count, "seconds": max(1, -(-count // SESSIONS_PER_SECOND))}
            if file == "sessions":
                return _file(_session_rows(form.scope, form.cleaned_data["version"]), form)
            if part == "figures" or file == "vehicles":
                answer = _answer(form.scope, form.cleaned_data["version"], newest)
                if file == "vehicles":
                    return _file(_vehicle_rows(answer), form)
                return render(request, "admin/sessions/what_if_figures.html", context | _shown(answer, form))
            context["asked"] = True
        except BillingError as refusal:
            form.add_error(None, refusal.message)
    contracts = Contract.objects.select_related("party").order_by("number")[:OFFERED_CONTRACTS]
    context |= {
        **admin.site.each_context(request),
        "title": gettext("What if"),
        "contracts": contracts,
    }
    return render(request, "admin/sessions/what_if.html", context)


def _given(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in ("version", "contract") if name in request.GET}


def _last_month() -> str:
    """The month of the session that was priced last, so that the first question has an answer; else this one."""
    zone = timezone.get_current_timezone_name()
    latest = SessionPrice.objects.aggregate(latest=Max("session__ended_at"))["latest"]
    return month_of(local_date(latest or timezone.now(), zone)).code


def _answer(scope: Scope, version: TariffVersion, newest: int) -> WhatIf:
    document = hashlib.sha256(strict_json.dumps([version.ocpi_version, version.document]).encode()).hexdigest()
    asked = [scope.period.code, scope.contract_id, scope.of_tariff, version.pk, document, newest, get_language()]
    key = "what_if." + hashlib.sha256(strict_json.dumps(asked).encode()).hexdigest()
    answer = cache.get(key)
    if answer is None:
        answer = what_if(scope, version)
        cache.set(key, answer, KEPT_SECONDS)
    return answer


def _shown(answer: WhatIf, form: WhatIfForm) -> dict[str, Any]:
    return {
        "answer": answer,
        "version": form.cleaned_data["version"],
        "contracts": answer.contracts[:SHOWN],
        "more_contracts": len(answer.contracts) > SHOWN,
        "vehicles": answer.vehicles[:SHOWN],
        "more_vehicles": len(answer.vehicles) > SHOWN,
        "refused": answer.refused[:SHOWN],
        "more_refused": len(answer.refused) > SHOWN,
        "shown": SHOWN,
    }


def _file(rows: Iterable[list[object]], form: WhatIfForm) -> StreamingHttpResponse:
    """A decimal point, amounts without their currency's sign."""
    return csv_response(rows, f"what-if-{form.cleaned_data['period'].code}.csv")


def _heads(*first: str) -> list[object]:
    return [
        *first,
        pgettext("csv", "Energy (kWh)"),
        pgettext("csv", "Net now"),
        pgettext("csv", "Net then"),
        pgettext("csv", "Difference"),
    ]


def _kwh(energy_wh: int) -> str:
    return f"{energy_wh // 1000}.{energy_wh % 1000:03d}"


def _amounts(figures: Figures, currency: str) -> list[object]:
    amounts = (figures.now_amount, figures.then_amount, figures.difference_amount)
    return [quantise(amount, currency) for amount in amounts]


def _vehicle_rows(answer: WhatIf) -> Iterator[list[object]]:
    parties = {row.contract_id: row.party for row in answer.contracts}
    first = (pgettext("csv", "Contract"), pgettext("csv", "Party"), pgettext("csv", "Vehicle"))
    yield [*_heads(*first, pgettext("csv", "Sessions")), pgettext("csv", "Percent"), pgettext("csv", "Currency")]
    for row in answer.vehicles:
        sums = row.figures
        percent: object = "" if sums.share is None else round_half_up(sums.share * 100, 2)
        yield [
            row.contract_number,
            parties[row.contract_id],
            row.vehicle,
            sums.sessions,
            _kwh(sums.energy_wh),
            *_amounts(sums, answer.currency),
            percent,
            answer.currency,
        ]


def _session_rows(scope: Scope, version: TariffVersion) -> Iterator[list[object]]:
    numbers = dict(Contract.objects.values_list("pk", "number"))
    first = (pgettext("csv", "Session"), pgettext("csv", "Contract"), pgettext("csv", "End"))
    yield [*_heads(*first), pgettext("csv", "Currency"), pgettext("csv", "Why it has no price")]
    for row in compare(scope, version):
        yield [
            row.provider_ref,
            numbers[row.contract_id],
            row.ended_at.isoformat(timespec="seconds"),
            _kwh(row.energy_wh),
            quantise(row.now_amount, version.tariff.currency),
            *_then(row, version.tariff.currency),
            version.tariff.currency,
            row.problem,
        ]


def _then(row: Comparison, currency: str) -> list[object]:
    if row.then_amount is None:
        return ["", ""]
    return [quantise(row.then_amount, currency), quantise(row.then_amount - row.now_amount, currency)]
