"""A second engine, written to be obvious and not fast: minute by minute, straight from the words of OCPI 2.2.1.

It shares no code with the engine. Sessions must be in whole minutes; there are no reservations and no price limits.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

MINUTE = 60 * 10**6  # us
HOUR = 60 * MINUTE
KWH = 10**9  # uWh
KILO = 10**6  # a kW or an A
DIMENSIONS = {"ENERGY": "energy", "TIME": "time", "PARKING_TIME": "parking"}
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


def priced(document: dict[str, Any], session: Any) -> dict[Decimal, tuple[Fraction, Fraction]]:
    """Exact net and gross per VAT rate, for rates with any amount."""
    volumes: dict[str, dict[tuple[int, int], Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    last: dict[str, tuple[int, int]] = {}
    fee: tuple[int, int] | None = None
    for moment in _moments(document, session):
        if fee is None:
            fee = _applying(document, "FLAT", moment)
        for dimension, volume in moment["volumes"].items():
            place = _applying(document, dimension, moment)
            if place is not None:
                volumes[dimension][place] += volume
                if _component(document, place)["price"]:
                    last[dimension] = place
    _round_up(document, volumes, last)
    sums: dict[Decimal, tuple[Fraction, Fraction]] = {}
    for dimension, unit in (("ENERGY", KWH), ("TIME", HOUR), ("PARKING_TIME", HOUR)):
        for place, volume in volumes[dimension].items():
            _add(sums, _component(document, place), volume / unit)
    if fee is not None:
        _add(sums, _component(document, fee), Fraction(1))
    return {vat: amounts for vat, amounts in sums.items() if amounts[0]}


def capped(
    document: dict[str, Any], session: Any, *, dimension: str, window: tuple[str, str], days: list[str], limit: Decimal
) -> Fraction:
    """The net of a dimension, each occurrence of a window at most `limit`. For tariffs without steps.

    A window belongs to the local day on which it opens; one whose end is not after its start closes on the next day.
    """
    outside, occurrences = Fraction(0), dict[str, Fraction]()
    unit = {"ENERGY": KWH, "TIME": HOUR, "PARKING_TIME": HOUR}[dimension]
    for moment in _moments(document, session):
        place = _applying(document, dimension, moment) if dimension in moment["volumes"] else None
        if place is None:
            continue
        amount = moment["volumes"][dimension] / unit * Fraction(_component(document, place)["price"])
        opened = _opened(window, moment)
        if opened is None or (days and DAYS[dt.date.fromisoformat(opened).weekday()] not in days):
            outside += amount
        else:
            occurrences[opened] = occurrences.get(opened, Fraction(0)) + amount
    return outside + sum(min(amount, Fraction(limit)) for amount in occurrences.values())


def _opened(window: tuple[str, str], moment: dict[str, Any]) -> str | None:
    """The local day on which the window opened in which a moment lies."""
    (start, end), time = window, moment["time"]
    if start < end:
        return moment["date"] if start <= time < end else None
    if time >= start:
        return str(moment["date"])
    before = dt.date.fromisoformat(moment["date"]) - dt.timedelta(days=1)
    return before.isoformat() if time < end else None


def _add(sums: dict[Decimal, tuple[Fraction, Fraction]], component: dict[str, Any], quantity: Fraction) -> None:
    vat = component["vat"]
    net, gross = sums.get(vat, (Fraction(0), Fraction(0)))
    amount = quantity * Fraction(component["price"])
    sums[vat] = net + amount, gross + amount * (1 + Fraction(vat) / 100)


def _component(document: dict[str, Any], place: tuple[int, int]) -> dict[str, Any]:
    return document["elements"][place[0]]["price_components"][place[1]]


def _round_up(document: dict[str, Any], volumes: dict[str, Any], last: dict[str, tuple[int, int]]) -> None:
    """The step of the last priced component, once for energy and once for time: idle time where that is priced."""
    timed = "PARKING_TIME" if "PARKING_TIME" in last else "TIME"
    for dimension, unit in (("ENERGY", 10**6), (timed, 10**6)):
        place = last.get(dimension)
        step = unit * _component(document, place)["step_size"] if place else 0
        if not step or place is None:
            continue
        total = sum(volume for where, volume in volumes[dimension].items() if _component(document, where)["price"])
        volumes[dimension][place] += -(-total // step) * step - total


def _moments(document: dict[str, Any], session: Any) -> Iterator[dict[str, Any]]:
    """The minutes of the session, cut where the energy so far reaches a limit of the tariff."""
    limits = {
        Fraction(element["restrictions"][name]) * KWH
        for element in document["elements"]
        for name in ("min_kwh", "max_kwh")
        if name in element.get("restrictions", {})
    }
    zone, used = ZoneInfo(session.time_zone), Fraction(0)
    for period in session.periods:
        length = period.end - period.start
        per_us = Fraction(period.energy or 0, length)
        for minute in range(period.start, period.end, MINUTE):
            upto = minute + MINUTE
            reached = used + per_us * MINUTE
            inside = sorted(limit for limit in limits if used < limit < reached)
            edges = [Fraction(minute), *(minute + (limit - used) / per_us for limit in inside), Fraction(upto)]
            levels = [used, *inside]
            local = (EPOCH + dt.timedelta(microseconds=minute)).astimezone(zone)
            for level, since, until in zip(levels, edges, edges[1:], strict=False):
                part = (until - since) / length
                yield {
                    "volumes": {
                        dimension: getattr(period, name) * part
                        for dimension, name in DIMENSIONS.items()
                        if getattr(period, name)
                    },
                    "time": f"{local:%H:%M}",
                    "date": f"{local:%Y-%m-%d}",
                    "day": DAYS[local.weekday()],
                    "kwh": level / KWH,
                    "duration": (since - session.start) / 10**6,
                    "power": _power(period),
                    "current": _current(period),
                }
            used = reached


def _power(period: Any) -> Fraction | None:
    if period.power is not None:
        return Fraction(period.power, KILO)
    if period.energy:
        return Fraction(period.energy, KWH) / Fraction(period.end - period.start, HOUR)
    return Fraction(0) if period.parking and not period.time else None


def _current(period: Any) -> Fraction | None:
    if period.current is not None:
        return Fraction(period.current, KILO)
    return Fraction(0) if period.parking and not period.time and not period.energy else None


def _applying(document: dict[str, Any], dimension: str, moment: dict[str, Any]) -> tuple[int, int] | None:
    for number, element in enumerate(document["elements"]):
        for index, component in enumerate(element["price_components"]):
            if component["type"] == dimension and _holds(element.get("restrictions", {}), moment):
                return number, index
    return None


def _holds(stated: dict[str, Any], moment: dict[str, Any]) -> bool:
    if "day_of_week" in stated and moment["day"] not in stated["day_of_week"]:
        return False
    if "start_date" in stated and moment["date"] < stated["start_date"]:
        return False
    if "end_date" in stated and moment["date"] >= stated["end_date"]:
        return False
    if not _in_window(stated.get("start_time"), stated.get("end_time"), moment["time"]):
        return False
    for name in ("kwh", "duration", "power", "current"):
        low, high, value = stated.get(f"min_{name}"), stated.get(f"max_{name}"), moment[name]
        if low is None and high is None:
            continue
        if value is None or (low is not None and value < low) or (high is not None and value >= high):
            return False
    return True


def _in_window(start: str | None, end: str | None, time: str) -> bool:
    if end == "00:00":
        end = None
    if start is None or end is None:
        return (start is None or time >= start) and (end is None or time < end)
    return start <= time < end if start < end else time >= start or time < end
