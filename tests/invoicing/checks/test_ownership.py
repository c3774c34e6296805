"""Whose document it is (I20), and which mail went out (I16): a good history is clean, each corruption is reported."""

from collections.abc import Callable

import pytest
from django.db import connection

from evbilling.kernel import outbox
from evbilling.kernel.books import check_books
from invoicing.models import Delivery, Invoice
from tests.factories import make_party
from tests.invoicing.delivery.conftest import AT, mail_server, make_archived
from tests.invoicing.mailserver import MailServer
from tests.invoicing.month import Month, make_month

__all__ = ["mail_server", "make_archived"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_protections")]


def problems(*only: str) -> list[str]:
    ours = (r for r in check_books(frozenset(only)) if r.check.function.__module__.startswith("invoicing."))
    return [finding.problem for result in ours for finding in result.findings]


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def month() -> Month:
    month = make_month()
    month.close()
    return month


def document_of(month: Month, name: str) -> Invoice:
    return Invoice.objects.get(contract=month.contracts[name])


@pytest.mark.parametrize(
    ("statement", "name", "problem"),
    [
        ("UPDATE invoicing_invoice SET party_id = {stranger} WHERE id = {document}", "alpha", "not the party of its"),
        (
            "UPDATE charging_sessioncharge SET contract_id = {other} WHERE contract_id = {contract}",
            "alpha",
            "charged to another contract",
        ),
        (
            "UPDATE contracts_site SET owner_id = {stranger} WHERE owner_id = {party}",
            "host",
            "at a site that is not its party's",
        ),
        (
            "UPDATE invoicing_journalline SET party_id = {stranger} WHERE party_id = {party}",
            "alpha",
            "booked on another party",
        ),
    ],
)
def test_a_row_of_another_party_is_found(month: Month, statement: str, name: str, problem: str) -> None:
    assert problems("I20") == []
    contract = month.contracts[name]
    stranger = make_party()
    sql(
        statement.format(
            stranger=stranger.pk,
            document=document_of(month, name).pk,
            contract=contract.pk,
            party=contract.party_id,
            other=month.contracts["host"].pk,
        )
    )
    assert any(problem in found for found in problems("I20"))


def test_a_sent_mail_is_accounted_for(make_archived: Callable[..., Invoice], mail_server: MailServer) -> None:
    make_archived()
    assert problems("I16") == []
    outbox.drain(at=AT)
    assert Delivery.objects.get().state == "sent"
    assert problems("I16") == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE kernel_outboxmessage SET state = 'cancelled'", "lost or doubled"),
        ("UPDATE invoicing_delivery SET state = 'queued', sent_at = NULL", "lost or doubled"),
        ("UPDATE invoicing_delivery SET step_id = NULL", "no step ever sends it"),
        ("UPDATE kernel_outboxmessage SET payload = '{{}}'", "sends another delivery"),
        ("DELETE FROM invoicing_delivery", "never asked for"),
        ("UPDATE invoicing_delivery SET created_at = '2020-01-01 00:00:00'", "before its document was issued"),
    ],
)
def test_a_lost_or_doubled_mail_is_found(
    make_archived: Callable[..., Invoice], mail_server: MailServer, statement: str, problem: str
) -> None:
    make_archived()
    outbox.drain(at=AT)
    sql(statement.format())
    assert any(problem in found for found in problems("I16"))
