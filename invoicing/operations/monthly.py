"""The lines that a contract's monthly terms make on its document (the rules: invoicing/rules/monthly_terms.py).

The document's own month and the months of sessions that came late are reckoned over all their sessions that stand on
documents; what earlier documents granted is taken off. Terms are those of the version in force on the month's last day.
Base fees and a shortfall belong to the month's own document; where its run made none (it was carried over, or failed),
the next document charges them, once. When their document was credited they are not charged again by themselves, like
its sessions. A late session may change a shortfall that was charged.

All amounts are in the contract's price basis: where its prices include tax, so do its base fees, its commitment and
what discounts take off.

A fee without a place is taxed where the contract's first site is, else at the customer's address, at the month's end.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

from contracts.models import ContractVersion
from contracts.queries import Timeline, terms_of, versions_of
from contracts.rules.terms import (
    BaseFee,
    GraduatedDiscount,
    IncludedEnergy,
    Term,
    VolumeDiscount,
)
from evbilling.kernel.clock import Period, month_of, parse_month
from evbilling.kernel.money import ZERO, add
from invoicing.models import LineKind
from invoicing.operations.tax_ids import require_tax_id
from invoicing.operations.writing import Drafting, NewLine
from invoicing.queries.monthly import (
    MONTHLY_TERMS,
    Documents,
    Granted,
    days_of,
    earlier_documents,
    granted_so_far,
    has_monthly_terms,
    month_charges,
    months_waiting,
    months_without_fees,
    vehicles_under,
)
from invoicing.queries.taxes import fee_country, fee_place
from invoicing.rules.monthly_terms import (
    COMMITMENT,
    Allowance,
    Difference,
    Fee,
    MonthFacts,
    base_fees,
    differences,
    month_allowances,
    shortfall_of,
)
from invoicing.rules.monthly_words import because_text, line_text
from invoicing.rules.tax import Place, Tax, Treatment, supply_tax

_ENERGY_TERMS = (IncludedEnergy, GraduatedDiscount, VolumeDiscount)


def monthly_lines(drafting: Drafting) -> list[NewLine]:
    """Allowances of the document's month and of late ones, its base fees, shortfalls; none without such terms.

    Raises MissingTaxRate, MissingCustomerTaxId where a fee cannot be taxed.
    """
    if not has_monthly_terms(drafting.contract):
        return []
    return _MonthlyLines(drafting).lines()


class _MonthlyLines:
    """One document's monthly lines in the making; queries are made once."""

    def __init__(self, drafting: Drafting) -> None:
        self.drafting = drafting
        self.contract = drafting.contract
        self.own = month_of(drafting.period.start)
        self.documents: Documents = earlier_documents(self.contract)
        self.granted = granted_so_far(self.contract, with_tax=drafting.with_tax)
        self.versions: Timeline[dt.date, ContractVersion] = versions_of(self.contract)
        self.skipped = months_without_fees(self.contract, self.documents, self.own)
        self.months = self._months()
        self.terms = self._terms()
        self.due = self._due()
        self.room = drafting.charged()
        self.facts = self._facts()

    def _months(self) -> list[Period]:
        """The document's month, then those with late sessions, with something left to grant, or without a document."""
        until = self.drafting.period.instants(self.contract.zone)[1]
        late = months_waiting(self.contract, until)
        late |= {parse_month(code) for code, granted in self.granted.items() if granted.waiting}
        return [self.own, *sorted((late | self.skipped) - {self.own}, key=lambda month: month.start)]

    def _due(self) -> set[Period]:
        """The months whose fees this document charges."""
        own = {self.own} if self.own.start not in self.documents.any else set()
        return {month for month in own | self.skipped if self.terms[month]}

    def _terms(self) -> dict[Period, tuple[Term, ...]]:
        known: dict[int, tuple[Term, ...]] = {}
        found = {}
        for month in self.months:
            version = self._version(month)
            if version.pk not in known:
                known[version.pk] = tuple(term for term in terms_of(version) if isinstance(term, MONTHLY_TERMS))
            found[month] = known[version.pk]
        return found

    def _version(self, month: Period) -> ContractVersion:
        return self.versions.at(month.last_day) or self.drafting.version

    def _facts(self) -> dict[Period, MonthFacts]:
        drafted = {charge_id: line.tax for line in self.drafting.lines for charge_id, _use in line.uses}
        months = [month for month in self.months if self.terms[month]]
        energy = any(isinstance(term, _ENERGY_TERMS) for month in months for term in self.terms[month])
        charges, sites = month_charges(self.contract, months, drafted, energy=energy, with_tax=self.drafting.with_tax)
        per = {month: {term.per for term in self.terms[month] if isinstance(term, BaseFee)} for month in self.due}
        named = self.contract.sites.count() if any("site" in each for each in per.values()) else 0
        return {
            month: MonthFacts(
                charges=tuple(charges.get(month, ())),
                currency=self.contract.currency,
                contract_days=days_of(self.contract, month),
                month_days=(month.end - month.start).days,
                vehicles=vehicles_under(self.contract, month) if "vehicle" in per.get(month, ()) else 0,
                sites=named or len(sites.get(month, ())),
            )
            for month in months
        }

    def lines(self) -> list[NewLine]:
        """All of them, in the documented order."""
        allowed: dict[Period, tuple[Allowance, ...]] = {}
        found: list[NewLine] = []
        for month, facts in self.facts.items():
            allowed[month] = month_allowances(self.terms[month], facts)
            found += self._allowance_lines(month, allowed[month])
        fees = {month: base_fees(self.terms[month], facts) for month, facts in self.facts.items() if month in self.due}
        found += [
            self._fee_line(LineKind.BASE_FEE, month, fee, fee.net)
            for month, of_month in fees.items()
            for fee in of_month
        ]
        for line in found:
            if line.kind == LineKind.BASE_FEE:
                self.room[line.tax] = self.room.get(line.tax, ZERO) + line.amount
        for month, facts in self.facts.items():
            if month in self.due or month.start in self.documents.live:
                billed = add(fee.net for fee in fees[month]) if month in fees else self._before(month).base_fees
                owed = add(facts.nets().values()) - add(each.net for each in allowed[month]) + billed
                fee = shortfall_of(self.terms[month], facts, owed)
                if fee is not None:
                    found += self._shortfall_lines(month, fee)
        return found

    def _before(self, month: Period) -> Granted:
        return self.granted.get(month.code, Granted())

    def _allowance_lines(self, month: Period, allowances: Iterable[Allowance]) -> list[NewLine]:
        now = {(each.term, tax): net for each in allowances for tax, net in each.nets.items()}
        because: Mapping[str, dict[str, Any]] = {each.term: each.because for each in allowances}
        before = self._before(month).allowances
        return [
            self._line(
                LineKind.ALLOWANCE,
                line_text(each.term, month, late=month != self.own),
                each.tax,
                -each.net,
                self._because(
                    each,
                    month,
                    because.get(each.term, {}),
                    now.get((each.term, each.tax), ZERO),
                    before.get((each.term, each.tax)),
                ),
            )
            for each in differences(now, before, self.room)
        ]

    def _line(self, kind: LineKind, text: str, tax: Tax, amount: Decimal, because: Mapping[str, Any]) -> NewLine:
        """A line of this amount, which like all amounts of the terms is in the contract's price basis."""
        net, gross = self.drafting.priced(amount, tax)
        return NewLine(kind=kind, group="", text=text, tax=tax, net=net, gross=gross, because=because)

    def _shortfall_lines(self, month: Period, fee: Fee) -> list[NewLine]:
        """What is charged beyond what was; less than before is given back, as far as the document has room."""
        before = self._before(month).shortfall
        change = fee.net - add(before.values())
        if change > 0:
            return [self._fee_line(LineKind.SHORTFALL, month, fee, change, add(before.values()) if before else None)]
        lines = []
        for tax, charged in before.items():
            given = min(-change, charged)
            change += given
            net = min(given, max(self.room.get(tax, ZERO), ZERO))
            self.room[tax] = self.room.get(tax, ZERO) - net
            if given:
                each = Difference(COMMITMENT, tax, net, given - net)
                lines.append(
                    self._line(
                        LineKind.SHORTFALL,
                        line_text(COMMITMENT, month, late=True),
                        tax,
                        -net,
                        self._because(each, month, fee.because, charged - given, charged),
                    )
                )
        return lines

    def _because(
        self, each: Difference, month: Period, because: Mapping[str, Any], total: Decimal, before: Decimal | None
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"term": each.term, "month": month.code, **because, "total": total}
        if before is not None:
            found["before"] = before
        if each.left > 0:
            found["left"] = each.left
        return found | self._said(each.term, found if because else {})

    def _fee_line(
        self, kind: LineKind, month: Period, fee: Fee, net: Decimal, before: Decimal | None = None
    ) -> NewLine:
        because: dict[str, Any] = {"term": fee.term, "month": month.code, **fee.because, "total": fee.net}
        if before is not None:
            because["before"] = before
        text = line_text(fee.term, month, late=month != self.own)
        return self._line(kind, text, self._fee_tax(month), net, because | self._said(fee.term, because))

    def _said(self, term: str, because: Mapping[str, Any]) -> dict[str, str]:
        return {"sentence": because_text(term, because, self.contract.currency)} if because else {}

    @cached_property
    def _place(self) -> Place:
        return fee_place(self.contract)

    @cached_property
    def _country(self) -> str:
        return fee_country(self.contract)

    def _fee_tax(self, month: Period) -> Tax:
        treatment = Treatment(self._version(month).tax_treatment)
        require_tax_id(treatment, self.contract, self._country)
        return supply_tax(treatment, None, self._place, month.last_day, self.drafting.table)
