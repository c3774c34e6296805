"""OCPI price limits: min_price and max_price bound the total without and the total with VAT, each by its own figure.

Where a limit states no figure with VAT, the VAT moves with the net. What a limit adds or takes is spread over the VAT
rates: the net in proportion to the net of each rate, the tax in proportion to its tax, so lines still add up to totals.

Under a contract whose prices include tax the limit with VAT binds alone (ARCHITECTURE, Money); one that states no such
figure is taken with the VAT of what it bounds. What it changes is spread in proportion to the gross of each rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction

from sessions.rules.rating.numbers import TICK, Exact, scaled
from sessions.rules.rating.result import Clamp, Priced, gross_of, net_of
from sessions.rules.rating.tariff import Limit, Tariff

type _Rates = dict[Decimal | None, tuple[Exact | None, Exact | None]]


def price_limits(
    used: Mapping[str, Tariff],
    lines: tuple[Priced, ...],
    *,
    charged: bool,
    default_vat: Decimal | None,
    with_tax: bool = False,
) -> tuple[Clamp, ...]:
    """What the limits of each used tariff change in the part it priced; `charged`: there was a charging session.

    `with_tax`: the total with VAT leads, as in contracts whose prices include tax.
    """
    bounded = _bounded_with_tax if with_tax else _bounded
    clamps: list[Clamp] = []
    for tariff in used.values():
        low, high = tariff.min_price if charged else None, tariff.max_price
        if low is not None or high is not None:
            own = [line for line in lines if line.component.tariff_id == tariff.id]
            clamps += bounded(tariff, _per_rate(tariff, own, default_vat), low, high)
    return tuple(clamps)


def _bounded(tariff: Tariff, rates: _Rates, low: Limit | None, high: Limit | None) -> list[Clamp]:
    """Both limits at once: one may bind the net while the other binds the total with VAT."""
    net, gross = _sum(net for net, _ in rates.values()), _sum(gross for _, gross in rates.values())
    new_net = _held(net, *(None if limit is None else limit.excl_vat for limit in (low, high)))
    new_gross = gross
    binding = None if net is None or new_net is None or net == new_net else low if new_net > net else high
    if binding is not None and binding.incl_vat is None and gross is not None and net is not None:
        new_gross = _moved(rates, gross, net, new_net)
    new_gross = _held(new_gross, *(None if limit is None else limit.incl_vat for limit in (low, high)))
    if new_net == net and new_gross == gross:
        return []
    by_net = binding is not None
    if binding is None:
        raised = gross is not None and new_gross is not None and new_gross > gross
        binding = low if raised else high
    kind = "min_price" if binding is low else "max_price"
    figure = None if binding is None else binding.excl_vat if by_net else binding.incl_vat
    proto = Clamp(kind, tariff.id, figure or Decimal(0), None, 0, 0)
    return _spread(rates, (net, gross), (new_net, new_gross), proto)


def _bounded_with_tax(tariff: Tariff, rates: _Rates, low: Limit | None, high: Limit | None) -> list[Clamp]:
    """The total with VAT held between the limits with VAT; nothing where a rate is unknown, for there is no price."""
    net, gross = _sum(net for net, _ in rates.values()), _sum(gross for _, gross in rates.values())
    if net is None or gross is None:
        return []
    least, most = (_limit_with_tax(limit, rates, net, gross) for limit in (low, high))
    new = gross if least is None else max(gross, least)
    new = new if most is None else min(new, most)
    binding = low if new > gross else high
    if new == gross or binding is None:
        return []
    figure = binding.excl_vat if binding.incl_vat is None else binding.incl_vat
    kind = "min_price" if binding is low else "max_price"
    first = next(iter(rates))
    clamps = []
    for vat, (_own_net, own_gross) in rates.items():
        part = _part(own_gross, gross, new, vat == first)
        if part:
            clamps.append(Clamp(kind, tariff.id, figure or Decimal(0), vat, net_of(part, vat, True), part))
    return clamps


def _limit_with_tax(limit: Limit | None, rates: _Rates, net: Exact, gross: Exact) -> Exact | None:
    """A limit's figure with VAT in ticks; one without it, with the VAT of the total, or of the first rate."""
    if limit is None:
        return None
    if limit.incl_vat is not None:
        return scaled(limit.incl_vat, TICK)
    if limit.excl_vat is None:
        return None
    return _moved(rates, gross, net, scaled(limit.excl_vat, TICK))


def _held(amount: Exact | None, low: Decimal | None, high: Decimal | None) -> Exact | None:
    """An amount in ticks held between limits in currency units."""
    if amount is None:
        return None
    if low is not None:
        amount = max(amount, scaled(low, TICK))
    return amount if high is None else min(amount, scaled(high, TICK))


def _per_rate(tariff: Tariff, lines: list[Priced], default_vat: Decimal | None) -> _Rates:
    rates: _Rates = {}
    for line in lines:
        net, gross = rates.get(line.vat, (0, 0))
        own_net = net_of(line.stated, line.vat, line.component.gross)
        own_gross = gross_of(line.stated, line.vat, line.component.gross)
        rates[line.vat] = (
            None if net is None or own_net is None else net + own_net,
            None if gross is None or own_gross is None else gross + own_gross,
        )
    if not rates:
        stated = next((component.vat for component in tariff.components if component.vat is not None), default_vat)
        rates[stated] = (0, 0)
    return rates


def _sum(values: Iterable[Exact | None]) -> Exact | None:
    total: Exact = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def _moved(rates: _Rates, gross: Exact, net: Exact, new_net: Exact | None) -> Exact | None:
    """The gross after the net moved: in proportion, or from the only rate where there was no net."""
    if new_net is None:
        return None
    if net:
        return Fraction(gross) * new_net / net
    vat = next(iter(rates))
    return gross_of(new_net, vat, False)


def _spread(
    rates: _Rates, old: tuple[Exact | None, Exact | None], new: tuple[Exact | None, Exact | None], proto: Clamp
) -> list[Clamp]:
    (net, gross), (new_net, new_gross) = old, new
    first = next(iter(rates))
    clamps = []
    for vat, (own_net, own_gross) in rates.items():
        alone = vat == first
        net_part = _part(own_net, net, new_net, alone)
        if gross is None or new_gross is None:
            gross_part: Exact | None = None
        elif net is None or new_net is None or own_net is None or own_gross is None:
            gross_part = _part(own_gross, gross, new_gross, alone)
        else:
            tax = _part(own_gross - own_net, gross - net, new_gross - new_net, alone, fallback=(own_net, net))
            gross_part = None if tax is None or net_part is None else net_part + tax
        if net_part or gross_part:
            clamps.append(Clamp(proto.kind, proto.tariff_id, proto.limit, vat, net_part, gross_part))
    return clamps


def _part(
    own: Exact | None, old: Exact | None, new: Exact | None, first: bool, fallback: tuple[Exact, Exact] | None = None
) -> Exact | None:
    """This rate's part of the change from `old` to `new`: by weight, else by the fallback's, else all to the first."""
    if old is None or new is None or own is None:
        return None
    if old:
        return Fraction(own) * (new - old) / old
    if fallback is not None and fallback[1]:
        return Fraction(fallback[0]) * new / fallback[1]
    return new if first else 0
