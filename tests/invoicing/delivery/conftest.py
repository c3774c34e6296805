"""A mail server and documents to send with it."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from invoicing.models import Invoice
from invoicing.operations.documents import archive_document
from tests.factories import make_contract_in_force, make_party
from tests.invoicing.factories import ISSUED_AT, make_issued
from tests.invoicing.mailserver import MailServer, serve_mail

AT = ISSUED_AT + dt.timedelta(hours=1)


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    with serve_mail() as (server, port):
        settings.MAILERS = mailers(port)
        yield server


def mailers(port: int) -> dict[str, Any]:
    """MAILERS for a server on this port."""
    backend = "django.core.mail.backends.smtp.EmailBackend"
    return {"default": {"BACKEND": backend, "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 5}}}


@pytest.fixture
def make_archived(db: None) -> Callable[..., Invoice]:
    """An issued document whose PDF is archived and whose delivery is asked for; `accountant` is its address."""

    def make(accountant: str | None = "books@fleet.example", nets: tuple[str, ...] = ("100.00",)) -> Invoice:
        invoice = make_issued(make_contract_in_force(party=make_party(accountant=accountant)), nets)
        archive_document(invoice_id=invoice.pk, at=AT)
        return invoice

    return make
