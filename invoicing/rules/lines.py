"""How session charges become lines: one per group, text and tax, each the sum of its rounded charges.

A session with two tax rates stands on two lines; its count and its energy go to the first of them alone, so that the
document's sums are those of its sessions.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BillingError
from evbilling.kernel.money import ZERO, add
from invoicing.rules.tax import Tax

MOST_LINES = 2_000
"""What a document's first pages can show; beyond it the lines of a group are summed over the places."""


class TooManyLines(BillingError):
    """Even summed up per group, the document has more lines than it can show."""

    code = "too_many_lines"

    def __init__(self, count: int) -> None:
        super().__init__(
            _(
                "The document would have %(count)s lines; at most %(most)s can be shown. "
                "Group its lines by site or cost centre in the contract."
            )
            % {"count": count, "most": MOST_LINES}
        )


@dataclass(frozen=True, slots=True)
class ChargeFact:
    """One session charge as billing sees it. `amount` is rounded, in the document's price basis; energy in Wh."""

    charge_id: int
    session_id: int
    session_ref: str
    ended_at: dt.datetime
    energy_wh: int
    group: str
    text: str
    tax: Tax
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DraftLine:
    """One line to be: its charges in the order of session end, then reference."""

    group: str
    text: str
    tax: Tax
    amount: Decimal
    session_count: int
    energy_wh: int
    charge_ids: tuple[int, ...]


def group_charges(charges: Sequence[ChargeFact], *, several: str) -> list[DraftLine]:
    """Lines in the order of group, text, then falling rate; the same for any order of the charges.

    `several` is the text of a line that had to be summed over several places. Raises TooManyLines.
    """
    lines = _lines(charges)
    if len(lines) > MOST_LINES:
        lines = _lines(charges, several)
    if len(lines) > MOST_LINES:
        raise TooManyLines(len(lines))
    return lines


def _lines(charges: Sequence[ChargeFact], summed_text: str | None = None) -> list[DraftLine]:
    buckets: dict[tuple[str, str, Tax], list[ChargeFact]] = {}
    for charge in sorted(charges, key=lambda charge: (charge.ended_at, charge.session_ref, charge.charge_id)):
        text = charge.text if summed_text is None else summed_text
        buckets.setdefault((charge.group, text, charge.tax), []).append(charge)
    ordered = sorted(buckets.items(), key=lambda item: _position(*item[0]))
    counted: set[int] = set()
    lines = []
    for (group, text, tax), members in ordered:
        energy = {charge.session_id: charge.energy_wh for charge in members if charge.session_id not in counted}
        counted.update(energy)
        lines.append(
            DraftLine(
                group=group,
                text=text,
                tax=tax,
                amount=add(charge.amount for charge in members) or ZERO,
                session_count=len(energy),
                energy_wh=sum(energy.values()),
                charge_ids=tuple(charge.charge_id for charge in members),
            )
        )
    return lines


def _position(group: str, text: str, tax: Tax) -> tuple[bool, str, str, str, str, Decimal, str]:
    """Groups by name, the one without a name last; within it texts by name, then the highest rate first."""
    return not group, group.casefold(), group, text.casefold(), text, -tax.percent, tax.category
