"""Reading rows: formats, zones, units; what cannot be read is refused with its column and a sentence."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.rules.intake import Mapped, RowRefused, local_instant, read_row

MAPPED = Mapped(
    columns={
        "provider_ref": "id",
        "token_ref": "card",
        "station_ref": "evse",
        "started_at": "from",
        "ended_at": "to",
        "energy": "kwh",
    },
    extra_columns=("note",),
    instant_format="%Y-%m-%d %H:%M:%S",
    year_offset=0,
    zone="Europe/Berlin",
    energy_unit="kWh",
    decimal_mark=".",
)
FIRST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
ROW = {
    "id": "S1",
    "card": "T1",
    "evse": "E1",
    "from": "2026-01-14 10:00:00",
    "to": "2026-01-14 11:00:00",
    "kwh": "7.78",
    "note": "first",
}


def refusal(mapped: Mapped = MAPPED, **cells: str) -> RowRefused:
    with pytest.raises(RowRefused) as caught:
        read_row(mapped, ROW | cells)
    return caught.value


def test_a_row_becomes_a_session_in_utc_and_whole_watt_hours() -> None:
    session = read_row(MAPPED, ROW)
    assert session.started_at == dt.datetime(2026, 1, 14, 9, 0, tzinfo=dt.UTC)
    assert session.ended_at == dt.datetime(2026, 1, 14, 10, 0, tzinfo=dt.UTC)
    assert session.energy_wh == 7780
    assert session.extra == {"note": "first"}
    assert [(each.energy_wh, each.charging_s, each.parking_s) for each in session.periods] == [(7780, 3600, 0)]


def test_years_written_0014_are_read_by_the_profiles_offset() -> None:
    cells = {"from": "0014-11-18 15:40:26", "to": "0014-11-18 17:11:04"}
    session = read_row(replace(MAPPED, year_offset=2000, zone="America/New_York"), ROW | cells)
    assert session.started_at == dt.datetime(2014, 11, 18, 20, 40, 26, tzinfo=dt.UTC)


def test_a_year_that_cannot_be_meant_is_refused() -> None:
    problem = refusal(**{"from": "0014-11-18 15:40:26"})
    assert problem.column == "from"
    assert "years to add" in problem.reason


def test_a_local_time_that_the_clock_change_skips_is_named() -> None:
    problem = refusal(**{"from": "2026-03-29 02:30:00", "to": "2026-03-29 04:00:00"})
    assert problem.column == "from"
    assert "does not exist in Europe/Berlin" in problem.reason


def test_a_local_time_that_happens_twice_is_named() -> None:
    problem = refusal(**{"from": "2026-10-25 01:30:00", "to": "2026-10-25 02:30:00"})
    assert problem.column == "to"
    assert "happens twice in Europe/Berlin" in problem.reason


def test_a_time_with_its_offset_needs_no_zone() -> None:
    iso = replace(MAPPED, instant_format="ISO")
    cells = {"from": "2026-10-25T02:30:00+02:00", "to": "2026-10-25T02:30:00+01:00"}
    session = read_row(iso, ROW | cells)
    assert session.ended_at is not None
    assert session.ended_at - session.started_at == dt.timedelta(hours=1)


def test_a_session_over_the_lost_hour_lasts_what_it_lasted() -> None:
    session = read_row(MAPPED, ROW | {"from": "2026-03-29 01:00:00", "to": "2026-03-29 04:00:00"})
    assert session.periods[0].charging_s == 2 * 3600


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"id": ""}, "id"),
        ({"card": "x" * 65}, "card"),
        ({"evse": "E\x001"}, "evse"),
        ({"from": ""}, "from"),
        ({"from": "14.01.2026"}, "from"),
        ({"to": "2026-01-14 09:59:59"}, "to"),
        ({"kwh": ""}, "kwh"),
        ({"kwh": "-1"}, "kwh"),
        ({"kwh": "1,5"}, "kwh"),
        ({"kwh": "1e3"}, "kwh"),
        ({"kwh": "NaN"}, "kwh"),
        ({"kwh": "1 000.5"}, "kwh"),
    ],
)
def test_what_cannot_be_read_names_its_column(cells: dict[str, str], column: str) -> None:
    problem = refusal(**cells)
    assert problem.column == column
    assert problem.reason


def test_watt_hours_and_a_decimal_comma_are_read() -> None:
    assert read_row(replace(MAPPED, energy_unit="Wh"), ROW | {"kwh": "7780"}).energy_wh == 7780
    assert read_row(replace(MAPPED, decimal_mark=","), ROW | {"kwh": "7,7805"}).energy_wh == 7781


def test_charging_time_leaves_the_rest_as_parking() -> None:
    timed = replace(MAPPED, columns=dict(MAPPED.columns) | {"charging_duration": "h"})
    periods = read_row(timed, ROW | {"h": "0.25"}).periods
    assert [(each.energy_wh, each.charging_s, each.parking_s) for each in periods] == [(7780, 900, 0), (0, 0, 2700)]
    assert periods[1].start_at == dt.datetime(2026, 1, 14, 9, 15, tzinfo=dt.UTC)


@pytest.mark.parametrize(("text", "seconds"), [("1.000000001", 3600), ("0:59", 3540), ("0:59:30", 3570)])
def test_durations_are_decimal_hours_or_clock_times(text: str, seconds: int) -> None:
    timed = replace(MAPPED, columns=dict(MAPPED.columns) | {"charging_duration": "h"})
    assert read_row(timed, ROW | {"h": text}).periods[0].charging_s == seconds


def test_durations_longer_than_the_session_are_refused() -> None:
    timed = replace(MAPPED, columns=dict(MAPPED.columns) | {"charging_duration": "h"})
    assert refusal(timed, h="1.5").column == "h"


def test_an_equal_copy_has_an_equal_hash_and_a_changed_one_another() -> None:
    first = read_row(MAPPED, ROW)
    assert read_row(MAPPED, dict(ROW)).content_hash() == first.content_hash()
    for changed in ({"kwh": "7.79"}, {"note": "second"}, {"to": "2026-01-14 11:00:01"}, {"card": "T2"}):
        assert read_row(MAPPED, ROW | changed).content_hash() != first.content_hash()


@given(st.decimals(min_value=0, max_value=10**6, places=3))
def test_kwh_with_three_decimals_are_exact_watt_hours(kwh: Decimal) -> None:
    assert read_row(MAPPED, ROW | {"kwh": format(kwh, "f")}).energy_wh == int(kwh * 1000)


@given(
    st.integers(0, 10 * 365 * 24 * 60).map(lambda minutes: FIRST + dt.timedelta(minutes=minutes)),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_a_local_time_is_read_back_from_its_instant_or_refused(local: dt.datetime, zone: str) -> None:
    tz = ZoneInfo(zone)
    instants = {local.replace(tzinfo=tz, fold=fold).astimezone(dt.UTC) for fold in (0, 1)}
    if len(instants) == 1:
        instant = local_instant(local, zone)
        assert instant.astimezone(tz).replace(tzinfo=None) == local
    else:
        with pytest.raises(ValueError, match=zone):
            local_instant(local, zone)
