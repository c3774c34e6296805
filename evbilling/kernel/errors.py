"""One tree of errors. Each message is a sentence for a clerk: what is wrong, with which value, what to do."""

import datetime as dt
from decimal import Decimal
from enum import Enum
from typing import Never

from django.utils.translation import gettext as _


class BillingError(Exception):
    """Base of every refusal that a person may read. `code` is stable for scripts and the API."""

    code = "billing_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def _shown(value: object) -> str:
    """A value as a clerk would have typed it; texts in quotes, so that an empty one is seen."""
    match value:
        case None:
            return "''"
        case Enum():
            return repr(str(value.value))
        case Decimal():
            return f"{value:f}"
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return repr(value)


def label_of(field: str) -> str:
    """A field as its form calls it: the words of its name, in the reader's language where a catalogue has them.

    Options of commands and places inside a file stay as they are.
    """
    words = field.replace("_", " ")
    return _(words) if words.replace(" ", "").isalpha() else field


class BadInput(BillingError):
    """A value given from outside cannot be accepted. People read the field's label, programs take its name."""

    code = "bad_input"

    def __init__(self, field: str, value: object, advice: str) -> None:
        super().__init__(
            _("%(field)s: %(value)s cannot be used. %(advice)s")
            % {"field": label_of(field), "value": _shown(value), "advice": advice}
        )
        self.field = field
        self.value = value


class WrongState(BillingError):
    """The object is not in a state in which this can be done."""

    code = "wrong_state"


class NotAllowed(BillingError):
    """The person may not do this (role, four-eyes, row scope)."""

    code = "not_allowed"


class MakerIsChecker(NotAllowed):
    """Invariant I18: what one person made, another must approve."""

    code = "maker_is_checker"

    def __init__(self, what: str) -> None:
        super().__init__(_("%(what)s was made by you; a second person has to approve it.") % {"what": what})


class NotFound(BillingError):
    """No such object."""

    code = "not_found"


class MoneyError(BillingError):
    """An amount that cannot be computed with: a float, another currency, too many decimals."""

    code = "money_error"


def require(condition: object, error: BillingError) -> None:
    """Guard of an operation: raise the named error unless the condition holds."""
    if not condition:
        refuse(error)


def refuse(error: BillingError) -> Never:
    """Raise the named error."""
    raise error
