"""One file per aggregate."""

from evbilling.access.models.user import PasswordHistory, User, UserManager

__all__ = ["PasswordHistory", "User", "UserManager"]
