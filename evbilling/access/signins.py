"""Sign-ins, sign-outs, refused tries and changed factors, as the framework's own auth signals report them.

These are the framework's signals about the framework's doing, not business news: the one place where they are used.
"""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from evbilling.access.lockout import tried_address
from evbilling.access.middleware import ACTIVE_AT, SIGNED_IN_AT
from evbilling.kernel.audit import record_audit


def _where(request: HttpRequest | None) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))[:100] if request is not None else ""


@receiver(user_logged_in)
def _signed_in(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    now = timezone.now()
    if request is not None and hasattr(request, "session"):
        request.session[SIGNED_IN_AT] = request.session[ACTIVE_AT] = int(now.timestamp())
    type(user).objects.filter(pk=user.pk).update(last_access_at=now)
    record_audit(action="access.user.sign_in", obj=user, by=user, at=now, where=_where(request))


@receiver(user_logged_out)
def _signed_out(sender: Any, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    if user is not None:
        record_audit(action="access.user.sign_out", obj=user, by=user, at=timezone.now(), where=_where(request))


@receiver(user_login_failed)
def _refused(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    record_audit(
        action="access.user.sign_in",
        obj=None,
        by=None,
        at=timezone.now(),
        where=_where(request),
        result="refused",
        changes={"address": tried_address(request, credentials)[:254]},
    )


@receiver([password_changed, password_reset, password_set])
def _password_changed(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    record_audit(action="access.user.change_password", obj=user, by=user, at=timezone.now(), where=_where(request))


def _factor(action: str, request: HttpRequest, user: Any, authenticator: Any) -> None:
    record_audit(
        action=f"access.user.{action}",
        obj=user,
        by=user,
        at=timezone.now(),
        where=_where(request),
        changes={"factor": authenticator.type},
    )


@receiver(authenticator_added)
def _factor_added(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **kwargs: Any) -> None:
    _factor("add_factor", request, user, authenticator)


@receiver(authenticator_removed)
def _factor_removed(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **kwargs: Any) -> None:
    _factor("remove_factor", request, user, authenticator)


@receiver(authenticator_reset)
def _factor_renewed(sender: Any, request: HttpRequest, user: Any, authenticator: Any, **kwargs: Any) -> None:
    _factor("renew_factor", request, user, authenticator)
