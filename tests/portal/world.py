"""What the portal's tests stand on: a fleet, a stranger's fleet, a host and a sponsor, with sessions and documents."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from contracts.models import Contract, ContractKind, CostCentre, Operator, Party, Site, Station, Token, Vehicle
from evbilling.access.models import User
from invoicing.models import Document, DocumentKind, Invoice
from sessions.models import ChargingSession, SessionSource, SessionState
from sessions.operations.charges import split_charges
from sessions.operations.intake import record_sessions
from sessions.rules.intake import PeriodInput, SessionInput
from tests.factories import (
    make_contract_in_force,
    make_cost_centre,
    make_member,
    make_operator,
    make_party,
    make_site,
    make_station,
    make_tariff,
    make_token,
    make_vehicle,
    tariff_document,
)
from tests.invoicing.factories import make_issued

AT = dt.datetime(2026, 11, 2, 8, 0, tzinfo=dt.UTC)
OCTOBER = (dt.date(2026, 10, 1), dt.date(2026, 11, 1))
SEPTEMBER = (dt.date(2026, 9, 1), dt.date(2026, 10, 1))
HOUR = dt.timedelta(hours=1)
PDF = b"%PDF-1.7 the archived bytes"


@dataclass
class Fleet:
    """A fleet with its contract, its people and what it charges with."""

    party: Party
    contract: Contract
    manager: User
    cost_centre: CostCentre
    vehicles: list[Vehicle] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """One operator: 0.45 EUR a kWh and 19 % VAT; `own` is the visitor's fleet, `other` a stranger's."""

    operator: Operator
    owner: Party
    site: Site
    stations: tuple[Station, Station]
    own: Fleet
    other: Fleet
    sponsor: Contract

    def charge(self, fleet: Fleet, day: dt.datetime, kwh: int = 10, number: int = 0) -> ChargingSession:
        """One hour at the host's site, ended on that day at that hour."""
        ref = f"{fleet.party.number}-{day:%m%d%H}-{number}"
        return self.record([self.row(fleet, ref, day - HOUR, kwh, number)])[0]

    def row(self, fleet: Fleet, ref: str, start: dt.datetime, kwh: int, number: int = 0) -> SessionInput:
        """A session as a source reports it."""
        return SessionInput(
            provider_ref=ref,
            token_ref=fleet.tokens[number].ref,
            station_ref=self.stations[fleet is self.other].ref,
            started_at=start,
            ended_at=start + HOUR,
            energy_wh=kwh * 1000,
            periods=(PeriodInput(start, kwh * 1000, 3600),),
        )

    def record(self, rows: Sequence[SessionInput]) -> list[ChargingSession]:
        """Sessions come in and are priced."""
        record_sessions(rows=rows, source=SessionSource.IMPORT, source_label="test", by=None, at=AT)
        return list(ChargingSession.objects.filter(provider_ref__in=[row.provider_ref for row in rows]).order_by("pk"))


def make_fleet(operator: Operator, name: str, vehicles: int = 2) -> Fleet:
    """A fleet with so many vehicles, one card each."""
    party = make_party(legal_name=name, accountant="books@company.example")
    cost_centre = make_cost_centre(party)
    cars = [make_vehicle(party, cost_centre=cost_centre) for _number in range(vehicles)]
    tokens = [make_token(car, driver_name=f"Driver {number}") for number, car in enumerate(cars)]
    contract = make_contract_in_force(
        operator=operator,
        party=party,
        tariff=make_tariff(operator, tariff_document()),
        tokens=tokens,
        cost_centre=cost_centre,
    )
    return Fleet(party, contract, make_member(party), cost_centre, cars, tokens)


def make_world() -> World:
    """The small world without any session; the first vehicle of `own` is sponsored at 40 %."""
    operator = make_operator()
    owner = make_party("property_owner", legal_name="Harbour Estates AG")
    site = make_site(owner)
    own, other = make_fleet(operator, "Nordlicht Logistik GmbH"), make_fleet(operator, "Stranger Cars GmbH")
    sponsor = make_contract_in_force(
        ContractKind.SPONSORSHIP,
        operator,
        make_party("ev_manufacturer", legal_name="Volta Motors AG"),
        vehicles=[own.vehicles[0]],
        percent=Decimal(40),
    )
    return World(operator, owner, site, (make_station(site), make_station(site)), own, other, sponsor)


def split(*sessions: ChargingSession) -> None:
    """The month close divides these sessions between their payers."""
    split_charges([each.pk for each in sessions], at=AT)


def archive(invoice: Invoice, kind: str = DocumentKind.PDF, content: bytes = PDF) -> Document:
    """Store bytes as the document's file."""
    return Document.objects.create(
        invoice=invoice,
        kind=kind,
        file_name=f"{invoice.number}.{kind}",
        content_type="application/pdf" if kind == DocumentKind.PDF else "text/csv",
        content=content,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        rendered_at=AT,
    )


def bill(fleet: Fleet, net: str = "100.00", issued_on: dt.date = dt.date(2026, 11, 2)) -> Invoice:
    """An issued invoice of October with its PDF; where transactions are real, the outbox has drawn it already."""
    invoice = make_issued(fleet.contract, (net,), issued_on=issued_on, period=OCTOBER)
    if not invoice.documents.exists():
        archive(invoice)
    return invoice


def start_live(fleet: Fleet, station: Station, at: dt.datetime, kwh: int = 4) -> ChargingSession:
    """A session that runs since half an hour."""
    token = fleet.tokens[0]
    return ChargingSession.objects.create(
        source=SessionSource.OCPI,
        provider_ref=f"live-{token.ref}",
        content_hash="0" * 64,
        state=SessionState.ACTIVE,
        token=token,
        token_ref=token.ref,
        vehicle=token.vehicle,
        contract=fleet.contract,
        site=station.site,
        station=station,
        connector=station.connectors.first(),
        started_at=at - HOUR / 2,
        energy_wh=kwh * 1000,
        periods=[],
        received_at=at,
    )
