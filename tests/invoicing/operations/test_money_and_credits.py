"""Allocations, credit notes, the ledger and its periods."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db.models import Sum

from contracts.models import ContractKind
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, MoneyError, NotFound, WrongState
from evbilling.kernel.steps import observed
from invoicing.models import Account, AccountingPeriod, AccountRole, Allocation, Invoice, JournalEntry, JournalLine
from invoicing.operations.allocations import AllocationTooHigh, allocate, reverse_allocation
from invoicing.operations.crediting import AlreadyCredited, credit_invoice
from invoicing.operations.ledger import AlreadyBooked, PeriodClosed, post_cash_received, post_journal
from invoicing.operations.periods import close_period
from invoicing.queries.documents import PaymentState, open_amount, payment_state
from invoicing.rules.bookings import NotBalanced
from tests.factories import make_contract_in_force, make_party, make_user
from tests.invoicing.factories import ISSUED_AT, ISSUED_ON, make_draft, make_issued

pytestmark = pytest.mark.django_db
D = Decimal
PAID_ON = dt.date(2026, 11, 10)
PAID_AT = dt.datetime(2026, 11, 10, 12, tzinfo=dt.UTC)


def pay(invoice: Invoice, amount: str, source: str = "payment:a1") -> Allocation:
    return allocate(invoice_id=invoice.pk, source=source, amount=D(amount), allocated_on=PAID_ON, by=None, at=PAID_AT)


def balance(invoice: Invoice, role: str) -> Decimal:
    lines = JournalLine.objects.filter(account__operator=invoice.operator, account__role=role, party=invoice.party)
    return lines.aggregate(sum=Sum("amount"))["sum"] or D(0)


def trace() -> tuple[int, int, int, int]:
    return (
        Invoice.objects.count(), Allocation.objects.count(), JournalEntry.objects.count(), AuditRecord.objects.count(),
    )  # fmt: skip


# --- Allocations -----------------------------------------------------------------------------------------------------


def test_given_an_invoice_when_partly_paid_then_the_rest_is_open_and_the_ledger_agrees() -> None:
    invoice = make_issued()
    pay(invoice, "19.00")
    assert open_amount(invoice) == D("100.00")
    assert payment_state(invoice, on=PAID_ON) == PaymentState.PARTLY_PAID
    assert balance(invoice, "receivable") == D("100")
    assert balance(invoice, "customer_credit") == D("19")


def test_given_money_received_when_allocated_then_nothing_is_left_of_the_credit() -> None:
    invoice = make_issued()
    post_cash_received(
        operator=invoice.operator,
        source="payment:a1:captured",
        party=invoice.party,
        amount=D("119.00"),
        currency="EUR",
        booked_on=PAID_ON,
        clearing=True,
        at=PAID_AT,
    )
    assert balance(invoice, "customer_credit") == D("-119")
    pay(invoice, "119.00")
    assert (balance(invoice, "customer_credit"), balance(invoice, "receivable")) == (D(0), D(0))
    assert payment_state(invoice, on=dt.date(2030, 1, 1)) == PaymentState.PAID
    clearing = JournalLine.objects.get(account__role="processor_clearing")
    assert clearing.amount == D("119")


def test_given_money_older_than_the_invoice_when_allocated_then_it_settles_it_on_the_invoices_day() -> None:
    # Given money of 20 October, whose month is closed, and an invoice of 1 November
    invoice = make_issued()
    close_period(operator_id=invoice.operator_id, month=dt.date(2026, 10, 1), by=None, at=PAID_AT)

    # When it settles the invoice
    made = allocate(
        invoice_id=invoice.pk,
        source="payment:early",
        amount=D("119.00"),
        allocated_on=dt.date(2026, 10, 20),
        by=None,
        at=PAID_AT,
    )

    # Then it was the party's credit until that day: the receivable is never lower than what was issued
    assert made.allocated_on == ISSUED_ON
    assert JournalEntry.objects.get(source=f"allocation:{made.pk}").booked_on == ISSUED_ON
    assert balance(invoice, "receivable") == D(0)


def test_given_an_open_invoice_when_more_than_open_is_allocated_then_it_is_refused_and_nothing_changes() -> None:
    invoice = make_issued()
    pay(invoice, "100.00")
    before = trace()
    with pytest.raises(AllocationTooHigh, match=r"only 19\.00 is open on INV-2026-000001"):
        pay(invoice, "19.01", "payment:a2")
    assert trace() == before


@pytest.mark.parametrize("amount", ["0.00", "-1.00"])
def test_given_an_amount_of_nothing_when_allocated_then_it_is_refused(amount: str) -> None:
    invoice = make_issued()
    with pytest.raises(BadInput):
        pay(invoice, amount)
    assert not Allocation.objects.exists()


def test_given_a_fraction_of_a_cent_when_allocated_then_it_is_refused() -> None:
    invoice = make_issued()
    with pytest.raises(MoneyError):
        pay(invoice, "1.005")


@pytest.mark.parametrize("source", ["cash", "payment:", "credit:x", ""])
def test_given_a_source_that_names_no_money_when_allocated_then_it_is_refused(source: str) -> None:
    invoice = make_issued()
    with pytest.raises(BadInput, match="source"):
        pay(invoice, "1.00", source)


def test_given_a_draft_a_settlement_or_no_invoice_when_paid_then_it_is_refused() -> None:
    draft = make_draft()
    settlement = make_issued(make_contract_in_force(ContractKind.HOSTING))
    before = trace()
    for invoice in (draft, settlement):
        with pytest.raises(WrongState):
            pay(invoice, "1.00")
    with pytest.raises(NotFound):
        allocate(invoice_id=10**6, source="payment:a1", amount=D(1), allocated_on=PAID_ON, by=None, at=PAID_AT)
    assert trace() == before


def test_given_an_allocation_when_reversed_then_the_invoice_is_open_again_and_the_money_unallocated() -> None:
    invoice = make_issued()
    made = pay(invoice, "119.00")
    undone = reverse_allocation(allocation_id=made.pk, by=make_user(), at=PAID_AT, reason="wrong invoice")
    assert (undone.amount, undone.reverses) == (D("-119.00"), made)
    assert open_amount(invoice) == D("119.00")
    assert (balance(invoice, "receivable"), balance(invoice, "customer_credit")) == (D("119"), D(0))


def test_given_a_reversed_allocation_when_reversed_again_then_it_is_refused_and_nothing_changes() -> None:
    made = pay(make_issued(), "119.00")
    undone = reverse_allocation(allocation_id=made.pk, by=None, at=PAID_AT, reason="wrong invoice")
    before = trace()
    for allocation in (made, undone):
        with pytest.raises(WrongState):
            reverse_allocation(allocation_id=allocation.pk, by=None, at=PAID_AT, reason="again")
    assert trace() == before


def test_given_no_reason_when_reversed_then_it_is_refused() -> None:
    made = pay(make_issued(), "119.00")
    with pytest.raises(BadInput, match="reason"):
        reverse_allocation(allocation_id=made.pk, by=None, at=PAID_AT, reason=" ")


# --- Credit notes ----------------------------------------------------------------------------------------------------


def test_given_an_invoice_when_credited_then_a_numbered_note_cancels_it_to_exactly_zero() -> None:
    invoice = make_issued(nets=("33.33", "0.10"))
    note = credit_invoice(invoice_id=invoice.pk, reason="Wrong contract", by=make_user(), at=PAID_AT)
    assert (note.kind, note.number, note.corrects) == ("credit_note", "CN-2026-000001", invoice)
    assert (note.net_amount, note.tax_amount, note.gross_amount) == (
        invoice.net_amount, invoice.tax_amount, invoice.gross_amount,
    )  # fmt: skip
    assert (open_amount(invoice), open_amount(note)) == (D("0.00"), D("0.00"))
    assert payment_state(invoice, on=dt.date(2030, 1, 1)) == PaymentState.CREDITED
    assert balance(invoice, "receivable") == D(0)
    assert note.issued_on == PAID_ON
    assert [line.net_amount for line in note.lines.all()] == [D("33.33"), D("0.10")]


def test_given_a_paid_invoice_when_credited_then_the_note_is_the_customers_credit() -> None:
    contract = make_contract_in_force()
    invoice = make_issued(contract)
    pay(invoice, "100.00")
    note = credit_invoice(invoice_id=invoice.pk, reason="Goodwill", by=None, at=PAID_AT)
    assert (open_amount(invoice), open_amount(note)) == (D("0.00"), D("100.00"))
    later = make_issued(contract, nets=("50.00",))
    allocate(
        invoice_id=later.pk, source=f"credit:{note.pk}", amount=D("59.50"), allocated_on=PAID_ON, by=None, at=PAID_AT
    )
    assert (open_amount(later), open_amount(note)) == (D("0.00"), D("40.50"))
    assert balance(invoice, "receivable") == D("-40.50")


def test_given_a_credit_note_when_more_than_it_holds_is_used_then_it_is_refused() -> None:
    contract = make_contract_in_force()
    invoice = make_issued(contract, nets=("10.00",))
    pay(invoice, "11.90")
    note = credit_invoice(invoice_id=invoice.pk, reason="Goodwill", by=None, at=PAID_AT)
    later = make_issued(contract)
    before = trace()
    with pytest.raises(AllocationTooHigh, match=r"only 11\.90 is open on CN-2026-000001"):
        pay(later, "11.91", f"credit:{note.pk}")
    assert trace() == before


def test_given_another_partys_credit_note_when_used_then_it_is_refused() -> None:
    invoice = make_issued()
    pay(invoice, "119.00")
    note = credit_invoice(invoice_id=invoice.pk, reason="Goodwill", by=None, at=PAID_AT)
    stranger = make_issued(make_contract_in_force(operator=invoice.operator, party=make_party()))
    with pytest.raises(WrongState, match="same party"):
        pay(stranger, "1.00", f"credit:{note.pk}")


def test_given_a_credited_invoice_when_credited_again_then_it_is_refused_and_nothing_changes() -> None:
    invoice = make_issued()
    note = credit_invoice(invoice_id=invoice.pk, reason="Wrong", by=None, at=PAID_AT)
    before = trace()
    with pytest.raises(AlreadyCredited, match="CN-2026-000001"):
        credit_invoice(invoice_id=invoice.pk, reason="Wrong", by=None, at=PAID_AT)
    with pytest.raises(WrongState):
        credit_invoice(invoice_id=note.pk, reason="Wrong", by=None, at=PAID_AT)
    assert trace() == before


def test_given_no_reason_or_a_draft_when_credited_then_it_is_refused_and_nothing_changes() -> None:
    invoice, draft = make_issued(), make_draft()
    before = trace()
    with pytest.raises(BadInput, match="reason"):
        credit_invoice(invoice_id=invoice.pk, reason="  ", by=None, at=PAID_AT)
    with pytest.raises(WrongState):
        credit_invoice(invoice_id=draft.pk, reason="Wrong", by=None, at=PAID_AT)
    assert trace() == before


def test_given_a_settlement_when_credited_then_we_owe_nothing_any_more() -> None:
    settlement = make_issued(make_contract_in_force(ContractKind.HOSTING))
    credit_invoice(invoice_id=settlement.pk, reason="Wrong share", by=None, at=PAID_AT)
    assert balance(settlement, "host_payable") == D(0)
    assert open_amount(settlement) == D("0.00")


@pytest.mark.parametrize("name", ["credit.written", "issue.numbered", "issue.queued", "credit.allocated"])
def test_given_an_end_at_any_step_when_credited_again_then_it_ends_as_if_nothing_had_happened(name: str) -> None:
    invoice = make_issued()
    before = trace()

    def crash(step: str) -> None:
        if step == f"invoicing.{name}":
            raise KeyboardInterrupt

    with observed(crash), pytest.raises(KeyboardInterrupt):
        credit_invoice(invoice_id=invoice.pk, reason="Wrong", by=None, at=PAID_AT)
    assert trace() == before
    assert credit_invoice(invoice_id=invoice.pk, reason="Wrong", by=None, at=PAID_AT).number == "CN-2026-000001"


# --- Ledger ----------------------------------------------------------------------------------------------------------


def test_given_lines_that_do_not_balance_when_posted_then_they_are_refused_and_nothing_changes() -> None:
    invoice = make_issued()
    before = trace()
    with pytest.raises(NotBalanced):
        post_journal(
            operator=invoice.operator,
            source="test:1",
            booked_on=ISSUED_ON,
            text="Half a booking",
            currency="EUR",
            lines=[("cash", None, D("1.00"))],
            at=ISSUED_AT,
        )
    assert trace() == before


def test_given_a_cause_that_is_booked_when_posted_again_then_it_is_refused() -> None:
    invoice = make_issued()
    with pytest.raises(AlreadyBooked):
        post_journal(
            operator=invoice.operator,
            source=f"invoice:{invoice.pk}",
            booked_on=ISSUED_ON,
            text="Again",
            currency="EUR",
            lines=[("cash", None, D("1.00")), ("revenue", None, D("-1.00"))],
            at=ISSUED_AT,
        )


def test_given_an_operators_first_entry_when_posted_then_the_chart_is_made_once() -> None:
    contract = make_contract_in_force()
    make_issued(contract)
    make_issued(contract)
    roles = Account.objects.filter(operator=contract.operator).values_list("role", flat=True)
    assert sorted(roles) == sorted(AccountRole.values)


def test_given_a_closed_month_when_paid_in_it_then_it_is_refused_and_nothing_changes() -> None:
    invoice = make_issued()
    close_period(
        operator_id=invoice.operator_id, month=PAID_ON, by=make_user(), at=dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
    )
    before = trace()
    with pytest.raises(PeriodClosed):
        pay(invoice, "1.00")
    assert trace() == before


def test_given_a_month_that_is_not_over_when_closed_then_it_is_refused() -> None:
    invoice = make_issued()
    last_minute = dt.datetime(2026, 11, 30, 22, 59, tzinfo=dt.UTC)  # 23:59 in Berlin
    with pytest.raises(BadInput, match="2026-11"):
        close_period(operator_id=invoice.operator_id, month=ISSUED_ON, by=None, at=last_minute)
    assert not AccountingPeriod.objects.exists()
    close_period(operator_id=invoice.operator_id, month=ISSUED_ON, by=None, at=last_minute + dt.timedelta(minutes=1))
    with pytest.raises(WrongState, match="closed already"):
        close_period(operator_id=invoice.operator_id, month=ISSUED_ON, by=None, at=PAID_AT + dt.timedelta(days=60))
    assert AccountingPeriod.objects.get().month == dt.date(2026, 11, 1)
