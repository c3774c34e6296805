"""Advance payments: money before the supply, set off against the documents of the supply. Pure.

Only what is paid of an advance is set off, per category and rate of tax: never more than the document charges there. So
a document lists its supply in full, takes off what was invoiced and paid before at the same tax, and charges the rest.
Amounts are those that lead on the contract's documents: net, or gross where its prices include tax.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from evbilling.kernel.money import ZERO, split_gross
from invoicing.rules.tax import Category

Key = tuple[Category, Decimal]
"""What an advance and the supply must share: tax category and rate in percent."""


@dataclass(frozen=True, slots=True)
class Advance:
    """An advance invoice: its totals, what of it is paid (with tax), and the amount and net that documents use of it.

    `line_id` and `contract_id` are those of its only line; `with_tax` says whether the gross leads.
    """

    line_id: int
    contract_id: int
    number: str
    key: Key
    net: Decimal
    gross: Decimal
    paid: Decimal
    used: Decimal
    used_net: Decimal
    with_tax: bool = False

    @property
    def total(self) -> Decimal:
        """Its amount in the basis that leads."""
        return self.gross if self.with_tax else self.net

    def free(self, currency: str) -> Decimal:
        """What may be set off now: paid, and used by no document yet."""
        if self.paid >= self.gross:
            covered = self.total
        elif self.with_tax:
            covered = self.paid
        else:
            covered = min(split_gross(self.paid, self.key[1], currency)[0], self.net)
        return max(covered - self.used, ZERO)

    def net_of(self, amount: Decimal, currency: str) -> Decimal:
        """The net of the advance that using `amount` of it takes; the last use takes all that is left of its net."""
        if self.used + amount == self.total:
            return self.net - self.used_net
        net = split_gross(amount, self.key[1], currency)[0] if self.with_tax else amount
        return min(net, self.net - self.used_net)


@dataclass(frozen=True, slots=True)
class Use:
    """So much of an advance on a document, positive; `net` is what leaves the advances received in the ledger."""

    advance: Advance
    amount: Decimal
    net: Decimal


def set_off(charged: Mapping[Key, Decimal], advances: Iterable[Advance], currency: str) -> list[Use]:
    """What a document that charges so much per tax uses of these advances, in their order."""
    room = dict(charged)
    found = []
    for advance in advances:
        amount = min(advance.free(currency), room.get(advance.key, ZERO))
        if amount > ZERO:
            room[advance.key] -= amount
            found.append(Use(advance, amount, advance.net_of(amount, currency)))
    return found


def used_by(advance: Advance, use: Use) -> Advance:
    """The advance after this use, if it is one of it."""
    if use.advance.line_id != advance.line_id:
        return advance
    return replace(advance, used=advance.used + use.amount, used_net=advance.used_net + use.net)
