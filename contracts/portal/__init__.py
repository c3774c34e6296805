"""Pages of terms for customers: contracts with tariffs in plain words, vehicles and charge cards, the own company."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contracts.models import (
    Contact,
    ContactRole,
    Contract,
    ContractState,
    ContractVersion,
    Membership,
    Party,
    SponsoredVehicle,
    TariffAssignment,
    TariffState,
    TariffVersion,
    Token,
    TokenAssignment,
    Vehicle,
    VersionState,
)
from contracts.portal.agreements import papers_of
from contracts.queries import parties_of, terms_of
from contracts.queries.agreements import may_acknowledge
from contracts.rules.shares import share_sentence, sponsor_sentence
from contracts.rules.tariff_text import DisplayPart, display_parts
from contracts.rules.terms import describe
from evbilling.access.scope import visible
from evbilling.kernel.clock import local_date
from evbilling.shell.formats import format_kw
from evbilling.shell.portal_frame import membership_of
from evbilling.shell.tables import Column, Table
from evbilling.shell.views import find_visible, portal_page

STATE_TONES = {
    ContractState.OFFERED: "info",
    ContractState.ACTIVE: "success",
    ContractState.SUSPENDED: "warning",
    ContractState.ENDED: "neutral",
}
"""The badge of each state of a contract."""


@dataclass(frozen=True, slots=True)
class TariffText:
    """A tariff under one version of a contract: where it applies and what it costs, in the order of the AFIR."""

    name: str
    site: str
    power: str
    parts: Sequence[DisplayPart]


@dataclass(frozen=True, slots=True)
class Terms:
    """One version of a contract as people read it; `shares` are sentences to a host, `sponsorship` one to a sponsor,
    `sentences` say its terms beyond the tariff.
    """

    version: ContractVersion
    ends_on: dt.date | None
    tariffs: Sequence[TariffText] = field(default_factory=tuple)
    shares: Sequence[str] = ()
    sponsorship: str = ""
    sentences: Sequence[str] = ()


def own_contracts(request: HttpRequest) -> QuerySet[Contract]:
    """Contracts of the companies for which the visitor acts; of staff too, no more than those."""
    mine = visible(Contract.objects.exclude(state=ContractState.DRAFT), request.user)
    return mine.filter(party__in=parties_of(request.user))


def _party(request: HttpRequest) -> Party:
    party: Party = membership_of(request).party
    return party


@never_cache
@require_safe
@portal_page
def contracts(request: HttpRequest) -> HttpResponse:
    """The company's contracts; a single one opens at once."""
    found = list(own_contracts(request).filter(party=_party(request)).select_related("operator"))
    if len(found) == 1:
        return redirect("portal:contract", number=found[0].number)
    rows = [{"contract": each, "tone": STATE_TONES[ContractState(each.state)]} for each in found]
    return render(request, "portal/contracts/list.html", {"rows": rows})


@never_cache
@require_safe
@portal_page
def contract(request: HttpRequest, number: str) -> HttpResponse:
    """One contract: what it costs, what both sides owe each other, what changes and what was before."""
    others = own_contracts(request).filter(party=OuterRef("party")).exclude(pk=OuterRef("pk"))
    rows = own_contracts(request).select_related("operator", "party").annotate(is_alone=~Exists(others))
    found = find_visible(rows, request.user, number=number)
    member: Membership = membership_of(request)
    now = timezone.now()
    today = local_date(now, found.zone)
    terms = _terms(found, now)
    current = next((each for each in reversed(terms) if each.version.valid_from <= today), None)
    context = {
        "contract": found,
        "tone": STATE_TONES[ContractState(found.state)],
        "sites": found.sites.all(),
        "current": current,
        "coming": [each for each in terms if each.version.valid_from > today],
        "past": [each for each in reversed(terms) if each.version.valid_from <= today and each is not current],
        "papers": papers_of(found, [each.version for each in terms]),
        "may_acknowledge": may_acknowledge(
            request.user, found.party, member=member if member.party_id == found.party_id else None
        ),
        "is_alone": found.is_alone,  # type: ignore[attr-defined]
    }
    return render(request, "portal/contracts/detail.html", context)


def _terms(found: Contract, now: dt.datetime) -> list[Terms]:
    """The approved versions in their order, each with its tariffs and terms as sentences; constant queries."""
    assignments = TariffAssignment.objects.select_related("tariff", "site").order_by("-priority")
    versions = list(
        found.versions.filter(state=VersionState.APPROVED)
        .select_related("sponsorship")
        .prefetch_related(Prefetch("tariff_assignments", assignments), "revenue_shares__site", "terms")
        .order_by("valid_from")
    )
    tariff_ids = {each.tariff_id for version in versions for each in version.tariff_assignments.all()}
    released = list(
        TariffVersion.objects.filter(tariff__in=tariff_ids, state=TariffState.RELEASED).order_by("valid_from")
    )
    ends = [version.valid_from for version in versions[1:]] + [found.ends_on]
    return [
        Terms(
            version=version,
            ends_on=end,
            tariffs=[
                text for each in version.tariff_assignments.all() if (text := _tariff(each, released, now)) is not None
            ],
            shares=[
                share_sentence(each.terms, found.currency, each.site.name if each.site else "")
                for each in version.revenue_shares.all()
            ],
            sponsorship=sponsor_sentence(version.sponsorship.terms, found.currency)
            if hasattr(version, "sponsorship")
            else "",
            sentences=[describe(term, found.currency) for term in terms_of(version)],
        )
        for version, end in zip(versions, ends, strict=True)
    ]


def _tariff(assignment: TariffAssignment, released: Sequence[TariffVersion], now: dt.datetime) -> TariffText | None:
    """The prices of today; of a tariff that begins later, its first ones."""
    own = [each for each in released if each.tariff_id == assignment.tariff_id]
    if not own:
        return None
    version = next((each for each in reversed(own) if each.valid_from <= now), own[0])
    return TariffText(
        name=assignment.tariff.name,
        site=assignment.site.name if assignment.site else "",
        power=_power(assignment),
        parts=display_parts(version.document),
    )


def _power(assignment: TariffAssignment) -> str:
    low, high = assignment.min_power_w, assignment.max_power_w
    if low is not None and high is not None:
        return _("from %(low)s to below %(high)s kW") % {"low": format_kw(low), "high": format_kw(high)}
    if low is not None:
        return _("from %(low)s kW") % {"low": format_kw(low)}
    return _("below %(high)s kW") % {"high": format_kw(high)} if high is not None else ""


@never_cache
@require_safe
@portal_page
def vehicles(request: HttpRequest) -> HttpResponse:
    """The company's vehicles and charge cards; a manufacturer's sponsored vehicles."""
    party = _party(request)
    own = visible(Vehicle.objects.filter(party=party), request.user).select_related("cost_centre")
    sponsored = visible(SponsoredVehicle.objects.filter(contract__party=party), request.user)
    cards = visible(
        Token.objects.filter(
            Q(vehicle__party=party) | Q(pk__in=TokenAssignment.objects.filter(contract__party=party).values("token"))
        ),
        request.user,
    ).select_related("vehicle")
    context = {
        "own": Table(
            own.prefetch_related("tokens"),
            _vehicle_columns(),
            request.GET,
            caption=_("Vehicles"),
            default_sort="label",
            empty=_("No vehicle here."),
        ),
        "cards": Table(
            cards,
            _card_columns(),
            request.GET,
            caption=_("Charge cards"),
            default_sort="ref",
            prefix="card-",
            empty=_("No charge card here."),
        ),
        "sponsored": Table(
            sponsored.select_related("vehicle", "contract"),
            _sponsored_columns(),
            request.GET,
            caption=_("Sponsored vehicles"),
            default_sort="vehicle",
            prefix="sponsored-",
        ),
    }
    return render(request, "portal/contracts/vehicles.html", context)


def _sessions_of(vehicle_id: int) -> str:
    return f"{reverse('portal:sessions')}?vehicle={vehicle_id}"


def _vehicle_columns() -> Sequence[Column]:
    return [
        Column("label", _("Vehicle"), sort="label", title=True, href=lambda row: _sessions_of(row.pk)),
        Column("plate", _("Plate"), sort="plate"),
        Column("make", _("Make and model"), sort="make"),
        Column("vin", _("VIN"), sort="vin", minor=True),
        Column("cost_centre", _("Cost centre"), sort="cost_centre__code"),
        Column("cards", _("Charge cards"), value=lambda row: ", ".join(each.ref for each in row.tokens.all())),
    ]


def _card_columns() -> Sequence[Column]:
    return [
        Column("ref", _("Card"), sort="ref", title=True),
        Column("kind", _("Kind"), value=lambda row: row.get_kind_display()),
        Column("driver_name", _("Driver"), sort="driver_name"),
        Column(
            "vehicle",
            _("Vehicle"),
            sort="vehicle__label",
            href=lambda row: _sessions_of(row.vehicle_id) if row.vehicle_id else None,
        ),
        Column(
            "state",
            _("Status"),
            format="badge",
            value=lambda row: _("blocked") if row.blocked_at else _("usable"),
            tone=lambda row: "danger" if row.blocked_at else "success",
        ),
    ]


def _sponsored_columns() -> Sequence[Column]:
    return [
        Column(
            "vehicle", _("Vehicle"), sort="vehicle__label", title=True, href=lambda row: _sessions_of(row.vehicle_id)
        ),
        Column("vehicle.make", _("Make and model"), sort="vehicle__make"),
        Column("vehicle.vin", _("VIN"), sort="vehicle__vin"),
        Column("contract", _("Contract"), sort="contract__number", minor=True),
        Column("valid_from", _("From"), format="day", sort="valid_from"),
        Column("valid_to", _("Until"), format="day", sort="valid_to"),
    ]


@never_cache
@require_safe
@portal_page
def company(request: HttpRequest) -> HttpResponse:
    """The own company as documents name it, who receives them, and which colleagues use the portal."""
    party = _party(request)
    contacts = visible(Contact.objects.filter(party=party), request.user)
    members = visible(Membership.objects.filter(party=party, active=True), request.user)
    context = {
        "party": party,
        "recipients": [each for each in contacts if each.role == ContactRole.ACCOUNTANT],
        "contacts": [each for each in contacts if each.role != ContactRole.ACCOUNTANT],
        "members": members.select_related("user").order_by("user__full_name", "user__email"),
        "operators": own_contracts(request)
        .filter(party=party)
        .order_by()
        .values("operator__legal_name", "operator__billing_email", "operator__phone")
        .distinct(),
    }
    return render(request, "portal/company/company.html", context)
