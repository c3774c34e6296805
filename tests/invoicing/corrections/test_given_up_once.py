"""What was given up is not given back: credits after a write-off, credits in pieces below the limit (I11, I18)."""

import datetime as dt
from decimal import Decimal

import pytest

from evbilling.kernel.books import check_books
from evbilling.kernel.errors import BadInput
from invoicing.models import AccountRole, Allocation, CorrectionState, Dispute, Invoice, JournalLine, NumberSeries
from invoicing.operations.crediting import Amounts, SessionAmounts, Whole, WrittenOff, credit
from invoicing.operations.disputes import raise_dispute
from invoicing.operations.reissuing import CreditedInPart, decide_correction, reissue
from invoicing.operations.write_offs import write_off
from invoicing.rules.tax import Category
from tests.invoicing.corrections.conftest import World
from tests.invoicing.month import ISSUED_ON, LATER

D = Decimal
S19 = (Category.STANDARD, D("19.0000"))


def given_up(world: World, amount: str | None) -> None:
    asked = write_off(
        invoice_id=world.invoice.pk,
        amount=D(amount) if amount else None,
        reason="Insolvent",
        with_tax=True,
        by=world.clerk,
        at=LATER,
    )
    decide_correction(correction_id=asked.pk, approve=True, by=world.second, at=LATER)


def balance(role: AccountRole) -> Decimal:
    return sum(JournalLine.objects.filter(account__role=role).values_list("amount", flat=True), D(0))


def left_alone() -> tuple[int, ...]:
    return Invoice.objects.count(), Allocation.objects.count(), JournalLine.objects.count()


def test_given_a_claim_written_off_when_credited_too_then_refused_for_its_tax_came_back_already(world: World) -> None:
    given_up(world, None)
    before, tax = left_alone(), balance(AccountRole.OUTPUT_TAX)
    with pytest.raises(WrittenOff):
        credit(invoice_id=world.invoice.pk, what=Whole(), reason="x", by=world.clerk, at=LATER)
    with pytest.raises(WrittenOff):
        reissue(invoice_id=world.invoice.pk, reason="x", by=world.clerk, at=LATER)
    assert left_alone() == before
    assert balance(AccountRole.OUTPUT_TAX) == tax


def test_given_a_part_written_off_when_the_rest_is_credited_then_it_is_and_not_a_cent_more(world: World) -> None:
    given_up(world, "1.19")  # of 8.03: 6.84 are left
    before = left_alone()
    with pytest.raises(WrittenOff):
        credit(invoice_id=world.invoice.pk, what=Amounts({S19: D("5.76")}), reason="x", by=world.clerk, at=LATER)
    assert left_alone() == before
    done = credit(invoice_id=world.invoice.pk, what=Amounts({S19: D("5.75")}), reason="x", by=world.clerk, at=LATER)
    assert done.amount == D("6.84")
    assert [str(finding) for result in check_books() for finding in result.findings] == []


def test_given_a_limit_when_credited_in_pieces_below_it_then_the_piece_that_reaches_it_waits(world: World) -> None:
    world.limit("4.00")
    one = credit(
        invoice_id=world.invoice.pk,
        what=SessionAmounts({world.session(0).pk: D("2.25")}),
        reason="x",
        by=world.clerk,
        at=LATER,
    )
    assert (one.state, one.amount) == (CorrectionState.DONE, D("2.68"))
    two = credit(
        invoice_id=world.invoice.pk,
        what=SessionAmounts({world.session(1).pk: D("2.25")}),
        reason="x",
        by=world.clerk,
        at=LATER,
    )
    assert (two.state, two.needs_second) == (CorrectionState.ASKED, True)
    assert world.invoice.corrections.count() == 1


def test_given_a_credit_in_part_when_billed_again_then_refused_for_it_would_bill_the_credit_once_more(
    world: World,
) -> None:
    credit(
        invoice_id=world.invoice.pk,
        what=SessionAmounts({world.session(0).pk: D("1.00")}),
        reason="x",
        by=world.clerk,
        at=LATER,
    )
    before = left_alone()
    with pytest.raises(CreditedInPart):
        reissue(invoice_id=world.invoice.pk, reason="Wrong address", by=world.clerk, at=LATER)
    assert left_alone() == before


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (ISSUED_ON - dt.timedelta(days=1), "cannot be dated before the document that it credits"),
        (ISSUED_ON + dt.timedelta(days=1), "cannot be dated in the future"),
    ],
)
def test_given_a_day_before_the_document_or_ahead_when_credited_then_refused_for_it_would_settle_what_is_not_there(
    world: World, day: dt.date, why: str
) -> None:
    before, series = left_alone(), list(NumberSeries.objects.values_list("prefix", "year", "last_number"))
    with pytest.raises(BadInput, match=f"issued on: {day} .*{why}"):
        credit(invoice_id=world.invoice.pk, what=Whole(), reason="x", issued_on=day, by=world.clerk, at=LATER)
    assert left_alone() == before
    assert list(NumberSeries.objects.values_list("prefix", "year", "last_number")) == series


def test_given_a_card_number_in_a_dispute_when_raised_then_refused_and_the_number_is_kept_nowhere(
    world: World,
) -> None:
    with pytest.raises(BadInput, match="card number") as refused:
        raise_dispute(
            invoice_id=world.invoice.pk,
            session_id=world.session().pk,
            message="Paid with 4111 1111 1111 1111 at the charger",
            by=world.manager,
            at=LATER,
        )
    assert "1111" not in str(refused.value)
    assert not Dispute.objects.exists()
