"""The payer contract's own calendar decides which month's document takes a session, in zones west and east of UTC."""

import datetime as dt

import pytest

from evbilling.kernel.clock import Period, parse_month
from sessions.models import SessionSource
from sessions.operations.intake import record_sessions
from sessions.queries import billable_sessions
from sessions.rules.intake import PeriodInput, SessionInput
from tests.factories import make_contract_in_force, make_site, make_station, make_token

pytestmark = pytest.mark.django_db
MARCH = parse_month("2026-03")
HOUR = dt.timedelta(hours=1)
ZONES = {
    "Pacific/Pago_Pago": 11 * HOUR,
    "America/Los_Angeles": 7 * HOUR,  # summer time since 8 March
    "America/St_Johns": 2.5 * HOUR,
    "UTC": 0 * HOUR,
    "Europe/Berlin": -2 * HOUR,  # summer time since 29 March
    "Asia/Kolkata": -5.5 * HOUR,
    "Pacific/Kiritimati": -14 * HOUR,
}
"""The month's end there, from midnight UTC."""


@pytest.mark.parametrize("zone", ZONES)
def test_given_sessions_around_the_end_of_a_month_when_billed_then_the_contracts_midnight_parts_them(zone: str) -> None:
    midnight = dt.datetime(2026, 4, 1, tzinfo=dt.UTC) + ZONES[zone]
    tokens = [make_token() for _ in range(3)]
    contract = make_contract_in_force(zone=zone, tokens=tokens)
    site = make_site()  # in Berlin, whatever the contract's zone
    ends = [midnight - dt.timedelta(seconds=1), midnight, midnight + dt.timedelta(seconds=1)]
    record_sessions(
        rows=[
            SessionInput(
                provider_ref=ref,
                token_ref=token.ref,
                station_ref=make_station(site).ref,
                started_at=end - HOUR,
                ended_at=end,
                energy_wh=10_000,
                periods=(PeriodInput(end - HOUR, 10_000, 3600),),
            )
            for ref, token, end in zip(("before", "at", "after"), tokens, ends, strict=True)
        ],
        source=SessionSource.IMPORT,
        source_label="test",
        by=None,
        at=midnight + 48 * HOUR,
    )

    def billed(month: Period) -> list[str]:
        return [session.provider_ref for session in billable_sessions(contract, month.instants(zone)[1])]

    assert MARCH.instants(zone)[1] == midnight
    assert billed(parse_month("2026-02")) == []
    assert billed(MARCH) == ["before"]
    assert billed(MARCH.next_month()) == ["before", "at", "after"]
