"""Refusals of payments, each a sentence for a clerk or a customer."""

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BillingError, WrongState, label_of


class NothingToPay(WrongState):
    """The invoice has no open amount."""

    code = "nothing_to_pay"


class AttemptOpen(WrongState):
    """An earlier attempt may still bring money; a second one could charge twice."""

    code = "attempt_open"


class NoConsent(BillingError):
    """The holder has not agreed to automatic charges (PSD2, merchant-initiated transactions)."""

    code = "no_consent"


class NoAnswer(BillingError):
    """The processor did not answer; nothing was charged by asking."""

    code = "no_answer"


class CardNumberGiven(BillingError):
    """Somebody typed a card number (I21). The number itself is never repeated, stored or logged."""

    code = "card_number_given"

    def __init__(self, field: str) -> None:
        super().__init__(
            _(
                "%(field)s: this looks like a card number. Card numbers are never entered here; remove it and pay on "
                "the payment page."
            )
            % {"field": label_of(field)}
        )
        self.field = field
