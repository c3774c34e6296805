"""What the sample's contracts agree on beside their tariffs, and how it changed in the course of the year. Data."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from contracts.models import (
    BudgetPeriod,
    ContractVersion,
    DocumentSplit,
    ShareKind,
    SponsorKind,
    SuspensionRule,
    TermKind,
)
from contracts.operations import shares
from contracts.operations.terms import add_term
from evbilling.access.models import User
from evbilling.demo.company import FLEETS, MANUFACTURER, OWNERS, PRIVATE_DRIVER

RIDGELINE, FAIRMONT, LAKEVIEW, HARBOR = (fleet.company.number for fleet in FLEETS)
DRIVER = PRIVATE_DRIVER.number

type Written = tuple[TermKind, Mapping[str, Any]]
"""A term: its kind and its figures."""

FIRST_TERMS: Mapping[str, Sequence[Written]] = {
    FAIRMONT: (
        (
            TermKind.UPTIME_PROMISE,
            {"percent": "98.5", "per": "site", "credit_percent_per_point": "5", "cap_percent": "20"},
        ),
        (TermKind.LATE_PAYMENT, {"yearly_percent": "12", "flat_amount": "25"}),
    ),
    LAKEVIEW: (
        (
            TermKind.WINDOW_CAP,
            {"dimension": "TIME", "start_time": "12:00", "end_time": "18:00", "max_amount": "1.80"},
        ),
    ),
    HARBOR: ((TermKind.FAILED_PAYMENT, {"amount": "5"}),),
}
"""By party, from the first day on."""

FIRST_SHARES: Mapping[str, Mapping[str, Any]] = {
    OWNERS[1].number: {
        "kind": ShareKind.GREATER_OF,
        "percent_of_net": Decimal("30.00"),
        "rent_amount": Decimal("8.00"),
    },
    OWNERS[2].number: {"kind": ShareKind.PER_KWH, "per_kwh_amount": Decimal("0.08")},
    OWNERS[3].number: {
        "kind": ShareKind.GREATER_OF,
        "percent_of_net": Decimal("40.00"),
        "rent_amount": Decimal("6.00"),
    },
    OWNERS[5].number: {"kind": ShareKind.FIXED_RENT, "rent_amount": Decimal("10.00")},
}
"""What a property owner earns at each of the own sites, where it is not a percentage of net revenue."""

SUSPENSION_RULES = {HARBOR: SuspensionRule.HOLD}
"""Sessions while the contract is suspended wait for a person; elsewhere they are owed as usual."""


@dataclass(frozen=True, slots=True)
class Amendment:
    """New terms of a party's contract from a day on: agreed on at an instant, or still a draft there."""

    party: str
    valid_from: dt.date
    agreed_at: dt.datetime
    terms: Sequence[Written] = ()
    sponsorship: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_draft: bool = False


AMENDMENTS = (
    Amendment(
        MANUFACTURER.number,
        dt.date(2015, 6, 1),
        dt.datetime(2015, 5, 18, 15, tzinfo=dt.UTC),
        sponsorship={"kind": SponsorKind.FIRST_KWH, "percent": Decimal(100), "kwh_per_month": Decimal(30)},
    ),
    Amendment(
        RIDGELINE,
        dt.date(2015, 7, 1),
        dt.datetime(2015, 6, 15, 15, tzinfo=dt.UTC),
        terms=(
            (TermKind.INCLUDED_ENERGY, {"kwh": "60", "per": "contract"}),
            (
                TermKind.GRADUATED_DISCOUNT,
                {"tiers": [{"from_kwh": "300", "percent": "5"}, {"from_kwh": "500", "percent": "10"}]},
            ),
            (TermKind.BASE_FEE, {"amount": "19", "per": "contract"}),
            (TermKind.MINIMUM_COMMITMENT, {"amount": "120"}),
            (TermKind.EARLY_TERMINATION, {"months_of_base_fee": 3}),
        ),
    ),
    Amendment(
        MANUFACTURER.number,
        dt.date(2015, 9, 1),
        dt.datetime(2015, 8, 20, 15, tzinfo=dt.UTC),
        sponsorship={
            "kind": SponsorKind.BUDGET,
            "percent": Decimal(50),
            "budget_amount": Decimal("500.00"),
            "budget_period": BudgetPeriod.CONTRACT,
            "alert_percent": Decimal(80),
        },
    ),
    Amendment(
        LAKEVIEW,
        dt.date(2015, 9, 1),
        dt.datetime(2015, 8, 17, 15, tzinfo=dt.UTC),
        settings={"split_documents_by": DocumentSplit.COST_CENTRE},
    ),
    Amendment(
        LAKEVIEW,
        dt.date(2016, 1, 1),
        dt.datetime(2015, 10, 12, 15, tzinfo=dt.UTC),
        terms=(
            (
                TermKind.VOLUME_DISCOUNT,
                {"tiers": [{"from_kwh": "1000", "percent": "3"}, {"from_kwh": "2000", "percent": "5"}]},
            ),
        ),
        is_draft=True,
    ),
)


def write_terms(version: ContractVersion, written: Sequence[Written], by: User, at: dt.datetime) -> None:
    """Add terms to a draft of a contract's terms."""
    for kind, figures in written:
        add_term(version_id=version.pk, kind=kind, figures=figures, by=by, at=at)


def write_share(version: ContractVersion, percent: Decimal, by: User, at: dt.datetime) -> None:
    """What the host earns: as FIRST_SHARES says, otherwise `percent` of the net revenue."""
    share = FIRST_SHARES.get(version.contract.party.number, {"percent_of_net": percent})
    shares.set_revenue_share(version_id=version.pk, by=by, at=at, **share)
