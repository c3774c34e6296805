"""What hosts earn of a month: shares of issued documents, their taxes, credits taken back."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import Party, TaxStatus
from evbilling.kernel.clock import parse_month
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceTax
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.drafting import NothingToSettle
from invoicing.operations.issuing import issue_invoice
from tests.invoicing.drafts import amounts, draft, issued, settle
from tests.invoicing.month import AT, ISSUED_ON, Month, make_month, record

pytestmark = pytest.mark.django_db
D = Decimal
NOVEMBER = parse_month("2026-11")


@pytest.fixture
def month() -> Month:
    return make_month()


def issue_customers(month: Month) -> None:
    for name in ("alpha", "beta", "sponsor"):
        issued(month, name)


def test_given_issued_documents_when_the_host_is_settled_then_he_earns_his_share_sponsors_parts_included(
    month: Month,
) -> None:
    issue_customers(month)
    settlement = settle(month)
    assert settlement is not None
    line = settlement.lines.get()  # two sessions of each fleet at his site: 4 x 4.50 = 18.00
    assert (line.net_amount, line.session_count, line.energy_wh) == (D("10.80"), 4, 40_000)
    assert line.group_label == month.site.name
    assert line.text == "60\N{NO-BREAK SPACE}% of €18.00 net charging revenue"
    assert amounts(settlement) == (D("10.80"), D("2.05"), D("12.85"))
    assert settlement.kind == "settlement"


@pytest.mark.parametrize(
    ("status", "category", "ground"),
    [
        (TaxStatus.EXEMPT_SMALL, "E", "Exempt from VAT: the supplier is a small business."),
        (TaxStatus.NOT_TAXABLE, "O", "Not subject to VAT: the recipient is not a taxable person."),
    ],
)
def test_given_an_untaxed_host_when_settled_then_the_ground_says_why(
    status: str, category: str, ground: str, month: Month
) -> None:
    Party.objects.filter(pk=month.contracts["host"].party_id).update(tax_status=status)
    issue_customers(month)
    settlement = settle(month)
    assert settlement is not None
    tax = InvoiceTax.objects.get(invoice=settlement)
    assert (tax.tax_category, tax.tax_amount, tax.ground) == (category, D(0), ground)
    assert settlement.gross_amount == D("10.80")


def test_given_no_self_billing_agreement_when_settled_then_the_reason_says_so_and_nothing_is_shared(
    month: Month,
) -> None:
    host = Party.objects.filter(pk=month.contracts["host"].party_id)
    host.update(self_billing_agreed_on=None)
    issue_customers(month)
    with pytest.raises(NothingToSettle, match="has not agreed to self-billing for 2026-10"):
        settle(month)
    assert not BilledCharge.objects.filter(use=ChargeUse.SHARED).exists()
    host.update(tax_status=TaxStatus.NOT_TAXABLE)  # a plain statement is no self-billed invoice
    assert settle(month) is not None


def test_given_drafts_of_the_month_when_the_host_is_settled_then_he_waits_for_them(month: Month) -> None:
    draft(month, "beta")
    with pytest.raises(NothingToSettle, match="1 documents with sessions at the sites are still drafts"):
        settle(month)


def test_given_a_settled_month_when_the_next_is_settled_then_nothing_is_shared_twice(month: Month) -> None:
    issue_customers(month)
    settlement = settle(month)
    assert settlement is not None
    issue_invoice(invoice_id=settlement.pk, issued_on=ISSUED_ON, by=None, at=AT)
    assert settle(month, NOVEMBER) is None


def test_given_a_document_credited_before_when_the_host_is_settled_then_it_does_not_count(month: Month) -> None:
    issue_customers(month)
    credit_invoice(invoice_id=Invoice.objects.get(contract=month.contracts["beta"]).pk, reason="Wrong", by=None, at=AT)
    settlement = settle(month)
    assert settlement is not None
    assert settlement.net_amount == D("5.40")


def test_given_a_document_credited_after_it_was_shared_when_settled_next_then_its_share_is_taken_back(
    month: Month,
) -> None:
    issue_customers(month)
    settlement = settle(month)
    assert settlement is not None
    issue_invoice(invoice_id=settlement.pk, issued_on=ISSUED_ON, by=None, at=AT)
    credit_invoice(invoice_id=Invoice.objects.get(contract=month.contracts["beta"]).pk, reason="Wrong", by=None, at=AT)
    with pytest.raises(NothingToSettle, match=r"Credits outweigh the month's share by €5\.40"):
        settle(month, NOVEMBER)
    later = dt.datetime(2026, 11, 3, 7, tzinfo=dt.UTC)
    record([month.charge("idle", 2 * number, at=later) for number in range(4)], at=AT + dt.timedelta(days=28))
    first_of_december = AT + dt.timedelta(days=29)
    issue_invoice(
        invoice_id=draft(month, "idle", NOVEMBER).pk,
        issued_on=first_of_december.date(),
        by=None,
        at=first_of_december,
    )
    november = settle(month, NOVEMBER)
    assert november is not None
    assert november.net_amount == D("5.40")  # 60 % of 18.00 less 9.00
    assert settle(month, parse_month("2026-12")) is None
