"""The one function that prices a session under its tariffs, by the rules of OCPI.

Pure: the same session, tariffs and version give the same result, in any order and batch. It never raises for what the
parsers return. How OCPI's rules are read, where they leave a choice:
- a component with price 0 is free like no component: it takes no part in step rounding;
- step_size counts once for ENERGY and once for TIME and PARKING_TIME together, with the step and at the price of the
  last component: on the parking time where there is priced parking, else on the charging time. In 2.2 an element that
  prices both rounds their sum (tariff_14 of the 2.2 text), while one that prices parking alone does not (tariff_4);
- reserved time is rounded on its own;
- a FLAT fee is due once, at the first moment at which an element with FLAT applies; fees of a reservation come on top;
- min_price asks for a charging session, so an expired reservation is not lifted to it;
- in 2.2 the durations of PARKING_TIME count from the start of parking (its worked example), later from the session's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from math import gcd

from sessions.rules.rating.clamping import price_limits
from sessions.rules.rating.findings import Finding, error, warning
from sessions.rules.rating.numbers import ENERGY_FACTOR, FLAT_FACTOR, TIME_FACTOR, Exact, share
from sessions.rules.rating.plan import Component, Plan
from sessions.rules.rating.result import Clamp, Part, RatingResult
from sessions.rules.rating.session import Period, RatingInput
from sessions.rules.rating.splitting import Piece, length, mean_current, mean_power, pieces
from sessions.rules.rating.tariff import Tariff
from sessions.rules.rating.wording import Named

_FACTORS = {
    "FLAT": FLAT_FACTOR,
    "ENERGY": ENERGY_FACTOR,
    "TIME": TIME_FACTOR,
    "PARKING_TIME": TIME_FACTOR,
    "RESERVATION": TIME_FACTOR,
}


class _Meter:
    """What one dimension has gathered: the volume per component in order of first use, and the last one priced.

    Volumes are whole numbers in parts of `_Run.scale` of a uWh or us.
    """

    __slots__ = ("apportioned", "last", "volumes")

    def __init__(self) -> None:
        self.volumes: dict[Component, int] = {}
        self.last: Component | None = None
        self.apportioned: set[Component] = set()

    def take(self, component: Component, volume: int) -> None:
        volumes = self.volumes
        volumes[component] = volumes.get(component, 0) + volume
        if component.rate:
            self.last = component

    def priced(self) -> int:
        total = 0
        for component, volume in self.volumes.items():
            if component.rate:
                total += volume
        return total


class _Run:
    """One pricing in progress.

    `scale` is a common denominator of all volumes so far: shares of a period stay whole numbers, which are added and
    multiplied many times faster than Fractions, and as exactly.
    """

    __slots__ = (
        "energy",
        "findings",
        "flats",
        "noted",
        "parking",
        "reserved",
        "scale",
        "session",
        "time",
        "used",
        "version",
    )

    def __init__(self, session: RatingInput, version: str) -> None:
        self.session = session
        self.version = version
        self.findings: list[Finding] = []
        self.noted: set[tuple[str, int]] = set()
        self.used: dict[str, Tariff] = {}
        self.flats: list[Component] = []
        self.energy, self.time, self.parking, self.reserved = _Meter(), _Meter(), _Meter(), _Meter()
        self.scale = 1

    def divide(self, by: int) -> None:
        """Make the scale a multiple of `by`."""
        if self.scale % by:
            factor = by // gcd(self.scale, by)
            self.scale *= factor
            for meter in (self.energy, self.time, self.parking, self.reserved):
                for component in meter.volumes:
                    meter.volumes[component] *= factor

    def take(self, meter: _Meter, component: Component, volume: Exact) -> None:
        """Add a volume in uWh or us to a component."""
        if type(volume) is int:
            meter.take(component, volume * self.scale)
        else:
            self.divide(volume.denominator)
            meter.take(component, volume.numerator * (self.scale // volume.denominator))

    def take_parts(self, meter: _Meter, parts: list[Piece], volume: Exact, whole: int) -> None:
        """Divide a volume in proportion to the pieces of its period."""
        lengths = [stop - start for _component, start, stop in parts if type(start) is type(stop) is int]
        if type(volume) is not int or len(lengths) < len(parts):
            for component, start, stop in parts:
                if component is not None:
                    self.take(meter, component, share(volume, stop - start, whole))
            return
        step = gcd(*lengths)
        pieces_of = whole // step
        self.divide(pieces_of // gcd(pieces_of, volume))
        unit = volume * self.scale // pieces_of
        volumes, last = meter.volumes, meter.last
        for (component, _start, _stop), stretch in zip(parts, lengths, strict=True):
            if component is not None:
                part = unit * (stretch // step)
                volumes[component] = volumes[component] + part if component in volumes else part
                if component.rate:
                    last = component
        meter.last = last

    def measure(self, meter: _Meter, plan: Plan, period: Period, volume: Exact, *, since: int, before: Exact) -> None:
        """Add a period's volume of one dimension to the components that price it."""
        if plan.always is not None:
            self.take(meter, plan.always, volume)
            return
        if plan.powers or plan.currents:
            self.check_bands(plan, period)
        parts = pieces(plan, period, self.session.time_zone, since, before)
        if len(parts) == 1:
            component = parts[0][0]
            if component is not None:
                self.take(meter, component, volume)
            return
        self.take_parts(meter, parts, volume, length(period))
        if not self.is_exact(meter, plan, period, volume):
            meter.apportioned.update(component for component, _start, _stop in parts if component is not None)
            self.note("period_apportioned", period)

    def is_exact(self, meter: _Meter, plan: Plan, period: Period, volume: Exact) -> bool:
        """Whether cutting a volume needs no assumption: energy at energy limits, whole-period time at instants."""
        by_clock = len(plan.slots) > 1 or bool(plan.days) or bool(plan.durations)
        if meter is self.energy:
            return not by_clock
        return not plan.energies and volume == period.end - period.start

    def check_bands(self, plan: Plan, period: Period) -> None:
        """Say so where a power or current band cannot be told or is crossed inside the period."""
        for limits, mean, low, high, what in (
            (plan.powers, mean_power, period.min_power, period.max_power, Named.POWER),
            (plan.currents, mean_current, period.min_current, period.max_current, Named.CURRENT),
        ):
            if not limits:
                continue
            if mean(period) is None:
                self.note(f"{what}_unknown", period, "band_unknown", what=what)
            elif low is not None and high is not None and any(low < limit <= high for limit in limits):
                self.note(f"{what}_crosses_limit", period, "band_crossed", what=what)

    def prices_time(self, component: Component) -> bool:
        """Whether the element of a component also prices charging time."""
        element = self.used[component.tariff_id].elements[component.element]
        return any(other.dimension == "TIME" for other in element)

    def note(self, code: str, period: Period, wording: str = "", **values: str) -> None:
        """A warning at a period, once per code and period."""
        key = (code, period.number)
        if key not in self.noted:
            self.noted.add(key)
            place = "reservation" if period.number < 0 else f"charging_periods[{period.number}]"
            self.findings.append(warning(code, f"{self.session.path}.{place}", wording, **values))


def rate(
    session: RatingInput,
    tariffs: Tariff | Sequence[Tariff],
    *,
    ocpi_version: str,
    default_vat: Decimal | None = None,
    with_tax: bool = False,
) -> RatingResult:
    """Price a session.

    `tariffs` are one or several compiled tariffs; with several, each period names its own (`tariff_id`).
    `default_vat` (percent) stands in where a price component states no VAT. Findings with an error leave no price.
    `with_tax`: price limits hold the total with VAT alone (contracts whose prices include tax), not both as in OCPI.
    """
    known = (tariffs,) if isinstance(tariffs, Tariff) else tuple(tariffs)
    run = _Run(session, ocpi_version)
    by_id = _by_id(known, run)
    if by_id is None:
        return RatingResult(known[0].currency if known else "", ocpi_version, findings=tuple(run.findings))
    first = known[0]
    if not _walk(run, by_id, first):
        return RatingResult(first.currency, ocpi_version, findings=tuple(run.findings))
    parts = _parts(run, default_vat)
    clamps: tuple[Clamp, ...] = ()
    if any(tariff.min_price is not None or tariff.max_price is not None for tariff in run.used.values()):
        lines = tuple(part.exact(run.scale) for part in parts)
        charged = not session.reservation_expired
        clamps = price_limits(run.used, lines, charged=charged, default_vat=default_vat, with_tax=with_tax)
    _check_result(run, parts)
    return RatingResult(
        first.currency, ocpi_version, parts, run.scale, clamps, tuple(run.findings), provisional=session.end is None
    )


def _by_id(tariffs: tuple[Tariff, ...], run: _Run) -> Mapping[str, Tariff] | None:
    if len(tariffs) == 1:
        return {tariffs[0].id: tariffs[0]}
    if not tariffs:
        run.findings.append(error("no_tariff", "tariffs"))
        return None
    found: dict[str, Tariff] = {}
    for number, tariff in enumerate(tariffs):
        path = f"tariffs[{number}]"
        if tariff.id in found:
            run.findings.append(error("duplicate_tariff", f"{path}.id", tariff=tariff.id))
        if tariff.currency != tariffs[0].currency:
            values = {"currency": tariffs[0].currency, "value": tariff.currency}
            run.findings.append(error("currency_differs", f"{path}.currency", "tariff_currencies", **values))
        found[tariff.id] = tariff
    return None if run.findings else found


def _walk(run: _Run, by_id: Mapping[str, Tariff], first: Tariff) -> bool:
    """Take every period through its tariff; False where a period's tariff is unknown."""
    session = run.session
    parking_since = session.start
    if run.version == "2.2":
        parking_since = next((period.start for period in session.periods if period.parking), session.start)
    energy_before: Exact = 0
    flat_due = not session.reservation_expired
    for period in session.periods:
        tariff = _tariff_of(run, period, by_id, first)
        if tariff is None:
            return False
        run.used[tariff.id] = tariff
        plans = tariff.plans
        if period.reservation:
            _reserve(run, tariff, period)
        if period.number < 0:
            continue
        if flat_due and plans.flat is not None and (period.reservation is None or period.energy or period.time):
            fee = _first_component(run, plans.flat, period, energy_before)
            if fee is not None:
                run.flats.append(fee)
                flat_due = False
        if period.energy and plans.energy is not None:
            run.measure(run.energy, plans.energy, period, period.energy, since=session.start, before=energy_before)
        if period.time and plans.time is not None:
            run.measure(run.time, plans.time, period, period.time, since=session.start, before=energy_before)
        if period.parking and plans.parking is not None:
            run.measure(run.parking, plans.parking, period, period.parking, since=parking_since, before=energy_before)
        if plans.time is not None and period.energy and period.time is None and period.parking is None:
            run.note("time_not_stated", period)
        if period.energy:
            energy_before += period.energy
    return True


def _tariff_of(run: _Run, period: Period, by_id: Mapping[str, Tariff], first: Tariff) -> Tariff | None:
    wanted = period.tariff_id
    if wanted is None and (len(by_id) == 1 or period.number < 0):
        return first
    path = f"{run.session.path}.charging_periods[{period.number}].tariff_id"
    if wanted is None:
        run.findings.append(error("tariff_not_named", path, count=str(len(by_id))))
    else:
        tariff = by_id.get(wanted)
        if tariff is not None:
            return tariff
        run.findings.append(error("unknown_tariff", path, tariff=wanted, known=", ".join(sorted(by_id))[:200]))
    return None


def _first_component(run: _Run, plan: Plan, period: Period, energy_before: Exact) -> Component | None:
    if plan.always is not None:
        return plan.always
    if plan.powers or plan.currents:
        run.check_bands(plan, period)
    parts = pieces(plan, period, run.session.time_zone, run.session.start, energy_before)
    return next((component for component, _, _ in parts if component is not None), None)


def _reserve(run: _Run, tariff: Tariff, period: Period) -> None:
    """Fees and time of a reservation; durations count from its start, and its steps are its own."""
    expired, plans, volume = run.session.reservation_expired, tariff.plans, period.reservation or 0
    for plan in (plans.reservation_flat, plans.expired_flat if expired else None):
        fee = _first_component(run, plan, period, 0) if plan is not None else None
        if fee is not None and fee not in run.flats:
            run.flats.append(fee)
    plan = plans.expired_time if expired else plans.reservation_time
    if plan is not None:
        run.measure(run.reserved, plan, period, volume, since=period.start, before=0)


def _surplus(total: int, component: Component, scale: int) -> int:
    """What step_size adds to a total: up to the next whole step of the component."""
    step = component.step * scale
    return -total % step if step and total else 0


def _parts(run: _Run, default_vat: Decimal | None) -> tuple[Part, ...]:
    energy, time, parking, reserved = run.energy, run.time, run.parking, run.reserved
    for meter in (energy, time, parking, reserved):
        for component in meter.volumes:
            if type(component.rate) is not int:
                run.divide(run.scale * component.rate.denominator)
    for fee in run.flats:
        run.divide(fee.rate.denominator)
    scale = run.scale
    added: dict[Component, int] = {}
    if energy.last is not None:
        added[energy.last] = _surplus(energy.priced(), energy.last, scale)
    if parking.last is not None:
        together = run.version == "2.2" and run.prices_time(parking.last)
        added[parking.last] = _surplus(parking.priced() + (time.priced() if together else 0), parking.last, scale)
    elif time.last is not None:
        added[time.last] = _surplus(time.priced(), time.last, scale)
    if reserved.last is not None:
        added[reserved.last] = _surplus(reserved.priced(), reserved.last, scale)

    flat = [(fee, scale) for fee in run.flats]
    parts: list[Part] = []
    for dimension, volumes, apportioned in (
        ("FLAT", flat, ()),
        ("ENERGY", energy.volumes.items(), energy.apportioned),
        ("TIME", time.volumes.items(), time.apportioned),
        ("PARKING_TIME", parking.volumes.items(), parking.apportioned),
        ("RESERVATION", reserved.volumes.items(), reserved.apportioned),
    ):
        if not volumes:
            continue
        factor = _FACTORS[dimension]
        for component, volume in volumes:
            rate, vat = component.rate, component.vat
            billed = volume + added[component] if component in added else volume
            # whole, because the scale holds the denominator of the rate
            stated = (
                billed * rate * factor if type(rate) is int else billed * rate.numerator * factor // rate.denominator
            )
            vat = default_vat if vat is None else vat
            known = (dimension, component, volume, billed, stated, vat, component in apportioned)
            parts.append(tuple.__new__(Part, known))
    return tuple(parts)


def _check_result(run: _Run, parts: tuple[Part, ...]) -> None:
    session = run.session
    for tariff in run.used.values():
        if (tariff.starts is not None and session.start < tariff.starts) or (
            tariff.ends is not None and session.start > tariff.ends
        ):
            run.findings.append(warning("tariff_not_valid", f"{session.path}.start_date_time", tariff=tariff.id))
        if not session.zone_known and _local(tariff):
            path = f"{session.path}.time_zone"
            run.findings.append(warning("zone_unknown", path, "tariff_zone_unknown", tariff=tariff.id))
    for line in parts:
        if line.vat is None and line.stated:
            values = {"tariff": line.component.tariff_id, "dimension": line.dimension}
            run.findings.append(warning("vat_unknown", "tariff", **values))
            break


def _local(tariff: Tariff) -> bool:
    return any(
        limits is not None and (limits.local or limits.first_day is not None or limits.end_day is not None)
        for limits in (component.restrictions for component in tariff.components)
    )
