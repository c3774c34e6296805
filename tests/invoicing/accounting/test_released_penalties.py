"""A credit note whose penalties are free again is split for the accountant as its original was (I7)."""

import datetime as dt
from decimal import Decimal

import pytest

from invoicing.models import AccountRole, Invoice, InvoiceKind, JournalLine, ReleasedPenalty
from invoicing.operations.reissuing import Then, reissue
from invoicing.queries.accounting.splits import rate_splits
from tests.invoicing.penalties.world import LATE, late_invoice, make_fleet
from tests.invoicing.quiet import nothing_is_drawn  # noqa: F401 - documents are not drawn here

pytestmark = pytest.mark.django_db
D = Decimal
NOT_TAXED = ("O", D("0.0000"))
LATER = dt.datetime(2026, 11, 3, 9, 0, tzinfo=dt.UTC)


def booked(invoice: Invoice) -> dict[str, Decimal]:
    lines = JournalLine.objects.filter(entry__source=f"invoice:{invoice.pk}")
    return dict(lines.values_list("account__role", "amount"))


def test_given_a_fee_note_billed_again_when_split_by_rate_then_its_credit_has_fee_and_interest_apart() -> None:
    # Given a flat fee of 5.00 and interest of 0.74 (119.00 at 7.3 % for 31 days), cancelled to be billed again
    fleet = make_fleet(LATE)
    late_invoice(fleet)
    fleet.close()
    note = Invoice.objects.get(kind=InvoiceKind.FEE_NOTE)
    correction, _made = reissue(invoice_id=note.pk, reason="Wrong address", then=Then.LATER, by=None, at=LATER)
    credit = correction.credit_note
    assert credit is not None
    assert ReleasedPenalty.objects.count() == 2

    # When both are split by tax rate, as the DATEV file has them
    both = Invoice.objects.filter(pk__in=[note.pk, credit.pk])
    splits = rate_splits(both, {each.pk: booked(each) for each in both})

    # Then the credit stands on the accounts of its original, with opposite signs
    fee, interest = AccountRole.FEE_REVENUE.value, AccountRole.INTEREST_INCOME.value
    assert splits[note.pk].nets == {(fee, NOT_TAXED): D("-5.0000"), (interest, NOT_TAXED): D("-0.7400")}
    assert splits[credit.pk].nets == {(fee, NOT_TAXED): D("5.0000"), (interest, NOT_TAXED): D("0.7400")}
