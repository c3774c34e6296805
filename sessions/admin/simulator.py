"""The simulator: a session typed or picked, priced under a tariff version or a contract, with its reasons."""

import copy
import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from contracts.models import Connector, Contract, Operator, Site, TariffVersion
from evbilling.kernel.clock import zone as known_zone
from evbilling.kernel.errors import BillingError
from evbilling.shell.charts import Bar, bar_chart
from evbilling.shell.formats import format_money
from sessions.models import ChargingSession
from sessions.queries.simulation import (
    Simulation,
    find_contract,
    find_session,
    simulate_contract,
    simulate_tariff,
    zone_of,
)
from sessions.rules.simulation import imagined_periods

LONGEST = dt.timedelta(days=31)
_LOCAL = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
_TIMES = ("started", "charging_ended", "ended")


class VersionField(forms.ModelChoiceField):
    """Tariff versions by code, number, name and state."""

    def label_from_instance(self, obj: TariffVersion) -> str:
        """As the list reads."""
        return f"{obj} \N{MIDDLE DOT} {obj.tariff.name} \N{MIDDLE DOT} {obj.get_state_display()}"


def _moment(label: Any, **more: Any) -> forms.CharField:
    widget = UnfoldAdminTextInputWidget(attrs={"step": "60"})
    widget.input_type = "datetime-local"
    return forms.CharField(label=label, required=False, widget=widget, **more)


class SimulatorForm(forms.Form):
    """Which session under which prices. Times are local to the site."""

    tariff_version = VersionField(
        label=_("Tariff version"),
        queryset=TariffVersion.objects.select_related("tariff__operator").order_by("tariff__code", "-number"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Empty: the contract decides."),
    )
    contract = forms.CharField(
        label=_("Contract"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Its number; its terms find the tariff where none is chosen."),
    )
    site = forms.ModelChoiceField(
        label=_("Site"), queryset=Site.objects.order_by("name"), required=False, widget=UnfoldAdminSelectWidget
    )
    zone = forms.CharField(
        label=_("Time zone"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Empty: that of the site, the contract or the operator."),
    )
    session = forms.CharField(
        label=_("A real session"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Its reference; times and energy are not needed then."),
    )
    started = _moment(_("Start"))
    charging_ended = _moment(_("End of charging"), help_text=_("Empty: it charged to the end."))
    ended = _moment(_("End"))
    kwh = forms.DecimalField(
        label=_("Energy in kWh"),
        required=False,
        min_value=0,
        max_value=10000,
        decimal_places=3,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    power = forms.DecimalField(
        label=_("Power in kW"),
        required=False,
        min_value=0,
        max_value=10000,
        decimal_places=3,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("Of the connector, and while charging; for prices that depend on it."),
    )

    def clean_contract(self) -> Contract | None:
        """By its number."""
        number = self.cleaned_data["contract"].strip()
        found = find_contract(number) if number else None
        if number and found is None:
            raise forms.ValidationError(_("There is no contract %(number)s.") % {"number": number})
        return found

    def clean_session(self) -> ChargingSession | None:
        """By its reference."""
        ref = self.cleaned_data["session"].strip()
        found = find_session(ref) if ref else None
        if ref and found is None:
            raise forms.ValidationError(_("There is no session %(ref)s that has ended.") % {"ref": ref})
        return found

    def clean_zone(self) -> str:
        """An IANA zone."""
        name = str(self.cleaned_data["zone"].strip())
        try:
            return str(known_zone(name)) if name else ""
        except BillingError as refusal:
            raise forms.ValidationError(refusal.message) from None

    def clean(self) -> dict[str, Any]:
        """The session to be priced, under `imagined`; it is not stored."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        sources = {"tariff_version", "contract", "session"}
        if not any(given.get(name) for name in sources) and not sources & {*self.errors}:
            self.add_error("tariff_version", _("Choose a tariff version, or give a contract or a real session."))
        if given.get("session") is None and "session" not in self.errors:
            self._imagine(given)
        elif given.get("session") is not None:
            given["imagined"] = real = copy.copy(given["session"])
            real.contract = given.get("contract") or real.contract
        return given

    def _imagine(self, given: dict[str, Any]) -> None:
        for name in ("started", "ended", "kwh"):
            if name not in self.errors and given.get(name) in (None, ""):
                self.add_error(name, _("This is needed, unless a real session is given."))
        if self.errors:
            return
        zone = given["zone"] or self._zone(given)
        times = {name: self._instant(name, given[name], zone) for name in _TIMES if given[name]}
        if self.errors:
            return
        started, ended = times["started"], times["ended"]
        charged = times.get("charging_ended", ended)
        if ended <= started:
            self.add_error("ended", _("The end lies after the start."))
        elif ended - started > LONGEST:
            self.add_error("ended", _("A session of more than 31 days is not priced here."))
        elif not started <= charged <= ended:
            self.add_error("charging_ended", _("Charging ends between the start and the end."))
        if self.errors:
            return
        energy = int(given["kwh"] * 1000)
        power = given.get("power")
        site = given.get("site") or Site(name="", zone=zone)
        if given["zone"] and site.zone != zone:
            self.add_error("zone", _("%(site)s is in %(zone)s; leave this empty.") % {"site": site, "zone": site.zone})
            return
        given["imagined"] = ChargingSession(
            contract=given.get("contract"),
            site=site,
            connector=Connector(max_power_w=int(power * 1000)) if power else None,
            started_at=started,
            ended_at=ended,
            energy_wh=energy,
            periods=imagined_periods(started, charged, ended, energy, power),
        )

    def _zone(self, given: dict[str, Any]) -> str:
        if given.get("site"):
            return str(given["site"].zone)
        if given.get("contract"):
            return str(given["contract"].zone)
        return str(given["tariff_version"].tariff.operator.zone)

    def _instant(self, name: str, text: str, zone: str) -> dt.datetime:
        for form in _LOCAL:
            try:
                local = dt.datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone))
            except ValueError:
                continue
            instant = local.astimezone(dt.UTC)
            if instant.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
                self.add_error(
                    name,
                    _("%(time)s does not exist in %(zone)s: the clocks go forward.") % {"time": text, "zone": zone},
                )
            return instant
        self.add_error(name, _("Write day and time such as 2026-03-01T18:30."))
        return dt.datetime.now(dt.UTC)


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The form, and the price once it is filled in. Reads only; the address can be kept."""
    asked = "started" in request.GET or "session" in request.GET
    form = SimulatorForm(request.GET) if asked else SimulatorForm(initial=_example(request))
    context: dict[str, Any] = {**admin.site.each_context(request), "title": gettext("Price simulator"), "form": form}
    if asked and form.is_valid():
        context |= _result(form.cleaned_data)
    return render(request, "admin/sessions/simulator.html", context)


def _example(request: HttpRequest) -> dict[str, Any]:
    """Yesterday evening at the operator's, so that a person changes figures instead of typing them."""
    operator = Operator.objects.order_by("pk").first()
    zone = operator.zone if operator else timezone.get_current_timezone_name()
    evening = timezone.now().astimezone(ZoneInfo(zone)).replace(hour=18, minute=0) - dt.timedelta(days=1)
    hours = {"started": 0, "charging_ended": 3, "ended": 5}
    given = request.GET.get("tariff_version", "")
    return {
        **{name: f"{evening + dt.timedelta(hours=more):%Y-%m-%dT%H:%M}" for name, more in hours.items()},
        "kwh": 30,
        "power": 11,
        "tariff_version": int(given) if given.isdecimal() and len(given) < 19 else None,
    }


def _result(given: dict[str, Any]) -> dict[str, Any]:
    session: ChargingSession = given["imagined"]
    language = get_language() or "en"
    version = given["tariff_version"]
    found = simulate_tariff(session, version, language) if version else simulate_contract(session, language)
    return {"result": found, "session": session, "zone": zone_of(session), "chart": _chart(found)}


def _chart(found: Simulation) -> SafeString | str:
    """The price in the course of the session, in the site's time."""
    if not found.points:
        return ""
    zone = ZoneInfo(found.zone)
    last = found.points[-1]
    return bar_chart(
        [
            Bar(f"{point.at.astimezone(zone):%H:%M}", point.amount, format_money(point.amount, found.currency))
            for point in found.points
        ],
        title=gettext("Price in the course of the session"),
        description=gettext("It ends at %(amount)s.") % {"amount": format_money(last.amount, found.currency)},
        unit=found.currency,
    )
