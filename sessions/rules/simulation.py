"""A session that somebody imagines, as charging periods; and what a session was up to an instant. Pure."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any


def imagined_periods(
    started_at: dt.datetime,
    charging_ended_at: dt.datetime,
    ended_at: dt.datetime,
    energy_wh: int,
    power_kw: Decimal | None = None,
) -> list[dict[str, Any]]:
    """Periods as ChargingSession keeps them: charging at an even pace, then standing without charging.

    `power_kw` is the average while it charges; None where it is not known, which satisfies no limit on power.
    """
    charging_s = int((charging_ended_at - started_at).total_seconds())
    parking_s = int((ended_at - charging_ended_at).total_seconds())
    charging = {"start_at": started_at.isoformat(), "energy_wh": energy_wh, "charging_s": charging_s, "parking_s": 0}
    standing = {"start_at": charging_ended_at.isoformat(), "energy_wh": 0, "charging_s": 0, "parking_s": parking_s}
    if power_kw is not None:
        charging["power_kw"], standing["power_kw"] = power_kw, Decimal(0)
    return [row for row in (charging, standing) if row["charging_s"] or row["parking_s"] or row["energy_wh"]]


def periods_until(
    periods: Sequence[Mapping[str, Any]], ended_at: dt.datetime, until: dt.datetime
) -> list[dict[str, Any]]:
    """The periods as they stood at an instant; the running one in proportion to its time, in whole Wh and seconds."""
    starts = [dt.datetime.fromisoformat(row["start_at"]) for row in periods]
    found: list[dict[str, Any]] = []
    for row, start, end in zip(periods, starts, [*starts[1:], ended_at], strict=True):
        if start >= until and found:
            break
        whole = max(int((end - start).total_seconds()), 1)
        done = min(max(int((until - start).total_seconds()), 0), whole)
        cut = {
            name: value if value is None or done == whole else value * done // whole
            for name in ("energy_wh", "charging_s", "parking_s")
            for value in [row.get(name)]
        }
        found.append({**row, **cut})
    return found


def points_of(started_at: dt.datetime, ended_at: dt.datetime, most: int) -> list[dt.datetime]:
    """Instants at which a session is looked at: evenly spread, full minutes where there are enough, the end last."""
    seconds = int((ended_at - started_at).total_seconds())
    count = max(1, min(most, seconds // 60))
    return [started_at + dt.timedelta(seconds=seconds * step // count) for step in range(1, count + 1)]
