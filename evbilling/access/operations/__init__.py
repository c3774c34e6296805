"""Every change of users, roles and their factors."""

from evbilling.access.operations.roles import assign_role, may_manage_users, remove_role
from evbilling.access.operations.users import (
    change_user,
    deactivate_unused_users,
    deactivate_user,
    invite_again,
    invite_user,
    reactivate_user,
    reset_second_factor,
)

__all__ = [
    "assign_role",
    "change_user",
    "deactivate_unused_users",
    "deactivate_user",
    "invite_again",
    "invite_user",
    "may_manage_users",
    "reactivate_user",
    "remove_role",
    "reset_second_factor",
]
