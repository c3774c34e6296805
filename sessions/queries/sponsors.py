"""Who sponsors the vehicles of a batch of sessions: the choice of contracts.rules.matching, loaded for these alone."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from contracts.models import Contract, ContractKind, ContractVersion, SponsoredVehicle, VersionState
from contracts.queries import IN_FORCE
from contracts.rules.matching import Candidate, Days, find_sponsors
from contracts.rules.shares import SponsorTerms
from evbilling.kernel.clock import local_date


@dataclass(frozen=True, slots=True)
class Sponsored:
    """The sponsor's contract, the version in force and what it says."""

    contract: Contract
    version: ContractVersion
    terms: SponsorTerms

    @property
    def percent(self) -> Decimal:
        """Percent of the net price that the sponsor pays of what it covers."""
        return self.terms.percent


class SponsorBook:
    """The sponsors of some vehicles in at most four queries, however many contracts there are.

    TermsBook answers the same for all vehicles of an operator; the month close drafts contract by contract and would
    load it 10,000 times.
    """

    def __init__(self, vehicle_ids: Collection[int]) -> None:
        joined = list(
            SponsoredVehicle.objects.filter(
                vehicle_id__in=vehicle_ids, contract__kind=ContractKind.SPONSORSHIP, contract__state__in=IN_FORCE
            ).select_related("contract__party")
        )
        self._contracts = {each.contract_id: each.contract for each in joined}
        self._candidates: dict[int, list[Candidate]] = defaultdict(list)
        self._versions: dict[int, list[ContractVersion]] = defaultdict(list)
        if not joined:
            return
        sites: dict[int, set[int]] = defaultdict(set)
        through = Contract.sites.through.objects.filter(contract_id__in=self._contracts)
        for contract_id, site_id in through.values_list("contract_id", "site_id"):
            sites[contract_id].add(site_id)
        for each in joined:
            contract = each.contract
            self._candidates[each.vehicle_id].append(
                Candidate(
                    contract_id=contract.pk,
                    zone=contract.zone,
                    days=Days(contract.starts_on, contract.ends_on),
                    sites=frozenset(sites[contract.pk]),
                    joined=Days(each.valid_from, each.valid_to),
                    joined_id=each.pk,
                )
            )
        versions = ContractVersion.objects.filter(contract__in=self._contracts, state=VersionState.APPROVED)
        for version in versions.select_related("sponsorship").order_by("-valid_from"):
            self._versions[version.contract_id].append(version)

    def sponsor_of(self, vehicle_id: int | None, at: dt.datetime, *, site_id: int | None) -> Sponsored | None:
        """Who pays a part of this vehicle's session that started at that instant and site, or None."""
        if vehicle_id is None:
            return None
        for candidate in find_sponsors(self._candidates.get(vehicle_id, ()), site_id, at):
            contract = self._contracts[candidate.contract_id]
            on = local_date(at, contract.zone)
            version = next((each for each in self._versions[contract.pk] if each.valid_from <= on), None)
            if version is not None and hasattr(version, "sponsorship"):
                return Sponsored(contract, version, version.sponsorship.terms)
        return None
