"""What a billed session costs with its facts corrected: priced by the engine that priced it, nothing is stored."""

import copy
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from contracts import queries as contract_queries
from contracts.models import TariffState, TariffVersion
from evbilling.kernel.errors import BadInput, NotFound, WrongState, require
from evbilling.kernel.money import ZERO
from sessions.models import ChargingSession, SessionPrice
from sessions.queries.pricing import Pricer, explain_short
from sessions.rules import pricing
from sessions.rules.correcting import SessionChange, corrected_periods


@dataclass(frozen=True, slots=True)
class CorrectedPrice:
    """The new price per VAT rate, in the price basis of the old one, with both becauses in short."""

    parts: tuple[tuple[Decimal | None, Decimal], ...]
    energy_wh: int
    was: str
    now: str
    lines: tuple[dict[str, Any], ...] = ()


def corrected_price(session: ChargingSession, change: SessionChange, language: str) -> CorrectedPrice:
    """The price of a billed session with this change, under the contract terms that it was priced under.

    Raises NotFound without a price, BadInput for a change that cannot be, WrongState where the engine cannot price it.
    """
    price = (
        SessionPrice.objects.select_related("contract_version__contract", "tariff_version")
        .filter(session=session)
        .first()
    )
    if price is None or session.ended_at is None:
        raise NotFound(_("Session %(session)s has no price.") % {"session": session.provider_ref})
    require(not change.is_nothing, BadInput("correction", "", _("Say what was wrong about the session.")))
    was = explain_short(price, language)
    if change.free:
        rates = [None if part["vat_rate"] is None else Decimal(part["vat_rate"]) for part in price.parts]
        return CorrectedPrice(tuple((rate, ZERO) for rate in rates), session.energy_wh, was, _("free of charge"))
    changed = copy.copy(session)
    changed.contract = price.contract_version.contract
    changed.periods = corrected_periods(
        session.periods,
        started_at=session.started_at,
        ended_at=session.ended_at,
        energy_wh=session.energy_wh,
        change=change,
    )
    changed.energy_wh = session.energy_wh if change.energy_wh is None else change.energy_wh
    quote = Pricer(contract_queries).quote_under(changed, price.contract_version, _tariff(price, change))
    if quote.priced is None:
        raise WrongState(
            _("Session %(session)s cannot be priced again: %(problem)s")
            % {"session": session.provider_ref, "problem": quote.problem}
        )
    priced = quote.priced
    amounts = [net for _vat, net in priced.parts] if priced.grosses is None else list(priced.grosses)
    return CorrectedPrice(
        tuple((vat, amount) for (vat, _net), amount in zip(priced.parts, amounts, strict=True)),
        changed.energy_wh,
        was,
        pricing.in_short(priced.lines, price.currency, language),
        tuple(priced.lines_data()),
    )


def _tariff(price: SessionPrice, change: SessionChange) -> TariffVersion:
    """The version that should have priced it, released; by default the one that did."""
    if change.tariff_version_id is None:
        return price.tariff_version
    found = TariffVersion.objects.filter(pk=change.tariff_version_id).first()
    if found is None:
        raise NotFound(_("There is no tariff version with the id %(id)s.") % {"id": change.tariff_version_id})
    require(
        found.state != TariffState.DRAFT,
        WrongState(_("%(version)s is not released; release it, then price the session under it.") % {"version": found}),
    )
    return found
