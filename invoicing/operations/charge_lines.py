"""The lines of a contract's session charges: each charge with its group, text and tax, summed per line."""

import datetime as dt
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from contracts.models import Contract, ContractKind, ContractVersion, LineGrouping, PriceBasis
from contracts.queries import Timeline, versions_of
from evbilling.kernel.clock import Period, local_date
from evbilling.kernel.errors import MoneyError
from invoicing.models import ChargeUse, LineKind
from invoicing.operations.splitting import part_of
from invoicing.operations.tax_ids import require_tax_id
from invoicing.operations.writing import NewLine, net_and_gross
from invoicing.queries.charges import ChargeRow, charge_rows, unbilled_charges
from invoicing.rules.basis import Charged, billed_amount
from invoicing.rules.lines import ChargeFact, group_charges
from invoicing.rules.tax import Place, Tax, TaxTable, Treatment, supply_tax
from sessions.operations.charges import split_charges
from sessions.queries import billable_sessions


def charge_lines(
    contract: Contract, version: ContractVersion, period: Period, table: TaxTable, at: dt.datetime
) -> list[NewLine]:
    """The lines of all charges of a payer that no document bills yet, of sessions ended before the period's end.

    A customer's sessions are split with their sponsors first. What was priced in the other basis than this contract's
    is billed in its own (rules/basis.py). Constant queries. Raises MissingTaxRate, MissingCustomerTaxId,
    WrongCustomerTaxId, TooManyLines, MoneyError, WrongState.
    """
    until = period.instants(contract.zone)[1]
    if contract.kind == ContractKind.CHARGING:
        split_charges(billable_sessions(contract, until), at=at)
    rows = list(charge_rows(unbilled_charges(contract, until)))
    return lines_of_rows(contract, version, rows, table, versions_of(contract)) if rows else []


def lines_of_rows(
    contract: Contract,
    version: ContractVersion,
    rows: Sequence[ChargeRow],
    table: TaxTable,
    terms: Timeline[dt.date, ContractVersion],
) -> list[NewLine]:
    """The lines of these charges of a payer, whose versions `terms` are; no queries. Raises as charge_lines does."""
    kind = _kind(contract)
    facts: dict[str, list[ChargeFact]] = {}
    for row, fact in zip(rows, _facts(contract, version, rows, table, terms), strict=True):
        facts.setdefault(part_of(contract, version, row), []).append(fact)
    engines = frozenset(row.engine for row in rows)
    lines = [
        (part, line)
        for part, of_part in sorted(facts.items())
        for line in group_charges(of_part, several=_text(kind, _("several places")))
    ]
    found = []
    for part, line in lines:
        net, gross = net_and_gross(line.amount, line.tax, contract.currency, with_tax=_with_tax(version))
        found.append(
            NewLine(
                kind=kind,
                group=line.group,
                text=line.text,
                tax=line.tax,
                net=net,
                gross=gross,
                engines=engines,
                session_count=line.session_count,
                energy_wh=line.energy_wh,
                uses=tuple((charge_id, ChargeUse.BILLED) for charge_id in line.charge_ids),
                part=part,
            )
        )
    return found


def _kind(contract: Contract) -> LineKind:
    return LineKind.CHARGING if contract.kind == ContractKind.CHARGING else LineKind.SPONSORED


def _with_tax(version: ContractVersion) -> bool:
    return version.price_basis == PriceBasis.GROSS


def _facts(
    contract: Contract,
    version: ContractVersion,
    rows: Sequence[ChargeRow],
    table: TaxTable,
    terms: Timeline[dt.date, ContractVersion],
) -> Iterable[ChargeFact]:
    kind, with_tax = _kind(contract), _with_tax(version)
    for row in rows:
        treatment = Treatment((terms.at(local_date(row.ended_at, contract.zone)) or version).tax_treatment)
        require_tax_id(treatment, contract, row.country)
        if row.charge_currency != contract.currency:
            raise MoneyError(
                _("Session %(session)s is priced in %(priced)s, but contract %(contract)s bills in %(bills)s.")
                % {
                    "session": row.session_ref,
                    "priced": row.charge_currency,
                    "contract": contract.number,
                    "bills": contract.currency,
                }
            )
        group, text = _labels(contract, version, kind, row)
        tax = _tax(contract, treatment, row, table)
        charged = Charged(row.net, row.gross, row.stated_rate)
        yield ChargeFact(
            charge_id=row.charge_id,
            session_id=row.session_pk,
            session_ref=row.session_ref,
            ended_at=row.ended_at,
            energy_wh=row.energy_wh,
            group=group[:160],
            text=text[:300],
            tax=tax,
            amount=billed_amount(charged, tax, contract.currency, with_tax=with_tax),
        )


def _tax(contract: Contract, treatment: Treatment, row: ChargeRow, table: TaxTable) -> Tax:
    on = local_date(row.ended_at, row.zone or contract.zone)
    return supply_tax(treatment, row.stated_rate, Place(row.country, row.region), on, table)


def _labels(contract: Contract, version: ContractVersion, kind: LineKind, row: ChargeRow) -> tuple[str, str]:
    """Group and text of a charge's line. A sponsor sees vehicles or sites, never its customers' cost centres."""
    site = row.site or _("unknown place")
    if version.group_lines_by == LineGrouping.SITE:
        return site, _text(kind, site)
    if version.group_lines_by == LineGrouping.VEHICLE or contract.kind == ContractKind.SPONSORSHIP:
        return row.vehicle, _text(kind, site)
    return f"{row.cost_centre_code} {row.cost_centre_name}".strip(), _text(kind, site)


def _text(kind: LineKind, place: str) -> str:
    words = _("Charging at %(place)s") if kind == LineKind.CHARGING else _("Sponsored charging at %(place)s")
    return words % {"place": place}
