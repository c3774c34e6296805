"""Handing one mail to the mail server, so that it is always known whether it may have gone out (I16).

Over SMTP the phases are walked one by one: whatever fails before the content was handed over was certainly not sent,
and a connection that breaks afterwards leaves it unknown. A mail provider's API that answers with a refusal took
nothing; other systems only say that something went wrong: unknown.
"""

import contextlib
import email.policy
import smtplib
from collections.abc import Iterator

from django.core.mail import EmailMultiAlternatives, mailers
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.utils.translation import gettext as _

from evbilling.kernel.mailers import RedirectingBackend
from evbilling.kernel.outbox import GiveUp, OutcomeUnknown, TryAgain


class NotSent(Exception):
    """The mail certainly did not go out. `permanent`: the server will say the same tomorrow."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class MaybeSent(Exception):
    """The connection broke after the content was handed over: the mail may or may not go out."""


def post(mail: EmailMultiAlternatives) -> list[str]:
    """Send one mail; what the server said about recipients whom it refused while it took the mail for the others.

    Raises NotSent or MaybeSent.
    """
    backend = mailers.default
    if isinstance(backend, RedirectingBackend):
        backend, mail = backend.outside, backend.redirected(mail)
    if isinstance(backend, SmtpBackend):
        return _by_smtp(backend, mail)
    try:
        sent = backend.send_messages([mail])
    except Exception as error:
        raise _after(error) from error
    if not sent:
        raise NotSent(_("The mail system took no mail."))
    return []


def post_in_step(mail: EmailMultiAlternatives) -> list[str]:
    """The same for a background step whose outcome is the mail's.

    Raises TryAgain or GiveUp where it was certainly not sent, OutcomeUnknown where it may have been.
    """
    try:
        return post(mail)
    except MaybeSent as error:
        raise OutcomeUnknown(str(error)) from error
    except NotSent as error:
        raise (GiveUp if error.permanent else TryAgain)(str(error)) from error


def _after(error: Exception) -> NotSent | MaybeSent:
    """What an error of another mail system leaves: a provider's API that answered with a refusal took nothing."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status < 500:
        return NotSent(f"{status} {error}", permanent=status not in {408, 425, 429})
    return MaybeSent(f"{type(error).__name__}: {error}")


def _by_smtp(backend: SmtpBackend, mail: EmailMultiAlternatives) -> list[str]:
    content = mail.message(policy=email.policy.SMTP).as_bytes()
    sender = backend.prep_address(mail.from_email)
    recipients = [backend.prep_address(address) for address in mail.recipients()]
    with _connected(backend) as server:
        refused = _announce(server, sender, recipients)
        try:
            code, answer = server.data(content)
        except smtplib.SMTPDataError as error:  # the server does not want to read the content at all
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise MaybeSent(f"{type(error).__name__}: {error}") from error
        if code != 250:
            raise _refusal(code, answer)
    return refused


@contextlib.contextmanager
def _connected(backend: SmtpBackend) -> Iterator[smtplib.SMTP]:
    try:
        backend.open()
        server = backend.connection
        if server is None:
            raise smtplib.SMTPServerDisconnected(_("the connection was not opened"))
    except (OSError, smtplib.SMTPException) as error:
        backend.close()
        raise NotSent(
            _("The mail server %(host)s:%(port)s cannot be reached: %(error)s")
            % {"host": backend.host, "port": backend.port, "error": error}
        ) from error
    try:
        yield server
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            backend.close()


def _announce(server: smtplib.SMTP, sender: str, recipients: list[str]) -> list[str]:
    """MAIL and RCPT: nothing has been sent as long as we are in here. Returns the refusals."""
    refusals = []
    try:
        server.ehlo_or_helo_if_needed()
        code, answer = server.mail(sender)
        if code != 250:
            raise _refusal(code, answer)
        for address in recipients:
            code, answer = server.rcpt(address)
            if code not in {250, 251}:
                refusals.append((code, f"{address}: {code} {_text(answer)}"))
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"{type(error).__name__}: {error}") from error
    said = [text for _code, text in refusals]
    if len(refusals) == len(recipients):
        raise NotSent("; ".join(said), permanent=all(code >= 500 for code, _said in refusals))
    return said


def _refusal(code: int, answer: bytes | str) -> NotSent:
    return NotSent(f"{code} {_text(answer)}", permanent=code >= 500)


def _text(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer
