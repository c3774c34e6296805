"""The price of a session: lines, totals and findings. Sums are kept in ticks; Decimals are made when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import NamedTuple

from sessions.rules.rating.findings import Finding, has_errors
from sessions.rules.rating.numbers import (
    HOUR,
    KWH,
    PERCENT_SCALE,
    TICK,
    WHOLE,
    Exact,
    as_decimal,
    divisor,
    minor_digits,
    rounded,
    scaled,
    share,
)
from sessions.rules.rating.plan import Component

ENGINE_VERSION = "1.0"
ROUNDING_RULE = "half-up-once-per-total"

UNITS = {"ENERGY": KWH, "TIME": HOUR, "PARKING_TIME": HOUR, "RESERVATION": HOUR, "FLAT": 1}
_GROSS_TICK = TICK * WHOLE
UNIT_NAMES = {"ENERGY": "kWh", "TIME": "h", "PARKING_TIME": "h", "RESERVATION": "h", "FLAT": ""}


type Ratio = tuple[int, int]
"""A number as numerator and denominator, not reduced."""


@dataclass(frozen=True, slots=True)
class Because:
    """Why a line is what it is, as data; `clamp` names the price limit that made it, with its `limit`.

    A cap in a window (clamp "window_cap") says the `window` as its times and the local day on which it opened, and
    what the dimension came to there `before`, in currency units.
    """

    tariff_id: str
    element: int | None
    component: int | None
    restrictions: tuple[tuple[str, str], ...]
    step_size: int
    step_applied: bool
    apportioned: bool
    reservation: str | None = None
    tax_included: bool = False
    clamp: str | None = None
    limit: Decimal | None = None
    window: tuple[str, str, str] | None = None
    before: Decimal | None = None


class RatingLine(NamedTuple):
    """One line of a price. Volumes in kWh or hours, amounts in currency units, unrounded; `vat_rate` in percent."""

    dimension: str
    volume: Decimal
    billed_volume: Decimal
    unit_price: Decimal
    amount_excl_vat: Decimal | None
    vat_rate: Decimal | None
    amount_incl_vat: Decimal | None
    because: Because
    net: Ratio | None = None
    gross: Ratio | None = None

    @property
    def exact_excl(self) -> Fraction | None:
        """The amount without VAT in currency units, exact."""
        return _fraction(self.net)

    @property
    def exact_incl(self) -> Fraction | None:
        """The amount with VAT in currency units, exact."""
        return _fraction(self.gross)


class Priced(NamedTuple):
    """A line as the engine keeps it: volumes in base units, `stated` the amount in ticks in the tariff's own terms."""

    dimension: str
    component: Component
    volume: Exact
    billed: Exact
    stated: Exact
    vat: Decimal | None
    apportioned: bool


class Part(NamedTuple):
    """A line as the engine makes it: like Priced, with whole numbers in parts of the result's `scale`."""

    dimension: str
    component: Component
    volume: int
    billed: int
    stated: int
    vat: Decimal | None
    apportioned: bool

    def exact(self, scale: int) -> Priced:
        """The line in base units and ticks."""
        return Priced(
            self.dimension,
            self.component,
            _over(self.volume, scale),
            _over(self.billed, scale),
            _over(self.stated, scale),
            self.vat,
            self.apportioned,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Clamp:
    """What a price limit, or a contract's cap in a window, adds or takes for one VAT rate, in ticks.

    `dimension`, `window` and `before` are those of a cap in a window, as in Because.
    """

    kind: str
    tariff_id: str
    limit: Decimal
    vat: Decimal | None
    net: Exact | None
    gross: Exact | None
    dimension: str = ""
    window: tuple[str, str, str] | None = None
    before: Decimal | None = None


@lru_cache(maxsize=1024)
def tax_factor(vat: Decimal) -> Exact:
    """What a net of WHOLE is with VAT of `vat` percent."""
    return WHOLE + scaled(vat, PERCENT_SCALE)


def net_of(stated: Exact, vat: Decimal | None, gross: bool) -> Exact | None:
    """The amount without tax in ticks; None where a price includes a tax whose rate is unknown."""
    if not gross or not stated:
        return stated
    return None if vat is None else share(stated, WHOLE, tax_factor(vat))


def gross_of(stated: Exact, vat: Decimal | None, gross: bool) -> Exact | None:
    """The amount with tax in ticks; None where the tax is unknown."""
    if gross or not stated:
        return stated
    return None if vat is None else share(stated, tax_factor(vat), WHOLE)


@dataclass(frozen=True, eq=False)
class RatingResult:
    """The price of a session under its tariffs; `clamps` are what price limits change, `caps` what a contract's do.

    `provisional` says that the session still runs. Where `findings` hold an error there are no lines and no totals.
    Equal inputs give equal results; totals are exact, `total_*` are rounded once, half up, to the minor unit.
    """

    currency: str
    ocpi_version: str
    parts: tuple[Part, ...] = ()
    scale: int = 1
    clamps: tuple[Clamp, ...] = ()
    findings: tuple[Finding, ...] = ()
    provisional: bool = False
    engine_version: str = ENGINE_VERSION
    rounding: str = ROUNDING_RULE
    caps: tuple[Clamp, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is a price."""
        return not has_errors(self.findings)

    @cached_property
    def priced(self) -> tuple[Priced, ...]:
        """What was priced, in base units and ticks."""
        return tuple(part.exact(self.scale) for part in self.parts)

    @cached_property
    def by_vat(self) -> dict[Decimal | None, tuple[Exact | None, Exact | None]]:
        """Exact net and gross per VAT rate, in ticks, price limits included; None where unknown."""
        sums: dict[Decimal | None, tuple[Exact | None, Exact | None]] = {}
        stated: dict[tuple[Decimal | None, bool], int] = {}
        for part in self.parts:
            key = (part.vat, part.component.gross)
            stated[key] = stated.get(key, 0) + part.stated
        for (vat, gross), scaled_amount in stated.items():
            amount = _over(scaled_amount, self.scale)
            _add(sums, vat, net_of(amount, vat, gross), gross_of(amount, vat, gross))
        for clamp in self.clamps + self.caps:
            _add(sums, clamp.vat, clamp.net, clamp.gross)
        return sums

    @cached_property
    def _totals(self) -> tuple[Ratio | None, Ratio | None]:
        """Net and gross in currency units, each as a whole number over another."""
        if not self.ok:
            return None, None
        totals = None if self.clamps or self.caps else _plain_totals(self.parts, self.scale)
        if totals is not None:
            return totals
        nets = [net for net, _ in self.by_vat.values()]
        grosses = [gross for _, gross in self.by_vat.values()]
        return _ratio(nets), _ratio(grosses)

    @property
    def exact_excl_vat(self) -> Fraction | None:
        """The total without VAT in currency units, exact; None where unknown."""
        return _fraction(self._totals[0])

    @property
    def exact_incl_vat(self) -> Fraction | None:
        """The total with VAT in currency units, exact; None where no rate is known."""
        return _fraction(self._totals[1])

    @property
    def total_excl_vat(self) -> Decimal | None:
        """The total without VAT, rounded half up to the currency's minor unit."""
        net = self._totals[0]
        return None if net is None else rounded(net[0], minor_digits(self.currency), net[1])

    @property
    def total_incl_vat(self) -> Decimal | None:
        """The total with VAT, rounded half up to the currency's minor unit."""
        gross = self._totals[1]
        return None if gross is None else rounded(gross[0], minor_digits(self.currency), gross[1])

    @property
    def net_by_vat_rate(self) -> dict[Decimal | None, Fraction | None]:
        """Exact net per VAT rate in currency units."""
        return {vat: _units(net) for vat, (net, _) in self.by_vat.items()}

    @cached_property
    def lines(self) -> tuple[RatingLine, ...]:
        """The lines with their because: what was priced, then what limits and caps changed; together the totals."""
        lines = tuple(_lines(self.parts, self.scale))
        changes = self.clamps + self.caps
        return lines + tuple(_clamp_line(clamp) for clamp in changes) if changes else lines


def _add(
    sums: dict[Decimal | None, tuple[Exact | None, Exact | None]],
    vat: Decimal | None,
    net: Exact | None,
    gross: Exact | None,
) -> None:
    have_net, have_gross = sums.get(vat, (0, 0))
    sums[vat] = (
        None if net is None or have_net is None else have_net + net,
        None if gross is None or have_gross is None else have_gross + gross,
    )


def _over(value: int, scale: int) -> Exact:
    """`value / scale`: an int where it is whole, else a Fraction."""
    if scale == 1:
        return value
    whole, rest = divmod(value, scale)
    return Fraction(value, scale) if rest else whole


def _plain_totals(parts: tuple[Part, ...], scale: int) -> tuple[Ratio, Ratio] | None:
    """Net and gross where every price is net and every rate known, in whole numbers; None otherwise."""
    net = gross = 0
    known, factor = None, None
    for _dimension, component, _volume, _billed, stated, vat, _apportioned in parts:
        if not stated:
            continue
        if vat is None or component.gross:
            return None
        if vat is not known:  # rates are shared objects: most often the one of the part before
            known, factor = vat, tax_factor(vat)
        if type(factor) is not int:
            return None
        net += stated
        gross += stated * factor
    return (net, TICK * scale), (gross, TICK * WHOLE * scale)


def _ratio(amounts: list[Exact | None]) -> Ratio | None:
    total: Exact = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total.numerator, TICK * total.denominator


def _fraction(ratio: Ratio | None) -> Fraction | None:
    return None if ratio is None else Fraction(*ratio)


def _units(ticks: Exact | None) -> Fraction | None:
    return None if ticks is None else Fraction(ticks, TICK)


@lru_cache(maxsize=4096)
def _because(component: Component, step_applied: bool, apportioned: bool) -> Because:
    limits = component.restrictions
    return Because(
        tariff_id=component.tariff_id,
        element=component.element,
        component=component.index,
        restrictions=limits.stated if limits else (),
        step_size=component.step_size,
        step_applied=step_applied,
        apportioned=apportioned,
        reservation=limits.reservation if limits else None,
        tax_included=component.gross,
    )


def _lines(parts: tuple[Part, ...], scale: int) -> Iterator[RatingLine]:
    net_over, gross_over = TICK * scale, _GROSS_TICK * scale
    net_of_line, gross_of_line = divisor(TICK, scale).of, divisor(_GROSS_TICK, scale).of
    unit, volume_of = 0, net_of_line
    known, factor = None, None
    amount: Decimal | None
    incl: Decimal | None
    net: Ratio | None
    gross: Ratio | None
    for dimension, component, volume, billed, stated, vat, apportioned in parts:
        if unit != UNITS[dimension]:
            unit = UNITS[dimension]
            volume_of = divisor(unit, scale).of
        shown = volume_of(volume)
        shown_billed = shown if billed == volume else volume_of(billed)
        because = _because(component, billed != volume, apportioned)
        if vat is not known:
            known, factor = vat, None if vat is None else tax_factor(vat)
        if type(factor) is int and not component.gross:
            with_tax = stated * factor
            amount, incl = net_of_line(stated), gross_of_line(with_tax)
            net, gross = (stated, net_over), (with_tax, gross_over)
        else:
            ticks = _over(stated, scale)
            net = _in_units(net_of(ticks, vat, component.gross))
            gross = _in_units(gross_of(ticks, vat, component.gross))
            amount, incl = None if net is None else as_decimal(*net), None if gross is None else as_decimal(*gross)
        yield tuple.__new__(
            RatingLine,
            (dimension, shown, shown_billed, component.price, amount, vat, incl, because, net, gross),
        )


def _in_units(ticks: Exact | None) -> Ratio | None:
    return None if ticks is None else (ticks.numerator, TICK * ticks.denominator)


def _clamp_line(clamp: Clamp) -> RatingLine:
    """A cap stands under the dimension that it lowers, with no volume of its own."""
    because = Because(
        clamp.tariff_id,
        None,
        None,
        (),
        0,
        False,
        False,
        clamp=clamp.kind,
        limit=clamp.limit,
        window=clamp.window,
        before=clamp.before,
    )
    net, gross = _in_units(clamp.net), _in_units(clamp.gross)
    amount = None if net is None else as_decimal(*net)
    incl = None if gross is None else as_decimal(*gross)
    volume = Decimal(0) if clamp.dimension else Decimal(1)
    return RatingLine(
        dimension=clamp.dimension or clamp.kind.upper(),
        volume=volume,
        billed_volume=volume,
        unit_price=amount if amount is not None else incl or Decimal(0),
        amount_excl_vat=amount,
        vat_rate=clamp.vat,
        amount_incl_vat=incl,
        because=because,
        net=net,
        gross=gross,
    )
