"""Who will pay what of sessions that no document holds yet: the split as drafting makes it, without writing it."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import batched

from django.db.models import QuerySet

from evbilling.kernel.money import split_gross
from sessions.models import SessionPrice
from sessions.queries.sponsored_parts import CHUNK, split_of, sponsored_parts
from sessions.queries.sponsors import SponsorBook
from sessions.rules.sharing import SPONSOR, Share, share_parts


def net_of_share(price: SessionPrice, share: Share) -> Decimal:
    """The net of a share: of a price that includes tax gross / (1 + rate), rounded for each charge."""
    if not price.includes_tax:
        return share.amount
    return split_gross(share.amount, share.vat_rate or Decimal(0), price.currency)[0]


def expected_shares(prices: QuerySet[SessionPrice]) -> Iterator[tuple[SessionPrice, int, Share]]:
    """Of priced sessions without charges: the price, the contract that will pay, and its share at one VAT rate.

    A sponsor whose contract bills in another currency pays nothing here; drafting refuses the session. At most twelve
    queries per 2,000 sessions.
    """
    ordered = prices.select_related("session__site", "contract_version").defer("session__periods", "session__extra")
    rows = ordered.order_by("session__ended_at", "session__provider_ref", "pk").iterator(chunk_size=CHUNK)
    for chunk in batched(rows, CHUNK):
        splits = [split_of(price) for price in chunk]
        book = SponsorBook({split.vehicle_id for split in splits if split.vehicle_id is not None})
        parts = sponsored_parts(splits, book)
        for price, split in zip(chunk, splits, strict=True):
            part = parts.get(split.session_id)
            if part is not None and (part.is_nothing or part.sponsored.contract.currency != price.currency):
                part = None
            for share in share_parts(
                split.parts,
                sponsor_percent=part.percent if part else None,
                sponsor_most=part.most if part else None,
                currency=price.currency,
            ):
                by_sponsor = part is not None and share.role == SPONSOR
                payer = part.sponsored.contract.pk if part and by_sponsor else price.contract_version.contract_id
                yield price, payer, share
