"""Where mails go: EMAIL_URL and MAIL_REDIRECT_TO as Django's MAILERS, read once by the settings.

    smtp+tls://user:password@host:587       an SMTP server
    postmark://?server_token=...            a mail provider's API, through django-anymail; its options as the query
    filemail://                             .eml files in a folder

With a redirect, every mail goes to one address instead (test systems); whom it was meant for stands in it.
"""

from copy import copy
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import environ
from django.core.mail import EmailMessage, mailers
from django.core.mail.backends.base import BaseEmailBackend

PROVIDERS = ("brevo", "mailersend", "mailgun", "mailjet", "mailtrap", "postmark", "sendgrid", "sparkpost")
"""Mail providers whose API and whose reports of bounces are spoken: the names of django-anymail's backends."""
OUTSIDE = "outside"
"""The mailer that really sends, where the default one redirects."""


def provider_of(url: str) -> str:
    """The mail provider that an EMAIL_URL names; empty for SMTP and the folder."""
    scheme = urlsplit(url).scheme
    return scheme if scheme in PROVIDERS else ""


def provider_settings(url: str, webhook_secret: str) -> dict[str, Any]:
    """What django-anymail reads (ANYMAIL): the provider's options by their full names, and the webhook's secret."""
    provider, options = provider_of(url), parse_qsl(urlsplit(url).query)
    found: dict[str, Any] = {f"{provider}_{name}".upper(): value for name, value in options} if provider else {}
    return found | {"WEBHOOK_SECRET": webhook_secret}


def mailer_of(url: str, folder: Path) -> dict[str, Any]:
    """The mailer of an EMAIL_URL: a provider's API, .eml files in the folder, or an SMTP server."""
    provider = provider_of(url)
    if provider:
        return {"BACKEND": f"anymail.backends.{provider}.EmailBackend"}
    found = environ.Env.email_url_config(url)  # type: ignore[no-untyped-call]
    if found["EMAIL_BACKEND"].endswith("filebased.EmailBackend"):
        return {"BACKEND": "evbilling.kernel.mailfolder.EmlFolderBackend", "OPTIONS": {"folder": str(folder)}}
    options = {
        "host": found["EMAIL_HOST"],
        "port": found["EMAIL_PORT"],
        "username": found["EMAIL_HOST_USER"] or "",
        "password": found["EMAIL_HOST_PASSWORD"] or "",
        "use_tls": found.get("EMAIL_USE_TLS", False),
        "use_ssl": found.get("EMAIL_USE_SSL", False),
        "timeout": 30,
    }
    return {"BACKEND": found["EMAIL_BACKEND"], "OPTIONS": options}


def redirected_mailers(default: dict[str, Any], to: str) -> dict[str, Any]:
    """MAILERS with every mail sent to one address, or as they are where there is none."""
    if not to:
        return {"default": default}
    backend = f"{RedirectingBackend.__module__}.{RedirectingBackend.__qualname__}"
    return {"default": {"BACKEND": backend, "OPTIONS": {"to": to}}, OUTSIDE: default}


def sender_address() -> str:
    """The bare address that mails come from (DEFAULT_FROM_EMAIL, which Django gives every mail)."""
    return parseaddr(EmailMessage().from_email)[1]


def sender_domain() -> str:
    """What stands behind the @ of the mails' Message-IDs."""
    return sender_address().rpartition("@")[2] or "localhost"


class RedirectingBackend(BaseEmailBackend):
    """Sends every mail to one address by the outside mailer."""

    def __init__(self, *, to: str, **options: Any) -> None:
        super().__init__(**options)
        self.to = to

    @property
    def outside(self) -> Any:
        """The mailer that really sends."""
        return mailers[OUTSIDE]

    def redirected[M: EmailMessage](self, mail: M) -> M:
        """A copy to the one address; the recipients stand in the subject and in a header."""
        meant = ", ".join(mail.recipients())
        found = copy(mail)
        found.to, found.cc, found.bcc = [self.to], [], []
        found.subject = f"[{meant}] {mail.subject}"
        found.extra_headers = {**mail.extra_headers, "X-Original-To": meant}
        return found

    def send_messages(self, email_messages: Any) -> int:
        """As the outside mailer does."""
        sent: int = self.outside.send_messages([self.redirected(mail) for mail in email_messages])
        return sent
