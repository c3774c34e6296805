"""Give and take roles. Each leaves one audit row (I19)."""

import datetime as dt
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.access.roles import Role, roles_of
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_no_card_number
from evbilling.kernel.errors import NotAllowed, WrongState, require
from evbilling.kernel.locks import lock


def may_manage_users(by: Any) -> bool:
    """Whether the person may change users; None is the system itself (commands, sample data)."""
    return by is None or bool(by.has_perm("access.change_user"))


def assign_role(*, user_id: int, role: Role, by: Any, at: dt.datetime, reason: str = "") -> User:
    """Give a role; the user belongs to the staff from then on.

    Raises NotAllowed without the right or for oneself, WrongState when the user has the role.
    """
    require_no_card_number("reason", reason)
    with transaction.atomic():
        user = lock(User, user_id)
        _guard(by, user)
        before = roles_of(user)
        require(role not in before, WrongState(_("%(user)s has this role already.") % {"user": user.email}))
        user.groups.add(Group.objects.get_or_create(name=role.value)[0])
        user.is_staff = True
        user.save(update_fields=["is_staff"])
        _record("access.user.assign_role", user, before, by=by, at=at, reason=reason)
    return user


def remove_role(*, user_id: int, role: Role, by: Any, at: dt.datetime, reason: str = "") -> User:
    """Take a role away; without any role the user no longer belongs to the staff.

    Raises NotAllowed without the right or for oneself, WrongState when the user has not the role or is the last
    administrator.
    """
    require_no_card_number("reason", reason)
    with transaction.atomic():
        user = lock(User, user_id)
        _guard(by, user)
        before = roles_of(user)
        require(role in before, WrongState(_("%(user)s does not have this role.") % {"user": user.email}))
        require(
            role is not Role.ADMINISTRATOR or _other_administrator(user),
            WrongState(_("%(user)s is the last administrator; name another one first.") % {"user": user.email}),
        )
        user.groups.remove(Group.objects.get(name=role.value))
        user.is_staff = user.is_superuser or len(before) > 1
        user.save(update_fields=["is_staff"])
        _record("access.user.remove_role", user, before, by=by, at=at, reason=reason)
    return user


def _guard(by: Any, user: User) -> None:
    require(may_manage_users(by), NotAllowed(_("Only an administrator may change roles; ask one.")))
    require(
        by is None or by.pk != user.pk,
        NotAllowed(_("You cannot change your own roles; another administrator has to.")),
    )


def _other_administrator(user: User) -> bool:
    others = User.objects.filter(is_active=True).exclude(pk=user.pk)
    return others.filter(groups__name=Role.ADMINISTRATOR.value).exists() or others.filter(is_superuser=True).exists()


def _record(action: str, user: User, before: list[Role], *, by: Any, at: dt.datetime, reason: str) -> None:
    user = User.objects.get(pk=user.pk)
    after = [role.value for role in roles_of(user)]
    record_audit(
        action=action,
        obj=user,
        by=by,
        at=at,
        reason=reason,
        changes={"roles": [[role.value for role in before], after]},
    )
