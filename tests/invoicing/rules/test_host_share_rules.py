"""What a host earns: per session or on a month's totals, rounded once per line."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from contracts.rules.shares import Share, ShareTerms
from invoicing.rules.share_text import month_text, session_text
from invoicing.rules.sharing import MonthTotals, SharedCharge, base_of, days_in, month_due, session_share

D = Decimal
cents = st.integers(0, 10_000_000).map(lambda units: D(units).scaleb(-2))
SIXTY = ShareTerms(Share.PERCENT, D(60))
GREATER = ShareTerms(Share.GREATER_OF, D(50), rent=D(500))
NOVEMBER = dt.date(2026, 11, 1)


def test_given_customer_and_sponsor_parts_when_shared_then_both_count_and_the_share_is_rounded_once() -> None:
    base = base_of(
        [SharedCharge(1, 1, 5000, D("1.01")), SharedCharge(2, 1, 5000, D("1.02")), SharedCharge(3, 2, 700, D("0.10"))]
    )
    assert (base.net, base.session_count, base.energy_wh) == (D("2.13"), 2, 5700)
    assert session_share(SIXTY, base, "EUR") == D("1.28")


def test_given_a_credit_after_it_was_shared_when_shared_then_it_is_taken_back() -> None:
    base = base_of([SharedCharge(1, 1, 5000, D("10.00")), SharedCharge(2, 2, 2000, D("4.00"), taken_back=True)])
    assert (base.net, base.session_count, base.energy_wh) == (D("6.00"), 1, 3000)
    assert session_share(ShareTerms(Share.PERCENT, D(50)), base, "EUR") == D("3.00")


def test_given_a_sponsors_part_billed_later_when_paid_by_the_kwh_then_its_kwh_count_once() -> None:
    per_kwh = ShareTerms(Share.PER_KWH, per_kwh=D("0.035"))
    first = base_of([SharedCharge(1, 1, 5000, D("1.01"))])
    later = base_of([SharedCharge(2, 1, 5000, D("1.02"), carries_energy=False)])
    assert (session_share(per_kwh, first, "EUR"), session_share(per_kwh, later, "EUR")) == (D("0.18"), D("0.00"))
    assert session_text(per_kwh, first, "EUR") == "5.000\N{NO-BREAK SPACE}kWh charged and billed at €0.035 a kWh"


def test_given_half_a_month_when_rent_is_due_then_by_the_day() -> None:
    rent = ShareTerms(Share.FIXED_RENT, rent=D(500))
    totals = MonthTotals(D(0), 0, days_in([(dt.date(2026, 11, 14), dt.date(2026, 12, 1))]), 30)
    assert month_due(rent, totals, "EUR") == D("283.33")  # 17 / 30 x 500
    assert month_text(rent, NOVEMBER, totals, due=D("283.33"), before=D(0), currency="EUR") == (
        "November 2026: rent, 17 of 30 days of €500.00"
    )


def test_given_less_revenue_than_rent_when_the_greater_is_due_then_the_rent() -> None:
    assert month_due(GREATER, MonthTotals(D("999.98"), 0, 30, 30), "EUR") == D("500.00")
    assert month_due(GREATER, MonthTotals(D("1000.02"), 0, 30, 30), "EUR") == D("500.01")
    assert month_due(GREATER, MonthTotals(D("-20"), 0, 30, 30), "EUR") == D("500.00")


def test_given_a_price_per_kwh_when_the_greatest_is_due_then_it_takes_part() -> None:
    terms = ShareTerms(Share.GREATER_OF, D(50), D("0.10"), D(500))
    assert month_due(terms, MonthTotals(D(100), 6_000_000, 30, 30), "EUR") == D("600.00")


def test_given_a_month_settled_before_when_a_late_session_comes_then_the_text_says_the_difference() -> None:
    totals = MonthTotals(D("1200.00"), 0, 30, 30)
    assert month_text(GREATER, NOVEMBER, totals, due=D("600.00"), before=D("500.00"), currency="EUR") == (
        "November 2026: the greatest of 50\N{NO-BREAK SPACE}% of €1,200.00 net charging revenue = €600.00; "
        "rent €500.00; €600.00 less €500.00 settled before"
    )


def test_given_metered_energy_when_costs_are_reimbursed_then_per_kwh() -> None:
    cost = ShareTerms(Share.COST, per_kwh=D("0.3133"))
    assert month_due(cost, MonthTotals(D(0), 1_234_567, 30, 30), "EUR") == D("386.79")


@given(st.lists(cents, max_size=30), st.integers(0, 10_000))
def test_a_share_is_never_off_by_more_than_half_a_cent(nets: list[Decimal], hundredths: int) -> None:
    percent = D(hundredths).scaleb(-2)
    base = base_of([SharedCharge(n, n, 1, net) for n, net in enumerate(nets)])
    net = session_share(ShareTerms(Share.PERCENT, percent), base, "EUR")
    assert abs(net - sum(nets, D(0)) * percent / 100) <= D("0.005")


@given(cents, cents, st.integers(1, 31), st.integers(0, 100))
def test_the_greater_of_is_at_least_each_part_and_one_of_them(
    net: Decimal, rent: Decimal, days: int, percent: int
) -> None:
    terms = ShareTerms(Share.GREATER_OF, D(percent), rent=rent)
    due = Fraction(month_due(terms, MonthTotals(net, 0, days, 31), "EUR"))
    parts = [Fraction(net) * percent / 100, Fraction(rent) * days / 31]
    assert abs(due - max(parts)) <= Fraction(1, 200)


@given(cents, st.integers(1, 30))
def test_two_parts_of_a_month_come_to_its_rent_within_a_cent(rent: Decimal, days: int) -> None:
    terms = ShareTerms(Share.FIXED_RENT, rent=rent)
    parts = [month_due(terms, MonthTotals(D(0), 0, some, 31), "EUR") for some in (days, 31 - days)]
    assert abs(sum(parts) - rent) <= D("0.01")
