"""Who pays for a session and which tariff prices it: the choice among candidates, without a database.

The queries hand in what they found for one session, TermsBook what it holds in memory; both get the same answer from
here (DOMAIN: token + site + instant -> contract).
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evbilling.kernel.clock import local_date

NO_CONTRACT = "no_contract"
AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Days:
    """Local dates [start, end); no end means for good."""

    start: dt.date
    end: dt.date | None = None

    def __contains__(self, on: dt.date) -> bool:
        return self.start <= on and (self.end is None or on < self.end)

    def overlaps(self, other: "Days") -> bool:
        """Whether a day lies in both."""
        return (other.end is None or self.start < other.end) and (self.end is None or other.start < self.end)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contract that might pay because a token (or a vehicle) was put under it.

    `days` are the contract's, `joined` those of the token or vehicle under it, both local dates in `zone`.
    `sites` empty means all sites. `joined_id` is the row that joined them.
    """

    contract_id: int
    zone: str
    days: Days
    sites: frozenset[int]
    joined: Days
    joined_id: int

    def covers(self, site_id: int | None, at: dt.datetime) -> bool:
        """Whether contract and assignment hold at that instant, and at that site."""
        on = local_date(at, self.zone)
        return on in self.days and on in self.joined and (not self.sites or site_id in self.sites)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The candidate that pays, or why there is none ("no_contract", "ambiguous")."""

    candidate: Candidate | None
    problem: str = ""


def find_payer(candidates: Iterable[Candidate], site_id: int | None, at: dt.datetime) -> Verdict:
    """The contract that pays: one that names the site beats one for all sites; two equally good are ambiguous.

    The same contract twice (two assignments of one token) counts once; the later assignment wins.
    """
    fitting = [each for each in candidates if each.covers(site_id, at)]
    if not fitting:
        return Verdict(None, NO_CONTRACT)
    naming = [each for each in fitting if each.sites]
    best = naming or fitting
    if len({each.contract_id for each in best}) > 1:
        return Verdict(None, AMBIGUOUS)
    return Verdict(max(best, key=lambda each: (each.joined.start, each.joined_id)))


def find_sponsors(candidates: Iterable[Candidate], site_id: int | None, at: dt.datetime) -> list[Candidate]:
    """Sponsorships that cover a vehicle at an instant, the earliest promise first.

    `site_id` None asks without a site: then a sponsorship for named sites counts too.
    """
    fitting = [each for each in candidates if each.covers(site_id if site_id is not None else _any(each), at)]
    return sorted(fitting, key=lambda each: (each.joined.start, each.joined_id))


def _any(candidate: Candidate) -> int | None:
    return next(iter(candidate.sites), None)


@dataclass(frozen=True, slots=True)
class TariffRule:
    """One tariff assignment: power in watts, lower bound inclusive, upper exclusive."""

    tariff_id: int
    priority: int
    site_id: int | None = None
    min_power_w: int | None = None
    max_power_w: int | None = None

    def fits(self, site_id: int | None, power_w: int | None) -> bool:
        """Whether it applies at a connector; one narrowed by power does not apply where the power is unknown."""
        if self.site_id is not None and self.site_id != site_id:
            return False
        if self.min_power_w is None and self.max_power_w is None:
            return True
        if power_w is None:
            return False
        return (self.min_power_w or 0) <= power_w and (self.max_power_w is None or power_w < self.max_power_w)


def find_tariff(rules: Sequence[TariffRule], site_id: int | None, power_w: int | None) -> TariffRule | None:
    """The rule of the highest priority that fits, or None. A priority stands once per contract version."""
    fitting = [rule for rule in rules if rule.fits(site_id, power_w)]
    return max(fitting, key=lambda rule: rule.priority) if fitting else None
