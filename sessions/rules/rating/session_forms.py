"""Sessions and charge records from JSON: OCPI Session, OCPI CDR, and a short form with `minutes` and `reservation`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sessions.rules.rating.findings import Finding, has_errors
from sessions.rules.rating.numbers import DAY, HOUR, KWH, MINUTE, POWER_SCALE, SECOND, WH, Exact, plain, rounded, scaled
from sessions.rules.rating.reading import Reader, is_plain, shown, words
from sessions.rules.rating.session import Period, RatingInput, energy_volume, time_volume
from sessions.rules.rating.tariff import OCPI_VERSIONS
from sessions.rules.rating.wording import Named
from sessions.rules.rating.zone import known_zones, moment

MOST_PERIODS = 10_000
LONGEST_SESSION = 366 * DAY
_SLACK = MINUTE  # by how much stated times may exceed the clock before it is an error
_MOST_KW = 1_000  # above this average power the energy of a period is not credible

_SESSION_KEYS = words(
    "id time_zone start_date_time end_date_time charging_periods reservation country_code party_id kwh cdr_token "
    "auth_method authorization_reference location_id evse_uid connector_id meter_id currency total_cost status "
    "last_updated"
)
_CDR_KEYS = words(
    "country_code party_id id start_date_time end_date_time session_id cdr_token auth_method "
    "authorization_reference cdr_location meter_id currency tariffs charging_periods signed_data total_cost "
    "total_fixed_cost total_energy total_energy_cost total_time total_time_cost total_parking_time "
    "total_parking_cost total_reservation_cost remark invoice_reference_id credit credit_reference_id "
    "home_charging_compensation last_updated time_zone booking_id"
)
_PERIOD_KEYS = frozenset({"start_date_time", "dimensions", "tariff_id"})
_SHORT_PERIOD_KEYS = _PERIOD_KEYS | {"minutes"}
_RESERVATION_KEYS = frozenset({"start_date_time", "minutes", "expired"})
_DIMENSION_KEYS = frozenset({"type", "volume"})
_POWERS = {"MIN_POWER": "min_power", "POWER": "power", "MAX_POWER": "max_power"}
_CURRENTS = {"MIN_CURRENT": "min_current", "CURRENT": "current", "MAX_CURRENT": "max_current"}
_TIMES = {"TIME": "time", "PARKING_TIME": "parking", "RESERVATION_TIME": "reservation"}
# Known to OCPI, without influence on any price.
_UNPRICED = frozenset({"ENERGY_EXPORT", "ENERGY_IMPORT", "STATE_OF_CHARGE"})
_DIMENSION_TYPES = frozenset({"ENERGY"} | _POWERS.keys() | _CURRENTS.keys() | _TIMES.keys() | _UNPRICED)


@dataclass(frozen=True, slots=True)
class _Row:
    """A charging period as read, before its end is known."""

    reader: Reader
    start: int
    minutes: int | None
    volumes: dict[str, Decimal]
    tariff_id: str | None
    number: int


def parse_session(
    document: object, ocpi_version: str, path: str = "session"
) -> tuple[RatingInput | None, tuple[Finding, ...]]:
    """Read a session: OCPI Session fields, `time_zone`, and the short form's `minutes` and `reservation`; never raises.

    Without `end_date_time` the session still runs. Returns None where a finding is an error.
    """
    findings: list[Finding] = []
    reader = Reader(document, path, findings)
    if not _opened(reader, ocpi_version, _SESSION_KEYS, tolerant=False):
        return None, tuple(findings)
    start, end = reader.instant("start_date_time", required=True), reader.instant("end_date_time")
    zone, zone_known = _zone(reader)
    reservation, expired = _reservation(reader)
    rows = _rows(reader, _SHORT_PERIOD_KEYS)
    if not rows and not (reservation and expired):
        reader.error("no_periods", "charging_periods")
    periods = _periods(reader, rows, start, end)
    if start is None or has_errors(findings):
        return None, tuple(findings)
    if reservation:
        periods.insert(0, reservation)
    return (
        RatingInput(start, end, zone, tuple(periods), expired and not rows, zone_known, reader.text("id") or "", path),
        tuple(findings),
    )


def parse_cdr(document: object, ocpi_version: str, path: str = "cdr") -> tuple[RatingInput | None, tuple[Finding, ...]]:
    """Read an OCPI CDR as a session; its tariffs and totals are for others. Never raises.

    RESERVATION_TIME periods before the first charging period are the reservation; a record of nothing else is an
    expired reservation, because OCPI has no other sign of it.
    """
    findings: list[Finding] = []
    reader = Reader(document, path, findings)
    if not _opened(reader, ocpi_version, _CDR_KEYS, tolerant=True):
        return None, tuple(findings)
    start, end = reader.instant("start_date_time", required=True), reader.instant("end_date_time", required=True)
    zone, zone_known = _zone(reader)
    rows = _rows(reader, _PERIOD_KEYS)
    if not rows:
        reader.error("no_periods", "charging_periods", "record_without_periods")
    periods = _periods(reader, rows, start, end)
    if start is None or has_errors(findings):
        return None, tuple(findings)
    charging = [period for period in periods if period.reservation is None or period.energy or period.time]
    expired = not charging
    if expired:
        reader.warn("reservation_expiry_inferred", "charging_periods")
    elif charging[0].start > periods[0].start:
        start = charging[0].start
    total = reader.number("total_energy", lowest=0)
    measured = sum((period.energy or 0 for period in periods), 0)
    if total is not None and measured and energy_volume(total) != measured:
        reader.warn("total_energy_differs", "total_energy", stated=plain(total), measured=_kwh(measured))
    _check_times(reader, periods)
    return RatingInput(start, end, zone, tuple(periods), expired, zone_known, reader.text("id") or "", path), tuple(
        findings
    )


def _check_times(record: Reader, periods: list[Period]) -> None:
    """A record's total times beside its periods: charging and idle time together, and idle time alone."""
    idle = sum((period.parking or 0 for period in periods), 0)
    charged = sum((period.time or 0 for period in periods), 0)
    by_clock = periods[-1].end - periods[0].start
    known_times: dict[str, tuple[Exact, ...]] = {
        "total_time": (charged + idle, by_clock),
        "total_parking_time": (idle,),
    }
    for field, possible in known_times.items():
        total = record.number(field, lowest=0)
        if total is None or not (charged or idle):
            continue
        stated = time_volume(total, 0)
        if all(max(stated - known, known - stated) > _SLACK for known in possible):
            values = {"name": field, "stated": plain(total), "measured": plain(_hours(possible[0]))}
            record.warn("total_time_differs", field, **values)


def _opened(reader: Reader, ocpi_version: str, keys: frozenset[str], *, tolerant: bool) -> bool:
    if ocpi_version not in OCPI_VERSIONS:
        reader.error("unknown_version", "", choices=", ".join(OCPI_VERSIONS))
        return False
    if reader.usable:
        reader.only(keys, tolerant=tolerant)
    return reader.usable


def _zone(reader: Reader) -> tuple[str, bool]:
    name = reader.text("time_zone")
    if name is not None and name not in known_zones():
        reader.error("unknown_zone", "time_zone", value=shown(name))
    return name or "UTC", name is not None


def _minutes(reader: Reader) -> int | None:
    minutes = reader.number("minutes", lowest=0)
    return None if minutes is None else round(scaled(minutes, MINUTE))


def _reservation(session: Reader) -> tuple[Period | None, bool]:
    value = session.raw("reservation")
    if value is None:
        return None, False
    reader = Reader(value, session.at("reservation"), session.findings)
    reader.only(_RESERVATION_KEYS)
    start, minutes = reader.instant("start_date_time", required=True), _minutes(reader)
    expired = reader.flag("expired")
    if minutes is None and reader.usable:
        reader.raw("minutes", required=True)
    if start is None or minutes is None:
        return None, expired
    if minutes > LONGEST_SESSION:
        reader.error("too_long", "minutes", "reservation_too_long")
    return Period(start, start + minutes, reservation=minutes, number=-1), expired


def _rows(session: Reader, keys: frozenset[str]) -> list[_Row]:
    rows = []
    for number, entry in enumerate(session.items("charging_periods", most=MOST_PERIODS)):
        reader = Reader(entry, f"{session.at('charging_periods')}[{number}]", session.findings)
        reader.only(keys)
        start, minutes = reader.instant("start_date_time", required=True), _minutes(reader)
        volumes = _volumes(reader)
        tariff_id = reader.text("tariff_id")
        if start is not None:
            rows.append(_Row(reader, start, minutes, volumes, tariff_id, number))
    return rows


def _volumes(period: Reader) -> dict[str, Decimal]:
    volumes: dict[str, Decimal] = {}
    for number, entry in enumerate(period.items("dimensions", required=True, most=len(_DIMENSION_TYPES))):
        if type(entry) is dict and len(entry) == 2:
            kind, volume = entry.get("type"), entry.get("volume")
            if is_plain(volume) and type(kind) is str and kind in _DIMENSION_TYPES and kind not in volumes:
                volumes[kind] = Decimal(volume)
                continue
        reader = Reader(entry, f"{period.at('dimensions')}[{number}]", period.findings)
        reader.only(_DIMENSION_KEYS)
        kind = reader.choice("type", _DIMENSION_TYPES, required=True)
        volume = reader.number("volume", required=True, lowest=None if kind in _UNPRICED else 0)
        if kind is None or volume is None:
            continue
        if kind in volumes:
            reader.error("duplicate_dimension", "type", dimension=kind)
        volumes[kind] = volume
    return volumes


def _periods(session: Reader, rows: list[_Row], start: int | None, end: int | None) -> list[Period]:
    """Rows in order with their ends: stated minutes, else the next start, else the session's end."""
    if start is not None and end is not None and end < start:
        session.error("ends_before_start", "end_date_time")
        return []
    last = end if end is not None else max((row.start + (row.minutes or 0) for row in rows), default=start)
    if start is not None and last is not None and last - start > LONGEST_SESSION:
        session.error("too_long", "end_date_time")
        return []
    periods: list[Period] = []
    before = start
    for index, row in enumerate(rows):
        following = rows[index + 1].start if index + 1 < len(rows) else end
        stop = row.start + row.minutes if row.minutes is not None else following
        if stop is None:
            stop = row.start + round(
                sum(time_volume(row.volumes.get(kind, Decimal(0)), 0) for kind in ("TIME", "PARKING_TIME"))
            )
        _check_order(row, (start, end), before, stop, first=not index)
        before = max(stop, row.start)
        if stop - row.start <= LONGEST_SESSION:
            periods.append(_period(row, max(stop, row.start)))
    if end is not None and before is not None and rows and end - before > _SLACK:
        session.warn("period_gap", "end_date_time", "period_gap_at_end", since=_clock(before))
    return periods


def _check_order(
    row: _Row, bounds: tuple[int | None, int | None], before: int | None, stop: int, *, first: bool
) -> None:
    start, end = bounds
    reader, key = row.reader, "start_date_time"
    if start is None or before is None:
        return
    if row.start < start:
        reader.error("period_before_session", key, at=_clock(row.start))
    elif end is not None and row.start > end:
        reader.error("period_after_session", key, at=_clock(row.start))
    elif row.start < before:
        reader.error("period_out_of_order", key, at=_clock(row.start), before=_clock(before))
    elif stop < row.start:
        reader.error("period_out_of_order", key, "next_out_of_order", at=_clock(row.start))
    elif end is not None and stop > end + _SLACK:
        reader.error("period_after_session", "minutes", "period_ends_after_session", at=_clock(stop))
    elif row.start > before and (not first or row.start - before > _SLACK):
        reader.warn("period_gap", key, since=_clock(before), until=_clock(row.start))


def _period(row: _Row, stop: int) -> Period:
    duration = stop - row.start
    fields: dict[str, Exact] = {}
    for kind, name in _TIMES.items():
        if kind in row.volumes:
            fields[name] = time_volume(row.volumes[kind], duration)
    for kind, name in (_POWERS | _CURRENTS).items():
        if kind in row.volumes:
            fields[name] = scaled(row.volumes[kind], POWER_SCALE)
    if "ENERGY" in row.volumes:
        fields["energy"] = energy_volume(row.volumes["ENERGY"])
    _check_volumes(row, fields, duration)
    return Period(row.start, stop, tariff_id=row.tariff_id, number=row.number, **fields)


def _check_volumes(row: _Row, fields: dict[str, Exact], duration: int) -> None:
    reader = row.reader
    stated = sum((fields.get(name, 0) for name in _TIMES.values()), 0)
    if stated > duration + _SLACK:
        times = {"clock": str(duration // SECOND), "stated": str(stated // SECOND)}
        reader.error("time_exceeds_period", "dimensions", "time_differs", **times)
    elif stated and duration - stated > _SLACK:
        times = {"clock": str(duration // SECOND), "stated": str(stated // SECOND)}
        reader.warn("time_below_period", "dimensions", "time_differs", **times)
    for low, high, what in (("min_power", "max_power", Named.POWER), ("min_current", "max_current", Named.CURRENT)):
        if low in fields and high in fields and fields[low] > fields[high]:
            reader.error("range_contradicts", "dimensions", what=what)
    energy = fields.get("energy", 0)
    # kWh > kW * hours, in whole numbers: uWh * us-per-hour > kW * (uWh per kWh) * us
    if energy * 3600 * SECOND > _MOST_KW * KWH * max(duration, SECOND):
        clock = str(duration // SECOND)
        reader.warn("energy_exceeds_power", "dimensions", energy=_kwh(energy), clock=clock, most=str(_MOST_KW))


def _kwh(energy: Exact) -> str:
    return plain(Decimal(energy // WH) / 1000)


def _hours(time: Exact) -> Decimal:
    return rounded(time, 4, HOUR)


def _clock(at: int) -> str:
    return moment(at).strftime("%Y-%m-%dT%H:%M:%SZ")
