"""Which rows of this app a portal user sees (invariant I20): those of the own companies."""

from typing import Any

from django.db.models import Q

from contracts.queries import parties_of
from evbilling.access.scope import register_scope
from payments.models import Payment, PaymentMethod, Refund


def _own_party(user: Any) -> Q:
    return Q(party__in=parties_of(user))


def register() -> None:
    """Payments, refunds and methods follow the party."""
    register_scope(Payment, _own_party)
    register_scope(PaymentMethod, _own_party)
    register_scope(Refund, lambda user: Q(payment__party__in=parties_of(user)))
