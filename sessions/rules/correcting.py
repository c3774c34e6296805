"""What a person corrects on a session that is billed already: energy, end of charging, tariff, or all of it. Pure.

The stored session is not touched: the corrected facts are priced by the same engine, and what was billed too much is
credited.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BadInput, require


@dataclass(frozen=True, slots=True)
class SessionChange:
    """What was wrong about a session: metered energy in Wh, the instant at which charging ended, the tariff version
    that should have priced it, or that it is free of charge. None: that was right."""

    energy_wh: int | None = None
    charging_until: dt.datetime | None = None
    tariff_version_id: int | None = None
    free: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether nothing is corrected."""
        return self == SessionChange()

    def to_data(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "energy_wh": self.energy_wh,
            "charging_until": self.charging_until.isoformat() if self.charging_until else None,
            "tariff_version": self.tariff_version_id,
            "free": self.free,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "SessionChange":
        """Of the JSON data."""
        until = data.get("charging_until")
        return cls(
            data.get("energy_wh"),
            dt.datetime.fromisoformat(until) if until else None,
            data.get("tariff_version"),
            bool(data.get("free")),
        )


def corrected_periods(
    periods: Sequence[Mapping[str, Any]],
    *,
    started_at: dt.datetime,
    ended_at: dt.datetime,
    energy_wh: int,
    change: SessionChange,
) -> list[dict[str, Any]]:
    """The charging periods with the change: energy in the proportion of what was metered, whole Wh by largest
    remainder; parking only after charging ended, what was parking before it becomes charging.

    Without periods one is made from start to end. Raises BadInput for energy below zero or an end of charging that is
    not within the session.
    """
    rows: list[dict[str, Any]] = [dict(row) for row in periods] or [
        {
            "start_at": started_at.isoformat(),
            "energy_wh": energy_wh,
            "charging_s": int((ended_at - started_at).total_seconds()),
            "parking_s": 0,
        }
    ]
    if change.energy_wh is not None:
        require(
            change.energy_wh >= 0, BadInput("energy", change.energy_wh, _("Energy is zero or more, in watt-hours."))
        )
        shares = _in_proportion(change.energy_wh, [row.get("energy_wh") or 0 for row in rows])
        for row, share in zip(rows, shares, strict=True):
            row["energy_wh"] = share
    if change.charging_until is not None:
        until = change.charging_until
        require(
            started_at <= until <= ended_at,
            BadInput("end of charging", until, _("Charging ended between start and end of the session.")),
        )
        starts = [dt.datetime.fromisoformat(row["start_at"]) for row in rows]
        for row, start, end in zip(rows, starts, [*starts[1:], ended_at], strict=True):
            whole = (row.get("charging_s") or 0) + (row.get("parking_s") or 0)
            idle = min(whole, max(0, int((end - max(start, until)).total_seconds())))
            row["charging_s"], row["parking_s"] = whole - idle, idle
    return rows


def _in_proportion(total: int, weights: Sequence[int]) -> list[int]:
    """Whole units by largest remainder; all in the first where nothing was metered."""
    whole = sum(weights)
    if not whole:
        return [total, *(0 for _weight in weights[1:])]
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: (-(total * weights[place] % whole), place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts
