"""The invitation mail: a link to set the first password, never a password."""

import datetime as dt

from allauth.account import app_settings
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from evbilling.access.models import User
from evbilling.kernel.outbox import GiveUp, OutboxMessage, handles


def invitation_link(user: User) -> str:
    """The address where the user sets a password; it works once and for PASSWORD_RESET_TIMEOUT seconds."""
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    path = reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": token})
    return f"{settings.PUBLIC_URL}{path}"


@handles("access.mail.invitation", queue="mail", at_most_once=True)
def send_invitation(message: OutboxMessage, at: dt.datetime) -> None:
    """Send the mail in the user's language. Raises GiveUp when the user was switched off meanwhile."""
    user = User.objects.filter(pk=message.payload["user"], is_active=True).first()
    if user is None:
        raise GiveUp("The user is switched off or gone; nothing was sent.")
    days = settings.PASSWORD_RESET_TIMEOUT // 86_400
    context = {"user": user, "link": invitation_link(user), "days": days, "brand_name": settings.UNFOLD["SITE_TITLE"]}
    with translation.override(user.language):
        subject = render_to_string("account/email/invitation_subject.txt", context).strip()
        body = render_to_string("account/email/invitation_message.txt", context)
    EmailMessage(subject=subject, body=body, to=[user.email]).send()
