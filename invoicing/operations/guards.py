"""Guards that the operations of this app share: who may."""

from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel.errors import NotAllowed, require


def require_right(by: User | None, permission: str) -> None:
    """Raise NotAllowed unless the person's roles have `invoicing.<permission>`; None is the system itself."""
    require(
        by is None or by.has_perm(f"invoicing.{permission}"),
        NotAllowed(_("Your role does not include this step; ask a billing clerk to do it.")),
    )


def require_person(by: User | None, permission: str) -> User:
    """The person who decides, with the right to; the system never does. Raises NotAllowed."""
    if by is None:
        raise NotAllowed(_("This is decided by a person; say who."))
    require_right(by, permission)
    return by
