"""Advance invoices and deposits: money before the supply, and money held (I7, I11, I12)."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.db.models import Sum

from evbilling.kernel.errors import BadInput, BillingError, WrongState
from invoicing.models import (
    AccountRole,
    Deposit,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    JournalLine,
    LineKind,
)
from invoicing.operations.advances import credit_unused_advance, issue_advance
from invoicing.operations.crediting import Lines, Whole, credit
from invoicing.operations.deposits import DepositTooLow
from invoicing.operations.drafting import discard_draft, draft_documents
from invoicing.rules.crediting import LineCreditTooHigh
from payments.models import Payment
from payments.operations.deposits import free_payment, hold_payment
from payments.operations.transfers import record_transfer
from payments.queries import unallocated_amount
from tests.factories import make_party
from tests.invoicing.month import AT, ISSUED_ON, OCTOBER, Month, make_month, record
from tests.invoicing.shapes.world import NOVEMBER, close, findings, grouped, invoices, join, said

pytestmark = pytest.mark.django_db
D = Decimal
DAY = OCTOBER.start


@pytest.fixture
def month() -> Month:
    return make_month(sessions=0, fleets=("alpha",))


def balance(role: AccountRole) -> Decimal:
    total = JournalLine.objects.filter(account__role=role).aggregate(total=Sum("amount"))["total"]
    return D(total or 0)


def pay(month: Month, party_id: int, amount: str, invoice: Invoice | None = None) -> Payment:
    return record_transfer(
        operator_id=month.operator.pk,
        party_id=party_id,
        amount=D(amount),
        currency="EUR",
        received_on=DAY,
        payer_reference=f"for {amount}",
        invoice_id=invoice.pk if invoice else None,
        by=None,
        at=AT,
    )


def advance(contract_id: int, amount: str = "20.00") -> Invoice:
    return issue_advance(contract_id=contract_id, amount=D(amount), issued_on=DAY, reason="October", by=None, at=AT)


def test_given_an_advance_when_issued_then_it_is_owed_with_its_tax_and_is_no_revenue(month: Month) -> None:
    contract = join(month, "early", make_party())
    invoice = advance(contract.pk)
    assert (invoice.kind, invoice.number, invoice.gross_amount) == (InvoiceKind.ADVANCE, "ADV-2026-000001", D("23.80"))
    assert said(invoice) == [("", "Advance payment: October", D("20.00"))]
    assert (balance(AccountRole.ADVANCE_RECEIVED), balance(AccountRole.REVENUE)) == (D(-20), D(0))
    assert findings() == []


def test_given_a_paid_advance_when_months_are_billed_then_they_use_it_up_and_name_it(month: Month) -> None:
    contract = join(month, "early", make_party(), 3)
    paid, unpaid = advance(contract.pk), advance(contract.pk, "50.00")
    pay(month, contract.party_id, "23.80", paid)
    month.close()
    (october,) = invoices(contract)
    assert said(october)[-1] == ("", f"Advance payment {paid.number} set off", D("-13.50"))
    assert (october.net_amount, october.gross_amount) == (D("0.00"), D("0.00"))
    record([month.charge("early", number) for number in range(3, 6)])
    close(month, NOVEMBER)
    november = invoices(contract)[-1]
    assert (said(november)[-1][2], november.net_amount) == (D("-6.50"), D("7.00"))
    assert (balance(AccountRole.ADVANCE_RECEIVED), balance(AccountRole.REVENUE)) == (D(-50), D(-27))
    assert not unpaid.lines.get().uses.exists()
    assert findings() == []


def test_given_an_advance_of_a_member_when_its_group_is_billed_then_the_shared_invoice_sets_it_off(
    month: Month,
) -> None:
    _group, (first, second) = grouped(month)
    pay(month, second.party_id, "23.80", advance(second.pk))
    (draft,) = draft_documents(contract_id=first.pk, period=OCTOBER, at=AT)
    line = draft.lines.get(kind=LineKind.ADVANCE_USED)
    assert (line.contract, line.net_amount, draft.net_amount) == (second, D("-18.00"), D("0.00"))
    discard_draft(invoice_id=draft.pk, by=None, at=AT)
    (again,) = draft_documents(contract_id=first.pk, period=OCTOBER, at=AT)
    assert again.net_amount == D("0.00")


def test_given_a_used_advance_when_credited_then_only_what_is_left_can_be(month: Month) -> None:
    contract = join(month, "early", make_party())
    invoice = advance(contract.pk)
    payment = pay(month, contract.party_id, "23.80", invoice)
    month.close()  # uses 9.00
    with pytest.raises(WrongState, match="only what is left of it can be credited"):
        credit(invoice_id=invoice.pk, what=Whole(), reason="over", by=None, at=AT)
    assert not invoice.corrections.exists()
    assert credit_unused_advance(invoice_id=invoice.pk, reason="the contract ended", by=None, at=AT) == D("11.00")
    note = invoice.corrections.get()
    assert (note.net_amount, note.gross_amount) == (D("11.00"), D("13.09"))
    assert (balance(AccountRole.ADVANCE_RECEIVED), unallocated_amount(payment)) == (D(0), D("0.00"))
    with pytest.raises(WrongState, match="Nothing is left"):
        credit_unused_advance(invoice_id=invoice.pk, reason="again", by=None, at=AT)
    assert findings() == []


def test_given_an_invoice_that_used_an_advance_when_credited_then_the_advance_is_free_again(month: Month) -> None:
    contract = join(month, "early", make_party())
    pay(month, contract.party_id, "23.80", advance(contract.pk))
    month.close()
    (october,) = invoices(contract)
    credit(invoice_id=october.pk, what=Whole(), reason="wrong", reissue=True, by=None, at=AT)
    assert balance(AccountRole.ADVANCE_RECEIVED) == D(-20)
    (again,) = draft_documents(contract_id=contract.pk, period=OCTOBER, at=AT)
    assert again.lines.get(kind=LineKind.ADVANCE_USED).net_amount == D("-9.00")
    assert findings() == []


def test_given_an_invoice_that_used_an_advance_when_credited_in_part_then_the_use_stands_until_the_rest_is(
    month: Month,
) -> None:
    contract = join(month, "early", make_party(), 6)  # 27.00
    invoice = advance(contract.pk)
    pay(month, contract.party_id, "23.80", invoice)
    month.close()
    (october,) = invoices(contract)
    charged, used = october.lines.get(position=1), invoice.lines.get().uses.get()
    with pytest.raises(LineCreditTooHigh):
        credit(invoice_id=october.pk, what=Lines({used.pk: D(5)}), reason="wrong", by=None, at=AT)
    credit(invoice_id=october.pk, what=Lines({charged.pk: D(5)}), reason="wrong", by=None, at=AT)
    assert (balance(AccountRole.ADVANCE_RECEIVED), balance(AccountRole.REVENUE)) == (D(0), D(-22))
    credit(invoice_id=october.pk, what=Whole(), reason="wrong", reissue=True, by=None, at=AT)
    assert (balance(AccountRole.ADVANCE_RECEIVED), balance(AccountRole.REVENUE)) == (D(-20), D(0))
    assert credit_unused_advance(invoice_id=invoice.pk, reason="ended", by=None, at=AT) == D("20.00")
    assert findings() == []


@pytest.mark.parametrize(("amount", "reason"), [("0", "x"), ("-1", "x"), ("5", " ")])
def test_given_no_amount_or_no_reason_when_an_advance_is_asked_for_then_nothing_is_issued(
    month: Month, amount: str, reason: str
) -> None:
    contract = month.contracts["alpha"]
    with pytest.raises(BadInput):
        issue_advance(contract_id=contract.pk, amount=D(amount), issued_on=DAY, reason=reason, by=None, at=AT)
    assert not Invoice.objects.exists()


def test_given_a_day_to_come_when_an_advance_is_dated_on_it_then_it_is_refused(month: Month) -> None:
    contract, tomorrow = month.contracts["alpha"], AT.date() + dt.timedelta(days=1)
    with pytest.raises(BadInput, match="issued on: .* cannot be dated in the future"):
        issue_advance(contract_id=contract.pk, amount=D("10"), issued_on=tomorrow, reason="x", by=None, at=AT)
    assert not Invoice.objects.exists()


def test_given_a_host_when_an_advance_is_asked_for_then_it_is_refused(month: Month) -> None:
    with pytest.raises(WrongState, match="only customers and sponsors"):
        advance(month.contracts["host"].pk)


def test_given_a_deposit_when_taken_and_returned_then_the_money_is_held_and_free_again(month: Month) -> None:
    contract = month.contracts["alpha"]
    payment = pay(month, contract.party_id, "100.00")
    about = {"payment_id": payment.pk, "contract_id": contract.pk, "reason": "security", "by": None, "at": AT}
    hold_payment(amount=D("60.00"), **about)
    assert (unallocated_amount(payment), balance(AccountRole.DEPOSIT_HELD)) == (D("40.00"), D(-60))
    with pytest.raises(BadInput, match="has €40.00 free"):
        hold_payment(amount=D("40.01"), **about)
    with pytest.raises(DepositTooLow):
        free_payment(amount=D("60.01"), **about)
    free_payment(amount=D("60.00"), **about)
    assert (unallocated_amount(payment), balance(AccountRole.DEPOSIT_HELD)) == (D("100.00"), D(0))
    assert (Deposit.objects.count(), findings()) == (2, [])


@pytest.mark.usefixtures("without_protections")
def test_given_an_advance_used_twice_when_the_books_are_checked_then_it_is_found(month: Month) -> None:
    contract = join(month, "early", make_party(), 3)
    invoice = advance(contract.pk)
    pay(month, contract.party_id, "23.80", invoice)
    month.close()
    InvoiceLine.objects.filter(kind=LineKind.ADVANCE_USED).update(net_amount=D("-20.01"))
    assert any("20.01 of it is set off" in each for each in findings())


@pytest.mark.usefixtures("without_protections")
def test_given_a_deposit_without_its_booking_when_the_books_are_checked_then_it_is_found(month: Month) -> None:
    contract = month.contracts["alpha"]
    payment = pay(month, contract.party_id, "100.00")
    hold_payment(payment_id=payment.pk, contract_id=contract.pk, amount=D(60), reason="security", by=None, at=AT)
    Deposit.objects.update(amount=D("110.00"))
    told = " ".join(findings())
    assert "What the ledger holds of it is not what was moved" in told
    assert re.search(r"brought 100.*110.* of it is used", told)


def test_given_any_refusal_when_an_advance_is_asked_for_without_terms_then_nothing_is_written(month: Month) -> None:
    contract = month.contracts["alpha"]
    with pytest.raises(BillingError):
        issue_advance(
            contract_id=contract.pk, amount=D(5), issued_on=ISSUED_ON.replace(year=2000), reason="x", by=None, at=AT
        )
    assert not Invoice.objects.exists()
