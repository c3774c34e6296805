"""Guards that every operation of this app shares: who may, and whether the values can be used."""

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Field, Model
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.errors import BadInput, NotAllowed, require


def require_permission(by: User | None, permission: str) -> None:
    """Raise NotAllowed unless the person has the permission `contracts.<permission>`; None is the system itself."""
    require(
        by is None or by.has_perm(f"contracts.{permission}"),
        NotAllowed(_("Your role does not include this step; ask a contract manager to do it.")),
    )


def require_person(by: User | None) -> User:
    """The person who answers for a contract, its terms or a tariff. Raises NotAllowed for the system (I18)."""
    if by is None:
        raise NotAllowed(_("Contracts, terms and tariffs are made and approved by people; say who."))
    return by


def require_reason(reason: str) -> str:
    """The reason without blanks around it. Raises BadInput when there is none, or with a card number in it."""
    return require_words("reason", reason, _("Say why; the audit trail keeps it."))


def require_valid(row: Model) -> None:
    """Hold a row against its fields and constraints. Raises BadInput with the field, its value and what is wrong."""
    try:
        row.full_clean()
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        field = None if name == NON_FIELD_ERRORS else row._meta.get_field(name)
        if isinstance(field, Field):
            raise BadInput(str(field.verbose_name), field.value_from_object(row), messages[0]) from None
        raise BadInput(str(row._meta.verbose_name), str(row), messages[0]) from None
