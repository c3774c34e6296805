"""Whose session is it? Token, station and start decide the contract that pays (DOMAIN: token + site + instant)."""

from collections.abc import Sequence

from contracts.models import Connector, Station, Token
from contracts.queries import TermsBook
from contracts.rules.matching import AMBIGUOUS
from sessions.models import ChargingSession
from sessions.rules.quality import NO_CONTRACT, UNKNOWN_STATION, UNKNOWN_TOKEN, Concern


def match_sessions(
    sessions: Sequence[ChargingSession], *, connector_refs: Sequence[str], terms: TermsBook
) -> list[list[Concern]]:
    """Set token, vehicle, station, site, connector, contract and cost centre of unsaved or loaded sessions.

    Gives, per session, what keeps it from being billed. A constant number of queries. A station with one connector
    needs none named; a cost centre named with the token beats the vehicle's own.
    """
    tokens = {
        token.ref: token
        for token in Token.objects.filter(ref__in={each.token_ref for each in sessions}).select_related("vehicle")
    }
    stations = {
        station.ref: station
        for station in Station.objects.filter(ref__in={each.station_ref for each in sessions}).select_related("site")
    }
    connectors: dict[int, list[Connector]] = {}
    for connector in Connector.objects.filter(station__in=list(stations.values())).order_by("pk"):
        connectors.setdefault(connector.station_id, []).append(connector)
    return [
        _place(session, stations.get(session.station_ref), connectors, connector_ref)
        + _payer(session, tokens.get(session.token_ref), terms)
        for session, connector_ref in zip(sessions, connector_refs, strict=True)
    ]


def _place(
    session: ChargingSession, station: Station | None, connectors: dict[int, list[Connector]], connector_ref: str
) -> list[Concern]:
    """Set where it charged."""
    session.station = station
    session.site = station.site if station else None
    at_station = connectors.get(station.pk, []) if station else []
    only = at_station[0] if len(at_station) == 1 else None
    session.connector = next((each for each in at_station if each.ref == connector_ref), only)
    if station is not None:
        return []
    text = f"The station {session.station_ref!r} is not known; add it, then release."
    return [Concern(session.provider_ref, UNKNOWN_STATION, text)]


def _payer(session: ChargingSession, token: Token | None, terms: TermsBook) -> list[Concern]:
    """Set who charged and who pays, once it is known where."""
    session.token = token
    session.vehicle = token.vehicle if token else None
    payer = terms.payer_of(session.token_id, session.site_id, session.started_at)
    session.contract, session.cost_centre = payer.contract, payer.cost_centre
    vehicle = session.vehicle
    if session.cost_centre is None and vehicle is not None and payer.contract is not None:
        session.cost_centre_id = vehicle.cost_centre_id if vehicle.party_id == payer.contract.party_id else None
    if token is None:
        text = f"The token {session.token_ref!r} is not known; add it, then release."
        return [Concern(session.provider_ref, UNKNOWN_TOKEN, text)]
    if session.site is None or payer.contract is not None:
        return []
    text = (
        "Two contracts could pay equally well; end one of the token's assignments, then release."
        if payer.problem == AMBIGUOUS
        else "No contract pays for this token at this site on that day; assign the token, then release."
    )
    return [Concern(session.provider_ref, NO_CONTRACT, text)]
