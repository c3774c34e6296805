"""Caps of the contract in force: in the frozen price, in its proof, in the live price, in the books."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts import queries as contract_queries
from contracts.queries import TermsBook
from evbilling.kernel.books import check_books
from sessions.models import SessionPrice, SessionState
from sessions.queries import Pricer, explain, price_now
from sessions.rules.intake import PeriodInput, SessionInput
from tests.factories import (
    make_contract_in_force,
    make_operator,
    make_site,
    make_station,
    make_tariff,
    make_token,
    tariff_document,
)
from tests.sessions.made import AT, record, session_of

pytestmark = pytest.mark.django_db
D = Decimal
EVENING = dt.datetime(2026, 1, 14, 19, 0, tzinfo=dt.UTC)  # 20:00 in Berlin
CAP = {"dimension": "TIME", "start_time": "22:00", "end_time": "06:00", "max_amount": "8"}


def stay(*terms: tuple[str, dict[str, str]], hours: int = 11, ended: bool = True) -> None:
    """A stay from 20:00 on at 2.00 an hour, under a contract with these terms."""
    operator, token, station = make_operator(), make_token(), make_station(make_site())
    elements = [{"price_components": [{"type": "TIME", "price": "2.00", "vat": "19", "step_size": 1}]}]
    document = tariff_document(elements=elements)
    make_contract_in_force(operator=operator, tariff=make_tariff(operator, document), tokens=[token], terms=terms)
    end = EVENING + dt.timedelta(hours=hours)
    record(
        SessionInput(
            provider_ref="S1",
            token_ref=token.ref,
            station_ref=station.ref,
            started_at=EVENING,
            ended_at=end if ended else None,
            state=SessionState.COMPLETED if ended else SessionState.ACTIVE,
            energy_wh=20_000,
            periods=(PeriodInput(EVENING, 20_000, hours * 3600),),
        ),
        at=max(AT, end),
    )


def test_given_a_cap_when_a_session_is_priced_then_the_frozen_price_keeps_it_with_its_because() -> None:
    stay(("window_cap", CAP))
    price = SessionPrice.objects.get()
    assert (price.net_amount, price.parts) == (D("14.0000"), [{"vat_rate": "19", "net": "14.00"}])
    assert [line["net"] for line in price.lines] == ["22", "-8"]
    assert price.lines[1]["because"]["window"] == ["22:00", "06:00", "2026-01-14"]
    assert explain(price, "en")[1].because.startswith("Charging time: from 22:00 to 06:00 (14 Jan 2026) at most €8.00")


def test_given_no_cap_then_the_price_is_the_tariffs() -> None:
    stay()
    assert SessionPrice.objects.get().net_amount == D(22)


def test_given_a_capped_price_when_the_books_are_checked_then_it_is_proven_again() -> None:
    stay(("window_cap", CAP))
    price = SessionPrice.objects.select_related("session__contract", "session__site").get()
    for terms in (contract_queries, TermsBook()):
        again = Pricer(terms).quote_under(price.session, price.contract_version, price.tariff_version).priced
        assert again is not None
        assert (again.parts_data(), again.lines_data()) == (price.parts, price.lines)
    assert [str(finding) for result in check_books() for finding in result.findings] == []


def test_given_a_running_session_when_looked_at_then_its_price_is_capped_already() -> None:
    stay(("window_cap", CAP), ended=False)
    at_end = price_now(session_of(), EVENING + dt.timedelta(hours=11))
    assert (at_end.amount, at_end.provisional) == (D("14.00"), True)
