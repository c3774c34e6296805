"""Allowances of a month beside a second reckoning, watt-hour by watt-hour, that shares no code with the rule."""

import datetime as dt
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.rules.terms import Term, parse
from invoicing.rules.monthly_terms import MonthCharge, MonthFacts, month_allowances
from invoicing.rules.tax import Category, Tax

TAXES = (Tax(Category.STANDARD, Decimal(19)), Tax(Category.STANDARD, Decimal(7)))
START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
KWH = st.integers(1, 120).map(lambda wh: str(Decimal(wh) / 1000))
PERCENTS = st.integers(1, 100).map(str)


@st.composite
def months(draw: st.DrawFn) -> tuple[MonthCharge, ...]:
    """Up to six sessions of some watt-hours, by three vehicles, each charged at one or both tax rates."""
    charges = []
    for session in range(draw(st.integers(1, 6))):
        energy, vehicle = draw(st.integers(0, 60)), draw(st.sampled_from([1, 2, None]))
        minute = draw(st.integers(0, 3))
        for tax in draw(st.sampled_from([TAXES[:1], TAXES[1:], TAXES])):
            cents = draw(st.integers(0, 5000)) if energy else 0
            charges.append(
                MonthCharge(
                    session_id=session,
                    session_ref=f"S{session}",
                    ended_at=START + dt.timedelta(minutes=minute),
                    energy_wh=energy,
                    vehicle_id=vehicle,
                    tax=tax,
                    net=Decimal(cents) / 100 + 100,
                    energy_net=Fraction(cents, 100),
                )
            )
    return tuple(draw(st.permutations(charges)))


@st.composite
def terms(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """Included energy, a discount, or both."""
    found: list[tuple[str, dict[str, Any]]] = []
    if draw(st.booleans()):
        found.append(("included_energy", {"kwh": draw(KWH), "per": draw(st.sampled_from(["contract", "vehicle"]))}))
    kind = draw(st.sampled_from(["graduated_discount", "volume_discount", None]))
    if kind or not found:
        starts = sorted(draw(st.lists(st.integers(0, 200), min_size=1, max_size=4, unique=True)))
        tiers = [{"from_kwh": str(Decimal(wh) / 1000), "percent": draw(PERCENTS)} for wh in starts]
        found.append((kind or "volume_discount", {"tiers": tiers}))
    return found


def walked(stated: list[tuple[str, dict[str, Any]]], charges: tuple[MonthCharge, ...]) -> dict[str, Fraction]:
    """What each term takes off, exactly: every watt-hour asked whether it is free, and in which tier it lies."""
    figures = dict(stated)
    included = figures.get("included_energy")
    sessions = {charge.session_id: charge for charge in charges}
    total = sum(charge.energy_wh for charge in sessions.values())
    used: Counter[int | None] = Counter()
    taken = {kind: Fraction(0) for kind in figures}
    place = 0
    for session in sorted(sessions.values(), key=lambda each: (each.ended_at, each.session_ref)):
        nets = [charge.energy_net for charge in charges if charge.session_id == session.session_id]
        for _ in range(session.energy_wh):
            each = sum(nets) / session.energy_wh
            if included is not None and _is_free(included, session, used):
                taken["included_energy"] += each
            else:
                for kind, reached in (("graduated_discount", place), ("volume_discount", total)):
                    if kind in figures:
                        taken[kind] += each * _percent(figures[kind]["tiers"], reached) / 100
            place += 1
    return taken


def _is_free(included: dict[str, Any], session: MonthCharge, used: Counter[int | None]) -> bool:
    if included["per"] == "vehicle" and session.vehicle_id is None:
        return False
    whose = session.vehicle_id if included["per"] == "vehicle" else None
    used[whose] += 1
    return used[whose] <= Decimal(included["kwh"]) * 1000


def _percent(tiers: list[dict[str, str]], reached: int) -> int:
    return next((int(tier["percent"]) for tier in reversed(tiers) if Decimal(tier["from_kwh"]) * 1000 <= reached), 0)


@given(terms(), months())
def test_given_any_month_when_walked_by_the_watt_hour_then_each_allowance_is_the_same(
    stated: list[tuple[str, dict[str, Any]]], charges: tuple[MonthCharge, ...]
) -> None:
    read: list[Term] = [parse(kind, figures) for kind, figures in stated]

    allowances = month_allowances(read, MonthFacts(charges, "EUR", 31, 31))

    by_hand = walked(stated, charges)
    assert {each.term: each.net for each in allowances} == {
        kind: _rounded(by_hand[kind]) for kind in ("included_energy", "graduated_discount", "volume_discount")
        if kind in by_hand
    }  # fmt: skip
    assert all(net > 0 for each in allowances for net in each.nets.values())


def _rounded(exact: Fraction) -> Decimal:
    tenths = Decimal(int(exact * 10**9)) / 10**9  # halves of a cent have fewer digits, so none is lost or made
    return tenths.quantize(Decimal("0.01"), ROUND_HALF_UP)
