"""The program assesses the penalties of the worked examples as the hand did."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from contracts.rules.notice import earliest_end
from contracts.rules.terms import EarlyTermination, LatePayment, Overstay, UptimePromise, parse
from evbilling.kernel.clock import parse_month
from evbilling.kernel.money import ZERO
from invoicing.rules.penalties import (
    Debt,
    Ending,
    StationTime,
    Stay,
    Unit,
    early_termination,
    late_fee,
    late_interest,
    missed_uptime,
    overstays,
    yearly_rates,
)
from tests.golden.contracts import GOLDEN, Golden

_TERMS = [golden for golden in GOLDEN if "term" in golden.facts]


def _of(kind: str) -> list[Any]:
    return [pytest.param(golden, id=golden.name) for golden in _TERMS if golden.facts["term"]["kind"] == kind]


def _parts(golden: Golden) -> list[Mapping[str, Any]]:
    return list(golden.facts["parts"])


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def _term(golden: Golden) -> Any:
    return parse(golden.facts["term"]["kind"], golden.facts["term"]["figures"])


def _by_hand(golden: Golden) -> list[Decimal]:
    return [Decimal(part["amount"]) for part in _parts(golden)]


@pytest.mark.parametrize("golden", _of("overstay"))
def test_given_worked_stays_when_assessed_then_the_fees_are_the_hands(golden: Golden) -> None:
    term = _term(golden)
    assert isinstance(term, Overstay)
    stays = [
        Stay(
            number,
            given["ref"],
            "one vehicle",
            _instant(given["charging_ended"]),
            _instant(given["left"]),
            "Europe/Berlin",
        )
        for number, given in enumerate(part["given"] for part in _parts(golden))
    ]

    fees = overstays([(stay, term) for stay in stays], "EUR", {})

    assert [fee.amount for _stay, fee in fees] == _by_hand(golden)


@pytest.mark.parametrize("golden", _of("late_payment"))
def test_given_a_worked_debt_when_notes_are_written_month_by_month_then_the_amounts_are_the_hands(
    golden: Golden,
) -> None:
    term = _term(golden)
    assert isinstance(term, LatePayment)
    facts = golden.facts["debt"]
    debt = Debt(
        Decimal(facts["gross"]), facts["due_on"], tuple((row["on"], Decimal(row["amount"])) for row in facts["settled"])
    )
    references = [(row["from"], Decimal(row["percent"])) for row in golden.facts["references"]]

    fees = []
    for part in _parts(golden):
        if "flat" in part:
            fees.append(late_fee(term, debt, "EUR"))
            continue
        until, booked = part["given"]["until"], Decimal(part["given"]["booked"])
        rates = yearly_rates(term, references, debt.late_from, until)
        fees.append(late_interest(debt, rates, until, booked, "EUR"))

    assert [fee.amount for fee in fees] == _by_hand(golden)


def _ending(given: Mapping[str, Any]) -> Ending:
    may_end_on = earliest_end(given["notice_on"], given["notice_days"], given["minimum_term_until"])
    return Ending(may_end_on=may_end_on, **given)


@pytest.mark.parametrize("golden", _of("early_termination"))
def test_given_a_worked_ending_when_assessed_then_the_fee_is_the_hands(golden: Golden) -> None:
    term = _term(golden)
    assert isinstance(term, EarlyTermination)

    fees = [
        early_termination(
            term,
            _ending(part["given"]),
            monthly_base_fee=ZERO,
            monthly_commitment=Decimal(golden.facts["monthly_commitment"]),
            currency="EUR",
        )
        for part in _parts(golden)
    ]

    assert [fee.amount for fee in fees] == _by_hand(golden)


@pytest.mark.parametrize("golden", _of("uptime_promise"))
def test_given_worked_outages_when_assessed_then_the_credits_are_the_hands(golden: Golden) -> None:
    term = _term(golden)
    assert isinstance(term, UptimePromise)
    start, end = parse_month(golden.facts["month"]).instants(golden.facts["time_zone"])

    credits = []
    for part in _parts(golden):
        outages = tuple((_instant(row["from"]), _instant(row["until"])) for row in part["given"]["outages"])
        unit = Unit("station", (StationTime("station", outages),), Decimal(part["given"]["net"]))
        credits.append(missed_uptime(term, unit, start, end, "EUR"))

    assert [credit.amount for credit in credits] == _by_hand(golden)
