"""One file per aggregate."""

from evbilling.access.models.token import ApiToken, TokenState, digest_of
from evbilling.access.models.user import PasswordHistory, User, UserManager

__all__ = ["ApiToken", "PasswordHistory", "TokenState", "User", "UserManager", "digest_of"]
