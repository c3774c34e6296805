"""Users: invite, end, bring back, reset the second factor. Each leaves one audit row (I19)."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from evbilling.access.models import ApiToken, User
from evbilling.access.operations.roles import assign_role, may_manage_users
from evbilling.access.roles import Role
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.errors import BadInput, NotAllowed, WrongState, require
from evbilling.kernel.locks import lock

INACTIVE_AFTER = dt.timedelta(days=90)
"""A user without access for so long is switched off (PCI DSS 8.2.6)."""


def invite_user(
    *, email: str, full_name: str, language: str, by: Any, at: dt.datetime, roles: Collection[Role] = ()
) -> User:
    """Make a user without a password and mail a link to set one. Roles make a member of the staff.

    Raises BadInput for an address that is none or that has a user; NotAllowed where `by` may not give roles.
    """
    address = email.strip().lower()
    with transaction.atomic():
        try:
            validate_email(address)
        except ValidationError:
            raise BadInput("email", email, _("Write an address such as name@company.example.")) from None
        require(
            not User.objects.filter(email=address).exists(),
            BadInput("email", address, _("This address has a user already.")),
        )
        user = User.objects.create_user(address, full_name=full_name.strip(), language=language, date_joined=at)
        record_audit(action="access.user.invite", obj=user, by=by, at=at, changes={"email": address})
        for role in roles:
            assign_role(user_id=user.pk, role=role, by=by, at=at)
        _mail_invitation(user, at)
    user.refresh_from_db()
    return user


def invite_again(*, user_id: int, by: Any, at: dt.datetime) -> User:
    """Mail a new link to a user who never set a password. Raises WrongState once there is one."""
    with transaction.atomic():
        user = lock(User, user_id)
        _require_manager(by)
        require(
            user.is_active and not user.has_usable_password(),
            WrongState(_("%(user)s has a password; use the reset link of the sign-in page.") % {"user": user.email}),
        )
        record_audit(action="access.user.invite_again", obj=user, by=by, at=at)
        _mail_invitation(user, at)
    return user


def change_user(*, user_id: int, full_name: str, language: str, by: Any, at: dt.datetime) -> User:
    """Correct a user's name or language. Raises NotAllowed unless it is one's own user or `by` manages users."""
    with transaction.atomic():
        user = lock(User, user_id)
        if by is None or by.pk != user.pk:
            _require_manager(by)
        changes = {"full_name": [user.full_name, full_name.strip()], "language": [user.language, language]}
        user.full_name, user.language = full_name.strip(), language
        user.save(update_fields=["full_name", "language"])
        record_audit(action="access.user.change", obj=user, by=by, at=at, changes=changes)
    return user


def deactivate_user(*, user_id: int, reason: str, by: Any, at: dt.datetime) -> User:
    """Switch a leaver off: no sign-in, and every open session and API token ends with this commit.

    Raises WrongState when it is done already, NotAllowed for oneself or without the right, BadInput without a reason.
    """
    with transaction.atomic():
        user = lock(User, user_id)
        _require_manager(by, other_than=user)
        _require_reason(reason)
        require(user.is_active, WrongState(_("%(user)s is switched off already.") % {"user": user.email}))
        User.objects.filter(pk=user.pk).update(is_active=False, session_epoch=F("session_epoch") + 1)
        _end_tokens([user.pk], at)
        user.refresh_from_db()
        record_audit(
            action="access.user.deactivate", obj=user, by=by, at=at, reason=reason, changes={"is_active": [True, False]}
        )
    return user


def reactivate_user(*, user_id: int, reason: str, by: Any, at: dt.datetime) -> User:
    """Let a user sign in again; sessions and tokens that ended stay ended. Raises WrongState for an active user."""
    with transaction.atomic():
        user = lock(User, user_id)
        _require_manager(by, other_than=user)
        _require_reason(reason)
        require(not user.is_active, WrongState(_("%(user)s is active already.") % {"user": user.email}))
        user.is_active = True
        user.last_access_at = at
        user.save(update_fields=["is_active", "last_access_at"])
        record_audit(
            action="access.user.reactivate", obj=user, by=by, at=at, reason=reason, changes={"is_active": [False, True]}
        )
    return user


def reset_second_factor(*, user_id: int, reason: str, by: Any, at: dt.datetime) -> User:
    """Forget a lost authenticator app, passkeys and recovery codes, and end the sessions: the user enrols again.

    Raises NotAllowed for one's own factor or without the right, WrongState when there is none, BadInput without a
    reason.
    """
    with transaction.atomic():
        user = lock(User, user_id)
        _require_manager(by, other_than=user)
        _require_reason(reason)
        factors = Authenticator.objects.filter(user=user)
        types = sorted(factors.values_list("type", flat=True))
        require(types, WrongState(_("%(user)s has no second factor to reset.") % {"user": user.email}))
        factors.delete()
        User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
        user.refresh_from_db()
        record_audit(
            action="access.user.reset_factor", obj=user, by=by, at=at, reason=reason, changes={"factors": types}
        )
    return user


def deactivate_unused_users(*, by: Any, at: dt.datetime) -> list[User]:
    """Switch off every user without access for 90 days (PCI DSS 8.2.6); the users switched off."""
    before = at - INACTIVE_AFTER
    unused = Q(last_access_at__lt=before) | Q(last_access_at__isnull=True, date_joined__lt=before)
    with transaction.atomic():
        users = list(User.objects.select_for_update().filter(unused, is_active=True).order_by("pk"))
        User.objects.filter(pk__in=[user.pk for user in users]).update(
            is_active=False, session_epoch=F("session_epoch") + 1
        )
        _end_tokens([user.pk for user in users], at)
        if users:
            record_audit(
                action="access.user.deactivate_unused",
                obj=None,
                by=by,
                at=at,
                reason=f"no access since {before:%Y-%m-%d}",
                members=[user.pk for user in users],
            )
    return users


def _end_tokens(user_ids: list[int], at: dt.datetime) -> None:
    ApiToken.objects.filter(user__in=user_ids, revoked_at__isnull=True).update(revoked_at=at)


def _mail_invitation(user: User, at: dt.datetime) -> None:
    outbox.add(
        kind="access.mail.invitation", key=f"invitation:{user.pk}:{at.isoformat()}", payload={"user": user.pk}, at=at
    )


def _require_manager(by: Any, other_than: User | None = None) -> None:
    require(
        may_manage_users(by), NotAllowed(_("Only an administrator may do this; ask one to change the user for you."))
    )
    require(
        by is None or other_than is None or by.pk != other_than.pk,
        NotAllowed(_("You cannot do this to your own user; another administrator has to.")),
    )


def _require_reason(reason: str) -> None:
    require_words("reason", reason, _("Say why; the audit trail keeps it."))
