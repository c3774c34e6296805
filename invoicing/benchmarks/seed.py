"""A month to close of any size: fleets with vehicles, cost centres and sessions, a few sponsors, nothing rated yet.

One contract in ten has monthly terms (a base fee, included energy), one in twenty a vehicle that a sponsor pays a part
for. Sessions have three periods (two that charge, one that only stands) and lie all over the month and the sites.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.models import (
    Connector,
    ConnectorKind,
    Contact,
    ContactRole,
    Contract,
    ContractKind,
    ContractState,
    ContractTerm,
    ContractVersion,
    CostCentre,
    Operator,
    Party,
    PartyKind,
    Site,
    SponsoredVehicle,
    Sponsorship,
    Station,
    Tariff,
    TariffAssignment,
    TariffState,
    TariffVersion,
    TermKind,
    Token,
    TokenAssignment,
    TokenKind,
    Vehicle,
    VersionState,
)
from evbilling.access.models import User
from evbilling.kernel.bulk import insert_rows, next_ids, update_rows
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import TaxRate
from sessions.models import ChargingSession, SessionSource, SessionState

MONTH: Period = parse_month("2026-10")
CLOSED_AT = dt.datetime(2026, 11, 2, 8, 0, tzinfo=dt.UTC)
_FIRST_DAY = dt.date(2026, 1, 1)
_MADE_AT = dt.datetime(2025, 12, 15, 9, 0, tzinfo=dt.UTC)
_FIRST = dt.datetime(2026, 10, 1, 4, 0, tzinfo=dt.UTC)
_ZONE = "Europe/Berlin"
SITES, STATIONS, SPONSORS = 20, 2, 2
VEHICLES = 4
"""Of each contract, each with a charge card; two cost centres share them."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a benchmark needs to know of its world."""

    operator_id: int
    sessions: int
    contracts: int


@dataclass(frozen=True, slots=True)
class _Fleets:
    """The keys of fleets, in the order of their contracts; of each fleet VEHICLES and two cost centres."""

    contracts: list[int]
    vehicles: list[int]
    tokens: list[int]
    centres: list[int]


def seed_month(*, sessions: int, contracts: int) -> Seeded:
    """Fill an empty, migrated database. Sessions are dealt out evenly."""
    maker = User.objects.create_user("maker@bench.example", None, full_name="Mara Maker")
    checker = User.objects.create_user("checker@bench.example", None, full_name="Chris Checker")
    operator = Operator.objects.create(
        legal_name="Bench Energy GmbH", street="Lindenstr. 1", postal_code="10969", city="Berlin", country="DE",
        vat_id="DE136695976", tax_number="29/123/45678", currency="EUR", zone=_ZONE, billing_email="b@bench.example",
        phone="+49 30 1234567", bank_name="Example Bank", iban="DE02120300000000202051", bic="BYLADEM1001",
        contact_person="Billing",
    )  # fmt: skip
    if not TaxRate.objects.filter(country="DE", valid_from__lte=MONTH.start).exists():
        TaxRate.objects.create(country="DE", percent=19, valid_from=dt.date(2020, 1, 1))
    places = _places()
    tariffs = [_tariff(operator, number, maker, checker) for number in range(max(1, contracts // 50))]
    fleets = _fleets(operator, contracts, tariffs, maker, checker)
    _sponsor(operator, fleets, maker, checker)
    insert_rows(ChargingSession, _SESSION, _sessions(sessions, fleets, places))
    return Seeded(operator.pk, sessions, contracts)


def _places() -> list[tuple[int, int, int]]:
    """(site, station, connector) of every connector."""
    found = []
    for number in range(SITES):
        site = Site.objects.create(ref=f"SITE-{number}", name=f"Car park {number}", country="DE", zone=_ZONE)
        for place in range(STATIONS):
            station = Station.objects.create(site=site, ref=f"DE*BEN*E{number:03}{place}")
            plug = Connector.objects.create(
                station=station, ref="1", kind=ConnectorKind.IEC_62196_T2, max_power_w=22_000
            )
            found.append((site.pk, station.pk, plug.pk))
    return found


def _tariff(operator: Operator, number: int, maker: User, checker: User) -> int:
    """Energy, a fee, late charging time, idle time: each differs by a tenth of a cent a kWh."""
    parts: list[dict[str, Any]] = [
        {"price_components": [_part("ENERGY", f"0.{390 + number % 100}"), _part("FLAT", "0.50")]},
        {"price_components": [_part("TIME", "1.20", 60)], "restrictions": {"min_duration": 4 * 3600}},
        {"price_components": [_part("PARKING_TIME", "4.80", 60)]},
    ]
    tariff = Tariff.objects.create(operator=operator, code=f"T{number}", name=f"Tariff {number}", currency="EUR")
    TariffVersion.objects.create(
        tariff=tariff, number=1, valid_from=_MADE_AT, state=TariffState.RELEASED, created_by=maker,
        created_at=_MADE_AT, released_by=checker, released_at=_MADE_AT,
        document={"id": f"T{number}", "currency": "EUR", "elements": parts},
    )  # fmt: skip
    return tariff.pk


def _part(kind: str, price: str, step: int = 1) -> dict[str, Any]:
    return {"type": kind, "price": price, "step_size": step}


def _fleets(operator: Operator, count: int, tariffs: list[int], maker: User, checker: User) -> _Fleets:
    numbers = range(count)
    parties = next_ids(Party, count)
    insert_rows(
        Party,
        ("pk", "number", "kind", "legal_name", "street", "postal_code", "city", "country", "currency", "created_at"),
        (
            (parties[n], f"C{n:06}", PartyKind.FLEET_OPERATOR.value, f"Fleet {n} GmbH", "Hauptstr. 2", "80331",
             "Munich", "DE", "EUR", _MADE_AT)
            for n in numbers
        ),
    )  # fmt: skip
    insert_rows(
        Contact,
        ("party_id", "name", "email", "role"),
        ((parties[n], "Accounts", f"books{n}@bench.example", ContactRole.ACCOUNTANT.value) for n in numbers),
    )
    contracts = _contracts(operator, ContractKind.CHARGING, parties, maker, checker)
    versions = _versions(contracts, maker, checker, tariffs)
    _approve(versions, checker)
    centres = next_ids(CostCentre, 2 * count)
    insert_rows(
        CostCentre,
        ("pk", "party_id", "code", "name"),
        ((pk, parties[n // 2], f"CC-{n % 2}", f"Team {n % 2}") for n, pk in enumerate(centres)),
    )
    vehicles, tokens = next_ids(Vehicle, VEHICLES * count), next_ids(Token, VEHICLES * count)
    insert_rows(
        Vehicle,
        ("pk", "party_id", "label"),
        ((pk, parties[n // VEHICLES], f"M-EV {n}") for n, pk in enumerate(vehicles)),
    )
    insert_rows(
        Token,
        ("pk", "ref", "kind", "driver_name", "vehicle_id"),
        ((pk, f"TOKEN-{n}", TokenKind.RFID.value, f"Driver {n}", vehicles[n]) for n, pk in enumerate(tokens)),
    )
    insert_rows(
        TokenAssignment,
        ("token_id", "contract_id", "cost_centre_id", "valid_from"),
        (
            (pk, contracts[n // VEHICLES], centres[2 * (n // VEHICLES) + n % 2], _FIRST_DAY)
            for n, pk in enumerate(tokens)
        ),
    )
    return _Fleets(contracts, vehicles, tokens, centres)


def _contracts(operator: Operator, kind: ContractKind, parties: list[int], maker: User, checker: User) -> list[int]:
    ids = next_ids(Contract, len(parties))
    insert_rows(
        Contract,
        ("pk", "number", "operator_id", "party_id", "kind", "state", "currency", "zone", "starts_on", "created_by_id",
         "created_at", "activated_by_id", "activated_at"),
        (
            (pk, f"{kind.value[0].upper()}-{n:06}", operator.pk, parties[n], kind.value, ContractState.ACTIVE.value,
             "EUR", _ZONE, _FIRST_DAY, maker.pk, _MADE_AT, checker.pk, _MADE_AT)
            for n, pk in enumerate(ids)
        ),
    )  # fmt: skip
    return ids


def _versions(contracts: list[int], maker: User, checker: User, tariffs: list[int]) -> list[int]:
    """One draft version each, with a tariff where there are any, one in ten with monthly terms."""
    ids = next_ids(ContractVersion, len(contracts))
    insert_rows(
        ContractVersion,
        ("pk", "contract_id", "number", "valid_from", "state", "created_by_id", "created_at"),
        (
            (pk, contracts[n], 1, _FIRST_DAY, VersionState.DRAFT.value, maker.pk, _MADE_AT)
            for n, pk in enumerate(ids)
        ),
    )  # fmt: skip
    if tariffs:
        insert_rows(
            TariffAssignment,
            ("version_id", "tariff_id", "priority"),
            ((pk, tariffs[n % len(tariffs)], 0) for n, pk in enumerate(ids)),
        )
        terms = {TermKind.BASE_FEE: {"amount": "9.90", "per": "contract"},
                 TermKind.INCLUDED_ENERGY: {"kwh": "50", "per": "contract"}}  # fmt: skip
        insert_rows(
            ContractTerm,
            ("version_id", "kind", "figures"),
            ((pk, kind.value, figures) for pk in ids[::10] for kind, figures in terms.items()),
        )
    return ids


def _approve(versions: list[int], checker: User) -> None:
    approved = [(pk, VersionState.APPROVED.value, checker.pk, _MADE_AT) for pk in versions]
    update_rows(ContractVersion, ("state", "approved_by_id", "approved_at"), approved)


def _sponsor(operator: Operator, fleets: _Fleets, maker: User, checker: User) -> None:
    """Sponsors pay 30 % for the first vehicle of one fleet in twenty."""
    parties = [
        Party.objects.create(
            number=f"S{n}", kind=PartyKind.EV_MANUFACTURER, legal_name=f"Maker {n} AG", street="Werkstr. 1",
            postal_code="70173", city="Stuttgart", country="DE", currency="EUR",
        ).pk
        for n in range(SPONSORS)
    ]  # fmt: skip
    contracts = _contracts(operator, ContractKind.SPONSORSHIP, parties, maker, checker)
    versions = _versions(contracts, maker, checker, [])
    insert_rows(Sponsorship, ("version_id", "percent"), ((pk, Decimal(30)) for pk in versions))
    _approve(versions, checker)
    insert_rows(
        SponsoredVehicle,
        ("contract_id", "vehicle_id", "valid_from"),
        (
            (contracts[n % SPONSORS], fleets.vehicles[VEHICLES * fleet], _FIRST_DAY)
            for n, fleet in enumerate(range(0, len(fleets.contracts), 20))
        ),
    )


_SESSION = (
    "source", "source_label", "provider_ref", "content_hash", "state", "token_ref", "token_id", "vehicle_id",
    "cost_centre_id", "contract_id", "site_id", "station_id", "connector_id", "started_at", "ended_at", "energy_wh",
    "periods", "received_at",
)  # fmt: skip


def _sessions(count: int, fleets: _Fleets, places: list[tuple[int, int, int]]) -> Iterator[tuple[Any, ...]]:
    """Each differs in start, energy and times; those of a contract follow one another through the month."""
    per_contract = -(-count // len(fleets.contracts))
    apart = dt.timedelta(minutes=30 * 24 * 60 // (per_contract + 1))
    for number in range(count):
        fleet, place = divmod(number, per_contract)
        start = _FIRST + place * apart + dt.timedelta(minutes=number % 53)
        charged, slow, idle = 20 + number % 70, 10 + number % 35, 5 + number % 50
        starts = [start, start + _minutes(charged), start + _minutes(charged + slow)]
        energy = [8000 + 7 * (number % 3000), 1000 + 3 * (number % 1500), 0]
        car = VEHICLES * fleet + number % VEHICLES
        periods = [
            _period(starts[0], energy[0], charging=charged),
            _period(starts[1], energy[1], charging=slow),
            _period(starts[2], 0, parking=idle),
        ]
        yield (
            SessionSource.IMPORT.value, "bench", f"B{number:08}", f"{number:064x}", SessionState.COMPLETED.value,
            f"TOKEN-{car}", fleets.tokens[car], fleets.vehicles[car], fleets.centres[2 * fleet + car % 2],
            fleets.contracts[fleet], *places[number % len(places)], start, starts[2] + _minutes(idle), sum(energy),
            periods, CLOSED_AT - dt.timedelta(days=1),
        )  # fmt: skip


def _period(start: dt.datetime, energy_wh: int, charging: int = 0, parking: int = 0) -> dict[str, Any]:
    return {
        "start_at": start.isoformat(), "energy_wh": energy_wh, "charging_s": 60 * charging, "parking_s": 60 * parking,
    }  # fmt: skip


def _minutes(count: int) -> dt.timedelta:
    return dt.timedelta(minutes=count)
