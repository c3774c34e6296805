"""From a stored session and a tariff to its frozen price: the bridge between our rows and the rating engine. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from contracts.rules.terms import WEEKDAYS, Term, WindowCap
from evbilling.kernel.money import GROSS_ROUNDING_RULE, ROUNDING_RULE, split_gross
from sessions.rules.rating import (
    ENGINE_VERSION,
    Because,
    Cap,
    Finding,
    RatingInput,
    RatingLine,
    RatingResult,
    Tariff,
    because_data,
    because_sentence,
    because_short,
    cap_windows,
    first_error,
    make_period,
    make_session,
    minor_digits,
    parse_tariff,
    rate,
    session_charges,
)

_NUMBERS = frozenset(
    {"price", "vat", "step_size", "excl_vat", "incl_vat", "before_taxes", "after_taxes"}
    | {f"{limit}_{what}" for limit in ("min", "max") for what in ("kwh", "current", "power", "duration")}
)


@dataclass(frozen=True, slots=True)
class Priced:
    """A session's price: net per VAT rate rounded once, and its lines as JSON data; or the problem, a sentence.

    Where the contract's prices include tax, the gross per VAT rate is rounded once (`grosses`, beside the parts) and
    each part's net follows by division.
    """

    net: Decimal
    parts: tuple[tuple[Decimal | None, Decimal], ...]
    result: RatingResult | None
    currency: str
    provisional: bool
    problem: str = ""
    engine_version: str = ENGINE_VERSION
    grosses: tuple[Decimal, ...] | None = None

    @property
    def gross(self) -> Decimal | None:
        """The price with tax, where the contract's prices include it."""
        return None if self.grosses is None else sum(self.grosses, Decimal(0))

    @property
    def amount(self) -> Decimal:
        """What is owed in the contract's price basis: the gross where prices include tax, else the net."""
        return self.net if self.gross is None else self.gross

    @property
    def rounding_rule(self) -> str:
        """The name of the rule that rounded it."""
        return ROUNDING_RULE if self.grosses is None else GROSS_ROUNDING_RULE

    @property
    def lines(self) -> tuple[RatingLine, ...]:
        """The lines with their because, made when asked for: a comparison of many prices needs none."""
        return self.result.lines if self.result is not None else ()

    def parts_data(self) -> list[dict[str, str | None]]:
        """The parts as SessionPrice keeps them, with their gross where that leads."""
        found: list[dict[str, str | None]] = [
            {"vat_rate": None if vat is None else format(vat, "f"), "net": format(net, "f")} for vat, net in self.parts
        ]
        for part, gross in zip(found, self.grosses or (), strict=self.grosses is not None):
            part["gross"] = format(gross, "f")
        return found

    def lines_data(self) -> list[dict[str, Any]]:
        """The lines as SessionPrice keeps them: numbers as strings, the because as data."""
        return [line_to_data(line) for line in self.lines]


def numbers_from_text(document: object) -> object:
    """A stored tariff document with its numbers as the engine takes them: stored JSON keeps decimals as strings."""
    if isinstance(document, Mapping):
        return {key: _number(value) if key in _NUMBERS else numbers_from_text(value) for key, value in document.items()}
    if isinstance(document, list | tuple):
        return [numbers_from_text(value) for value in document]
    return document


def _number(value: object) -> object:
    if not isinstance(value, str):
        return numbers_from_text(value)
    try:
        return Decimal(value)
    except ArithmeticError:
        return value


def compile_tariff(document: object, ocpi_version: str) -> tuple[Tariff | None, tuple[Finding, ...]]:
    """A stored tariff document ready for rating, or None and what is wrong with it."""
    return parse_tariff(numbers_from_text(document), ocpi_version)


def rating_input(
    periods: Sequence[Mapping[str, Any]],
    *,
    started_at: dt.datetime,
    ended_at: dt.datetime | None,
    energy_wh: int,
    time_zone: str,
    now: dt.datetime | None = None,
) -> RatingInput:
    """The engine's view of a session. A running one (`ended_at` None) is taken up to `now`.

    Without charging periods the session counts as one that charged from start to end, its energy spread evenly.
    """
    until = ended_at or now or started_at
    rows = list(periods) or [
        {
            "start_at": started_at.isoformat(),
            "energy_wh": energy_wh,
            "charging_s": max(0, int((until - started_at).total_seconds())),
            "parking_s": 0,
        }
    ]
    starts = [dt.datetime.fromisoformat(row["start_at"]) for row in rows]
    made = tuple(
        make_period(
            start,
            max(end, start),
            energy_wh=row.get("energy_wh"),
            charging_seconds=row.get("charging_s"),
            parking_seconds=row.get("parking_s"),
            power_kw=row.get("power_kw"),
            number=number,
        )
        for number, (row, start, end) in enumerate(zip(rows, starts, [*starts[1:], until], strict=True))
    )
    return make_session(made, start=started_at, end=ended_at, time_zone=time_zone)


def caps_of(terms: Iterable[Term]) -> tuple[Cap, ...]:
    """The caps in a window among a contract's terms, as the engine takes them."""
    return tuple(
        Cap(
            dimension=term.dimension,
            start=f"{term.start_time:%H:%M}",
            end=f"{term.end_time:%H:%M}",
            limit=term.max_amount,
            weekdays=frozenset(map(WEEKDAYS.index, term.days)),
        )
        for term in terms
        if isinstance(term, WindowCap)
    )


def price(session: RatingInput, tariff: Tariff, caps: Sequence[Cap] = (), *, with_tax: bool = False) -> Priced:
    """Price a session under a compiled tariff and a contract's caps, rounded once per VAT rate (ARCHITECTURE, Money).

    The order: components and their steps, the tariff's price limits, the caps, then rounding. `with_tax`: the
    contract's prices include tax: limits and caps hold the gross, and the gross is what is rounded.
    """
    result = rate(session, tariff, ocpi_version=tariff.ocpi_version, with_tax=with_tax)
    result = cap_windows(result, session, tariff, caps, with_tax=with_tax)
    failure = first_error(result.findings)
    if failure is not None:
        return refused(f"{failure.path}: {failure.message}", tariff.currency)
    if with_tax:
        return _price_with_tax(result, tariff)
    parts = _parts(result)
    if parts is None:
        return refused(
            f"Tariff {tariff.id} includes a tax whose rate it does not state: no net price follows from it.",
            tariff.currency,
        )
    net = sum((amount for _vat, amount in parts), Decimal(0))
    return Priced(net, parts, result, tariff.currency, result.provisional)


def _price_with_tax(result: RatingResult, tariff: Tariff) -> Priced:
    """The gross rounded once per VAT rate; the net of each, with which hosts reckon, is gross / (1 + rate)."""
    digits = minor_digits(result.currency)
    charges = session_charges(result, digits) or ((None, Decimal(0).scaleb(-digits), Decimal(0).scaleb(-digits)),)
    parts, grosses = [], []
    for vat, net, gross in charges:
        if vat is None and (gross or gross is None or net is None):
            return refused(
                _(
                    "The contract's prices include tax, but tariff %(tariff)s states no VAT rate for a part of this "
                    "price. Release a version of the tariff that states it, then price the session again."
                )
                % {"tariff": tariff.id},
                tariff.currency,
            )
        assert gross is not None  # noqa: S101 - known wherever the rate is
        parts.append((vat, split_gross(gross, vat or Decimal(0), tariff.currency)[0]))
        grosses.append(gross)
    net = sum((amount for _vat, amount in parts), Decimal(0))
    return Priced(net, tuple(parts), result, tariff.currency, result.provisional, grosses=tuple(grosses))


def refused(problem: str, currency: str = "") -> Priced:
    """No price, with the reason."""
    return Priced(Decimal(0), (), None, currency, False, problem)


def _parts(result: RatingResult) -> tuple[tuple[Decimal | None, Decimal], ...] | None:
    """Net per VAT rate; a free session has one part of nothing, so that it stands on a document too."""
    digits = minor_digits(result.currency)
    found = []
    for vat, net, _gross in session_charges(result, digits):
        if net is None:
            return None
        found.append((vat, net))
    return tuple(found) or ((None, Decimal(0).scaleb(-digits)),)


def line_to_data(line: RatingLine) -> dict[str, Any]:
    """One price line as JSON data."""
    dimension, volume, billed, unit_price, net, vat, gross, because, *_exact = line
    why = because_data(line)
    if because.clamp is not None:  # no other because holds Decimals
        why = {key: _plain(value) if isinstance(value, Decimal) else value for key, value in why.items()}
    used = _plain(volume)
    return {
        "dimension": dimension,
        "volume": used,
        "billed_volume": used if billed is volume else _plain(billed),
        "unit_price": _plain(unit_price),
        "net": None if net is None else _plain(net),
        "gross": None if gross is None else _plain(gross),
        "vat_rate": None if vat is None else _plain(vat),
        "because": why,
    }


def _plain(value: Decimal) -> str:
    """format(value, "f"), in half the time where there is no exponent to write out: each line has five figures."""
    text = str(value)
    return format(value, "f") if "E" in text else text


def line_from_data(data: Mapping[str, Any]) -> RatingLine:
    """A stored price line as the engine gave it (its exact fractions are not kept)."""
    why = data["because"]
    because = Because(
        tariff_id=why["tariff_id"],
        element=why.get("element"),
        component=why.get("component"),
        restrictions=tuple((why.get("restrictions") or {}).items()),
        step_size=why.get("step_size", 0),
        step_applied=why.get("step_applied", False),
        apportioned=why.get("apportioned", False),
        reservation=why.get("reservation"),
        tax_included=why.get("tax_included", False),
        clamp=why.get("clamp"),
        limit=_decimal(why.get("limit")),
        window=tuple(why["window"]) if why.get("window") else None,
        before=_decimal(why.get("before")),
    )
    return RatingLine(
        dimension=data["dimension"],
        volume=Decimal(data["volume"]),
        billed_volume=Decimal(data["billed_volume"]),
        unit_price=Decimal(data["unit_price"]),
        amount_excl_vat=_decimal(data["net"]),
        vat_rate=_decimal(data["vat_rate"]),
        amount_incl_vat=_decimal(data["gross"]),
        because=because,
    )


def sentence(line: RatingLine, currency: str, language: str) -> str:
    """Why a line is what it is, in one sentence."""
    return because_sentence(line, currency, language)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def in_short(lines: Iterable[RatingLine], currency: str, language: str) -> str:
    """Why a price is what it is, in one line of small print."""
    return because_short(lines, currency, language)
