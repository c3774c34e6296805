"""What a host's terms say: which share holds for a site on which days, and whether he agreed to self-billing."""

import datetime as dt
from collections import defaultdict

from django.utils.translation import gettext as _

from contracts.models import Contract, ContractVersion, Party, Site, TaxStatus
from contracts.queries import Timeline, versions_of
from contracts.rules.shares import Share, ShareTerms, share_at
from evbilling.kernel.clock import Period, month_of
from evbilling.kernel.errors import BillingError
from invoicing.queries.host_months import SettledMonths
from invoicing.rules.sharing import Days

ONE_DAY = dt.timedelta(days=1)


class NoRevenueShare(BillingError):
    """A hosting contract whose terms name no revenue share, or none for one of its sites."""

    code = "no_revenue_share"

    def __init__(self, version: ContractVersion, site: str = "") -> None:
        super().__init__(
            _("Terms %(version)s name no revenue share for %(site)s. Approve a version that does, then settle again.")
            % {"version": version, "site": site}
            if site
            else _("Terms %(version)s name no revenue share. Approve a version that does, then settle again.")
            % {"version": version}
        )


class HostTerms:
    """Which share holds for a site on a local day, and on which days of a month each of them does."""

    def __init__(
        self,
        contract: Contract,
        version: ContractVersion,
        settled: SettledMonths,
        versions: Timeline[dt.date, ContractVersion] | None = None,
    ) -> None:
        self._contract, self._last, self.settled = contract, version, settled
        self._versions = versions_of(contract) if versions is None else versions
        self._shares: dict[int, list[tuple[int | None, ShareTerms]]] = {}

    def at(self, site: Site, on: dt.date) -> ShareTerms:
        """Of a month that was settled: as they were approved then. Raises NoRevenueShare."""
        version = self._version(on)
        found = share_at(self._shares_of(version), site.pk)
        if found is None:
            raise NoRevenueShare(version, site.name)
        return found

    def shares_sessions(self, site: Site) -> bool:
        """Whether billed sessions there ever count; rents and costs wait for no documents."""
        found = (share_at(self._shares_of(version), site.pk) for version in self._versions.values)
        return any(each is not None and each.kind not in {Share.FIXED_RENT, Share.COST} for each in found)

    def _version(self, on: dt.date) -> ContractVersion:
        settled_at = self.settled.months.get(month_of(on).start)
        for version in reversed(self._versions.values):
            in_time = settled_at is None or version.approved_at is None or version.approved_at <= settled_at
            if version.valid_from <= on and in_time:
                return version
        return self._last

    def _shares_of(self, version: ContractVersion) -> list[tuple[int | None, ShareTerms]]:
        shares = self._shares.get(version.pk)
        if shares is None:
            shares = [(each.site_id, each.terms) for each in version.revenue_shares.all()]
            self._shares[version.pk] = shares
        return shares

    def in_month(self, site: Site, month: dt.date) -> dict[ShareTerms, tuple[Days, ...]]:
        """The terms of each day of the contract in that month, as half-open spans."""
        period = month_of(month)
        day = max(period.start, self._contract.starts_on)
        end = min(period.end, self._contract.ends_on or period.end)
        spans: dict[ShareTerms, list[Days]] = defaultdict(list)
        while day < end:
            terms, until = self.at(site, day), day + ONE_DAY
            if spans[terms] and spans[terms][-1][1] == day:
                spans[terms][-1] = (spans[terms][-1][0], until)
            else:
                spans[terms].append((day, until))
            day = until
        return {terms: tuple(days) for terms, days in spans.items()}


def may_self_bill(party: Party, period: Period) -> bool:
    """Self-billing needs the host's agreement; one who is no taxable person gets a plain statement without it."""
    agreed_on = party.self_billing_agreed_on
    return party.tax_status == TaxStatus.NOT_TAXABLE or (agreed_on is not None and agreed_on < period.end)
