"""Who charges right now, and what it costs so far."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Prefetch, QuerySet

from contracts.models import Contract, ContractVersion, TariffState, TariffVersion, VersionState
from contracts.queries import terms_of
from contracts.rules.matching import TariffRule, find_tariff
from contracts.rules.terms import Term
from sessions.models import ChargingSession
from sessions.queries import Pricer, charging_now, current_sessions


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A running session: seconds since its start, and its net so far (None where no price applies)."""

    session: ChargingSession
    seconds: int
    net: Decimal | None
    currency: str


class _TermsOf:
    """The terms of a few contracts in five queries; the same answers as contracts.queries."""

    def __init__(self, contract_ids: Collection[int]) -> None:
        released = TariffVersion.objects.filter(state=TariffState.RELEASED).order_by("valid_from")
        self._versions = list(
            ContractVersion.objects.filter(contract__in=contract_ids, state=VersionState.APPROVED)
            .order_by("valid_from")
            .prefetch_related(
                "terms",
                "tariff_assignments",
                Prefetch("tariff_assignments__tariff__versions", released, "released_versions"),
            )
        )

    def version_on(self, contract: Contract, on: dt.date) -> ContractVersion | None:
        """The latest that began by then."""
        fitting = [each for each in self._versions if each.contract_id == contract.pk and each.valid_from <= on]
        return fitting[-1] if fitting else None

    def tariff_version_for(
        self, contract_version: ContractVersion, site_id: int | None, power_w: int | None, at: dt.datetime
    ) -> TariffVersion | None:
        """The released version of the tariff whose assignment fits best."""
        assignments = {each.tariff_id: each for each in contract_version.tariff_assignments.all()}
        rule = find_tariff(
            [
                TariffRule(each.tariff_id, each.priority, each.site_id, each.min_power_w, each.max_power_w)
                for each in contract_version.tariff_assignments.all()
            ],
            site_id,
            power_w,
        )
        if rule is None:
            return None
        tariff = assignments[rule.tariff_id].tariff
        fitting = [each for each in tariff.released_versions if each.valid_from <= at]  # type: ignore[attr-defined]
        return fitting[-1] if fitting else None

    def terms_of(self, contract_version: ContractVersion) -> tuple[Term, ...]:
        """What the version says beyond its tariffs, from what is loaded."""
        return terms_of(contract_version)


def running_sessions() -> QuerySet[ChargingSession]:
    """All that charge, the latest start first; without an end, which the index of ends finds at once."""
    return charging_now(current_sessions().filter(ended_at__isnull=True))


def live_sessions(*, at: dt.datetime, most: int) -> list[LiveSession]:
    """The running sessions that started last, priced as of now: one query without any, else six."""
    rows = list(
        running_sessions().select_related("site", "station", "vehicle", "token", "contract__party", "connector")[:most]
    )
    if not rows:
        return []
    pricer = Pricer(_TermsOf({row.contract_id for row in rows if row.contract_id}))
    found = []
    for row in rows:
        priced = pricer.quote(row, now=at).priced if row.contract else None
        seconds = max((at - row.started_at) // dt.timedelta(seconds=1), 0)
        currency = row.contract.currency if row.contract else ""
        found.append(LiveSession(row, seconds, priced.amount if priced else None, currency))
    return found
