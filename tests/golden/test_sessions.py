"""The program prices the sessions of the worked examples as the hand did: lines, charges, and the month's document."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from evbilling.kernel.clock import local_date, month_of
from evbilling.kernel.money import add, split_gross
from invoicing.rules.tax import Category, Tax
from invoicing.rules.totals import totals_of
from sessions.rules.rating import session_charges
from tests.golden.arithmetic import is_shown_as
from tests.golden.contracts import GOLDEN, Golden, span

RATED = [golden for golden in GOLDEN if "tariffs" in golden.facts]
SESSIONS = [
    pytest.param(golden, session, id=f"{golden.name}-{session['ref']}")
    for golden in RATED
    for session in golden.sessions
]
DOCUMENTS = [golden for golden in RATED if "document" in golden.facts and "terms" not in golden.facts]


@pytest.mark.parametrize(("golden", "session"), SESSIONS)
def test_given_a_worked_session_when_rated_then_every_line_is_the_hands(
    golden: Golden, session: Mapping[str, Any]
) -> None:
    lines = golden.rated(session).lines

    assert [(line.dimension, line.vat_rate) for line in lines] == [
        (expected["what"], Decimal(expected["vat"])) for expected in session["lines"]
    ]
    for line, expected in zip(lines, session["lines"], strict=True):
        assert line.exact_excl is not None
        assert is_shown_as(line.exact_excl, expected["net"]), f"{line.amount_excl_vat}, by hand {expected['net']}"
        if "gross" in expected:
            assert line.exact_incl is not None
            assert is_shown_as(line.exact_incl, expected["gross"]), f"{line.amount_incl_vat}: {expected['gross']}"
        assert line.because.clamp == expected.get("clamp", line.because.clamp)
        if "price" in expected:
            assert line.unit_price == Decimal(expected["price"])
        if "billed" in expected:
            assert is_shown_as(Fraction(line.billed_volume), expected["billed"]), line.billed_volume
        if "billed_minutes" in expected:
            assert line.billed_volume * 60 == pytest.approx(Decimal(expected["billed_minutes"]), abs=Decimal("1e-15"))


@pytest.mark.parametrize(("golden", "session"), SESSIONS)
def test_given_a_worked_session_when_charged_then_it_is_rounded_as_by_hand(
    golden: Golden, session: Mapping[str, Any]
) -> None:
    charges = session_charges(golden.rated(session), 2)

    assert [(rate, net) for rate, net, _gross in charges] == [
        (Decimal(charge["vat"]), Decimal(charge["net"])) for charge in session["charges"]
    ]
    assert [
        gross for (_rate, _net, gross), charge in zip(charges, session["charges"], strict=True) if "gross" in charge
    ] == [Decimal(charge["gross"]) for charge in session["charges"] if "gross" in charge]


@pytest.mark.parametrize("golden", DOCUMENTS, ids=lambda golden: golden.name)
def test_given_the_worked_sessions_of_a_month_when_summed_up_then_the_document_is_the_hands(golden: Golden) -> None:
    document = golden.facts["document"]
    charges = [charge for session in golden.sessions for charge in session_charges(golden.rated(session), 2)]

    if document.get("basis") == "gross":
        to_pay = add(gross for _rate, _net, gross in charges if gross is not None)
        (rate,) = {rate for rate, _net, _gross in charges}
        assert rate is not None
        rows = [(rate, *split_gross(to_pay, rate, "EUR"))]
    else:
        sums = totals_of(
            [
                (Tax(Category.STANDARD, rate), net)
                for rate, net, _gross in charges
                if rate is not None and net is not None
            ],
            "EUR",
        )
        rows = [(row.percent, row.net, row.tax) for row in sums.rows]
        to_pay = sums.gross

    assert rows == [(Decimal(row["vat"]), Decimal(row["net"]), Decimal(row["tax"])) for row in document["taxes"]]
    assert to_pay == Decimal(document["to_pay"])


@pytest.mark.parametrize(("golden", "session"), [case for case in SESSIONS if "month" in case.values[1]])
def test_given_a_worked_session_when_it_ends_then_it_belongs_to_the_month_of_the_contracts_calendar(
    golden: Golden, session: Mapping[str, Any]
) -> None:
    _start, end = span(session)

    assert month_of(local_date(end, golden.facts["zone"])).code == session["month"]
