"""What was paid in advance, taken off the documents of the supply (the rules: rules/advances.py)."""

from collections.abc import Sequence

from django.utils.translation import gettext as _

from contracts.models import Contract
from evbilling.kernel.money import add, quantise
from invoicing.models import LineKind
from invoicing.operations.writing import NewLine
from invoicing.queries.advances import advances_of
from invoicing.rules.advances import Key, Use, set_off, used_by
from invoicing.rules.tax import Tax


def advance_used_lines(members: Sequence[Contract], lines: Sequence[NewLine]) -> list[NewLine]:
    """The lines that set paid advances of these contracts off against a month's documents, part by part, each at the
    tax of the advance and never more than the document charges there. One query where there are no advances.

    The caller holds the contracts' rows, so that no two documents use the same money.
    """
    with_tax = any(line.gross is not None for line in lines)
    advances = advances_of([member.pk for member in members], with_tax=with_tax)
    currency = members[0].currency
    found = []
    for part in sorted({line.part for line in lines}) if advances else ():
        of_part = [line for line in lines if line.part == part]
        taxes: dict[Key, Tax] = {(line.tax.category, line.tax.percent): line.tax for line in of_part}
        charged = {
            key: add(
                quantise(line.amount, currency) for line in of_part if (line.tax.category, line.tax.percent) == key
            )
            for key in taxes
        }
        for use in set_off(charged, advances, currency):
            found.append(_line(use, taxes[use.advance.key], part))
            advances = [used_by(each, use) for each in advances]
    return found


def _line(use: Use, tax: Tax, part: str) -> NewLine:
    advance = use.advance
    return NewLine(
        kind=LineKind.ADVANCE_USED,
        group="",
        text=_("Advance payment %(number)s set off") % {"number": advance.number},
        tax=tax,
        net=-use.net,
        gross=-use.amount if advance.with_tax else None,
        because={"advance": advance.number, "net": use.net},
        contract_id=advance.contract_id,
        part=part,
        advance_id=advance.line_id,
    )
