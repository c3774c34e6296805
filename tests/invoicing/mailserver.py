"""A real mail server in this process, whose answers a test decides."""

import email
import email.policy
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


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


@contextmanager
def serve_mail() -> Iterator[tuple[MailServer, int]]:
    """A mail server on a free port of this machine, and the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = MailServer()
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield server, port
    finally:
        controller.stop()
