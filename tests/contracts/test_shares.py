"""Revenue shares and sponsorships in a draft: set, replaced, removed, refused; a host's terms cover his sites."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import RevenueShare
from contracts.operations.shares import remove_revenue_share, set_revenue_share, set_sponsorship
from contracts.operations.versions import approve_version
from contracts.rules.shares import Share, ShareTerms
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, NotFound, WrongState
from tests import factories as make
from tests.contracts.traces import refused

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 2, 2, 10, tzinfo=dt.UTC)
RENT = {"kind": "fixed_rent", "rent_amount": Decimal(500)}


def test_a_site_has_a_share_of_its_own_and_a_second_call_replaces_it() -> None:
    site = make.make_site(make.make_party("property_owner"))
    contract = make.make_contract("hosting", party=site.owner, sites=[site])
    version = make.make_version(contract, approved=False, percent=Decimal(40))
    who = {"by": make.maker(), "at": NOW}
    set_revenue_share(version_id=version.pk, site_id=site.pk, percent_of_net=Decimal(30), **who)
    set_revenue_share(version_id=version.pk, site_id=site.pk, **RENT, **who)
    shares = {share.site_id: share.terms for share in version.revenue_shares.all()}
    assert shares == {
        None: ShareTerms(Share.PERCENT, Decimal(40)),
        site.pk: ShareTerms(Share.FIXED_RENT, rent=Decimal(500)),
    }


def test_a_share_is_removed_and_its_figures_stay_in_the_trail() -> None:
    version = make.make_version(make.make_contract("hosting"), approved=False, percent=Decimal(40))
    share = version.revenue_shares.get()
    remove_revenue_share(share_id=share.pk, by=make.maker(), at=NOW)
    assert not RevenueShare.objects.exists()
    trail = AuditRecord.objects.get(action="contracts.version.remove_share")
    assert trail.changes["share"][0]["kind"] == "percent"
    with pytest.raises(NotFound):
        remove_revenue_share(share_id=share.pk, by=make.maker(), at=NOW)


def test_what_does_not_fit_is_refused() -> None:
    version = make.make_version(make.make_contract("hosting"), approved=False)
    sponsor = make.make_version(make.make_contract("sponsorship"), approved=False)
    who, strange = {"by": make.maker(), "at": NOW}, make.make_site()
    with refused(BadInput, "site"):
        set_revenue_share(version_id=version.pk, site_id=strange.pk, **RENT, **who)
    with refused(BadInput, "rent amount"):
        set_revenue_share(version_id=version.pk, kind="fixed_rent", rent_amount=Decimal("0.001"), **who)
    with refused(BadInput, "kwh per month"):
        set_sponsorship(version_id=sponsor.pk, kind="first_kwh", percent=Decimal(100), **who)


def test_approved_shares_are_not_removed() -> None:
    share = make.make_contract_in_force("hosting").versions.get().revenue_shares.get()
    with refused(WrongState, "frozen"):
        remove_revenue_share(share_id=share.pk, by=make.maker(), at=NOW)


def test_terms_that_leave_out_a_site_are_not_approved() -> None:
    owner = make.make_party("property_owner")
    first, second = make.make_site(owner), make.make_site(owner)
    contract = make.make_contract("hosting", party=owner, sites=[first, second])
    version = make.make_version(contract, approved=False, shares=[RENT | {"site_id": first.pk}])
    with refused(WrongState, second.name):
        approve_version(version_id=version.pk, by=make.checker(), at=NOW)
    set_revenue_share(version_id=version.pk, site_id=second.pk, **RENT, by=make.maker(), at=NOW)
    assert approve_version(version_id=version.pk, by=make.checker(), at=NOW).state == "approved"
