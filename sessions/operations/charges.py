"""Who pays which part: made when the first document that a session stands on is drafted (DOMAIN, Sponsorship)."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from evbilling.kernel.errors import WrongState
from sessions.models import ChargeRole, ChargingSession, SessionCharge, SessionPrice
from sessions.queries.sponsors import SponsorBook
from sessions.rules.sharing import Share, complete_shares, share_parts

CHUNK = 2000


def split_charges(sessions: QuerySet[ChargingSession] | Iterable[int], *, at: dt.datetime) -> list[SessionCharge]:
    """Make the charges of priced sessions, for customer and sponsor alike; the new ones, in the order of the split.

    Order: session end, then reference, then VAT rate. Per VAT rate of the price the parts add up to it exactly (I1).
    Sessions that have all their charges are left alone; where one payer's stand and the other's were removed with a
    draft, the missing ones are what is left of the price. Sessions without a price get none. Constant queries.
    Raises WrongState where a sponsor's contract bills in another currency, or standing charges do not fit the price.
    """
    if isinstance(sessions, QuerySet):
        sessions = sessions.order_by().values_list("pk", flat=True)
    ids = sorted(set(sessions))
    with transaction.atomic():
        prices = _prices(ids)
        existing: dict[int, list[SessionCharge]] = defaultdict(list)
        for start in range(0, len(ids), CHUNK):
            for charge in SessionCharge.objects.filter(session__in=ids[start : start + CHUNK]):
                existing[charge.session_id].append(charge)
        vehicles = {price.session.vehicle_id for price in prices if price.session.vehicle_id is not None}
        sponsors = SponsorBook(vehicles)
        charges = [
            charge for price in prices for charge in _charges_of(price, existing[price.session_id], sponsors, at)
        ]
        SessionCharge.objects.bulk_create(charges, batch_size=CHUNK)
    return charges


def delete_charges(*, contract_id: int, charge_ids: Iterable[int]) -> int:
    """Remove the charges of a draft that is discarded; how many. The caller removed the draft's lines before.

    Charges on a line cannot go: the database refuses (PROTECT).
    """
    ids = sorted(set(charge_ids))
    removed = 0
    with transaction.atomic():
        for start in range(0, len(ids), CHUNK):
            removed += SessionCharge.objects.filter(
                contract_id=contract_id, pk__in=ids[start : start + CHUNK]
            ).delete()[0]
    return removed


def _prices(ids: Sequence[int]) -> list[SessionPrice]:
    """Prices with their sessions, locked, so that a hold or a changed copy cannot come between."""
    found: list[SessionPrice] = []
    for start in range(0, len(ids), CHUNK):
        rows = SessionPrice.objects.filter(session__in=ids[start : start + CHUNK], session__superseded_at__isnull=True)
        found += (
            rows.select_related("session", "contract_version").select_for_update(of=("session",)).order_by("session_id")
        )
    return sorted(found, key=lambda price: (price.session.ended_at, price.session.provider_ref, price.pk))


def _charges_of(
    price: SessionPrice, existing: Sequence[SessionCharge], sponsors: SponsorBook, at: dt.datetime
) -> list[SessionCharge]:
    session = price.session
    sponsor = sponsors.sponsor_of(session.vehicle_id, session.started_at, site_id=session.site_id)
    if sponsor is not None and sponsor.contract.pk == session.contract_id:
        sponsor = None
    if sponsor is not None and sponsor.contract.currency != price.currency:
        raise WrongState(
            _("Session %(ref)s costs %(currency)s, but its sponsor's contract %(number)s bills in %(other)s.")
            % {
                "ref": session.provider_ref,
                "currency": price.currency,
                "number": sponsor.contract.number,
                "other": sponsor.contract.currency,
            }
        )
    payers = {ChargeRole.CUSTOMER.value: price.contract_version.contract_id}
    if sponsor is not None:
        payers[ChargeRole.SPONSOR.value] = sponsor.contract.pk
    payers |= {charge.role: charge.contract_id for charge in existing}
    parts = [
        (None if part["vat_rate"] is None else Decimal(part["vat_rate"]), Decimal(part["net"])) for part in price.parts
    ]
    shares: list[Share] | None = share_parts(
        parts, sponsor_percent=sponsor.percent if sponsor else None, currency=price.currency
    )
    if existing:
        stands = {(charge.role, _plain(charge.vat_rate)): charge.net_amount for charge in existing}
        shares = complete_shares(
            [Share(share.role, _plain(share.vat_rate), share.net) for share in shares or []], stands
        )
    if shares is None:
        raise WrongState(
            _("The charges that stand for session %(ref)s do not fit its price; a person has to look.")
            % {"ref": session.provider_ref}
        )
    return [
        SessionCharge(
            price=price,
            session=session,
            contract_id=payers[share.role],
            role=ChargeRole(share.role),
            vat_rate=share.vat_rate,
            currency=price.currency,
            net_amount=share.net,
            created_at=at,
        )
        for share in shares
    ]


def _plain(rate: Decimal | None) -> Decimal | None:
    """A rate read from the database equals the one of the price whatever its zeros: 19.0000 and 19."""
    return None if rate is None else rate.normalize()
