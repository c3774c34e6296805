"""What every penalty's rule returns."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from evbilling.kernel.money import ZERO

type Because = Mapping[str, object]
"""JSON data: numbers as plain decimal strings or integers, days and instants as ISO texts."""


@dataclass(frozen=True, slots=True)
class Fee:
    """An amount in the contract's currency, rounded once, and how it came about. Zero: nothing is due."""

    amount: Decimal
    because: Because

    @property
    def is_due(self) -> bool:
        """Whether there is anything to bill."""
        return self.amount > ZERO


def text(number: Decimal | None) -> str | None:
    """A number as the because keeps it, without needless zeros; None stays None."""
    if number is None:
        return None
    plain = f"{number:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain
