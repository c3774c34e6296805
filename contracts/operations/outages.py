"""Outages of stations: what a promise of uptime is measured by. At one station no two share an instant."""

import csv
import datetime as dt
import io

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contracts.models import Station, StationOutage
from contracts.operations.guards import require_permission, require_person, require_reason
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import require_aware, zone
from evbilling.kernel.errors import BadInput, BillingError, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.shell.formats import format_instant

_COLUMNS = ("station", "from", "until", "planned", "cause")
_YES_NO = {"yes": True, "no": False, "ja": True, "nein": False}


def record_outage(
    *,
    station_id: int,
    started_at: dt.datetime,
    ended_at: dt.datetime | None,
    planned: bool,
    cause: str,
    by: User | None,
    at: dt.datetime,
) -> StationOutage:
    """Record an outage, or its beginning while it lasts; planned ones do not count against a promise.

    Raises NotAllowed, NotFound, BadInput for times that cannot be or without a cause, WrongState where another outage
    of the station overlaps it.
    """
    with transaction.atomic():
        person = require_person(by)
        require_permission(by, "add_stationoutage")
        station = lock(Station, station_id)
        outage = StationOutage(
            station=station, planned=planned, cause=require_reason(cause)[:300], recorded_by=person, recorded_at=at
        )
        _set_times(outage, started_at, ended_at, at)
        outage.save()
        record_audit(
            action="contracts.stationoutage.create",
            obj=outage,
            by=by,
            at=at,
            changes={"started_at": outage.started_at, "ended_at": outage.ended_at, "planned": planned, "cause": cause},
        )
    return outage


def end_outage(*, outage_id: int, ended_at: dt.datetime, by: User | None, at: dt.datetime) -> StationOutage:
    """Say when the station worked again. Raises NotAllowed, NotFound, BadInput, WrongState unless it lasts."""
    with transaction.atomic():
        require_permission(by, "change_stationoutage")
        outage = _lock(outage_id)
        require(outage.ended_at is None, WrongState(_("%s has ended already; correct it instead.") % outage))
        _set_times(outage, outage.started_at, ended_at, at)
        outage.save(update_fields=["started_at", "ended_at"])
        record_audit(
            action="contracts.stationoutage.end", obj=outage, by=by, at=at, changes={"ended_at": outage.ended_at}
        )
    return outage


def correct_outage(
    *,
    outage_id: int,
    started_at: dt.datetime,
    ended_at: dt.datetime | None,
    planned: bool,
    cause: str,
    reason: str,
    by: User | None,
    at: dt.datetime,
) -> StationOutage:
    """Correct what was recorded, with the reason; credits that were assessed before stay as they are.

    Raises NotAllowed, NotFound, BadInput, WrongState as `record_outage` does.
    """
    with transaction.atomic():
        require_permission(by, "change_stationoutage")
        why = require_reason(reason)
        outage = _lock(outage_id)
        before = (outage.started_at, outage.ended_at, outage.planned, outage.cause)
        outage.planned, outage.cause = planned, require_reason(cause)[:300]
        _set_times(outage, started_at, ended_at, at)
        after = (outage.started_at, outage.ended_at, outage.planned, outage.cause)
        names = ("started_at", "ended_at", "planned", "cause")
        changes = {name: [old, new] for name, old, new in zip(names, before, after, strict=True) if old != new}
        if changes:
            outage.save(update_fields=list(names))
            record_audit(
                action="contracts.stationoutage.correct", obj=outage, by=by, at=at, reason=why, changes=changes
            )
    return outage


def import_outages(*, text: str, by: User | None, at: dt.datetime) -> int:
    """Record outages from CSV rows "station; from; until; planned; cause", all or none; how many there were.

    Times without a zone are local to the site; `until` may be empty; planned is yes or no. Raises BadInput naming the
    row and what is wrong with it.
    """
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=";") if any(cell.strip() for cell in row)]
    require(rows, BadInput(_("rows"), text, _("Write one outage a row.")))
    stations = {
        station.ref: station
        for station in Station.objects.filter(ref__in={row[0].strip() for row in rows}).select_related("site")
    }
    with transaction.atomic():
        for number, row in enumerate(rows, 1):
            try:
                _record_row([cell.strip() for cell in row], stations, by, at)
            except BillingError as refusal:
                raise BadInput(_("row %(number)s") % {"number": number}, ";".join(row), refusal.message) from None
        record_audit(action="contracts.stationoutage.import", obj=None, by=by, at=at, changes={"outages": len(rows)})
    return len(rows)


def _record_row(cells: list[str], stations: dict[str, Station], by: User | None, at: dt.datetime) -> None:
    require(
        len(cells) == len(_COLUMNS),
        BadInput(_("columns"), len(cells), _("A row has five: station; from; until; planned; cause.")),
    )
    ref, started, ended, planned, cause = cells
    station = stations.get(ref)
    if station is None:
        raise BadInput(_("station"), ref, _("There is no station with this reference."))
    require(planned.lower() in _YES_NO, BadInput(_("planned"), planned, _("Write yes or no.")))
    record_outage(
        station_id=station.pk,
        started_at=_instant(started, station),
        ended_at=_instant(ended, station) if ended else None,
        planned=_YES_NO[planned.lower()],
        cause=cause,
        by=by,
        at=at,
    )


def _instant(text: str, station: Station) -> dt.datetime:
    """An ISO time; without a zone it is local to the station's site."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(_("time"), text, _("Write it like 2026-10-05 14:00.")) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=zone(station.site.zone))


def _lock(outage_id: int) -> StationOutage:
    """Lock the outage's station, then the outage. Raises NotFound."""
    station_id = StationOutage.objects.filter(pk=outage_id).values_list("station_id", flat=True).first()
    if station_id is not None:
        lock(Station, station_id)
    return lock(StationOutage, outage_id)


def _shown(outage: StationOutage, at: dt.datetime) -> str:
    return format_instant(at, outage.station.site.zone)


def _set_times(outage: StationOutage, started_at: dt.datetime, ended_at: dt.datetime | None, at: dt.datetime) -> None:
    outage.started_at = require_aware(started_at)
    outage.ended_at = None if ended_at is None else require_aware(ended_at)
    require(
        outage.started_at <= at,
        BadInput(_("from"), _shown(outage, started_at), _("An outage is recorded once it has begun.")),
    )
    if outage.ended_at is not None:
        require(
            outage.started_at < outage.ended_at,
            BadInput(_("until"), _shown(outage, outage.ended_at), _("An outage ends after it begins.")),
        )
        require(
            outage.ended_at <= at,
            BadInput(_("until"), _shown(outage, outage.ended_at), _("Leave it empty while the outage lasts.")),
        )
    others = StationOutage.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=outage.started_at), station=outage.station
    ).exclude(pk=outage.pk)
    if outage.ended_at is not None:
        others = others.filter(started_at__lt=outage.ended_at)
    other = others.order_by("started_at").first()
    require(
        other is None,
        WrongState(_("%(other)s is recorded already and overlaps; correct that one.") % {"other": other}),
    )
