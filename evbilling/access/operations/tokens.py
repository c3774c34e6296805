"""API tokens: make, revoke, recognise. The secret leaves this module once, when the token is made."""

import datetime as dt
import secrets
from typing import Any

from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from evbilling.access.models import ApiToken, TokenState, User, digest_of
from evbilling.access.operations.roles import may_manage_users
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.errors import BadInput, NotAllowed, WrongState, require
from evbilling.kernel.locks import lock

MARK = "evb"
"""How every token begins, so that a search for leaked secrets finds it."""
LONGEST_DAYS = 366
_SECRET_BYTES = 32
_USE_STEP = dt.timedelta(hours=1)
"""The use of a token is noted at most this often, so that reading does not write each time."""


def create_token(*, user_id: int, name: str, days: int, by: Any, at: dt.datetime) -> tuple[ApiToken, str]:
    """Make a token for a user; gives it with its secret, which is kept nowhere.

    Raises NotAllowed unless `by` manages users, BadInput without a name or for a life not of 1 to LONGEST_DAYS days,
    WrongState for a user who is switched off.
    """
    with transaction.atomic():
        user = lock(User, user_id)
        _require_manager(by)
        require_words("name", name, _("Say what the token is for."))
        require(
            1 <= days <= LONGEST_DAYS,
            BadInput("days", str(days), _("A token lives 1 to %(most)s days.") % {"most": LONGEST_DAYS}),
        )
        require(user.is_active, WrongState(_("%(user)s is switched off and gets no token.") % {"user": user.email}))
        prefix = f"{MARK}_{secrets.token_hex(4)}"
        secret = f"{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        token = ApiToken.objects.create(
            user=user,
            name=name.strip(),
            prefix=prefix,
            digest=digest_of(secret),
            created_at=at,
            expires_at=at + dt.timedelta(days=days),
        )
        changes = {"user": user.email, "expires_at": token.expires_at}
        record_audit(action="access.token.create", obj=token, by=by, at=at, changes=changes)
    return token, secret


def revoke_token(*, token_id: int, reason: str, by: Any, at: dt.datetime) -> ApiToken:
    """End a token at once and for good.

    Raises NotAllowed unless `by` manages users, BadInput without a reason, WrongState when it is revoked already.
    """
    with transaction.atomic():
        token = lock(ApiToken, token_id)
        _require_manager(by)
        require_words("reason", reason, _("Say why; the audit trail keeps it."))
        require(token.revoked_at is None, WrongState(_("%(token)s is revoked already.") % {"token": token}))
        token.revoked_at = at
        token.save(update_fields=["revoked_at"])
        record_audit(action="access.token.revoke", obj=token, by=by, at=at, reason=reason)
    return token


def recognise_token(*, secret: str, at: dt.datetime) -> ApiToken | None:
    """The token of a secret, with its user; None for an unknown, expired or revoked one and for a leaver's."""
    mark, _sep, rest = secret.partition("_")
    prefix = f"{mark}_{rest.partition('_')[0]}"
    token = ApiToken.objects.select_related("user").filter(prefix=prefix).first()
    if token is None or not constant_time_compare(token.digest, digest_of(secret)):
        return None
    if token.state_at(at) in {TokenState.EXPIRED, TokenState.REVOKED} or not token.user.is_active:
        return None
    if token.last_used_at is None or at - token.last_used_at > _USE_STEP:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=at)
        User.objects.filter(pk=token.user_id).update(last_access_at=at)
    return token


def _require_manager(by: Any) -> None:
    require(may_manage_users(by), NotAllowed(_("Only an administrator may do this; ask one for a token.")))
