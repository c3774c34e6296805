"""A fleet with one sponsored vehicle, billed for October; the people who correct it."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from contracts.models import Contract
from evbilling.access.models import User
from evbilling.access.roles import Role
from invoicing.models import Invoice
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.issuing import issue_invoice
from sessions.models import ChargingSession
from tests.factories import make_member, make_user
from tests.invoicing.month import AT, ISSUED_ON, OCTOBER, Month, make_month
from tests.invoicing.quiet import nothing_is_drawn

__all__ = ["nothing_is_drawn"]


@dataclass(frozen=True)
class World:
    """Three sessions of 10 kWh at 0.45 EUR, 19 % VAT; the sponsor pays half of each: 6.75 net each."""

    month: Month
    invoice: Invoice
    sponsored: Invoice
    clerk: User
    second: User
    manager: User

    @property
    def contract(self) -> Contract:
        return self.month.contracts["alpha"]

    def session(self, number: int = 1) -> ChargingSession:
        return ChargingSession.objects.get(provider_ref=f"alpha-{number}")

    def limit(self, amount: str) -> None:
        self.month.operator.credit_limit_amount = Decimal(amount)
        self.month.operator.save()


def bill(contract: Contract) -> Invoice:
    draft = draft_invoice(contract_id=contract.pk, period=OCTOBER, at=AT)
    assert draft is not None
    return issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=AT)


@pytest.fixture
def world(db: None) -> World:
    month = make_month(3, ("alpha",))
    invoice, sponsored = bill(month.contracts["alpha"]), bill(month.contracts["sponsor"])
    return World(
        month,
        invoice,
        sponsored,
        make_user(Role.BILLING_CLERK),
        make_user(Role.BILLING_CLERK),
        make_member(month.contracts["alpha"].party),
    )
