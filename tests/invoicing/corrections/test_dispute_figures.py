"""The figures of a dispute in the workspace stand on one basis, and say which."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import PriceBasis
from evbilling.access.models import User
from invoicing.models import Dispute, Invoice
from invoicing.operations.crediting import SessionAmounts, credit
from invoicing.operations.disputes import raise_dispute
from sessions.models import ChargingSession
from tests.access.people import staff
from tests.factories import make_member
from tests.invoicing.corrections.conftest import World, bill
from tests.invoicing.month import LATER, make_month
from tests.invoicing.tax.test_gross_contracts import driver

pytestmark = pytest.mark.django_db


def contested(invoice: Invoice, session: ChargingSession, by: User) -> Dispute:
    return raise_dispute(invoice_id=invoice.pk, session_id=session.pk, message="I was away", by=by, at=LATER)


def page(client: Client, dispute: Dispute) -> str:
    return client.get(reverse("admin:invoicing_dispute_change", args=[dispute.pk])).content.decode()


@pytest.fixture
def clerk(client: Client) -> Client:
    client.force_login(staff())
    return client


def test_given_net_prices_when_read_then_what_is_left_stands_with_tax_like_what_is_contested(
    world: World, clerk: Client
) -> None:
    # Given a contested session of 2.25 net, 2.68 with tax
    dispute = contested(world.invoice, world.session(), world.manager)

    # When its page is read, then both stand with tax, and beside it what can be credited before tax
    html = page(clerk, dispute)
    assert "contested, with tax" in html.lower()
    assert "left of the session, with tax" in html.lower()
    assert html.count("€2.68") == 2
    assert "(€2.25 before tax)" in html

    # When 1.00 of it is credited, then what is left falls by 1.19
    what = SessionAmounts({world.session().pk: Decimal("1.00")})
    credit(invoice_id=world.invoice.pk, what=what, reason="Half an hour", by=None, at=LATER)
    html = page(clerk, dispute)
    assert html.count("€2.68") == 1
    assert "€1.49" in html
    assert "(€1.25 before tax)" in html


def test_given_prices_with_tax_when_read_then_no_other_figure_stands_beside_it(clerk: Client) -> None:
    month = make_month(sessions=0, fleets=("alpha",))
    contract = month.contracts[driver(month, 23)]
    invoice = bill(contract)
    assert (invoice.price_basis, invoice.gross_amount) == (PriceBasis.GROSS, Decimal("13.57"))
    session = ChargingSession.objects.get(contract=contract)
    html = page(clerk, contested(invoice, session, make_member(contract.party)))
    assert "left of the session, with tax" in html.lower()
    assert " before tax)" not in html
