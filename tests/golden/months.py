"""A worked example taken through the books: a contract in force, its sessions recorded, the month closed and issued."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.models import Contract, ContractKind, Station, Token
from contracts.operations.outages import record_outage
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import Invoice, TaxRate
from invoicing.operations import runs
from invoicing.operations.inline import work_off
from sessions.models import ChargingSession, SessionSource
from sessions.operations.intake import record_sessions
from sessions.rules.intake import PeriodInput, SessionInput
from tests.factories import (
    FIRST_DAY,
    make_contract_in_force,
    make_operator,
    make_party,
    make_site,
    make_station,
    make_tariff,
    make_token,
    make_vehicle,
    maker,
)
from tests.golden.contracts import Golden, span

MARCH = parse_month("2026-03")
AT = dt.datetime(2026, 4, 2, 8, 0, tzinfo=dt.UTC)
COUNTRIES = {"Europe/Berlin": "DE", "Europe/Vienna": "AT"}
_WH = 1000


@dataclass(frozen=True)
class World:
    """What an example stands on in the database: a fleet's contract with a token per vehicle, a station, and perhaps
    contracts with a sponsor and with the host of the site."""

    contract: Contract
    station: Station
    tokens: Mapping[str, Token]
    sponsor: Contract | None = None
    host: Contract | None = None


def make_world(golden: Golden) -> World:
    """An operator whose fleet has a contract under the example's tariff and terms; with it those who pay or earn."""
    facts = golden.facts
    zone = facts["time_zone"]
    operator = make_operator()
    TaxRate.objects.create(country=COUNTRIES[zone], percent=Decimal(19), valid_from=dt.date(2020, 1, 1))
    fleet = make_party(accountant="books@fleet.example")
    names = facts.get("vehicles") or sorted({session.get("vehicle", "A") for session in golden.sessions})
    vehicles = {name: make_vehicle(fleet, label=f"Vehicle {name}") for name in names}
    tokens = {name: make_token(vehicle) for name, vehicle in vehicles.items()}
    (document,) = facts["tariffs"]
    contract = make_contract_in_force(
        operator=operator,
        party=fleet,
        tariff=make_tariff(operator, document),
        tokens=list(tokens.values()),
        starts_on=facts.get("starts_on", FIRST_DAY),
        price_basis=facts.get("price_basis", "net"),
        terms=[(term["kind"], term["figures"]) for term in facts.get("terms", ())],
    )
    sponsor = None
    if "sponsorship" in facts:
        sponsor = make_contract_in_force(
            ContractKind.SPONSORSHIP,
            operator,
            make_party("ev_manufacturer", accountant="books@maker.example"),
            vehicles=list(vehicles.values()),
            sponsorship=_figures(facts["sponsorship"]),
        )
    owner = host = None
    if "share" in facts:
        owner = make_party(accountant="books@host.example", **facts["host"])
    kind = facts.get("site_kind", "public")
    site = make_site(owner, name="Lindenhof", zone=zone, country=COUNTRIES[zone], kind=kind)
    if owner is not None:
        host = make_contract_in_force(ContractKind.HOSTING, operator, owner, [site], shares=[_figures(facts["share"])])
    station = make_station(site, max_power_w=350_000, ref="DE*EVB*E1001")
    for outage in facts.get("outages", ()):
        record_outage(
            station_id=station.pk,
            started_at=dt.datetime.fromisoformat(outage["from"]),
            ended_at=dt.datetime.fromisoformat(outage["until"]),
            planned=False,
            cause="cabinet",
            by=maker(),
            at=AT,
        )
    return World(contract, station, tokens, sponsor, host)


def _figures(stated: Mapping[str, str]) -> dict[str, Decimal | str]:
    return {name: Decimal(value) if value[0].isdigit() else value for name, value in stated.items()}


def reported(world: World, session: Mapping[str, Any]) -> SessionInput:
    """A session of the example as a source reports it."""
    start, end = span(session)
    return SessionInput(
        provider_ref=session["ref"],
        token_ref=world.tokens[session.get("vehicle", "A")].ref,
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
    """The sessions of the example that have arrived by then come in; none of them is refused or held."""
    arrived = [session for session in golden.sessions if session.get("arrives", dt.date.min) <= at.date()]
    known = set(ChargingSession.objects.values_list("provider_ref", flat=True))
    rows = [reported(world, session) for session in arrived if session["ref"] not in known]
    result = record_sessions(rows=rows, source=SessionSource.IMPORT, source_label="test", by=None, at=at)
    assert (result.added, result.held) == (len(rows), 0)


def close_month(world: World, period: Period = MARCH, at: dt.datetime = AT) -> None:
    """The month's run, worked off in this process."""
    run = runs.start_run(
        operator_id=world.contract.operator_id, period=period, issued_on=at.date(), issue=True, by=None, at=at
    )
    work_off(run_id=run.pk, clock=lambda: at, progress=lambda: None)


def document_of(contract: Contract | None, period: Period = MARCH) -> Invoice:
    """The contract's document of the month."""
    return Invoice.objects.get(contract=contract, period_from=period.start)
