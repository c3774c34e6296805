"""A worked example taken through the books: a contract in force, its sessions recorded, the month closed and issued."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.models import Contract, Site, Station, Token, Vehicle
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import Invoice, TaxRate
from invoicing.operations import runs
from invoicing.operations.inline import work_off
from sessions.models import SessionSource
from sessions.operations.intake import record_sessions
from sessions.rules.intake import PeriodInput, SessionInput
from tests.factories import (
    make_contract_in_force,
    make_operator,
    make_party,
    make_site,
    make_station,
    make_tariff,
    make_token,
    make_vehicle,
)
from tests.golden.contracts import Golden, span

MARCH = parse_month("2026-03")
AT = dt.datetime(2026, 4, 2, 8, 0, tzinfo=dt.UTC)
COUNTRIES = {"Europe/Berlin": "DE", "Europe/Vienna": "AT"}
_WH = 1000


@dataclass(frozen=True)
class World:
    """What an example stands on in the database."""

    contract: Contract
    site: Site
    station: Station
    vehicle: Vehicle
    token: Token


def make_world(golden: Golden, **terms: Any) -> World:
    """An operator whose one fleet has a contract under the example's tariff since 2026-01-01."""
    zone = golden.facts["time_zone"]
    operator = make_operator()
    TaxRate.objects.create(country=COUNTRIES[zone], percent=Decimal(19), valid_from=dt.date(2020, 1, 1))
    fleet = make_party(accountant="books@fleet.example")
    vehicle = make_vehicle(fleet)
    token = make_token(vehicle)
    (document,) = golden.facts["tariffs"]
    contract = make_contract_in_force(
        operator=operator, party=fleet, tariff=make_tariff(operator, document), tokens=[token], **terms
    )
    site = make_site(zone=zone, country=COUNTRIES[zone])
    return World(contract, site, make_station(site, max_power_w=350_000), vehicle, token)


def reported(world: World, session: Mapping[str, Any]) -> SessionInput:
    """A session of the example as a source reports it."""
    start, end = span(session)
    return SessionInput(
        provider_ref=session["ref"],
        token_ref=world.token.ref,
        station_ref=world.station.ref,
        started_at=start,
        ended_at=end,
        energy_wh=sum(_wh(period) for period in session["periods"]),
        periods=tuple(
            PeriodInput(
                dt.datetime.fromisoformat(period["from"]),
                _wh(period),
                60 * period.get("charging", 0),
                60 * period.get("idle", 0),
            )
            for period in session["periods"]
        ),
    )


def _wh(period: Mapping[str, Any]) -> int:
    energy = Decimal(period.get("kwh", "0")) * _WH
    assert energy == int(energy)
    return int(energy)


def record(world: World, golden: Golden, at: dt.datetime = AT) -> None:
    """The sessions of the example come in; none of them is refused or held."""
    rows = [reported(world, session) for session in golden.sessions]
    result = record_sessions(rows=rows, source=SessionSource.IMPORT, source_label="test", by=None, at=at)
    assert (result.added, result.held) == (len(rows), 0)


def close_month(world: World, period: Period = MARCH, at: dt.datetime = AT) -> Invoice:
    """The month's run, worked off in this process; the contract's document."""
    run = runs.start_run(
        operator_id=world.contract.operator_id, period=period, issued_on=at.date(), issue=True, by=None, at=at
    )
    work_off(run_id=run.pk, clock=lambda: at, progress=lambda: None)
    return Invoice.objects.get(contract=world.contract, period_from=period.start)
