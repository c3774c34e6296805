"""A month of an operator, from the file that the stations' system sends to clean books."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from contracts.models import ContractKind
from evbilling.access.roles import Role
from evbilling.kernel.books import check_books
from evbilling.kernel.strict_json import loads
from invoicing.models import Document, Invoice, JournalLine, TaxRate
from invoicing.operations.crediting import credit_invoice
from invoicing.queries.documents import PaymentState, payment_state
from payments.operations.transfers import record_transfer
from sessions.models import Hold
from sessions.operations.holds import release_hold
from sessions.operations.imports import import_file
from tests.factories import make_contract_in_force, make_party, make_user, tariff_document
from tests.invoicing.documents.reading import text_of
from tests.sessions.made import HEADINGS, make_profile, make_world

pytestmark = pytest.mark.django_db
NOVEMBER = dt.datetime(2026, 11, 2, 8, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOVEMBER)


def bill(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    call_command("bill", "--period", "2026-10", "--inline", "--json", *arguments)
    return loads(capsys.readouterr().out)


def test_from_the_file_of_sessions_to_clean_books(capsys: pytest.CaptureFixture[str], mailoutbox: list[Any]) -> None:
    # Given a fleet whose accountant is known, its site's owner with 60 %, and a manufacturer who pays half of one car
    world = make_world(tariff_document(vat=None))
    TaxRate.objects.create(country="DE", percent=19, valid_from=dt.date(2020, 1, 1))
    world.fleet.contacts.create(name="Books", email="books@fleet.example", role="accountant")
    world.owner.contacts.create(name="Owner", email="owner@site.example", role="accountant")
    maker = make_party("ev_manufacturer", accountant="books@maker.example")
    make_contract_in_force(
        ContractKind.SPONSORSHIP, world.operator, maker, vehicles=[world.vehicle], percent=Decimal(50)
    )
    make_contract_in_force(ContractKind.HOSTING, world.operator, world.owner, [world.site], percent=Decimal(60))

    # When a file with two good sessions, one without energy and one unreadable line comes in
    def line(ref: str, day: int, kwh: str) -> str:
        times = f"2026-10-{day:02} 10:00:00,2026-10-{day:02} 11:00:00"
        return f"{ref},{world.token.ref},{world.station.ref},{times},{kwh},\n"

    content = HEADINGS + line("S1", 5, "10.0") + line("S2", 6, "20.5") + line("S3", 7, "0") + "S4,,,soon,,,\n"
    profile = make_profile()
    batch = import_file(profile_id=profile.pk, file_name="october.csv", content=content.encode(), by=None, at=NOVEMBER)
    assert (batch.added, batch.refused, batch.held) == (3, 1, 1)

    # Then the month is billed: every session is on a document or held
    first = bill(capsys)
    assert (first["counts"]["issued"], first["mails"]["sent"]) == (3, 3)
    assert first["completeness"] | {"sessions_in": 3, "billed": 2, "held": 1, "missing": 0} == first["completeness"]
    invoice = Invoice.objects.get(contract=world.contract)
    # 10 kWh and 20.5 kWh at 0.45: 4.50 and 9.23 (9.225 rounded up); half of each, 2.25 and 4.61 (largest remainder)
    assert invoice.net_amount + Invoice.objects.get(party=maker).net_amount == Decimal("13.73")
    assert Invoice.objects.get(party=world.owner).net_amount == Decimal("8.24")  # 60 % of 13.73

    # And the accountant's PDF names number, amount and each session
    text = text_of(bytes(Document.objects.get(invoice=invoice, kind="pdf").content))
    assert all(word in text for word in (invoice.number, "S1", "S2", "20.500"))
    assert [mail.to for mail in mailoutbox if invoice.number in mail.subject] == [["books@fleet.example"]]

    # When a person releases the held session, it waits for the next month: the document of October stays as it is
    release_hold(
        hold_id=Hold.objects.get().pk, reason="the meter was replaced", by=make_user(Role.BILLING_CLERK), at=NOVEMBER
    )
    again = bill(capsys)
    assert (again["counts"]["issued"], len(mailoutbox)) == (3, 3)

    # When the fleet pays part of it and the rest is credited
    record_transfer(
        operator_id=invoice.operator_id,
        party_id=invoice.party_id,
        amount=Decimal("5.00"),
        currency=invoice.currency,
        received_on=NOVEMBER.date(),
        payer_reference="first part",
        invoice_id=invoice.pk,
        by=None,
        at=NOVEMBER,
    )
    assert payment_state(invoice, on=dt.date(2026, 11, 10)) == PaymentState.PARTLY_PAID
    note = credit_invoice(invoice_id=invoice.pk, reason="goodwill", by=None, at=NOVEMBER)
    assert payment_state(Invoice.objects.get(pk=invoice.pk), on=dt.date(2026, 12, 1)) == PaymentState.CREDITED

    # Then the ledger balances and every invariant holds
    assert sum(JournalLine.objects.values_list("amount", flat=True)) == 0
    assert note.gross_amount == invoice.gross_amount
    assert [finding for result in check_books() for finding in result.findings] == []
