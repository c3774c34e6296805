"""A month's lines put on its documents: one, or one per cost centre or purchase order (the rules: rules/parts.py)."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from contracts.models import Contract, ContractKind, ContractVersion, CostCentre, DocumentSplit
from evbilling.kernel.money import ZERO, add, quantise
from invoicing.operations.writing import NewLine
from invoicing.queries.charges import ChargeRow
from invoicing.rules.parts import divided, largest_part, main_part
from invoicing.rules.totals import totals_of


def is_split(contract: Contract, version: ContractVersion) -> bool:
    """Whether the contract's month is several documents; that of a group never is, nor a sponsor's, who sees no cost
    centres of his customers.
    """
    return (
        contract.billing_group_id is None
        and contract.kind == ContractKind.CHARGING
        and version.split_documents_by != DocumentSplit.NONE
    )


def part_of(contract: Contract, version: ContractVersion, row: ChargeRow) -> str:
    """The key of the document that a charge belongs to; empty where the month is one document."""
    if not is_split(contract, version):
        return ""
    if version.split_documents_by == DocumentSplit.PURCHASE_ORDER:
        return row.purchase_order or contract.purchase_order
    return row.cost_centre_code


def gross_of(lines: Sequence[NewLine], currency: str) -> Decimal:
    """What a document of these lines comes to, tax included."""
    if any(line.gross is not None for line in lines):
        return add(quantise(line.amount, currency) for line in lines)
    return totals_of([(line.tax, quantise(line.net, currency)) for line in lines], currency).gross


def in_parts(lines: Iterable[NewLine], currency: str) -> list[NewLine]:
    """The lines with their parts: sessions keep their own, what lowers the month is divided, the rest is the main
    part's. A divided line keeps in its because what the `whole` was.
    """
    lines = list(lines)
    parts = {line.part for line in lines if line.uses}
    if parts <= {""}:
        return lines
    main = main_part(parts)
    room: dict[object, dict[str, Decimal]] = {}
    for line in lines:
        if line.uses:
            of_tax = room.setdefault(line.tax, {})
            of_tax[line.part] = of_tax.get(line.part, ZERO) + quantise(line.amount, currency)
    found = []
    for line in lines:
        if line.uses:
            found.append(line)
        elif quantise(line.amount, currency) < ZERO and line.penalty_id is None:
            found += _divided(line, room.get(line.tax, {}), main, currency)
        else:
            found.append(replace(line, part=main))
    return found


def _divided(line: NewLine, room: dict[str, Decimal], main: str, currency: str) -> list[NewLine]:
    shares = divided(quantise(line.amount, currency), room, currency)
    if not shares:
        return [replace(line, part=main)]
    nets = shares if line.gross is None else divided(line.net, room, currency)
    found = []
    for part, share in shares.items():
        room[part] += share
        found.append(
            replace(
                line,
                part=part,
                net=nets.get(part, ZERO),
                gross=None if line.gross is None else share,
                because={**line.because, "whole": line.amount},
            )
        )
    return found


def part_with_most(lines: Iterable[NewLine], currency: str) -> str:
    """The part on which a credit finds most room."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        sums[line.part] = sums.get(line.part, ZERO) + quantise(line.amount, currency)
    return largest_part(sums)


def purchase_order_of(contract: Contract, version: ContractVersion, part: str) -> str:
    """The purchase order that a part's document names: the part's own, its cost centre's, else the contract's."""
    if part and version.split_documents_by == DocumentSplit.PURCHASE_ORDER:
        return part
    if part and version.split_documents_by == DocumentSplit.COST_CENTRE:
        centre = CostCentre.objects.filter(party=contract.party, code=part).first()
        if centre is not None and centre.purchase_order:
            return centre.purchase_order
    return contract.purchase_order
