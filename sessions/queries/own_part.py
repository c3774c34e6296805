"""What a company sees as the price of a session: its own part alone, never what another payer pays (I20)."""

from decimal import Decimal
from functools import cached_property

from contracts.models import Party, Token
from evbilling.kernel.money import add, quantise
from sessions.models import ChargingSession, SessionPrice
from sessions.queries.sponsored_parts import Parts, Split, SponsoredPart, parts_of_price, sponsored_parts
from sessions.queries.sponsors import SponsorBook
from sessions.rules.sharing import CUSTOMER, share_parts


class OwnPart:
    """The own part of sessions for one company; load `contract`, `price` and `charges__contract` before for many.

    Once split, the charge of its contracts. Before, the price less what the sponsor will pay: the same split as the
    month close makes; a sponsor's limit is asked about once, for all sessions that share it. None for a host, for a
    sponsor before the split, and where there is no price.
    """

    def __init__(self, party: Party) -> None:
        self._party = party
        self._known: dict[int, SponsoredPart] = {}

    def pays(self, session: ChargingSession) -> bool:
        """Whether the session is paid for under an own contract, whoever sponsors it."""
        return session.contract is not None and session.contract.party_id == self._party.pk

    def amount(self, session: ChargingSession) -> Decimal | None:
        """The own part of a completed session's price, in the basis of the price."""
        charges = list(session.charges.all())
        own = [charge.amount for charge in charges if charge.contract.party_id == self._party.pk]
        price: SessionPrice | None = getattr(session, "price", None)
        if own or price is None or not self.pays(session):
            return add(own) if own else None
        if charges:
            return price.amount - add(charge.amount for charge in charges)
        return self._left(session, parts_of_price(price.parts), price.currency)

    def running(self, session: ChargingSession, amount: Decimal | None) -> Decimal | None:
        """The own part of what a running session costs so far."""
        if amount is None or session.contract is None:
            return None
        currency = session.contract.currency
        return self._left(session, [(None, quantise(amount, currency))], currency)

    def _left(self, session: ChargingSession, parts: Parts, currency: str) -> Decimal:
        split = Split(
            session_id=session.pk,
            vehicle_id=session.vehicle_id,
            contract_id=session.contract_id,
            site_id=session.site_id,
            started_at=session.started_at,
            ended_at=session.ended_at or session.started_at,
            ref=session.provider_ref,
            energy_wh=session.energy_wh,
            parts=parts,
            currency=currency,
        )
        found = self._known.get(session.pk) if session.ended_at else None
        if found is None:
            self._known |= sponsored_parts([split], self._sponsors)
            found = self._known.get(session.pk)
        shares = share_parts(
            parts,
            sponsor_percent=found.percent if found else None,
            sponsor_most=found.most if found else None,
            currency=currency,
        )
        return add(share.amount for share in shares if share.role == CUSTOMER)

    @cached_property
    def _sponsors(self) -> SponsorBook:
        """Of all vehicles whose tokens the company's contracts pay for."""
        tokens = Token.objects.filter(assignments__contract__party=self._party, vehicle__isnull=False)
        return SponsorBook(set(tokens.values_list("vehicle_id", flat=True)))
