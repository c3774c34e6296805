"""A month by hand: two invoices at two rates, a credit note, a payment, a settlement; every report to the cent."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from contracts.models import Contract, ContractKind, Operator
from evbilling.kernel.books import check_books
from evbilling.kernel.clock import parse_month
from evbilling.kernel.money import ZERO
from invoicing.models import Account, Invoice, JournalEntry, JournalLine
from invoicing.operations.allocations import allocate, reverse_allocation
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.ledger import post_cash_received
from invoicing.queries.accounting import ledger, open_items, revenue, tax
from invoicing.queries.accounting.reconciliation import party_balances
from invoicing.queries.accounting.report import Report
from tests.factories import make_contract_in_force, make_operator, make_party
from tests.invoicing.factories import make_issued
from tests.invoicing.quiet import nothing_is_drawn  # noqa: F401 - documents are not drawn here

NOVEMBER, DECEMBER = parse_month("2026-11"), parse_month("2026-12")
AT = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)


def cells(report: Report, section: int = 0) -> list[list[str]]:
    return [[str(cell) for cell in row.cells] for row in report.sections[section].rows]


def totals(report: Report, section: int = 0) -> list[str]:
    return [str(cell) for cell in report.sections[section].totals or () if cell is not None]


@pytest.fixture
def fleet(db: None) -> Contract:
    """INV 1: 100.00 at 19 % = 119.00; INV 2: 50.00 at 7 % = 53.50, credited whole; 60.00 came and settle INV 1.

    SET 1: 40.00 at 19 % = 47.60 to a host.
    """
    operator = make_operator()
    contract = make_contract_in_force(operator=operator, party=make_party(legal_name="Alpha Fleet"))
    first = make_issued(contract)
    second = make_issued(contract, ("50.00",), percent="7", period=(dt.date(2026, 9, 1), dt.date(2026, 10, 1)))
    credit_invoice(invoice_id=second.pk, reason="double", by=None, at=AT)
    pay(first, Decimal("60.00"), "payment:one")
    host = make_contract_in_force(ContractKind.HOSTING, operator, make_party("property_owner", legal_name="Host"))
    make_issued(host, ("40.00",))
    return contract


def pay(invoice: Invoice, amount: Decimal, source: str) -> None:
    post_cash_received(
        operator=invoice.operator, source=f"{source}:captured", party=invoice.party, amount=amount,
        currency=invoice.currency, booked_on=AT.date(), clearing=False, at=AT,
    )  # fmt: skip
    taken = min(amount, invoice.gross_amount)
    allocate(invoice_id=invoice.pk, source=source, amount=taken, allocated_on=AT.date(), by=None, at=AT)


def test_the_trial_balance_has_every_account_and_adds_up_to_zero(fleet: Contract) -> None:
    report = ledger.trial_balance(fleet.operator, NOVEMBER)
    assert [[row[0], *row[3:]] for row in cells(report)] == [
        ["1000", "60.00", "0.00", "60.00"],
        ["1200", "172.50", "113.50", "59.00"],
        ["1400", "7.60", "0.00", "7.60"],
        ["2100", "0.00", "47.60", "-47.60"],
        ["2200", "60.00", "60.00", "0.00"],
        ["2300", "3.50", "22.50", "-19.00"],
        ["4000", "50.00", "150.00", "-100.00"],
        ["5000", "40.00", "0.00", "40.00"],
    ]
    assert totals(report) == ["Total", "0.00", "393.60", "393.60", "0.00"]
    # And December opens with what November closed with, without a movement
    later = ledger.trial_balance(fleet.operator, DECEMBER)
    assert [row[2] for row in cells(later)] == [row[5] for row in cells(report)]
    assert totals(later) == ["Total", "0.00", "0.00", "0.00", "0.00"]


def test_an_account_runs_from_its_opening_to_its_closing(fleet: Contract) -> None:
    receivable = Account.objects.get(role="receivable")
    report = ledger.account_sheet(receivable, NOVEMBER)
    assert [row[-1] for row in cells(report)] == ["0.00", "119.00", "172.50", "119.00", "59.00"]
    assert totals(report) == ["Total", "172.50", "113.50", "59.00"]
    assert [row[-1] for row in cells(ledger.account_sheet(receivable, DECEMBER))] == ["59.00"]


def test_open_items_stand_at_their_age_on_the_day(fleet: Contract) -> None:
    invoice = Invoice.objects.get(kind="invoice", net_amount=100)
    due = invoice.due_on
    assert due is not None
    places = {due + dt.timedelta(days=days): column for days, column in ((30, 7), (31, 8), (90, 9), (91, 10))}
    for day, column in places.items():
        report = open_items.open_items(fleet.operator, on=day)
        (row,) = cells(report)
        assert (row[0], row[1], row[column], row[-1]) == ("Alpha Fleet", invoice.number, "59.00", "59.00")
        assert cells(report, 1) == [["Host", "SET-2026-000001", "2026-11-01", "47.60"]]
    # And the day before the payment, all of it was open; the invoice that was credited later, too
    before = open_items.open_items(fleet.operator, on=dt.date(2026, 11, 2))
    assert (totals(before)[1], totals(before)[-1]) == ("172.50", "172.50")


def test_tax_is_told_by_rate_with_its_credits_and_equals_the_accounts(fleet: Contract) -> None:
    report = tax.tax_summary(fleet.operator, NOVEMBER)
    assert [row[3:] for row in cells(report)] == [
        ["7.0000", "2", "50.00", "3.50", "-50.00", "-3.50", "0.00", "0.00"],
        ["19.0000", "1", "100.00", "19.00", "0.00", "0.00", "100.00", "19.00"],
    ]
    assert [row[3:] for row in cells(report, 1)] == [["19.0000", "1", "40.00", "7.60", "0.00", "0.00", "40.00", "7.60"]]
    assert report.findings == []


def test_revenue_leads_from_lines_to_accounts(fleet: Contract) -> None:
    report = revenue.revenue(fleet.operator, NOVEMBER)
    assert totals(report) == ["Total", "150.00", "-50.00", "100.00"]
    assert cells(report, len(report.sections) - 1)[-1] == ["Revenue accounts", "100.00"]
    assert report.findings == []


def test_ledger_and_documents_agree_and_a_row_that_was_changed_is_named(
    fleet: Contract, without_protections: None
) -> None:
    assert [each.difference for each in party_balances(fleet.operator)] == [ZERO, ZERO]
    line = JournalLine.objects.filter(account__role="receivable").order_by("pk")[0]
    JournalLine.objects.filter(pk=line.pk).update(amount=line.amount + 1)
    (wrong,) = [each for each in party_balances(fleet.operator) if each.difference]
    assert (wrong.party_id, wrong.difference) == (fleet.party_id, Decimal("1.00"))
    found = [finding for result in check_books(frozenset({"I7"})) for finding in result.findings]
    assert any("Alpha Fleet" in finding.about and "60.00" in finding.problem for finding in found)


def test_a_booking_without_a_document_is_listed_beside_the_tax(fleet: Contract, without_protections: None) -> None:
    tax_line = JournalLine.objects.filter(account__role="output_tax").order_by("pk")[0]
    JournalEntry.objects.filter(pk=tax_line.entry_id).update(source="deposit:1")
    report = tax.tax_summary(fleet.operator, NOVEMBER)
    assert [row[-1] for row in cells(report, 1)] == ["19.00"]
    assert len(report.findings) == 1  # the document's tax is told twice now: once by the document, once without it


class AnyMonth(TestCase):
    """Whatever is issued, credited, paid and undone, the books add up and agree with the documents."""

    @settings(max_examples=8)
    @given(
        st.lists(
            st.tuples(st.integers(1, 10**7), st.sampled_from(["19", "7", "0"]), st.sampled_from("cpu-")),
            min_size=1,
            max_size=4,
        )
    )
    def test_trial_balance_and_reconciliation(self, documents: list[tuple[int, str, str]]) -> None:
        operator: Operator = make_operator()
        contract: Any = make_contract_in_force(operator=operator)
        for number, (cents, percent, then) in enumerate(documents):
            days = (dt.date(2020, 1 + number, 1), dt.date(2020, 2 + number, 1))
            invoice = make_issued(contract, (str(Decimal(cents).scaleb(-2)),), percent=percent, period=days)
            if then in "pu":
                pay(invoice, Decimal(cents).scaleb(-2), f"payment:{number}")
            if then == "u":
                made = invoice.allocations.get()
                reverse_allocation(allocation_id=made.pk, by=None, at=AT, reason="wrong party")
            if then == "c":
                credit_invoice(invoice_id=invoice.pk, reason="wrong", by=None, at=AT)
        for month in (NOVEMBER, DECEMBER):
            report = ledger.trial_balance(operator, month)
            assert report.findings == []
            assert {str(total) for total in (report.sections[0].totals or ())[2::3]} == {"0.00"}
        assert [each for each in party_balances(operator) if each.difference] == []
        assert tax.tax_summary(operator, NOVEMBER).findings == []
        assert revenue.revenue(operator, NOVEMBER).findings == []
