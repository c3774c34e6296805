"""Reading sessions from the rows of a file: which column is what, in which format, zone and unit.

Pure. A row that cannot be read raises RowRefused with the column and a sentence; the caller keeps it with its line.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _

from evbilling.kernel.clock import zone
from evbilling.kernel.money import round_half_up
from evbilling.kernel.strict_json import dumps

REQUIRED = ("provider_ref", "token_ref", "station_ref", "started_at", "ended_at", "energy")
OPTIONAL = ("charging_duration", "parking_duration", "connector_ref")
COMPLETED = "completed"
ISO = "ISO"
_LENGTHS = {"provider_ref": 64, "token_ref": 64, "station_ref": 64, "connector_ref": 36}
_LONGEST_EXTRA = 500
_YEARS = range(2000, 2101)
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,18})?")
_CLOCK = re.compile(r"([0-9]{1,4}):([0-5][0-9])(?::([0-5][0-9]))?")
_WH_PER = {"kWh": 1000, "Wh": 1}
_HOUR = 3600


class RowRefused(ValueError):
    """A row that cannot be read; `column` is the file's heading, empty where the row as a whole is meant."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Mapped:
    """How a source's rows are read. `columns` maps our fields to the file's headings (REQUIRED, OPTIONAL)."""

    columns: Mapping[str, str]
    extra_columns: Sequence[str]
    instant_format: str
    year_offset: int
    zone: str
    energy_unit: str
    decimal_mark: str

    def missing_fields(self) -> list[str]:
        """Required fields of ours that no column is named for."""
        return [name for name in REQUIRED if not self.columns.get(name)]

    def missing_headings(self, headings: Sequence[str]) -> list[str]:
        """Columns that this reading needs and the file does not have."""
        wanted = [self.columns[name] for name in (*REQUIRED, *OPTIONAL) if self.columns.get(name)]
        return [heading for heading in (*wanted, *self.extra_columns) if heading not in headings]


@dataclass(frozen=True, slots=True)
class PeriodInput:
    """A stretch of a session from an instant on: energy in Wh, times in seconds."""

    start_at: dt.datetime
    energy_wh: int
    charging_s: int
    parking_s: int = 0

    def as_data(self) -> dict[str, object]:
        """The period as it is kept on the session's row."""
        return {
            "start_at": self.start_at.astimezone(dt.UTC).isoformat(),
            "energy_wh": self.energy_wh,
            "charging_s": self.charging_s,
            "parking_s": self.parking_s,
        }


@dataclass(frozen=True, slots=True)
class SessionInput:
    """One session as a source reports it. Instants are aware, energy is in Wh; an open session has no end."""

    provider_ref: str
    token_ref: str
    station_ref: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    energy_wh: int
    connector_ref: str = ""
    state: str = COMPLETED
    periods: tuple[PeriodInput, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)

    def content_hash(self) -> str:
        """SHA-256 over all that was reported: an equal hash is an unchanged copy."""
        ended = self.ended_at.astimezone(dt.UTC).isoformat() if self.ended_at else None
        content = [
            self.provider_ref,
            self.token_ref,
            self.station_ref,
            self.connector_ref,
            self.state,
            self.started_at.astimezone(dt.UTC).isoformat(),
            ended,
            self.energy_wh,
            [period.as_data() for period in self.periods],
            sorted(self.extra.items()),
        ]
        return hashlib.sha256(dumps(content).encode()).hexdigest()


def read_row(mapped: Mapped, row: Mapping[str, str | None]) -> SessionInput:
    """The session in one row of the file. Raises RowRefused naming the column, the value and what to do."""
    refs = {name: _text(mapped, row, name) for name in ("provider_ref", "token_ref", "station_ref")}
    connector = _text(mapped, row, "connector_ref", required=False) if mapped.columns.get("connector_ref") else ""
    started_at = _instant(mapped, row, "started_at")
    ended_at = _instant(mapped, row, "ended_at")
    if ended_at < started_at:
        raise RowRefused(
            mapped.columns["ended_at"],
            _("The session ends (%(end)s) before it starts (%(start)s).")
            % {"end": _cell(row, mapped.columns["ended_at"]), "start": _cell(row, mapped.columns["started_at"])},
        )
    energy_wh = _energy(mapped, row)
    periods = _periods(mapped, row, started_at, ended_at, energy_wh)
    return SessionInput(
        **refs,
        connector_ref=connector,
        started_at=started_at,
        ended_at=ended_at,
        energy_wh=energy_wh,
        periods=periods,
        extra={heading: _extra(row, heading) for heading in mapped.extra_columns},
    )


def local_instant(local: dt.datetime, zone_name: str) -> dt.datetime:
    """The UTC instant of a local time. Raises ValueError for one that a clock change skips or repeats."""
    tz = zone(zone_name)
    first = local.replace(tzinfo=tz, fold=0).astimezone(dt.UTC)
    second = local.replace(tzinfo=tz, fold=1).astimezone(dt.UTC)
    if first == second:
        return first
    if first.astimezone(tz).replace(tzinfo=None) != local:
        raise ValueError(
            _("%(time)s does not exist in %(zone)s: the clocks were put forward. Give it with its offset.")
            % {"time": local, "zone": zone_name}
        )
    raise ValueError(
        _("%(time)s happens twice in %(zone)s: the clocks were put back. Give it with its offset.")
        % {"time": local, "zone": zone_name}
    )


def _cell(row: Mapping[str, str | None], heading: str) -> str:
    return (row.get(heading) or "").strip()


def _text(mapped: Mapped, row: Mapping[str, str | None], name: str, *, required: bool = True) -> str:
    heading = mapped.columns[name]
    text = _cell(row, heading)
    if required and not text:
        raise RowRefused(heading, _("%s is empty; every session needs it.") % heading)
    if len(text) > _LENGTHS[name]:
        raise RowRefused(
            heading,
            _("%(column)s is longer than %(count)s characters.") % {"column": heading, "count": _LENGTHS[name]},
        )
    if not text.isprintable():
        raise RowRefused(
            heading,
            _("%(column)s holds a character that cannot be shown: %(text)s.") % {"column": heading, "text": repr(text)},
        )
    return text


def _extra(row: Mapping[str, str | None], heading: str) -> str:
    text = _cell(row, heading)
    if len(text) > _LONGEST_EXTRA or "\0" in text:
        raise RowRefused(
            heading,
            _("%(column)s is longer than %(count)s characters or not text.")
            % {"column": heading, "count": _LONGEST_EXTRA},
        )
    return text


def _instant(mapped: Mapped, row: Mapping[str, str | None], name: str) -> dt.datetime:
    heading = mapped.columns[name]
    text = _cell(row, heading)
    if not text:
        raise RowRefused(heading, _("%s is empty; a completed session has a start and an end.") % heading)
    try:
        if mapped.instant_format == ISO:
            moment = dt.datetime.fromisoformat(text)
        else:
            moment = dt.datetime.strptime(text, mapped.instant_format)  # noqa: DTZ007 - the zone is the profile's
        moment = moment.replace(year=moment.year + mapped.year_offset)
    except ValueError:
        raise RowRefused(
            heading,
            _("%(column)s: %(text)s is not a time of the form %(form)s.")
            % {"column": heading, "text": repr(text), "form": mapped.instant_format},
        ) from None
    if moment.year not in _YEARS:
        raise RowRefused(
            heading,
            _("%(column)s: the year %(year)s cannot be meant; set the profile's years to add.")
            % {"column": heading, "year": moment.year},
        )
    if moment.tzinfo is not None:
        return moment.astimezone(dt.UTC)
    try:
        return local_instant(moment, mapped.zone)
    except ValueError as error:
        raise RowRefused(heading, f"{heading}: {error}") from None


def _number(mapped: Mapped, heading: str, text: str) -> Decimal:
    plain = text if mapped.decimal_mark == "." else text.replace(".", "\0").replace(",", ".")
    if not _NUMBER.fullmatch(plain):
        raise RowRefused(
            heading,
            _("%(column)s: %(text)s is not a number of zero or more, written like %(example)s.")
            % {"column": heading, "text": repr(text), "example": f"12{mapped.decimal_mark}5"},
        )
    return Decimal(plain)


def _energy(mapped: Mapped, row: Mapping[str, str | None]) -> int:
    """Whole Wh: exact where the source gives them, a finer fraction rounded half up once."""
    heading = mapped.columns["energy"]
    text = _cell(row, heading)
    if not text:
        raise RowRefused(heading, _("%s is empty; write 0 where no energy was drawn.") % heading)
    return int(round_half_up(_number(mapped, heading, text) * _WH_PER[mapped.energy_unit], 0))


def _seconds(mapped: Mapped, row: Mapping[str, str | None], name: str) -> int | None:
    """A duration as h:mm, h:mm:ss or decimal hours, to the whole second; None where there is no such column."""
    heading = mapped.columns.get(name)
    text = _cell(row, heading) if heading else ""
    if not heading or not text:
        return None
    clock = _CLOCK.fullmatch(text)
    if clock:
        return int(clock[1]) * _HOUR + int(clock[2]) * 60 + int(clock[3] or 0)
    return int(round_half_up(_number(mapped, heading, text) * _HOUR, 0))


def _periods(
    mapped: Mapped, row: Mapping[str, str | None], started_at: dt.datetime, ended_at: dt.datetime, energy_wh: int
) -> tuple[PeriodInput, ...]:
    """Charging first, then parking. Where the source gives only start, end and energy, it charged all the time.

    Energy is taken as drawn evenly over the charging time. Sources round durations, so one second is tolerated.
    """
    whole = int((ended_at - started_at).total_seconds())
    parking = _seconds(mapped, row, "parking_duration")
    charging = _seconds(mapped, row, "charging_duration")
    if charging is None:
        charging = whole - (parking or 0)
    name = "charging_duration" if mapped.columns.get("charging_duration") else "parking_duration"
    if charging < 0 or charging + (parking or 0) > whole + 1:
        raise RowRefused(
            mapped.columns.get(name, ""), _("The stated durations are longer than the session from start to end.")
        )
    charging = min(charging, whole)
    first = PeriodInput(started_at, energy_wh, charging)
    if charging == whole:
        return (first,)
    return (first, PeriodInput(started_at + dt.timedelta(seconds=charging), 0, 0, whole - charging))
