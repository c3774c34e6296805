"""Given a settled month, when terms for its days are approved afterwards, then it keeps those it was settled under."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from contracts.models import Contract
from contracts.operations.versions import approve_version
from invoicing.models import Invoice, InvoiceLine
from invoicing.operations.crediting import credit_invoice
from tests.factories import checker, leave_undrawn, make_version
from tests.invoicing.month import AT, OCTOBER, make_month, record
from tests.invoicing.operations.test_share_kinds import (
    GREATER,
    IN_DECEMBER,
    IN_NOVEMBER,
    NOVEMBER,
    close,
    host,
    nets,
    problems,
)

pytestmark = pytest.mark.django_db
D = Decimal


def approved_afterwards(contract: Contract, share: dict[str, Any]) -> None:
    """New terms for days that are settled, approved two weeks after they were."""
    version = make_version(contract, OCTOBER.start, shares=[share], approved=False)
    approve_version(version_id=version.pk, by=checker(), at=AT + dt.timedelta(days=14))
    leave_undrawn()


def test_a_late_session_adds_the_difference_and_no_second_rent() -> None:
    month = make_month(2, ("beta",))
    contract = host(month, GREATER)
    close(month)
    approved_afterwards(contract, {**GREATER, "percent_of_net": D(60), "rent_amount": D("5.00")})
    record([month.charge("beta", 9, 20)], at=IN_DECEMBER)
    close(month, NOVEMBER, IN_DECEMBER)
    assert nets(contract) == [D("4.00"), D("2.75"), D("5.00")]
    assert problems() == []


def test_a_late_session_of_a_month_shared_by_percent_brings_no_rent() -> None:
    month = make_month(2, ("beta",))
    contract = host(month, {"percent_of_net": D(50)})
    close(month)
    approved_afterwards(contract, GREATER)
    record([month.charge("beta", 9, 20)], at=IN_DECEMBER)
    close(month, NOVEMBER, IN_DECEMBER)
    assert nets(contract) == [D("2.25"), D("4.50"), D("4.00")]
    assert problems() == []


def test_a_credited_session_is_taken_back_at_the_percent_it_was_shared_at() -> None:
    month = make_month(2, ("beta",))
    contract = host(month, {"percent_of_net": D(50)})
    close(month)
    approved_afterwards(contract, {"percent_of_net": D(10)})
    october = Invoice.objects.get(contract=month.contracts["beta"])
    credit_invoice(invoice_id=october.pk, reason="Wrong card", by=None, at=AT)
    record([month.charge("beta", 7, 100, at=IN_NOVEMBER)], at=IN_DECEMBER)
    close(month, NOVEMBER, IN_DECEMBER)
    assert nets(contract)[0] == D("2.25")
    assert sorted(nets(contract)[1:]) == [
        D("-1.13"),
        D("4.50"),
    ]  # half of the 2.25 that the customer paid; 10 % of 45.00
    assert InvoiceLine.objects.filter(invoice__contract=contract).count() == 3
    assert problems() == []
