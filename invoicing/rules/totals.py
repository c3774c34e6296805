"""Document totals: net, tax once per rate on the summed net, gross; and credit totals by difference.

tax = round(net x rate)                                          per rate, on the document (EN 16931 BR-CO-17)
prices that include tax                                          per rate, on the document (ARCHITECTURE, Money)
    gross = sum of the rounded gross of the lines, net = round(gross / (1 + rate)), tax = gross - net
    the net of each line by largest remainder, so that the lines add up to the net

credit tax = round(rate x net credited so far) - tax already credited           so a full credit leaves 0.00
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import (
    ZERO,
    add,
    from_minor,
    minor_digits,
    require_minor,
    split_gross,
    to_minor,
    vat_of,
)
from evbilling.shell.formats import format_exact, format_minor
from invoicing.rules.tax import Category, Ground, Tax


class CreditTooHigh(BillingError):
    """More would be credited at a tax rate than the document charges there (I11)."""

    code = "credit_too_high"

    def __init__(self, percent: Decimal, wanted: Decimal, left: Decimal, currency: str) -> None:
        super().__init__(
            _(
                "%(wanted)s %(currency)s at %(percent)s %% tax cannot be credited; "
                "only %(left)s %(currency)s of the document is left at that rate."
            )
            % {
                "wanted": format_minor(wanted, currency),
                "currency": currency,
                "percent": format_exact(percent),
                "left": format_minor(left, currency),
            }
        )


@dataclass(frozen=True, slots=True)
class TaxRow:
    """The document's net and tax at one category and rate; major units of its currency."""

    category: Category
    percent: Decimal
    net: Decimal
    tax: Decimal
    ground: Ground = Ground.NONE

    @property
    def key(self) -> tuple[Category, Decimal]:
        """What a document has at most one row of."""
        return self.category, self.percent


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of one document."""

    rows: tuple[TaxRow, ...]

    @property
    def net(self) -> Decimal:
        """Sum of the nets."""
        return add(row.net for row in self.rows)

    @property
    def tax(self) -> Decimal:
        """Sum of the taxes."""
        return add(row.tax for row in self.rows)

    @property
    def gross(self) -> Decimal:
        """Net and tax together."""
        return self.net + self.tax


def totals_of(lines: Iterable[tuple[Tax, Decimal]], currency: str) -> Totals:
    """Sum (tax, net) pairs per category and rate, highest rate first; tax is rounded once per rate.

    Raises MoneyError for a net with a fraction of the minor unit: a line's net is already a sum of rounded charges.
    """
    nets: dict[tuple[Category, Decimal], Decimal] = {}
    grounds: dict[tuple[Category, Decimal], Ground] = {}
    for tax, net in lines:
        key = (tax.category, tax.percent)
        nets[key] = nets.get(key, ZERO) + require_minor(net, currency, field="net")
        grounds[key] = tax.ground
    return Totals(
        tuple(
            TaxRow(category, percent, net, vat_of(net, percent, currency), grounds[category, percent])
            for (category, percent), net in sorted(nets.items(), key=lambda item: (-item[0][1], item[0][0]))
        )
    )


def gross_totals_of(lines: Sequence[tuple[Tax, Decimal]], currency: str) -> tuple[Totals, list[Decimal]]:
    """The totals of (tax, gross) lines whose prices include tax, and the net of each line in their order.

    Per category and rate net = round(gross / (1 + rate)) and the tax is the rest; the nets of the lines add up to it:
    each is its exact net cut to the minor unit, and the units left over go to the largest remainders, the earlier line
    winning a tie. Raises MoneyError for a gross with a fraction of the minor unit.
    """
    members: dict[tuple[Category, Decimal], list[int]] = {}
    for place, (tax, gross) in enumerate(lines):
        require_minor(gross, currency, field="gross")
        members.setdefault((tax.category, tax.percent), []).append(place)
    nets = [ZERO] * len(lines)
    rows = []
    for (category, percent), places in sorted(members.items(), key=lambda item: (-item[0][1], item[0][0])):
        net, tax_amount = split_gross(add(lines[place][1] for place in places), percent, currency)
        parts = _cut_to(net, [Fraction(lines[place][1]) / (1 + Fraction(percent) / 100) for place in places], currency)
        for place, part in zip(places, parts, strict=True):
            nets[place] = part
        rows.append(TaxRow(category, percent, net, tax_amount, lines[places[-1]][0].ground))
    return Totals(tuple(rows)), nets


def _cut_to(total: Decimal, exact: Sequence[Fraction], currency: str) -> list[Decimal]:
    """Each amount cut to the minor unit, or raised by one where its remainder is among the largest; in all `total`.

    `total` is their sum rounded to the minor unit, so that there are always as many to round up as are missing.
    """
    unit = 10 ** minor_digits(currency)
    units = [amount * unit for amount in exact]
    cut = [floor(amount) for amount in units]
    left = to_minor(total, currency) - sum(cut)
    for place in sorted(range(len(cut)), key=lambda place: (cut[place] - units[place], place))[:left]:
        cut[place] += 1
    return [from_minor(amount, currency) for amount in cut]


def credit_totals(
    original: Iterable[TaxRow],
    credited: Iterable[TaxRow],
    nets: Mapping[tuple[Category, Decimal], Decimal] | None,
    currency: str,
) -> Totals:
    """The tax rows of a credit note over `nets` per rate (None: all that is left), after what was credited before.

    All amounts positive. The last credit takes the rest of the original's tax, whatever the roundings before it did,
    so that a full credit leaves exactly zero. Raises CreditTooHigh (I11).
    """
    before_net: dict[tuple[Category, Decimal], Decimal] = {}
    before_tax: dict[tuple[Category, Decimal], Decimal] = {}
    for row in credited:
        before_net[row.key] = before_net.get(row.key, ZERO) + row.net
        before_tax[row.key] = before_tax.get(row.key, ZERO) + row.tax
    known = {row.key: row for row in original}
    for key, net in (nets or {}).items():
        left = known[key].net - before_net.get(key, ZERO) if key in known else ZERO
        if net > left:
            raise CreditTooHigh(key[1], net, left, currency)
    rows = []
    for key, row in known.items():
        had_net, had_tax = before_net.get(key, ZERO), before_tax.get(key, ZERO)
        now = row.net - had_net if nets is None else nets.get(key)
        if now is None:
            continue
        now = require_minor(now, currency, field="credit")
        so_far = row.tax if had_net + now == row.net else vat_of(had_net + now, row.percent, currency)
        rows.append(TaxRow(row.category, row.percent, now, so_far - had_tax, row.ground))
    return Totals(tuple(rows))
