"""Given a station, when outages are recorded, ended, corrected or taken in, then none overlap and each is on record."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Station, StationOutage
from contracts.operations.outages import correct_outage, end_outage, import_outages, record_outage
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.errors import BadInput, BillingError, NotAllowed, NotFound, WrongState
from evbilling.kernel.models import AuditRecord
from tests.contracts.world import sign_in
from tests.factories import make_station, make_user

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 10, 20, 12, 0, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 10, 5, 6, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def manager() -> User:
    return make_user(Role.CONTRACT_MANAGER)


@pytest.fixture
def station() -> Station:
    return make_station()


def record(station: Station, by: User, start: float = 0, end: float | None = 2, **more: Any) -> StationOutage:
    values = {
        "station_id": station.pk,
        "started_at": MORNING + int(start) * HOUR,
        "ended_at": None if end is None else MORNING + int(end) * HOUR,
        "planned": False,
        "cause": "Fuse",
        "by": by,
        "at": NOW,
    }
    return record_outage(**values | more)


def test_an_outage_is_recorded_by_its_person(station: Station, manager: User) -> None:
    outage = record(station, manager)
    outage.refresh_from_db()
    assert (outage.recorded_by, outage.recorded_at, outage.cause) == (manager, NOW, "Fuse")
    assert AuditRecord.objects.get(action="contracts.stationoutage.create").object_id == str(outage.pk)


@pytest.mark.parametrize(("start", "end"), [(1, 3), (-1, 1), (0, 2), (-1, 5), (1, None), (-5, None)])
def test_two_outages_of_a_station_share_no_instant(station: Station, manager: User, start: int, end: int) -> None:
    record(station, manager)
    with pytest.raises(WrongState, match="overlaps"):
        record(station, manager, start, end, planned=True)
    assert StationOutage.objects.count() == 1


def test_outages_may_touch_and_other_stations_have_their_own(station: Station, manager: User) -> None:
    record(station, manager)
    record(station, manager, 2, 3)
    record(make_station(), manager)
    assert StationOutage.objects.count() == 3


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"ended_at": MORNING}, BadInput),
        ({"started_at": NOW + HOUR, "ended_at": None}, BadInput),
        ({"ended_at": NOW + HOUR}, BadInput),
        ({"cause": "  "}, BadInput),
        ({"station_id": 4711}, NotFound),
    ],
)
def test_what_cannot_be_is_refused(
    station: Station, manager: User, more: dict[str, Any], error: type[BillingError]
) -> None:
    with pytest.raises(error):
        record(station, manager, **more)
    assert not StationOutage.objects.exists()


@pytest.mark.parametrize("role", [Role.BILLING_CLERK, Role.PAYMENTS_OFFICER, Role.AUDITOR, None])
def test_only_contract_managers_record_end_and_correct(station: Station, manager: User, role: Role | None) -> None:
    other, outage = make_user(role), record(station, manager, end=None)
    with pytest.raises(NotAllowed):
        record(make_station(), other)
    with pytest.raises(NotAllowed):
        end_outage(outage_id=outage.pk, ended_at=NOW, by=other, at=NOW)
    with pytest.raises(NotAllowed):
        correct(outage, other)
    assert list(StationOutage.objects.values_list("ended_at", "planned")) == [(None, False)]


def test_an_outage_that_lasts_is_ended_once(station: Station, manager: User) -> None:
    outage = record(station, manager, end=None)
    end_outage(outage_id=outage.pk, ended_at=MORNING + HOUR, by=manager, at=NOW)
    with pytest.raises(WrongState, match="ended already"):
        end_outage(outage_id=outage.pk, ended_at=MORNING + 2 * HOUR, by=manager, at=NOW)
    outage.refresh_from_db()
    assert outage.ended_at == MORNING + HOUR


def correct(outage: StationOutage, by: User, reason: str = "It was announced", **more: Any) -> StationOutage:
    values = {"started_at": outage.started_at, "ended_at": MORNING + 3 * HOUR, "planned": True, "cause": "Works"}
    return correct_outage(outage_id=outage.pk, reason=reason, by=by, at=NOW, **values | more)


def test_a_correction_says_why_and_keeps_what_was_there(station: Station, manager: User) -> None:
    outage = correct(record(station, manager), manager)
    assert (outage.planned, outage.ended_at) == (True, MORNING + 3 * HOUR)
    trail = AuditRecord.objects.get(action="contracts.stationoutage.correct")
    assert (trail.reason, trail.changes["planned"], trail.changes["cause"]) == (
        "It was announced",
        [False, True],
        ["Fuse", "Works"],
    )
    with pytest.raises(BadInput):
        correct(outage, manager, reason=" ", planned=False)
    outage.refresh_from_db()
    assert outage.planned


def test_a_correction_may_not_overlap_either(station: Station, manager: User) -> None:
    outage = record(station, manager)
    record(station, manager, 4, 5)
    with pytest.raises(WrongState):
        correct(outage, manager, ended_at=MORNING + 5 * HOUR)
    outage.refresh_from_db()
    assert outage.ended_at == MORNING + 2 * HOUR


def test_a_list_is_taken_in_with_local_times(station: Station, manager: User) -> None:
    text = f"{station.ref};2026-10-05 08:00;2026-10-05 09:30;no;Fuse\n\n{station.ref};2026-10-06T08:00Z;;yes;Works"
    assert import_outages(text=text, by=manager, at=NOW) == 2
    assert list(StationOutage.objects.order_by("started_at").values_list("started_at", "ended_at", "planned")) == [
        (MORNING, MORNING + 1.5 * HOUR, False),
        (MORNING + 26 * HOUR, None, True),
    ]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("{ref};2026-10-06 08:00;;no", "row 2.*A row has five"),
        ("E-NOWHERE;2026-10-06 08:00;;no;Fuse", "row 2.*no station with this reference"),
        ("{ref};yesterday;;no;Fuse", "row 2.*Write it like"),
        ("{ref};2026-10-06 08:00;;maybe;Fuse", "row 2.*yes or no"),
        ("{ref};2026-10-05 08:30;;no;Fuse", "row 2.*overlaps"),
    ],
)
def test_a_list_is_taken_in_whole_or_not_at_all(station: Station, manager: User, row: str, problem: str) -> None:
    good = f"{station.ref};2026-10-05 08:00;2026-10-05 09:30;no;Fuse"
    with pytest.raises(BadInput, match=problem):
        import_outages(text=f"{good}\n{row.format(ref=station.ref)}", by=manager, at=NOW)
    assert not StationOutage.objects.exists()


def test_the_pages_record_correct_and_end(client: Client, settings: Any, station: Station, manager: User) -> None:
    sign_in(client, manager, settings)
    form = {
        "station": station.pk,
        "started_at_0": "2026-10-05",
        "started_at_1": "06:00:00",
        "ended_at_0": "",
        "ended_at_1": "",
        "cause": "Fuse",
    }
    assert client.post(reverse("admin:contracts_stationoutage_add"), form).status_code == 302
    outage = StationOutage.objects.get()
    assert (outage.ended_at, outage.recorded_by) == (None, manager)
    page = reverse("admin:contracts_stationoutage_change", args=[outage.pk])
    refused = client.post(page, form | {"cause": "Works", "reason": ""})
    assert "Say why" in refused.content.decode()
    assert client.post(page, form | {"cause": "Works", "reason": "Told later"}).status_code == 302
    ending = {"_form_submitted": "True", "ended_at_0": "2026-10-05", "ended_at_1": "07:00:00"}
    client.post(reverse("admin:contracts_stationoutage_end", args=[outage.pk]), ending)
    outage.refresh_from_db()
    assert (outage.cause, outage.ended_at is not None) == ("Works", True)
    shown = client.get(reverse("admin:contracts_stationoutage_changelist")).content.decode()
    assert "Works" in shown
    assert "unplanned" in shown.lower()


def test_an_overlap_stands_in_the_form_and_nothing_is_stored(
    client: Client, settings: Any, station: Station, manager: User
) -> None:
    record(station, manager)
    sign_in(client, manager, settings)
    form = {
        "station": station.pk,
        "started_at_0": "2026-10-05",
        "started_at_1": "07:00:00",
        "ended_at_0": "",
        "ended_at_1": "",
        "cause": "Again",
    }
    answer = client.post(reverse("admin:contracts_stationoutage_add"), form)
    assert "overlaps" in answer.content.decode()
    assert StationOutage.objects.count() == 1


def test_an_auditor_looks_and_a_stranger_does_not(
    client: Client, settings: Any, station: Station, manager: User
) -> None:
    record(station, manager)
    address = reverse("admin:contracts_stationoutage_changelist")
    assert client.get(address).status_code == 302
    sign_in(client, make_user(None), settings)
    assert client.get(address).status_code in {302, 403}
    sign_in(client, make_user(Role.AUDITOR), settings)
    assert client.get(address).status_code == 200
    assert client.get(reverse("admin:contracts_stationoutage_add")).status_code == 403
