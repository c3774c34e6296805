"""Reads of contracts: who pays, under which terms, at which tariff; who hosts, who sponsors, who gets the mail.

Each answer comes twice: as a function with its own queries, for one session or screen, and from a book (PriceBook,
TermsBook), which loads the terms once and answers a million times. Both decide by contracts.rules.matching.
"""

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Q, QuerySet

from contracts.models import (
    Contact,
    ContactRole,
    Contract,
    ContractKind,
    ContractState,
    ContractTerm,
    ContractVersion,
    CostCentre,
    Operator,
    Party,
    SponsoredVehicle,
    TariffAssignment,
    TariffState,
    TariffVersion,
    TokenAssignment,
    VersionState,
)
from contracts.rules import terms as term_rules
from contracts.rules.matching import NO_CONTRACT, Candidate, Days, TariffRule, find_payer, find_sponsors, find_tariff
from contracts.rules.shares import SponsorTerms
from evbilling.kernel.clock import Period, local_date

IN_FORCE = (ContractState.ACTIVE, ContractState.SUSPENDED, ContractState.ENDED)
"""States in which a contract binds on its dates: a suspended one still owes, an ended one until its last day."""
PAYING_KINDS = (ContractKind.CHARGING, ContractKind.ROAMING)


@dataclass(frozen=True, slots=True)
class PayerMatch:
    """The contract that pays for a session and the cost centre it goes to; or the problem, a reason for a hold."""

    contract: Contract | None
    cost_centre: CostCentre | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SponsorMatch:
    """Who pays part of a vehicle's sessions: under which version of which contract, and what it says."""

    contract: Contract
    contract_version: ContractVersion
    terms: SponsorTerms

    @property
    def percent(self) -> Decimal:
        """Percent of the net price that the sponsor pays of what it covers."""
        return self.terms.percent


@dataclass
class Timeline[K: (dt.date, dt.datetime), V]:
    """Values that hold from a key on until the next key."""

    starts: list[K] = field(default_factory=list)
    values: list[V] = field(default_factory=list)

    def add(self, start: K, value: V) -> None:
        """Add the next one; starts come in rising order."""
        self.starts.append(start)
        self.values.append(value)

    def at(self, key: K) -> V | None:
        """The value that holds at the key, None before the first."""
        index = bisect_right(self.starts, key)
        return self.values[index - 1] if index else None


def versions_of(contract: Contract) -> Timeline[dt.date, ContractVersion]:
    """The approved versions of a contract by their first days, so that many days are asked about in one query."""
    found: Timeline[dt.date, ContractVersion] = Timeline()
    approved = contract.versions.filter(state=VersionState.APPROVED).prefetch_related("revenue_shares__site")
    for version in approved.order_by("valid_from"):
        found.add(version.valid_from, version)
    return found


def versions_of_all(contract_ids: Iterable[int], *loaded: str) -> dict[int, Timeline[dt.date, ContractVersion]]:
    """The same of several contracts, by contract; of those that have any. One query, and one for each of the relations
    that are `loaded` with them.
    """
    found: dict[int, Timeline[dt.date, ContractVersion]] = defaultdict(Timeline)
    approved = ContractVersion.objects.filter(contract__in=contract_ids, state=VersionState.APPROVED)
    for version in approved.prefetch_related(*loaded).order_by("contract_id", "valid_from"):
        found[version.contract_id].add(version.valid_from, version)
    return dict(found)


def version_on(contract: Contract, on: dt.date) -> ContractVersion | None:
    """The terms in force on a local date: the latest approved version that began by then."""
    return contract.versions.filter(state=VersionState.APPROVED, valid_from__lte=on).order_by("-valid_from").first()


def terms_of(contract_version: ContractVersion) -> tuple[term_rules.Term, ...]:
    """The terms beyond the tariff that a version states, in the order in which they act; one query, or none where its
    terms are loaded.
    """
    return _parsed(contract_version.terms.all())


def _parsed(rows: Iterable[ContractTerm]) -> tuple[term_rules.Term, ...]:
    ordered = sorted(rows, key=lambda row: (term_rules.ORDER.index(row.kind), row.position))
    return tuple(term_rules.parse(row.kind, row.figures) for row in ordered)


def payer_of(
    token_id: int | None, site_id: int | None, at: dt.datetime, *, operator_id: int | None = None
) -> PayerMatch:
    """The contract that pays for a charge by this token at this site and instant (DOMAIN: token + site + instant).

    A contract naming the site beats one for all sites; two equally good ones are "ambiguous", none is "no_contract".
    """
    if token_id is None:
        return PayerMatch(None, None, NO_CONTRACT)
    assignments = list(
        _token_assignments(operator_id)
        .filter(token_id=token_id)
        .select_related("contract__operator", "contract__party", "cost_centre")
    )
    sites = _sites_of([assignment.contract_id for assignment in assignments])
    verdict = find_payer([_candidate(each, each.contract, sites) for each in assignments], site_id, at)
    if verdict.candidate is None:
        return PayerMatch(None, None, verdict.problem)
    paying = next(each for each in assignments if each.pk == verdict.candidate.joined_id)
    return PayerMatch(paying.contract, paying.cost_centre)


def tariff_version_for(
    contract_version: ContractVersion, site_id: int | None, power_w: int | None, at: dt.datetime
) -> TariffVersion | None:
    """The released tariff version that prices a session: the assignment of the highest priority that fits decides.

    None where no assignment fits, or where that tariff has no released version at the instant: a lower assignment
    never steps in for a price that was not released.
    """
    rule = find_tariff([_rule(each) for each in contract_version.tariff_assignments.all()], site_id, power_w)
    if rule is None:
        return None
    released = TariffVersion.objects.filter(tariff_id=rule.tariff_id, state=TariffState.RELEASED, valid_from__lte=at)
    return released.select_related("tariff").order_by("-valid_from").first()


def sponsor_of(vehicle_id: int | None, at: dt.datetime, *, site_id: int | None = None) -> SponsorMatch | None:
    """The sponsorship that pays part of this vehicle's sessions at an instant, or None."""
    if vehicle_id is None:
        return None
    joined = list(
        SponsoredVehicle.objects.filter(
            vehicle_id=vehicle_id, contract__kind=ContractKind.SPONSORSHIP, contract__state__in=IN_FORCE
        ).select_related("contract__operator", "contract__party")
    )
    contracts = {each.contract_id: each.contract for each in joined}
    sites = _sites_of(list(contracts))
    for candidate in find_sponsors([_candidate(each, each.contract, sites) for each in joined], site_id, at):
        contract = contracts[candidate.contract_id]
        version = version_on(contract, local_date(at, contract.zone))
        if version is not None and hasattr(version, "sponsorship"):
            return SponsorMatch(contract, version, version.sponsorship.terms)
    return None


def hosting_contracts(operator: Operator, period: Period) -> QuerySet[Contract]:
    """Hosting contracts of which at least one day lies in the period."""
    return (
        contracts_in(operator, period)
        .filter(kind=ContractKind.HOSTING)
        .select_related("party", "operator")
        .prefetch_related("sites")
    )


def contracts_in(operator: Operator, period: Period) -> QuerySet[Contract]:
    """Contracts of an operator that bind on at least one day of the period."""
    holds = Q(ends_on__isnull=True) | Q(ends_on__gt=period.start)
    return Contract.objects.filter(holds, operator=operator, state__in=IN_FORCE, starts_on__lt=period.end)


def accountant_emails(party: Party) -> list[str]:
    """Addresses that receive a party's documents, in the order of their letters, each once."""
    contacts = Contact.objects.filter(party=party, role=ContactRole.ACCOUNTANT)
    return sorted(set(contacts.values_list("email", flat=True)))


def parties_of(user: Any) -> QuerySet[Party]:
    """The parties for which a user acts in the portal (I20: all that the user sees follows from it)."""
    if user is None or not getattr(user, "is_authenticated", False):
        return Party.objects.none()
    return Party.objects.filter(pk__in=user.memberships.filter(active=True).values("party"))


def role_in(user: Any, party_id: int) -> str:
    """The role in which a user acts for that party, whichever company he looks at now; empty where he does not."""
    if user is None or not getattr(user, "is_authenticated", False):
        return ""
    roles = user.memberships.filter(active=True, party=party_id).values_list("role", flat=True)
    return str(roles.first() or "")


def _token_assignments(operator_id: int | None) -> QuerySet[TokenAssignment]:
    rows = TokenAssignment.objects.filter(contract__kind__in=PAYING_KINDS, contract__state__in=IN_FORCE)
    return rows if operator_id is None else rows.filter(contract__operator_id=operator_id)


def _sites_of(contract_ids: Collection[int] | QuerySet[Any, Any]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    rows = Contract.sites.through.objects.filter(contract_id__in=contract_ids)
    for contract_id, site_id in rows.values_list("contract_id", "site_id"):
        found[contract_id].add(site_id)
    return {key: frozenset(value) for key, value in found.items()}


def _candidate(
    joined: TokenAssignment | SponsoredVehicle, contract: Contract, sites: dict[int, frozenset[int]]
) -> Candidate:
    return Candidate(
        contract_id=contract.pk,
        zone=contract.zone,
        days=Days(contract.starts_on, contract.ends_on),
        sites=sites.get(contract.pk, frozenset()),
        joined=Days(joined.valid_from, joined.valid_to),
        joined_id=joined.pk,
    )


def _rule(assignment: TariffAssignment) -> TariffRule:
    return TariffRule(
        tariff_id=assignment.tariff_id,
        priority=assignment.priority,
        site_id=assignment.site_id,
        min_power_w=assignment.min_power_w,
        max_power_w=assignment.max_power_w,
    )


class PriceBook:
    """The terms under which sessions of some contracts are priced, loaded once in five queries; answers from memory.

    A snapshot: a change of terms after loading is not seen, so make one per batch. It holds the contracts, every
    approved version of theirs, and every released version of the tariffs that those name.
    """

    def __init__(self, contracts: QuerySet[Contract]) -> None:
        contracts = contracts.filter(state__in=IN_FORCE)
        self.contracts: dict[int, Contract] = {
            contract.pk: contract for contract in contracts.select_related("operator", "party")
        }
        self._load_versions(contracts)
        self._load_tariffs()

    def _load_versions(self, contracts: QuerySet[Contract]) -> None:
        versions = ContractVersion.objects.filter(state=VersionState.APPROVED, contract__in=contracts.values("pk"))
        self._versions: dict[int, Timeline[dt.date, ContractVersion]] = defaultdict(Timeline)
        self._loaded: set[int] = set()
        ordered = versions.select_related("sponsorship").order_by("contract_id", "valid_from")
        for version in ordered:
            version.contract = self.contracts[version.contract_id]
            self._versions[version.contract_id].add(version.valid_from, version)
            self._loaded.add(version.pk)
        self._rules: dict[int, list[TariffRule]] = defaultdict(list)
        for assignment in TariffAssignment.objects.filter(version__in=versions.values("pk")):
            self._rules[assignment.version_id].append(_rule(assignment))
        self._term_rows: dict[int, list[ContractTerm]] = defaultdict(list)
        for row in ContractTerm.objects.filter(version__in=versions.values("pk")):
            self._term_rows[row.version_id].append(row)
        self._terms: dict[int, tuple[term_rules.Term, ...]] = {}

    def _load_tariffs(self) -> None:
        used = {rule.tariff_id for rules in self._rules.values() for rule in rules}
        released = TariffVersion.objects.filter(state=TariffState.RELEASED, tariff__in=used).select_related("tariff")
        self._tariffs: dict[int, Timeline[dt.datetime, TariffVersion]] = defaultdict(Timeline)
        for version in released.order_by("tariff_id", "valid_from"):
            self._tariffs[version.tariff_id].add(version.valid_from, version)

    def version_on(self, contract: Contract, on: dt.date) -> ContractVersion | None:
        """As the function of the same name; None also for a contract that is not in force."""
        timeline = self._versions.get(contract.pk)
        return timeline.at(on) if timeline else None

    def terms_of(self, contract_version: ContractVersion) -> tuple[term_rules.Term, ...]:
        """As the function of the same name; read once a version, from the database where the snapshot lacks it."""
        if contract_version.pk not in self._terms:
            known = contract_version.pk in self._loaded
            rows = self._term_rows.get(contract_version.pk, ()) if known else contract_version.terms.all()
            self._terms[contract_version.pk] = _parsed(rows)
        return self._terms[contract_version.pk]

    def tariff_version_for(
        self, contract_version: ContractVersion, site_id: int | None, power_w: int | None, at: dt.datetime
    ) -> TariffVersion | None:
        """As the function of the same name."""
        rule = find_tariff(self._rules.get(contract_version.pk, ()), site_id, power_w)
        timeline = self._tariffs.get(rule.tariff_id) if rule else None
        return timeline.at(at) if timeline else None


class TermsBook(PriceBook):
    """The terms in force of an operator (None: of all): beside prices, who pays for a token and sponsors a vehicle.

    A snapshot too; it holds one row per token assignment and sponsored vehicle.
    """

    def __init__(self, operator_id: int | None = None) -> None:
        contracts = Contract.objects.all() if operator_id is None else Contract.objects.filter(operator=operator_id)
        super().__init__(contracts)
        self._sites = _sites_of(contracts.filter(state__in=IN_FORCE).values("pk"))
        self._load_tokens(operator_id)
        self._load_sponsored()

    def _load_tokens(self, operator_id: int | None) -> None:
        self._by_token: dict[int, list[Candidate]] = defaultdict(list)
        self._cost_centre_of: dict[int, int] = {}
        for assignment in _token_assignments(operator_id).order_by("pk").iterator(chunk_size=5000):
            contract = self.contracts[assignment.contract_id]
            self._by_token[assignment.token_id].append(_candidate(assignment, contract, self._sites))
            if assignment.cost_centre_id is not None:
                self._cost_centre_of[assignment.pk] = assignment.cost_centre_id
        owners = Contract.objects.filter(state__in=IN_FORCE).values("party")
        self._cost_centres = {each.pk: each for each in CostCentre.objects.filter(party__in=owners)}

    def _load_sponsored(self) -> None:
        self._by_vehicle: dict[int, list[Candidate]] = defaultdict(list)
        joined = SponsoredVehicle.objects.filter(contract__kind=ContractKind.SPONSORSHIP).order_by("pk")
        for each in joined.iterator(chunk_size=5000):
            if each.contract_id in self.contracts:
                contract = self.contracts[each.contract_id]
                self._by_vehicle[each.vehicle_id].append(_candidate(each, contract, self._sites))

    def payer_of(self, token_id: int | None, site_id: int | None, at: dt.datetime) -> PayerMatch:
        """As the function of the same name."""
        verdict = find_payer(self._by_token.get(token_id, ()) if token_id is not None else (), site_id, at)
        if verdict.candidate is None:
            return PayerMatch(None, None, verdict.problem or NO_CONTRACT)
        cost_centre = self._cost_centre_of.get(verdict.candidate.joined_id)
        return PayerMatch(
            self.contracts[verdict.candidate.contract_id],
            self._cost_centres[cost_centre] if cost_centre is not None else None,
        )

    def sponsor_of(self, vehicle_id: int | None, at: dt.datetime, *, site_id: int | None = None) -> SponsorMatch | None:
        """As the function of the same name."""
        candidates = self._by_vehicle.get(vehicle_id, ()) if vehicle_id is not None else ()
        for candidate in find_sponsors(candidates, site_id, at):
            contract = self.contracts[candidate.contract_id]
            version = self.version_on(contract, local_date(at, contract.zone))
            if version is not None and hasattr(version, "sponsorship"):
                return SponsorMatch(contract, version, version.sponsorship.terms)
        return None
