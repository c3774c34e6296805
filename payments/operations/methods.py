"""Payment methods: saved tokens of a party."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Party
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import holds_card_number
from evbilling.kernel.errors import WrongState, require
from evbilling.kernel.locks import lock
from payments.errors import CardNumberGiven
from payments.models import MethodState, PaymentMethod
from payments.processors import processor_for

CONSENT_TEXT_VERSION = "2026-11"
"""The text by which a customer agrees to automatic charges; kept with the method (PSD2)."""


def add_method(
    *,
    party_id: int,
    processor: str,
    token: str,
    brand: str,
    last4: str,
    expires_on: dt.date | None,
    consent: bool,
    by: User | None,
    at: dt.datetime,
    wallet_type: str = "",
) -> PaymentMethod:
    """Save a processor's token for a party. The first one becomes the default.

    Raises BadInput for a processor that is not here, CardNumberGiven when a card number was handed in as a token.
    """
    processor_for(processor)
    for field, text in (("token", token), ("brand", brand)):
        require(not holds_card_number(text), CardNumberGiven(field))
    with transaction.atomic():
        party = lock(Party, party_id)
        first = not PaymentMethod.objects.filter(party=party, state=MethodState.ACTIVE).exists()
        method = PaymentMethod.objects.create(
            party=party,
            processor=processor,
            token=token,
            brand=brand,
            last4=last4,
            expires_on=expires_on,
            wallet_type=wallet_type,
            is_default=first,
            consent_at=at if consent else None,
            consent_text_version=CONSENT_TEXT_VERSION if consent else "",
            created_at=at,
        )
        record_audit(action="payments.method.add", obj=method, by=by, at=at, changes={"consent": consent})
    return method


def set_default_method(*, method_id: int, by: User | None, at: dt.datetime) -> PaymentMethod:
    """Make a method the one that automatic charges use."""
    with transaction.atomic():
        method = lock(PaymentMethod, method_id)
        lock(Party, method.party_id)
        require(
            method.state == MethodState.ACTIVE,
            WrongState(_("%(method)s was removed; choose a method that is active.") % {"method": method}),
        )
        PaymentMethod.objects.filter(party_id=method.party_id, is_default=True).update(is_default=False)
        method.is_default = True
        method.save(update_fields=["is_default"])
        record_audit(action="payments.method.default", obj=method, by=by, at=at)
    return method


def detach_method(*, method_id: int, by: User | None, at: dt.datetime) -> PaymentMethod:
    """Remove a method: it is never charged again; past payments keep pointing at it."""
    with transaction.atomic():
        method = lock(PaymentMethod, method_id)
        removed = WrongState(_("%(method)s was removed already.") % {"method": method})
        require(method.state == MethodState.ACTIVE, removed)
        method.state, method.is_default = MethodState.DETACHED, False
        method.save(update_fields=["state", "is_default"])
        record_audit(action="payments.method.detach", obj=method, by=by, at=at)
    return method
