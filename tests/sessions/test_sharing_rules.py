"""The split between customer and sponsor: per VAT rate, to the cent, nothing lost."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from sessions.rules.sharing import CUSTOMER, SPONSOR, Share, complete_shares, share_parts

NINETEEN = Decimal(19)


def test_without_a_sponsor_the_customer_pays_all() -> None:
    assert share_parts([(NINETEEN, Decimal("4.50"))], sponsor_percent=None, currency="EUR") == [
        Share(CUSTOMER, NINETEEN, Decimal("4.50"))
    ]


def test_a_tie_goes_to_the_customer() -> None:
    shares = share_parts([(NINETEEN, Decimal("0.05"))], sponsor_percent=Decimal(50), currency="EUR")
    assert [share.amount for share in shares] == [Decimal("0.03"), Decimal("0.02")]


def test_a_sponsor_of_all_leaves_the_customer_a_charge_of_nothing() -> None:
    shares = share_parts([(None, Decimal("4.50"))], sponsor_percent=Decimal(100), currency="EUR")
    assert [(share.role, share.amount) for share in shares] == [(CUSTOMER, Decimal("0.00")), (SPONSOR, Decimal("4.50"))]


_parts = st.lists(
    st.tuples(st.sampled_from([None, Decimal(7), NINETEEN]), st.integers(0, 10**6).map(lambda c: Decimal(c) / 100)),
    max_size=3,
    unique_by=lambda part: part[0],
)
_percents = st.decimals(min_value="0.01", max_value=100, places=2)


@given(_parts, _percents)
def test_the_shares_add_up_per_rate(parts: list[tuple[Decimal | None, Decimal]], percent: Decimal) -> None:
    shares = share_parts(parts, sponsor_percent=percent, currency="EUR")
    for rate, net in parts:
        at_rate = [share.amount for share in shares if share.vat_rate == rate]
        assert sum(at_rate) == net
        assert all(part >= 0 for part in at_rate)
        assert abs(at_rate[1] - net * percent / 100) < Decimal("0.01")


@given(_parts, _percents, _percents, st.sampled_from([CUSTOMER, SPONSOR]))
def test_what_is_missing_is_what_is_left_of_the_price(
    parts: list[tuple[Decimal | None, Decimal]], percent: Decimal, later: Decimal, stands: str
) -> None:
    """A share that stands on a document is never split again, even when the percentage changed since."""
    first = share_parts(parts, sponsor_percent=percent, currency="EUR")
    kept = {(share.role, share.vat_rate): share.amount for share in first if share.role == stands}
    made = complete_shares(share_parts(parts, sponsor_percent=later, currency="EUR"), kept)
    assert made == [share for share in first if share.role != stands]


def test_complete_charges_need_nothing() -> None:
    shares = share_parts([(NINETEEN, Decimal("4.50"))], sponsor_percent=Decimal(50), currency="EUR")
    assert complete_shares(shares, {(share.role, share.vat_rate): share.amount for share in shares}) == []


def test_a_sponsor_that_is_gone_keeps_its_charge_and_the_customer_gets_the_rest() -> None:
    shares = share_parts([(NINETEEN, Decimal("4.50"))], sponsor_percent=None, currency="EUR")
    made = complete_shares(shares, {(SPONSOR, NINETEEN): Decimal("2.00")})
    assert made == [Share(CUSTOMER, NINETEEN, Decimal("2.50"))]


def test_charges_that_exceed_the_price_do_not_fit() -> None:
    shares = share_parts([(NINETEEN, Decimal("4.50"))], sponsor_percent=None, currency="EUR")
    assert complete_shares(shares, {(CUSTOMER, NINETEEN): Decimal("5.00")}) is None
    assert complete_shares(shares, {(CUSTOMER, NINETEEN): Decimal("4.00")}) is None
