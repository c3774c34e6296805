"""What was consumed, as the engine takes it: periods with energy and times, and the zone of the site."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sessions.rules.rating.numbers import HOUR, KWH, POWER_SCALE, SECOND, WH, Exact, scaled
from sessions.rules.rating.zone import instant


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of a session: [start, end) in us since 1970 UTC.

    Volumes are in uWh and us, power and current in millionths of kW and A; None: the source states no such dimension.
    `number` is the period's place in the source document (-1: the reservation of a session), `tariff_id` the tariff
    that the source names for it.
    """

    start: int
    end: int
    energy: Exact | None = None
    time: Exact | None = None
    parking: Exact | None = None
    reservation: Exact | None = None
    min_power: Exact | None = None
    power: Exact | None = None
    max_power: Exact | None = None
    min_current: Exact | None = None
    current: Exact | None = None
    max_current: Exact | None = None
    tariff_id: str | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class RatingInput:
    """A session to be priced, without any currency or tariff.

    `start` is the start of charging (durations count from it), `end` is None while the session runs; `time_zone` is
    the IANA zone of the site; `zone_known` is False where the source states none and UTC is assumed.
    """

    start: int
    end: int | None
    time_zone: str
    periods: tuple[Period, ...]
    reservation_expired: bool = False
    zone_known: bool = True
    id: str = ""
    path: str = "session"

    def without_tariff_ids(self) -> RatingInput:
        """The same session free of the tariffs its source names: for pricing under another tariff (what-if)."""
        return replace(self, periods=tuple(replace(period, tariff_id=None) for period in self.periods))


def make_period(
    start: datetime,
    end: datetime,
    *,
    energy_wh: int | Decimal | None = None,
    charging_seconds: int | Decimal | None = None,
    parking_seconds: int | Decimal | None = None,
    reserved_seconds: int | Decimal | None = None,
    power_kw: Decimal | None = None,
    current_a: Decimal | None = None,
    tariff_id: str | None = None,
    number: int = 0,
) -> Period:
    """A Period from everyday units; `power_kw` and `current_a` are averages over the period."""

    def units(value: int | Decimal | None, scale: int) -> Exact | None:
        return None if value is None else scaled(value, scale)

    return Period(
        start=instant(start),
        end=instant(end),
        energy=units(energy_wh, WH),
        time=units(charging_seconds, SECOND),
        parking=units(parking_seconds, SECOND),
        reservation=units(reserved_seconds, SECOND),
        power=units(power_kw, POWER_SCALE),
        current=units(current_a, POWER_SCALE),
        tariff_id=tariff_id,
        number=number,
    )


def make_session(
    periods: tuple[Period, ...],
    *,
    start: datetime,
    end: datetime | None,
    time_zone: str,
    reservation_expired: bool = False,
    id: str = "",
) -> RatingInput:
    """A RatingInput from checked periods in order; `end` None means that the session still runs."""
    return RatingInput(
        start=instant(start),
        end=None if end is None else instant(end),
        time_zone=time_zone,
        periods=periods,
        reservation_expired=reservation_expired,
        id=id,
    )


def energy_volume(kwh: Decimal) -> Exact:
    """kWh as uWh."""
    return scaled(kwh, KWH)


def time_volume(hours: Decimal, duration: int) -> Exact:
    """Hours of a TIME or PARKING_TIME volume as us, undoing the rounding of its decimal form.

    OCPI states times as decimal hours, so 43 minutes arrive as 0.717 h (2581.2 s) and a step of 60 s would bill 44.
    A volume with three or more decimals is a print of whole seconds: it becomes the period's own duration where that
    lies within the print's half unit, else (from four decimals) the whole second within it. Anything else stays as is.
    """
    exact = scaled(hours, HOUR)
    exponent = hours.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    if places < 3:
        return exact
    tolerance = HOUR // 2 // 10**places + 1
    if abs(exact - duration) <= tolerance:
        return duration
    second = round(exact / SECOND) * SECOND if not isinstance(exact, int) else (exact + SECOND // 2) // SECOND * SECOND
    return second if places > 3 and abs(exact - second) <= tolerance else exact
