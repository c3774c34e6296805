"""Every change of users, roles, their factors and their API tokens."""

from evbilling.access.operations.roles import assign_role, may_manage_users, remove_role
from evbilling.access.operations.tokens import LONGEST_DAYS, create_token, recognise_token, revoke_token
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
    "LONGEST_DAYS",
    "assign_role",
    "change_user",
    "create_token",
    "deactivate_unused_users",
    "deactivate_user",
    "invite_again",
    "invite_user",
    "may_manage_users",
    "reactivate_user",
    "recognise_token",
    "remove_role",
    "reset_second_factor",
    "revoke_token",
]
