"""Who acts: the signed-in person as the operations take it."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from evbilling.access.models import User


def acting_user(request: HttpRequest) -> User:
    """The signed-in person, for the `by` of an operation. Raises PermissionDenied where nobody is signed in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
