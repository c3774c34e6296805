"""Credits and reissues of documents of billing groups and of split months, and of prices that include tax."""

from decimal import Decimal

import pytest

from contracts.models import PriceBasis
from invoicing.models import Invoice, InvoiceKind, InvoiceState, LineKind
from invoicing.operations.crediting import Amounts, Lines, SessionAmounts, Whole, credit
from invoicing.operations.drafting import draft_documents
from invoicing.operations.issuing import issue_invoice
from invoicing.operations.reissuing import Then, reissue
from invoicing.queries.documents import open_amount
from invoicing.rules.tax import Category
from sessions.models import ChargingSession
from tests.factories import make_party
from tests.invoicing.month import AT, ISSUED_ON, LATER, OCTOBER, Month, make_month
from tests.invoicing.shapes.test_parts_and_carrying import VOLUME, in_parts
from tests.invoicing.shapes.world import FEE, NOVEMBER, close, findings, grouped, invoices, join, put_into
from tests.invoicing.tax.test_gross_contracts import driver

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def month() -> Month:
    return make_month(sessions=0, fleets=("alpha",))


def again(invoice: Invoice, then: Then = Then.ISSUE) -> list[Invoice]:
    _correction, made = reissue(invoice_id=invoice.pk, reason="Wrong address", then=then, by=None, at=LATER)
    return made


def amounts(invoice: Invoice) -> tuple[Decimal, Decimal, Decimal]:
    return invoice.net_amount, invoice.tax_amount, invoice.gross_amount


def content(invoice: Invoice) -> list[tuple[object, ...]]:
    return list(invoice.lines.order_by("position").values_list("contract", "group_label", "text", "net_amount"))


@pytest.mark.parametrize("then", [Then.DRAFT, Then.ISSUE])
def test_given_a_groups_invoice_when_issued_again_then_every_contract_stands_on_it_again(
    month: Month, then: Then
) -> None:
    group, _members = grouped(month, 3, terms=[FEE, VOLUME])
    close(month, OCTOBER)
    original = Invoice.objects.get(billing_group=group)
    (fresh,) = again(original, then)
    assert (fresh.replaces, fresh.billing_group, amounts(fresh)) == (original, group, amounts(original))
    assert content(fresh) == content(original)
    assert findings() == []
    close(month, NOVEMBER)
    november = Invoice.objects.get(billing_group=group, period_from=NOVEMBER.start)
    assert november.net_amount == D("30.00")
    assert findings() == []


def test_given_a_group_that_a_contract_left_when_its_invoice_is_issued_again_then_all_of_it_is_billed_again(
    month: Month,
) -> None:
    group, (first, second) = grouped(month, terms=[FEE])
    close(month, OCTOBER)
    original = Invoice.objects.get(billing_group=group)
    put_into(None, first)
    made = again(original)
    assert {(each.contract, each.billing_group, each.net_amount) for each in made} == {
        (first, None, D("19.00")), (second, group, D("19.00")),
    }  # fmt: skip
    assert {each.replaces for each in made} == {original}
    assert findings() == []


def test_given_a_contract_that_joined_a_billed_group_when_its_own_invoice_is_cancelled_then_the_next_month_bills_it(
    month: Month,
) -> None:
    group, (first, second) = grouped(month, 2, terms=[FEE])
    put_into(None, first)
    (alone,) = draft_documents(contract_id=first.pk, period=OCTOBER, at=AT)
    alone = issue_invoice(invoice_id=alone.pk, issued_on=ISSUED_ON, by=None, at=AT)
    (shared,) = draft_documents(contract_id=second.pk, period=OCTOBER, at=AT)
    put_into(group, first)
    assert again(alone) == []
    shared.refresh_from_db()
    assert (shared.state, shared.replaces, shared.net_amount) == (InvoiceState.DRAFT, None, D("19.00"))
    (november,) = draft_documents(contract_id=first.pk, period=NOVEMBER, at=AT)
    assert november.net_amount == D("39.00")  # the fees of three months and two sessions
    assert findings() == []


@pytest.mark.parametrize("part", ["", "A", "B"])
def test_given_a_split_month_when_one_part_is_issued_again_then_it_comes_back_with_its_terms(
    month: Month, part: str
) -> None:
    contract = in_parts(month, terms=[VOLUME, FEE])
    close(month, OCTOBER)
    before = {each.split_key: each for each in invoices(contract)}
    (fresh,) = again(before[part])
    assert (fresh.split_key, fresh.purchase_order) == (part, before[part].purchase_order)
    assert amounts(fresh) == amounts(before[part])
    assert [row[2:] for row in content(fresh)] == [row[2:] for row in content(before[part])]
    assert findings() == []
    close(month, NOVEMBER)
    (november,) = invoices(contract, period_from=NOVEMBER.start)
    assert november.net_amount == D("10.00")


def test_given_parts_that_are_drafts_when_one_is_issued_again_then_the_others_stay_as_they_are(month: Month) -> None:
    contract = in_parts(month, terms=[FEE])
    rest, first, second = draft_documents(contract_id=contract.pk, period=OCTOBER, at=AT)
    issued = issue_invoice(invoice_id=first.pk, issued_on=ISSUED_ON, by=None, at=AT)
    (fresh,) = again(issued)
    assert (fresh.split_key, fresh.replaces) == ("A", issued)
    for each in (rest, second):
        each.refresh_from_db()
        assert (each.state, each.replaces) == (InvoiceState.DRAFT, None)
    assert findings() == []


def test_given_all_parts_when_each_is_issued_again_and_once_more_then_the_month_is_billed_once(month: Month) -> None:
    contract = in_parts(month, terms=[VOLUME, FEE])
    close(month, OCTOBER)
    for _time in range(2):
        for part in invoices(contract):
            if part.corrections.exists():
                continue
            again(part)
    live = [each for each in invoices(contract) if not each.corrections.exists()]
    assert {each.split_key: each.net_amount for each in live} == {"": D("14.05"), "A": D("8.10"), "B": D("4.05")}
    assert findings() == []


def test_given_a_part_that_is_forgiven_when_another_is_issued_again_then_the_forgiven_fee_is_not_charged(
    month: Month,
) -> None:
    contract = in_parts(month, terms=[FEE])
    close(month, OCTOBER)
    before = {each.split_key: each for each in invoices(contract)}
    credit(invoice_id=before[""].pk, what=Whole(), reason="Forgiven", by=None, at=LATER)
    (fresh,) = again(before["A"])
    assert not fresh.lines.filter(kind=LineKind.BASE_FEE).exists()
    assert findings() == []


def test_given_a_month_cancelled_to_be_billed_later_when_the_next_is_billed_then_it_charges_the_fee_once(
    month: Month,
) -> None:
    contract = join(month, "one", make_party(accountant="b@one.example"), 2, terms=[FEE])
    (draft,) = draft_documents(contract_id=contract.pk, period=OCTOBER, at=AT)
    october = issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=AT)
    assert again(october, Then.LATER) == []
    (november,) = draft_documents(contract_id=contract.pk, period=NOVEMBER, at=AT)
    assert november.net_amount == D("29.00")  # two sessions of 4.50 and the fees of two months
    assert findings() == []


def test_given_a_groups_invoice_when_credited_in_parts_then_nothing_is_left_in_the_end(month: Month) -> None:
    group, (_first, second) = grouped(month, terms=[FEE])
    close(month, OCTOBER)
    original = Invoice.objects.get(billing_group=group)
    session = ChargingSession.objects.filter(contract=second).first()
    assert session is not None
    line = original.lines.get(contract=second, kind=LineKind.BASE_FEE)
    for what in (Lines({line.pk: D("3.33")}), SessionAmounts({session.pk: D("1.01")}), Whole()):
        credit(invoice_id=original.pk, what=what, reason="Wrong", by=None, at=LATER)
        assert findings() == []
    notes = Invoice.objects.filter(corrects=original)
    assert {each.billing_group for each in notes} == {group}
    assert sum(each.gross_amount for each in notes) == original.gross_amount
    assert open_amount(original) == 0


def test_given_prices_with_tax_when_credited_in_parts_then_amounts_are_gross_and_nothing_is_left_in_the_end(
    month: Month,
) -> None:
    contract = month.contracts[driver(month, 23, 8, terms=[FEE])]
    (draft,) = draft_documents(contract_id=contract.pk, period=OCTOBER, at=AT)
    original = issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=AT)
    assert (original.price_basis, original.gross_amount) == (PriceBasis.GROSS, D("28.29"))
    session = ChargingSession.objects.filter(contract=contract).order_by("pk")[0]
    fee = original.lines.get(kind=LineKind.BASE_FEE)
    asked = [
        (Lines({fee.pk: D("0.01")}), D("0.01")),
        (SessionAmounts({session.pk: D("3.57")}), D("3.57")),
        (Amounts({(Category.STANDARD, D("19.0000")): D("5.05")}), D("5.05")),
        (Whole(), D("19.66")),
    ]
    for what, gross in asked:
        done = credit(invoice_id=original.pk, what=what, reason="Wrong", by=None, at=LATER)
        assert done.credit_note is not None
        assert (done.amount, done.credit_note.gross_amount) == (gross, gross)
        assert done.credit_note.price_basis == PriceBasis.GROSS
        assert findings() == []
    notes = Invoice.objects.filter(corrects=original, kind=InvoiceKind.CREDIT_NOTE)
    assert tuple(sum(parts) for parts in zip(*map(amounts, notes), strict=True)) == amounts(original)
    assert open_amount(original) == 0


def test_given_prices_with_tax_when_issued_again_then_the_same_is_billed(month: Month) -> None:
    contract = month.contracts[driver(month, 23, 8, terms=[FEE])]
    (draft,) = draft_documents(contract_id=contract.pk, period=OCTOBER, at=AT)
    original = issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=AT)
    (fresh,) = again(original)
    assert amounts(fresh) == amounts(original)
    assert content(fresh) == content(original)
    assert findings() == []
