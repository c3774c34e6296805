"""What changes from one version of a tariff to the next, in words: before -> after."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from contracts.rules.tariff_text import described_limits, described_prices


@dataclass(frozen=True, slots=True)
class PriceChange:
    """One part of the price before and after; empty where there was or is none."""

    before: str
    after: str


def price_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> tuple[PriceChange, ...]:
    """The parts that differ, in the order of the new document, then those that are gone. Nothing if all is as it was.

    A part is the same part when it is of the same kind under the same conditions; `before` None is a first version.
    """
    old = _parts(before) if before is not None else {}
    new = _parts(after)
    changed = [PriceChange("; ".join(old.get(key, ())), "; ".join(lines)) for key, lines in new.items()]
    changed += [PriceChange("; ".join(lines), "") for key, lines in old.items() if key not in new]
    found = tuple(each for each in changed if each.before != each.after)
    if before is not None and _order(before, new) != _order(after, old):
        found = (*found, PriceChange(_("the order of the prices"), _("another one: the first price that fits counts")))
    return found


def _order(document: Mapping[str, Any], other: Mapping[tuple[str, str], Any]) -> list[tuple[str, str]]:
    """The parts that both documents have, in the order of this one."""
    return [key for key in _parts(document) if key in other]


def _parts(document: Mapping[str, Any]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for dimension, conditions, text in described_prices(document):
        found[dimension, conditions].append(text)
    for key, text in described_limits(document):
        found[key, ""].append(text)
    return dict(found)
