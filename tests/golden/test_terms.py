"""The monthly terms of the worked examples come to what the hand worked out, from the sessions' charges alone."""

from decimal import Decimal

import pytest

from contracts.rules.terms import parse
from evbilling.kernel.clock import parse_month
from invoicing.rules.monthly_terms import MonthCharge, MonthFacts, energy_part, month_of
from invoicing.rules.tax import Category, Tax
from sessions.rules.rating import session_charges
from tests.golden.contracts import GOLDEN, Golden, span

MARCH = parse_month("2026-03")
LIMITS = frozenset({"MIN_PRICE", "MAX_PRICE"})
PENALTIES = frozenset({"overstay", "uptime_promise"})
MONTHLY = [golden for golden in GOLDEN if "terms" in golden.facts and "document" in golden.facts]


def month_facts(golden: Golden) -> MonthFacts:
    """The month as the terms see it: charges and their energy part, vehicles, days."""
    charges = []
    vehicles = golden.facts.get("vehicles") or sorted({session.get("vehicle", "A") for session in golden.sessions})
    for number, session in enumerate(golden.sessions):
        result = golden.rated(session)
        consumed = sum(Decimal(period.get("kwh", "0")) for period in session["periods"])
        for rate, net, _gross in session_charges(result, 2):
            assert rate is not None
            assert net is not None
            lines = [
                (line.dimension, line.amount_excl_vat or Decimal(0)) for line in result.lines if line.vat_rate == rate
            ]
            charges.append(
                MonthCharge(
                    session_id=number,
                    session_ref=session["ref"],
                    ended_at=span(session)[1],
                    energy_wh=int(consumed * 1000),
                    vehicle_id=vehicles.index(session.get("vehicle", "A")),
                    tax=Tax(Category.STANDARD, rate),
                    net=net,
                    energy_net=energy_part(net, lines, limits=LIMITS),
                )
            )
    first = max(MARCH.start, golden.facts.get("starts_on", MARCH.start))
    return MonthFacts(tuple(charges), "EUR", (MARCH.end - first).days, 31, vehicles=len(vehicles))


@pytest.mark.parametrize("golden", MONTHLY, ids=lambda golden: golden.name)
def test_given_a_worked_month_when_its_terms_are_applied_then_allowances_and_fees_are_the_hands(golden: Golden) -> None:
    terms = [parse(term["kind"], term["figures"]) for term in golden.facts["terms"]]

    month = month_of(terms, month_facts(golden))

    document = golden.facts["document"]
    fees = [*month.fees, *([month.shortfall] if month.shortfall else [])]
    found = [(each.term, -net) for each in month.allowances for _tax, net in each.nets.items()]
    found += [(fee.term, fee.net) for fee in fees if fee.net]
    assert month.charged == Decimal(document["charged"])
    by_hand = [(term["of"], Decimal(term["net"])) for term in document["terms"]]
    assert sorted(found) == sorted((kind, net) for kind, net in by_hand if kind not in PENALTIES)
    penalties = sum(net for kind, net in by_hand if kind in PENALTIES)
    assert month.net + penalties == sum(Decimal(row["net"]) for row in document["taxes"])
