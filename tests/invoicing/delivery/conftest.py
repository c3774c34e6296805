"""A real mail server in this process, whose answers a test decides, and documents to send with it."""

import datetime as dt
import email
import email.policy
import socket
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from invoicing.models import Invoice
from invoicing.operations.documents import archive_document
from tests.factories import make_contract_in_force, make_party
from tests.invoicing.factories import ISSUED_AT, make_issued

AT = ISSUED_AT + dt.timedelta(hours=1)


class MailServer:
    """Keeps what it received. `rcpt` answers per address, `data` answers the content, `drop` hangs up on it."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.senders: list[str] = []
        self.rcpt: dict[str, str] = {}
        self.data = "250 OK"
        self.drop = False

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:
        answer = self.rcpt.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.drop:
            server.transport.abort()
            return "250 never heard"
        if self.data.startswith("250"):
            self.senders.append(envelope.mail_from)
            self.received.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return self.data


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    server = MailServer()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    settings.MAILERS = mailers(port)
    yield server
    controller.stop()


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
