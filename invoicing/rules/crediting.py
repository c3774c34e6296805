"""What a credit note takes off a document: per line, per tax row, per session charge; never more than each still holds.

    net prices     the credit's nets are given; tax = round(rate x net credited so far) - tax credited before
    gross prices   its totals with tax are given; net = round(gross credited so far / (1 + rate)) - net credited before,
                   tax the rest; the nets of its lines by largest remainder

Amounts are in the document's price basis: net, or gross where its prices include tax. The last credit of a rate takes
exactly what is left there, so that several partial credits and the rest leave 0.00 (I11).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import ZERO, add, quantise, require_minor, split_gross, split_largest_remainder
from evbilling.shell.formats import format_minor
from invoicing.rules.tax import Category
from invoicing.rules.totals import CreditTooHigh, TaxRow, Totals, credit_totals

Key = tuple[Category, Decimal]


class LineCreditTooHigh(BillingError):
    """More would be credited than a line, or a session on it, still holds (I11)."""

    code = "line_credit_too_high"

    def __init__(self, what: str, wanted: Decimal, left: Decimal, currency: str) -> None:
        super().__init__(
            _("%(wanted)s %(currency)s of %(what)s cannot be credited; only %(left)s %(currency)s of it is left.")
            % {
                "wanted": format_minor(wanted, currency),
                "currency": currency,
                "what": what,
                "left": format_minor(left, currency),
            }
        )


@dataclass(frozen=True, slots=True)
class Held:
    """A line or a session charge and what was credited of it before. `gross` only where prices include tax."""

    id: int
    net: Decimal
    credited_net: Decimal = ZERO
    gross: Decimal | None = None
    credited_gross: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        """What is left of it, in the document's price basis."""
        return self.net - self.credited_net if self.gross is None else self.gross - self.credited_gross

    @property
    def left_net(self) -> Decimal:
        """What is left of its net."""
        return self.net - self.credited_net


@dataclass(frozen=True, slots=True)
class HeldLine:
    """A line of the original with its tax, what is left of it, and the session charges that it bills."""

    held: Held
    key: Key
    text: str
    charges: tuple[Held, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of a credit note to be: what it takes of which line; `charges` of which sessions (else spread)."""

    line_id: int
    amount: Decimal
    charges: Mapping[int, Decimal] | None = None
    text: str = ""
    energy_wh: int = 0
    session_count: int = 0
    because: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CreditLine:
    """A piece with its final figures; `charges`: (charge id, net, gross or None)."""

    piece: Piece
    key: Key
    net: Decimal
    gross: Decimal | None
    charges: tuple[tuple[int, Decimal, Decimal | None], ...]


@dataclass(frozen=True, slots=True)
class CreditPlan:
    """A whole credit note, in figures."""

    lines: tuple[CreditLine, ...]
    totals: Totals


def whole(lines: Iterable[HeldLine]) -> list[Piece]:
    """All that is left of every line, allowances included."""
    return [
        Piece(line.held.id, line.held.left, {each.id: each.left for each in line.charges} if line.charges else None)
        for line in lines
    ]


def by_amount(lines: Iterable[HeldLine], wanted: Mapping[Key, Decimal], currency: str) -> list[Piece]:
    """Amounts per tax row, spread over the lines of each rate in proportion to what is left of them.

    Raises CreditTooHigh where a rate does not hold as much.
    """
    lines = list(lines)
    pieces = []
    for key, amount in wanted.items():
        members = [line for line in lines if line.key == key and line.held.left > 0]
        left = add(line.held.left for line in lines if line.key == key)
        if not 0 < amount <= left:
            raise CreditTooHigh(key[1], amount, left, currency)
        parts = split_largest_remainder(amount, [line.held.left for line in members], currency)
        pieces += [Piece(line.held.id, part) for line, part in zip(members, parts, strict=True) if part]
    return pieces


def plan_credit(
    lines: Sequence[HeldLine],
    pieces: Sequence[Piece],
    original: Sequence[TaxRow],
    credited: Sequence[TaxRow],
    *,
    gross: bool,
    currency: str,
) -> CreditPlan:
    """The figures of a credit note over these pieces, after what was credited before.

    Raises LineCreditTooHigh, CreditTooHigh (I11), MoneyError for a fraction of the minor unit.
    """
    by_id = {line.held.id: line for line in lines}
    _require_left(by_id, pieces, currency)
    sums: dict[Key, Decimal] = {}
    for piece in pieces:
        key = by_id[piece.line_id].key
        sums[key] = sums.get(key, ZERO) + require_minor(piece.amount, currency, field="credit")
    if gross:
        totals = _gross_totals(original, credited, sums, currency)
        nets = _line_nets(by_id, pieces, totals, original, credited, currency)
    else:
        totals = credit_totals(original, credited, sums, currency)
        nets = [piece.amount for piece in pieces]
    made = [
        CreditLine(
            piece,
            by_id[piece.line_id].key,
            net,
            piece.amount if gross else None,
            tuple(_charges(by_id[piece.line_id], piece, gross=gross, currency=currency)),
        )
        for piece, net in zip(pieces, nets, strict=True)
    ]
    return CreditPlan(tuple(made), totals)


def _require_left(by_id: Mapping[int, HeldLine], pieces: Iterable[Piece], currency: str) -> None:
    taken: dict[int, Decimal] = {}
    for piece in pieces:
        taken[piece.line_id] = taken.get(piece.line_id, ZERO) + piece.amount
    for line_id, amount in taken.items():
        line = by_id[line_id]
        left = line.held.left
        if amount > max(left, ZERO) or amount < min(left, ZERO):
            raise LineCreditTooHigh(line.text, amount, left, currency)


def _gross_totals(
    original: Iterable[TaxRow], credited: Iterable[TaxRow], sums: Mapping[Key, Decimal], currency: str
) -> Totals:
    before = _by_key(credited)
    rows = []
    for row in original:
        if row.key not in sums:
            continue
        had_net, had_tax = before.get(row.key, (ZERO, ZERO))
        whole_gross, had = row.net + row.tax, had_net + had_tax
        now = sums[row.key]
        if now > whole_gross - had:
            raise CreditTooHigh(row.percent, now, whole_gross - had, currency)
        so_far = row.net if had + now == whole_gross else split_gross(had + now, row.percent, currency)[0]
        rows.append(TaxRow(row.category, row.percent, so_far - had_net, now - (so_far - had_net), row.ground))
    return Totals(tuple(rows))


def _by_key(rows: Iterable[TaxRow]) -> dict[Key, tuple[Decimal, Decimal]]:
    found: dict[Key, tuple[Decimal, Decimal]] = {}
    for row in rows:
        net, tax = found.get(row.key, (ZERO, ZERO))
        found[row.key] = net + row.net, tax + row.tax
    return found


def _line_nets(  # noqa: PLR0917 - the figures of one note, side by side
    by_id: Mapping[int, HeldLine],
    pieces: Sequence[Piece],
    totals: Totals,
    original: Iterable[TaxRow],
    credited: Iterable[TaxRow],
    currency: str,
) -> list[Decimal]:
    """Nets of the lines of a gross credit: what is left of each with the rate's last credit, else by their gross."""
    before, wholes = _by_key(credited), {row.key: row for row in original}
    nets: dict[int, Decimal] = {}
    for row in totals.rows:
        places = [place for place, piece in enumerate(pieces) if by_id[piece.line_id].key == row.key]
        had = add(before.get(row.key, (ZERO, ZERO)))
        last = row.net + row.tax + had == wholes[row.key].net + wholes[row.key].tax
        full = [by_id[pieces[place].line_id].held for place in places]
        if last and add(each.left_net for each in full) == row.net and len({each.id for each in full}) == len(full):
            nets |= {place: held.left_net for place, held in zip(places, full, strict=True)}
            continue
        parts = split_largest_remainder(row.net, [abs(pieces[place].amount) for place in places], currency)
        nets |= dict(zip(places, parts, strict=True))
    return [nets[place] for place in range(len(pieces))]


def _charges(
    line: HeldLine, piece: Piece, *, gross: bool, currency: str
) -> Iterable[tuple[int, Decimal, Decimal | None]]:
    """What a piece takes of each session charge: as it says, else in proportion to what is left of them."""
    if not line.charges:
        return
    if piece.charges is None:
        parts = split_largest_remainder(piece.amount, [max(each.left, ZERO) for each in line.charges], currency)
        taken = {each.id: part for each, part in zip(line.charges, parts, strict=True) if part}
    else:
        taken = dict(piece.charges)
    for each in line.charges:
        if each.id not in taken:
            continue
        amount = taken[each.id]
        if not ZERO <= amount <= each.left:
            raise LineCreditTooHigh(line.text, amount, each.left, currency)
        yield each.id, *_of_charge(each, amount, gross=gross, currency=currency)


def _of_charge(held: Held, amount: Decimal, *, gross: bool, currency: str) -> tuple[Decimal, Decimal | None]:
    if not gross:
        return amount, None
    whole_gross = held.gross or ZERO
    so_far = held.credited_gross + amount
    if so_far == whole_gross or not whole_gross:
        return held.left_net, amount
    return quantise(Fraction(held.net) * Fraction(so_far) / Fraction(whole_gross), currency) - held.credited_net, amount


def re_rated(
    parts: Iterable[tuple[Decimal | None, Decimal]],
    charges: Mapping[Decimal | None, Sequence[tuple[int, Decimal]]],
    currency: str,
) -> dict[int, Decimal] | None:
    """What each payer's charge of a session comes to at its new price: per rate in proportion to the issued split.

    `parts` is the new price per VAT rate, `charges` (charge id, amount as issued) per rate. By largest remainder, so
    that the payers' parts add up to the new price (I1). None where the new price has an amount at a rate that the
    session was not billed at.
    """
    new: dict[Decimal | None, Decimal] = {}
    for rate, amount in parts:
        new[rate] = new.get(rate, ZERO) + amount
    found: dict[int, Decimal] = {}
    for rate, amount in new.items():
        issued = charges.get(rate, ())
        if amount and not add(each for _id, each in issued):
            return None
        shares = split_largest_remainder(amount, [each for _id, each in issued], currency)
        found |= {charge_id: share for (charge_id, _each), share in zip(issued, shares, strict=True)}
    for rate, issued in charges.items():
        if rate not in new:
            found |= {charge_id: ZERO for charge_id, _each in issued}
    return found
