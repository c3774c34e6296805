"""Sponsors' and hosts' parts of the worked examples, from the pure rules."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from contracts.rules.shares import Sponsor, share_terms, sponsor_terms
from evbilling.kernel.money import add, from_minor, split_gross, to_minor, vat_of
from invoicing.rules.sharing import MonthTotals, month_due
from sessions.rules.rating import session_charges
from sessions.rules.sharing import CUSTOMER, SPONSOR, Claim, Share, allot, covered_percent, share_parts
from tests.golden.contracts import GOLDEN, Golden

SPONSORED = [golden for golden in GOLDEN if "sponsorship" in golden.facts]
HOSTED = [golden for golden in GOLDEN if "share" in golden.facts and "parts" in golden.facts]


def split(golden: Golden) -> list[list[Share]]:
    """Who pays what of each session, in the order of session end."""
    figures = golden.facts["sponsorship"]
    terms = sponsor_terms(
        figures["kind"],
        Decimal(figures["percent"]),
        kwh_per_month=Decimal(figures["kwh_per_month"]) if "kwh_per_month" in figures else None,
        budget=Decimal(figures["budget_amount"]) if "budget_amount" in figures else None,
        span=figures.get("budget_period", ""),
    )
    with_tax = golden.facts.get("price_basis") == "gross"
    parts = [
        [
            (rate, gross if with_tax else net)
            for rate, net, gross in session_charges(golden.rated(session), 2)
            if net is not None and gross is not None
        ]
        for session in golden.sessions
    ]
    if terms.kind == Sponsor.FIRST_KWH:
        energies = [_wh(session) for session in golden.sessions]
        covered = allot([Claim(energy, terms.limit_wh or 0) for energy in energies])
        percents = [covered_percent(terms.percent, wh, energy) for wh, energy in zip(covered, energies, strict=True)]
        return [
            share_parts(part, sponsor_percent=percent, currency="EUR")
            for part, percent in zip(parts, percents, strict=True)
        ]
    wanted = [share_parts(part, sponsor_percent=terms.percent, currency="EUR") for part in parts]
    limit = to_minor(terms.budget or Decimal(0), "EUR")
    most = allot([Claim(to_minor(paid(shares, SPONSOR), "EUR"), limit) for shares in wanted])
    return [
        share_parts(part, sponsor_percent=terms.percent, currency="EUR", sponsor_most=from_minor(cents, "EUR"))
        for part, cents in zip(parts, most, strict=True)
    ]


def paid(shares: list[Share], role: str) -> Decimal:
    """What one of the two pays."""
    return add(share.amount for share in shares if share.role == role)


def _document(golden: Golden, parts: list[Decimal], payer: str, vat: str) -> tuple[Decimal, Decimal]:
    """Net and tax of a payer's parts. Of prices with tax the customer's document divides once, the sponsor's, whose
    prices are without, takes the net of each part.
    """
    rate = Decimal(vat)
    if golden.facts.get("price_basis") != "gross":
        net = add(parts)
    elif payer == CUSTOMER:
        return split_gross(add(parts), rate, "EUR")
    else:
        net = add(split_gross(part, rate, "EUR")[0] for part in parts)
    return net, vat_of(net, rate, "EUR")


def _wh(session: Mapping[str, Any]) -> int:
    return int(1000 * sum(Decimal(period["kwh"]) for period in session["periods"]))


@pytest.mark.parametrize("golden", SPONSORED, ids=lambda golden: golden.name)
def test_given_worked_sessions_of_a_sponsored_vehicle_when_split_then_each_part_is_the_hands(golden: Golden) -> None:
    parts = [{role: paid(shares, role) for role in (SPONSOR, CUSTOMER)} for shares in split(golden)]

    assert parts == [
        {role: Decimal(amount) for role, amount in session["split"].items()} for session in golden.sessions
    ]


@pytest.mark.parametrize("golden", SPONSORED, ids=lambda golden: golden.name)
def test_given_worked_parts_when_summed_up_then_both_payers_documents_are_the_hands(golden: Golden) -> None:
    shares = split(golden)

    for document in golden.facts["documents"]:
        (row,) = document["taxes"]
        net, tax = _document(golden, [paid(each, document["payer"]) for each in shares], document["payer"], row["vat"])
        assert (net, tax, net + tax) == (Decimal(row["net"]), Decimal(row["tax"]), Decimal(document["to_pay"]))


@pytest.mark.parametrize("golden", HOSTED, ids=lambda golden: golden.name)
def test_given_worked_months_of_a_site_when_shared_then_the_hosts_part_is_the_hands(golden: Golden) -> None:
    figures = golden.facts["share"]
    terms = share_terms(
        figures["kind"],
        percent=Decimal(figures["percent_of_net"]),
        per_kwh=None,
        rent=Decimal(figures["rent_amount"]),
    )

    due = [
        month_due(
            terms,
            MonthTotals(
                net=Decimal(part["given"]["net"]),
                energy_wh=int(1000 * Decimal(part["given"]["kwh"])),
                days=part["given"]["days"],
                month_days=31,
            ),
            "EUR",
        )
        for part in golden.facts["parts"]
    ]

    assert due == [Decimal(part["amount"]) for part in golden.facts["parts"]]
