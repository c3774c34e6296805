"""Numbers as printed; sides of a booking."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoicing.rules.bookings import Booking, NotBalanced, document_bookings, require_balanced
from invoicing.rules.numbering import SeriesExhausted, number_of, prefix_of

D = Decimal
cents = st.integers(0, 10_000_000).map(lambda units: D(units).scaleb(-2))


def test_numbers_are_printed_with_year_and_six_digits() -> None:
    assert number_of("INV", 2026, 365) == "INV-2026-000365"


def test_given_a_full_series_when_a_number_is_taken_then_it_is_refused() -> None:
    assert number_of("INV", 2026, 999_999) == "INV-2026-999999"
    with pytest.raises(SeriesExhausted, match="INV-2026"):
        number_of("INV", 2026, 1_000_000)


@pytest.mark.parametrize(
    ("kind", "issuer", "prefix"),
    [("invoice", 3, "INV"), ("credit_note", 3, "CN"), ("settlement", 3, "SET"), ("invoice", 8, "INV8")],
)
def test_the_first_issuers_prefix_is_plain_and_another_issuers_carries_its_id(
    kind: str, issuer: int, prefix: str
) -> None:
    assert prefix_of(kind, issuer, first_issuer_id=3) == prefix


def test_given_an_invoice_when_booked_then_the_receivable_stands_against_revenue_and_tax() -> None:
    assert document_bookings(settlement=False, sponsored=False, credit=False, net=D("100"), tax=D("19")) == (
        Booking("receivable", D("119"), of_party=True),
        Booking("revenue", D("-100")),
        Booking("output_tax", D("-19")),
    )


def test_given_a_settlement_when_booked_then_cost_and_input_tax_stand_against_what_we_owe() -> None:
    assert document_bookings(settlement=True, sponsored=False, credit=False, net=D("60"), tax=D("0")) == (
        Booking("host_cost", D("60")),
        Booking("host_payable", D("-60"), of_party=True),
    )


@given(st.booleans(), st.booleans(), cents, cents)
def test_a_credit_note_undoes_its_original_side_by_side(
    settlement: bool, sponsored: bool, net: Decimal, tax: Decimal
) -> None:
    booked = document_bookings(settlement=settlement, sponsored=sponsored, credit=False, net=net, tax=tax)
    undone = document_bookings(settlement=settlement, sponsored=sponsored, credit=True, net=net, tax=tax)
    assert [(side.role, -side.amount) for side in booked] == [(side.role, side.amount) for side in undone]
    require_balanced("document", [side.amount for side in booked])


def test_given_a_cent_too_much_when_checked_then_the_entry_is_refused() -> None:
    with pytest.raises(NotBalanced, match=r"invoice:1 does not balance: its lines add up to 0\.01"):
        require_balanced("invoice:1", [D("100.01"), D("-100")])
