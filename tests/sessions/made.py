"""What the tests of sessions stand on: a fleet at a site, its contract, and sessions as a source reports them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from contracts.models import Contract, CostCentre, Operator, Party, Site, Station, Token, Vehicle
from sessions.models import ChargingSession, ImportProfile, SessionSource
from sessions.operations.intake import IntakeResult, record_sessions
from sessions.rules.intake import PeriodInput, SessionInput
from tests.factories import (
    make_contract_in_force,
    make_cost_centre,
    make_operator,
    make_party,
    make_site,
    make_station,
    make_tariff,
    make_token,
    make_vehicle,
    tariff_document,
)

AT = dt.datetime(2026, 2, 2, 8, 0, tzinfo=dt.UTC)
START = dt.datetime(2026, 1, 14, 9, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
HEADINGS = "id,card,evse,from,to,kwh,note\n"


@dataclass(frozen=True)
class World:
    """One operator, one fleet with one vehicle, one site of a property owner, 0.45 EUR a kWh and 19 % VAT."""

    operator: Operator
    fleet: Party
    owner: Party
    site: Site
    station: Station
    other_station: Station
    vehicle: Vehicle
    token: Token
    cost_centre: CostCentre
    contract: Contract


def make_world(document: dict[str, Any] | None = None) -> World:
    """The small world, its contract in force since 2026-01-01."""
    operator = make_operator()
    fleet, owner = make_party(), make_party("property_owner")
    site = make_site(owner)
    vehicle = make_vehicle(fleet)
    token = make_token(vehicle)
    cost_centre = make_cost_centre(fleet)
    contract = make_contract_in_force(
        operator=operator,
        party=fleet,
        sites=[site],
        tariff=make_tariff(operator, document or tariff_document()),
        tokens=[token],
        cost_centre=cost_centre,
    )
    return World(
        operator, fleet, owner, site, make_station(site), make_station(site), vehicle, token, cost_centre, contract
    )


def reported(world: World, ref: str = "S1", **changes: Any) -> SessionInput:
    """10 kWh in one hour on 14 January 2026, as a source reports it."""
    start = changes.pop("started_at", START)
    end = changes.pop("ended_at", start + HOUR)
    energy = changes.pop("energy_wh", 10_000)
    periods = changes.pop("periods", None)
    if periods is None:
        periods = (PeriodInput(start, energy, int((end - start).total_seconds())),) if end else ()
    return SessionInput(
        **{
            "provider_ref": ref,
            "token_ref": world.token.ref,
            "station_ref": world.station.ref,
            "started_at": start,
            "ended_at": end,
            "energy_wh": energy,
            "periods": periods,
        }
        | changes
    )


def record(*rows: SessionInput, at: dt.datetime = AT, **kwargs: Any) -> IntakeResult:
    """Record them as an import of the source "test"."""
    return record_sessions(rows=rows, source=SessionSource.IMPORT, source_label="test", by=None, at=at, **kwargs)


def session_of(ref: str = "S1") -> ChargingSession:
    """The current row of a reference."""
    return ChargingSession.objects.get(provider_ref=ref, superseded_at__isnull=True)


def make_session(world: World, ref: str = "S1", **changes: Any) -> ChargingSession:
    """One recorded session."""
    record(reported(world, ref, **changes))
    return session_of(ref)


def make_profile(**fields: Any) -> ImportProfile:
    """A profile for files with HEADINGS, local times of Berlin."""
    return ImportProfile.objects.create(
        **{
            "code": "test",
            "name": "Test files",
            "source_label": "test",
            "columns": {
                "provider_ref": "id",
                "token_ref": "card",
                "station_ref": "evse",
                "started_at": "from",
                "ended_at": "to",
                "energy": "kwh",
            },
            "extra_columns": ["note"],
            "zone": "Europe/Berlin",
        }
        | fields
    )


def line(world: World, ref: str = "S1", start: str = "2026-01-14 10:00:00", end: str = "2026-01-14 11:00:00") -> str:
    """One line of a file under HEADINGS: 10 kWh."""
    return f"{ref},{world.token.ref},{world.station.ref},{start},{end},10.0,\n"
