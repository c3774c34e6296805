"""Who pays which part: made when the first document that a session stands on is drafted (DOMAIN, Sponsorship)."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from contracts.models import Contract, ContractVersion
from evbilling.kernel.audit import record_audit
from evbilling.kernel.bulk import insert_all
from evbilling.kernel.errors import WrongState
from evbilling.kernel.locks import lock_all
from sessions.models import ChargeRole, ChargingSession, SessionCharge, SessionPrice
from sessions.queries.splits import net_of_share
from sessions.queries.sponsored_parts import (
    Pool,
    Split,
    SponsoredPart,
    budget_used,
    limited_contracts,
    pool_of,
    split_of,
    sponsored_parts,
)
from sessions.queries.sponsors import SponsorBook, Sponsored
from sessions.rules.sharing import SPONSOR, Share, complete_shares, share_parts

CHUNK = 2000


def split_charges(
    sessions: QuerySet[ChargingSession] | Iterable[int], *, at: dt.datetime, fresh: Iterable[SessionPrice] = ()
) -> list[SessionCharge]:
    """Make the charges of priced sessions, for customer and sponsor alike; the new ones, in the order of the split.

    Order: session end, then reference, then VAT rate. Per VAT rate of the price the parts add up to it exactly (I1).
    Sessions that have all their charges are left alone; where one payer's stand and the other's were removed with a
    draft, the missing ones are what is left of the price. Sessions without a price get none. Constant queries.

    What a sponsor with a limit pays follows from all sessions that share the limit, of other customers too, whether or
    not they are split yet: so it is the same in whatever order, and by however many workers, documents are drafted.
    While it is found out the sponsor's contract is locked, after the sessions and after the contract that is drafted.
    `fresh` are prices that this transaction has just made, with their sessions locked: they are not read again.

    Raises WrongState where a sponsor's contract bills in another currency, or standing charges do not fit the price.
    """
    if isinstance(sessions, QuerySet):
        sessions = sessions.order_by().values_list("pk", flat=True)
    ids = sorted(set(sessions))
    known = {price.session_id: price for price in fresh}
    with transaction.atomic():
        before = [session_id for session_id in ids if session_id not in known]
        prices = _in_order(_prices(before) + [known[session_id] for session_id in ids if session_id in known])
        existing: dict[int, list[SessionCharge]] = defaultdict(list)
        for start in range(0, len(before), CHUNK):
            for charge in SessionCharge.objects.filter(session__in=before[start : start + CHUNK]):
                existing[charge.session_id].append(charge)
        vehicles = {price.session.vehicle_id for price in prices if price.session.vehicle_id is not None}
        sponsors = SponsorBook(vehicles)
        splits = [split_of(price) for price in prices]
        lock_all(Contract, limited_contracts(splits, sponsors))
        parts = sponsored_parts(splits, sponsors)
        charges = [
            charge
            for price, split in zip(prices, splits, strict=True)
            for charge in _charges_of(price, split, existing[price.session_id], parts.get(price.session_id), at)
        ]
        insert_all(charges)
        _note_alerts(charges, parts, at)
    return charges


def _note_alerts(charges: Iterable[SessionCharge], parts: Mapping[int, SponsoredPart], at: dt.datetime) -> None:
    """One audit row when a split lifts what is used of a sponsor's budget to the share it wants to be told about.

    Told once: the next split begins above it. The sponsor's contract is locked.
    """
    now: dict[Pool, Decimal] = defaultdict(Decimal)
    terms: dict[Pool, Sponsored] = {}
    for charge in charges:
        part = parts.get(charge.session_id)
        ended_at = charge.session.ended_at
        if charge.role != ChargeRole.SPONSOR or part is None or ended_at is None:
            continue
        sponsored = part.sponsored
        if sponsored.terms.alert_percent is not None:
            contract = sponsored.contract
            pool = pool_of(contract.pk, contract.zone, sponsored.terms, charge.session.vehicle_id, ended_at)
            now[pool] += charge.amount
            terms[pool] = sponsored
    for pool, added in now.items():
        agreed, contract = terms[pool].terms, terms[pool].contract
        used = budget_used(pool)
        told_at = (agreed.budget or Decimal(0)) * (agreed.alert_percent or Decimal(0)) / 100
        if used - added < told_at <= used:
            changes = {"used": used, "budget": agreed.budget, "since": pool.first}
            record_audit(action="charging.sponsorship.alert", obj=contract, by=None, at=at, changes=changes)


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
        light = rows.select_related("session").defer("lines", "session__periods", "session__extra")
        found += light.select_for_update(of=("session",)).order_by("session_id")
    versions = ContractVersion.objects.in_bulk({price.contract_version_id for price in found})
    for price in found:
        price.contract_version = versions[price.contract_version_id]
    return found


def _in_order(prices: Iterable[SessionPrice]) -> list[SessionPrice]:
    return sorted(prices, key=lambda price: (price.session.ended_at, price.session.provider_ref, price.pk))


def _charges_of(
    price: SessionPrice,
    split: Split,
    existing: Sequence[SessionCharge],
    part: SponsoredPart | None,
    at: dt.datetime,
) -> list[SessionCharge]:
    if part is not None and part.sponsored.contract.currency != price.currency:
        raise WrongState(
            _("Session %(ref)s costs %(currency)s, but its sponsor's contract %(number)s bills in %(other)s.")
            % {
                "ref": split.ref,
                "currency": price.currency,
                "number": part.sponsored.contract.number,
                "other": part.sponsored.contract.currency,
            }
        )
    if part is not None and part.is_nothing and not existing:
        part = None
    payers = {ChargeRole.CUSTOMER.value: price.contract_version.contract_id}
    if part is not None:
        payers[ChargeRole.SPONSOR.value] = part.sponsored.contract.pk
    payers |= {charge.role: charge.contract_id for charge in existing}
    shares: list[Share] | None = share_parts(
        split.parts,
        sponsor_percent=part.percent if part else None,
        sponsor_most=part.most if part else None,
        currency=price.currency,
    )
    if existing:
        stands = {(charge.role, _plain(charge.vat_rate)): charge.amount for charge in existing}
        shares = complete_shares(
            [Share(share.role, _plain(share.vat_rate), share.amount) for share in shares or []], stands
        )
    if shares is None:
        raise WrongState(
            _("The charges that stand for session %(ref)s do not fit its price; a person has to look.")
            % {"ref": split.ref}
        )
    return [
        SessionCharge(
            price_id=price.pk,
            session=price.session,
            contract_id=payers[share.role],
            role=ChargeRole(share.role),
            vat_rate=share.vat_rate,
            currency=price.currency,
            net_amount=net_of_share(price, share),
            gross_amount=share.amount if price.includes_tax else None,
            sponsor_version=part.sponsored.version if part and share.role == SPONSOR else None,
            covered_wh=part.covered_wh if part and share.role == SPONSOR else None,
            created_at=at,
        )
        for share in shares
    ]


def _plain(rate: Decimal | None) -> Decimal | None:
    """A rate read from the database equals the one of the price whatever its zeros: 19.0000 and 19."""
    return None if rate is None else rate.normalize()
