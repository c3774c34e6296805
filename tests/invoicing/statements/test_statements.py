"""A statement is the ledger's own account of a party: it adds up, and only the party and the staff get it (I7, I20)."""

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contracts.models import Contract
from evbilling.access.roles import Role
from evbilling.kernel import outbox
from evbilling.kernel.errors import BadInput, NotAllowed
from invoicing.models import Allocation, Delivery, JournalLine, Letter
from invoicing.operations import statements
from invoicing.operations.allocations import allocate, reverse_allocation
from invoicing.operations.statements import draw_statement, read_statement, send_statement
from invoicing.queries.statements import ROLES, Statement, statement_csv
from tests.access.people import enrol
from tests.factories import make_contract_in_force, make_member, make_party, make_user
from tests.invoicing.documents.reading import text_of
from tests.invoicing.factories import make_issued

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 12, 1, 8, tzinfo=dt.UTC)
YEAR = (dt.date(2026, 1, 1), dt.date(2026, 12, 1))


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def contract() -> Contract:
    """An invoice of 119.00 on 1 November, of which 19.00 were paid on the 20th."""
    made = make_contract_in_force(party=make_party(accountant="books@fleet.example"))
    with outbox.run_here():
        invoice = make_issued(made)
        allocate(
            invoice_id=invoice.pk,
            amount=Decimal("19.00"),
            source="payment:abc",
            allocated_on=dt.date(2026, 11, 20),
            by=None,
            at=NOW,
        )
    return made


def read(contract: Contract, first: dt.date = YEAR[0], last: dt.date = YEAR[1]) -> Statement:
    return read_statement(
        operator_id=contract.operator_id, party_id=contract.party_id, currency="EUR", first=first, last=last, at=NOW
    )


def test_the_closing_balance_is_the_ledgers(contract: Contract) -> None:
    found = read(contract)
    lines = JournalLine.objects.filter(party=contract.party, account__role__in=ROLES)
    assert found.closing == sum(line.amount for line in lines) == Decimal("119.00")
    assert [(each.kind, each.debit, each.credit, each.balance) for each in found.movements] == [
        ("document", Decimal("119.00"), Decimal(0), Decimal("119.00")),
        ("allocation", Decimal(0), Decimal(0), Decimal("119.00")),
    ]
    assert [(each.amount, each.days_overdue) for each in found.open_claims] == [(Decimal("100.00"), 16)]


def test_two_halves_are_the_whole(contract: Contract) -> None:
    whole = read(contract)
    middle = dt.date(2026, 11, 10)
    one, two = read(contract, last=middle), read(contract, first=middle + dt.timedelta(days=1))
    assert (one.opening, one.closing, two.closing) == (Decimal(0), two.opening, whole.closing)
    assert one.movements + two.movements == whole.movements


def test_money_that_was_set_off_is_named_with_its_amount(contract: Contract) -> None:
    made = Allocation.objects.get()
    reverse_allocation(allocation_id=made.pk, reason="Wrong document.", by=None, at=NOW)
    found = [each for each in read(contract).movements if each.kind == "allocation"]
    number = made.invoice.number
    assert [(each.reference, each.text, each.set_off) for each in found] == [
        (number, "abc", Decimal("19.00")),
        (number, "abc", Decimal("-19.00")),
    ]
    page = " ".join(text_of(draw_statement(read(contract))).split())
    assert "€19.00 of abc" in page
    assert "payment:" not in page


@pytest.mark.parametrize(("now", "last"), [("2026-12-01", dt.date(2026, 12, 1)), ("2027-02-10", dt.date(2026, 11, 30))])
def test_the_portals_account_opens_on_days_that_have_bookings(
    client: Client, contract: Contract, monkeypatch: pytest.MonkeyPatch, now: str, last: dt.date
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: dt.datetime.fromisoformat(f"{now}T08:00:00+00:00"))
    client.force_login(make_member(contract.party))
    page = client.get(reverse("portal:letters"))
    assert (page.context["first"], page.context["last"]) == (YEAR[0], last)


def test_csv_and_pdf_say_the_same(contract: Contract) -> None:
    found = read(contract)
    rows = statement_csv(found).decode("utf-8-sig").splitlines()
    assert rows[-1] == "2026-12-01;closing;;;;;119.00;EUR"
    assert len(rows) == len(found.movements) + 3
    assert draw_statement(found).startswith(b"%PDF")


@pytest.mark.parametrize(("language", "label"), [("en", "Customer no."), ("de", "Kundennummer")])
def test_the_page_names_the_customer_by_its_number(contract: Contract, language: str, label: str) -> None:
    contract.party.language = language
    contract.party.save()
    page = " ".join(text_of(draw_statement(read(contract))).split())
    assert f"{label} {contract.party.number}" in page


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (dt.date(2026, 12, 1), dt.date(2026, 11, 1)),
        (dt.date(2026, 11, 1), dt.date(2026, 12, 24)),
        (dt.date(2020, 1, 1), dt.date(2026, 11, 1)),
    ],
)
def test_days_that_make_no_period_are_refused(contract: Contract, first: dt.date, last: dt.date) -> None:
    with pytest.raises(BadInput):
        read(contract, first, last)


def send(contract: Contract, role: Role = Role.BILLING_CLERK) -> Delivery:
    with outbox.run_here():
        return send_statement(
            operator_id=contract.operator_id,
            party_id=contract.party_id,
            currency="EUR",
            first=YEAR[0],
            last=YEAR[1],
            by=make_user(role=role),
            at=NOW,
        )


def test_a_statement_that_is_mailed_is_filed_and_each_time_a_new_letter(
    contract: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "draw_statement", lambda _statement: b"%PDF-1.7")
    first, second = send(contract), send(contract)
    assert first.recipients == ["books@fleet.example"]
    assert "Statement of account" in first.subject
    assert first.letter_id != second.letter_id
    assert Letter.objects.filter(kind="statement", party=contract.party).count() == 2


def test_who_may_not_send_sends_nothing(contract: Contract) -> None:
    with pytest.raises(NotAllowed):
        send(contract, Role.AUDITOR)
    assert not Letter.objects.exists()


PERIOD = "?from=2026-01-01&to=2026-12-01&file=csv"


def test_the_portal_gives_each_company_its_own_account(client: Client, contract: Contract) -> None:
    page = reverse("portal:statement") + PERIOD
    other = make_contract_in_force(operator=contract.operator, party=make_party())
    bodies = []
    for party in (contract.party, contract.party, other.party):
        client.force_login(make_member(party))
        bodies.append(client.get(page).content.decode("utf-8-sig").splitlines()[-1])
    assert [row.split(";")[6] for row in bodies] == ["119.00", "119.00", "0.00"]
    client.logout()
    assert client.get(page).status_code == 302


def test_the_portal_asks_for_both_days(client: Client, contract: Contract) -> None:
    client.force_login(make_member(contract.party))
    assert client.get(reverse("portal:statement") + "?from=&to=2026-12-01").status_code == 302


@pytest.mark.parametrize(("role", "may_send"), [(Role.BILLING_CLERK, True), (Role.AUDITOR, False)])
def test_the_partys_account_in_the_workspace(
    client: Client, contract: Contract, role: Role, may_send: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "draw_statement", lambda _statement: b"%PDF-1.7")
    person = make_user(role=role)
    enrol(person)
    client.force_login(person)
    page = reverse("admin:party_account", args=[contract.party_id])
    shown = client.get(page)
    assert shown.status_code == 200
    assert "€119.00" in shown.content.decode()
    assert ("Mail the statement" in shown.content.decode()) is may_send
    values = {"operator": contract.operator_id, "currency": "EUR", "first": "2026-01-01", "last": "2026-12-01"}
    as_file = client.get(page, values | {"file": "csv"})
    assert as_file.content.decode("utf-8-sig").splitlines()[-1].endswith("119.00;EUR")
    with outbox.run_here():
        posted = client.post(page, values)
    assert (posted.status_code == 302) is may_send
    assert Letter.objects.exists() is may_send


@pytest.mark.parametrize(
    ("now", "last"),
    [
        ("2026-12-01", dt.date(2026, 12, 1)),  # booked on this year: this year so far
        ("2027-02-10", dt.date(2026, 11, 30)),  # nothing yet: the year of the last booking, to the end of its month
    ],
)
def test_the_account_opens_on_days_that_have_bookings(
    client: Client, contract: Contract, monkeypatch: pytest.MonkeyPatch, now: str, last: dt.date
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: dt.datetime.fromisoformat(f"{now}T08:00:00+00:00"))
    person = make_user(role=Role.BILLING_CLERK)
    enrol(person)
    client.force_login(person)
    page = client.get(reverse("admin:party_account", args=[contract.party_id]))
    shown = page.context["statement"]
    assert (shown.first, shown.last) == (YEAR[0], last)
    assert len(page.context["rows"]) == 2


def test_the_account_of_a_party_without_bookings_opens_on_this_year(client: Client) -> None:
    person = make_user(role=Role.BILLING_CLERK)
    enrol(person)
    client.force_login(person)
    party = make_contract_in_force().party
    shown = client.get(reverse("admin:party_account", args=[party.pk])).context["statement"]
    assert (shown.first, shown.last) == YEAR


def test_customers_and_strangers_have_no_way_to_the_partys_account(client: Client, contract: Contract) -> None:
    page = reverse("admin:party_account", args=[contract.party_id])
    assert client.get(page).status_code == 302
    client.force_login(make_member(contract.party))
    assert client.get(page).status_code in {302, 403, 404}
