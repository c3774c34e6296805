"""What hosts earn and sponsors pay, set in a draft of terms and frozen with it."""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import ContractKind, ContractVersion, RevenueShare, ShareKind, Site, SponsorKind, Sponsorship
from contracts.operations.assignments import wrong_kind
from contracts.operations.guards import require_valid
from contracts.operations.versions import lock_draft, touched
from contracts.rules.shares import share_terms, sponsor_terms
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, NotFound, require
from evbilling.kernel.money import quantise


def set_revenue_share(
    *,
    version_id: int,
    by: User | None,
    at: dt.datetime,
    kind: str = ShareKind.PERCENT,
    site_id: int | None = None,
    percent_of_net: Decimal | None = None,
    per_kwh_amount: Decimal | None = None,
    rent_amount: Decimal | None = None,
) -> RevenueShare:
    """What a host earns at a site (None: at each site of the contract), in a draft of a hosting contract's terms.

    A second call for the same site replaces the first. Amounts in the contract's currency: per kWh up to six decimals,
    rent a calendar month. Raises WrongState for approved terms or another kind of contract, BadInput for a site that is
    not the contract's, and naming the figure that the kind needs, does not use, or that is out of range.
    """
    with transaction.atomic():
        version = lock_draft(version_id, by)
        require(version.contract.kind == ContractKind.HOSTING, wrong_kind(version, _("a revenue share")))
        share_terms(kind, percent_of_net, per_kwh_amount, rent_amount)
        _require_minor("rent_amount", rent_amount, version.contract.currency)
        _require_site(version, site_id)
        share = RevenueShare.objects.filter(version=version, site=site_id).first()
        share = share or RevenueShare(version=version, site_id=site_id)
        before = _share_figures(share) if share.pk else None
        share.kind, share.percent_of_net = kind, percent_of_net
        share.per_kwh_amount, share.rent_amount = per_kwh_amount, rent_amount
        require_valid(share)
        share.save()
        touched(version, by)
        record_audit(
            action="contracts.version.revenue_share",
            obj=version,
            by=by,
            at=at,
            changes={"site": site_id, "share": [before, _share_figures(share)]},
        )
    return share


def remove_revenue_share(*, share_id: int, by: User | None, at: dt.datetime) -> None:
    """Take a revenue share out of a draft of terms. Raises NotFound; WrongState once the terms are approved."""
    with transaction.atomic():
        share = RevenueShare.objects.filter(pk=share_id).first()
        if share is None:
            raise NotFound(_("There is no revenue share with the id %s.") % share_id)
        version = lock_draft(share.version_id, by)
        changes = {"site": share.site_id, "share": [_share_figures(share), None]}
        share.delete()
        touched(version, by)
        record_audit(action="contracts.version.remove_share", obj=version, by=by, at=at, changes=changes)


def set_sponsorship(
    *,
    version_id: int,
    percent: Decimal,
    by: User | None,
    at: dt.datetime,
    kind: str = SponsorKind.PERCENT,
    kwh_per_month: Decimal | None = None,
    budget_amount: Decimal | None = None,
    budget_period: str = "",
    alert_percent: Decimal | None = None,
) -> Sponsorship:
    """What the sponsor pays of each session's net price, in a draft of a sponsorship's terms.

    `percent` of every session, of the first `kwh_per_month` kWh of each vehicle in a calendar month, or until
    `budget_amount` (the contract's currency) is used in a month or in all. Raises WrongState for approved terms or
    another kind of contract, BadInput naming the figure that the kind needs, does not use, or that is out of range.
    """
    with transaction.atomic():
        version = lock_draft(version_id, by)
        require(version.contract.kind == ContractKind.SPONSORSHIP, wrong_kind(version, _("a sponsor's percentage")))
        sponsor_terms(
            kind,
            percent,
            kwh_per_month=kwh_per_month,
            budget=budget_amount,
            span=budget_period,
            alert_percent=alert_percent,
        )
        _require_minor("budget_amount", budget_amount, version.contract.currency)
        sponsorship = Sponsorship.objects.filter(version=version).first() or Sponsorship(version=version)
        before = _sponsor_figures(sponsorship) if sponsorship.pk else None
        sponsorship.kind, sponsorship.percent, sponsorship.kwh_per_month = kind, percent, kwh_per_month
        sponsorship.budget_amount, sponsorship.budget_period = budget_amount, budget_period
        sponsorship.alert_percent = alert_percent
        require_valid(sponsorship)
        sponsorship.save()
        touched(version, by)
        record_audit(
            action="contracts.version.sponsorship",
            obj=version,
            by=by,
            at=at,
            changes={"sponsorship": [before, _sponsor_figures(sponsorship)]},
        )
    return sponsorship


def _require_minor(name: str, amount: Decimal | None, currency: str) -> None:
    require(
        amount is None or amount == quantise(amount, currency),
        BadInput(name, amount, _("Give an amount in whole units of the smallest coin of %s.") % currency),
    )


def _require_site(version: ContractVersion, site_id: int | None) -> None:
    if site_id is None:
        return
    contract = version.contract
    named = contract.sites.all()
    sites = named if named.exists() else Site.objects.filter(owner=contract.party)
    require(sites.filter(pk=site_id).exists(), BadInput("site", site_id, _("Choose a site of the contract.")))


def _share_figures(share: RevenueShare) -> dict[str, object]:
    figures = {"percent": share.percent_of_net, "per_kwh": share.per_kwh_amount, "rent": share.rent_amount}
    return {"kind": str(share.kind)} | {name: value for name, value in figures.items() if value is not None}


def _sponsor_figures(sponsorship: Sponsorship) -> dict[str, object]:
    figures = {
        "percent": sponsorship.percent,
        "kwh_per_month": sponsorship.kwh_per_month,
        "budget": sponsorship.budget_amount,
        "budget_period": sponsorship.budget_period or None,
        "alert_percent": sponsorship.alert_percent,
    }
    return {"kind": str(sponsorship.kind)} | {name: value for name, value in figures.items() if value is not None}
