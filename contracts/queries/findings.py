"""What is wrong or missing before a contract binds; shown on its page and asked again when it is activated.

An error would leave sessions without a price or a payer, or make documents that may not be issued: it keeps the
contract from being activated. A warning is listed for the clerk.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contracts.models import (
    Connector,
    Contract,
    ContractKind,
    ContractVersion,
    PriceBasis,
    Site,
    SponsoredVehicle,
    TaxTreatment,
    TokenAssignment,
)
from contracts.queries import IN_FORCE, PAYING_KINDS, accountant_emails, version_on
from contracts.queries.agreements import signatories
from contracts.queries.prices import released_on
from contracts.rules.matching import Days, TariffRule, find_tariff
from contracts.rules.tariff_shape import states_tax
from evbilling.kernel.clock import start_of_day
from evbilling.shell.formats import format_day

MOST_NAMED = 5
"""Things named in one sentence; the rest is counted."""


@dataclass(frozen=True, slots=True)
class ContractFinding:
    """One thing to look at. `code` is stable."""

    code: str
    text: str
    is_error: bool = False


def findings_before_activation(contract: Contract) -> list[ContractFinding]:
    """All findings of a contract under the terms of its first day, errors first."""
    version = version_on(contract, contract.starts_on)
    found = list(_of_people(contract))
    if version is not None:
        found += _of_tax(contract, version)
        if contract.kind in PAYING_KINDS:
            found += _of_tariffs(contract, version)
    if contract.kind in PAYING_KINDS:
        found += _of_tokens(contract)
    if contract.kind == ContractKind.SPONSORSHIP:
        found += _of_vehicles(contract)
    if contract.kind == ContractKind.HOSTING and not contract.sites.exists():
        found.append(_warning("no_sites", _("The contract names no site: the host would share in every site.")))
    return sorted(found, key=lambda each: not each.is_error)


def _error(code: str, text: str) -> ContractFinding:
    return ContractFinding(code, text, is_error=True)


def _warning(code: str, text: str) -> ContractFinding:
    return ContractFinding(code, text)


def _of_people(contract: Contract) -> Iterator[ContractFinding]:
    if not accountant_emails(contract.party):
        text = _("%s has no accountant's address: documents would reach nobody.") % contract.party
        yield _warning("no_accountant", text)
    if not signatories(contract.party):
        text = _("%s has no signatory or fleet manager: the offer would reach nobody.") % contract.party
        yield _warning("no_signatory", text)


def _of_tax(contract: Contract, version: ContractVersion) -> Iterator[ContractFinding]:
    if version.tax_treatment == TaxTreatment.REVERSE_CHARGE and not contract.party.vat_id:
        text = _("%s has no VAT id, which invoices under reverse charge must name.") % contract.party
        yield _error("no_vat_id", text)
    if version.tax_treatment == TaxTreatment.EXEMPT and not contract.party.exemption_text:
        text = _("%s is exempt, but its ground of exemption is not written down: invoices would name a general one.")
        yield _warning("no_exemption_ground", text % contract.party)
    if version.price_basis == PriceBasis.GROSS and version.tax_treatment != TaxTreatment.STANDARD:
        text = _("Prices include tax, but the customer owes none: the net of each price would be billed.")
        yield _warning("gross_without_tax", text)


def _of_tariffs(contract: Contract, version: ContractVersion) -> Iterator[ContractFinding]:
    assigned = list(version.tariff_assignments.select_related("tariff"))
    at = start_of_day(contract.starts_on, contract.zone)
    for tariff in {each.tariff for each in assigned}:
        released = released_on(tariff.pk, at)
        if released is None or released.valid_from > at:
            text = _("Tariff %s has no released prices on the first day.") % tariff.code
            yield _error("tariff_not_released", text)
        elif version.price_basis == PriceBasis.GROSS and not states_tax(released.document):
            text = _("Prices of the contract include tax, but tariff %s does not state the VAT rate of every price.")
            yield _error("tariff_without_tax_rate", text % tariff.code)
    rules = [
        TariffRule(each.tariff_id, each.priority, each.site_id, each.min_power_w, each.max_power_w) for each in assigned
    ]
    connectors = Connector.objects.select_related("station__site").order_by(
        "station__site__name", "station__ref", "ref"
    )
    named = list(contract.sites.values_list("pk", flat=True))
    if named:
        connectors = connectors.filter(station__site__in=named)
    gaps = [each for each in connectors if find_tariff(rules, each.station.site_id, each.max_power_w) is None]
    if gaps:
        text = _("No tariff of the contract fits at: %s.") % _some(
            f"{each.station.site.name}, {each} ({each.max_power_w // 1000} kW)" for each in gaps
        )
        yield (_error if named else _warning)("no_tariff_fits", text)
    without = Site.objects.filter(pk__in=named, stations__isnull=True)
    if without:
        text = _("These sites have no station yet: %s.") % _some(each.name for each in without)
        yield _warning("site_without_station", text)


def _of_tokens(contract: Contract) -> Iterator[ContractFinding]:
    assigned = list(TokenAssignment.objects.filter(contract=contract).select_related("token").order_by("token__ref"))
    if not assigned:
        yield _warning("no_tokens", _("No token is assigned: nothing would be charged under this contract."))
        return
    first = min(each.valid_from for each in assigned)
    if first > contract.starts_on:
        text = _("The first token is assigned from %(first)s, the contract starts on %(start)s.")
        yield _warning("late_tokens", text % {"first": format_day(first), "start": format_day(contract.starts_on)})
    days = Days(contract.starts_on, contract.ends_on)
    idle = [each for each in assigned if not days.overlaps(Days(each.valid_from, each.valid_to))]
    if idle:
        text = _("These tokens have no day under the contract: %s.") % _some(each.token.ref for each in idle)
        yield _warning("tokens_without_days", text)
    clashing = [each.token.ref for each in assigned if each not in idle and _is_ambiguous(contract, each)]
    if clashing:
        text = _("Another contract would pay for these tokens equally well: %s. End one of the assignments.")
        yield _error("ambiguous_tokens", text % _some(clashing))


def _is_ambiguous(contract: Contract, assignment: TokenAssignment) -> bool:
    """Whether on some day and site another contract in force has an equal claim (rules/matching.find_payer)."""
    own_sites = set(contract.sites.values_list("pk", flat=True))
    own_days = Days(contract.starts_on, contract.ends_on)
    mine = Days(assignment.valid_from, assignment.valid_to)
    others = TokenAssignment.objects.filter(
        token=assignment.token_id, contract__state__in=IN_FORCE, contract__kind__in=PAYING_KINDS
    ).exclude(contract=contract)
    for other in others.select_related("contract").prefetch_related("contract__sites"):
        sites = {site.pk for site in other.contract.sites.all()}
        same_rank = bool(sites) == bool(own_sites) and (not sites or bool(sites & own_sites))
        theirs = Days(other.valid_from, other.valid_to)
        spans = (own_days, mine, Days(other.contract.starts_on, other.contract.ends_on), theirs)
        start = max(each.start for each in spans)
        if same_rank and all(start in each for each in spans):
            return True
    return False


def _of_vehicles(contract: Contract) -> Iterator[ContractFinding]:
    joined = SponsoredVehicle.objects.filter(contract=contract).select_related("vehicle")
    if not joined:
        yield _warning("no_vehicles", _("No vehicle is listed: nothing would be sponsored."))
        return
    if (first := min(each.valid_from for each in joined)) > contract.starts_on:
        text = _("The first vehicle is sponsored from %(first)s, the contract starts on %(start)s.")
        yield _warning("late_vehicles", text % {"first": format_day(first), "start": format_day(contract.starts_on)})
    outside = joined.filter(Q(valid_to__lte=contract.starts_on))
    if outside:
        text = _("These vehicles have no day under the contract: %s.") % _some(str(each.vehicle) for each in outside)
        yield _warning("vehicles_without_days", text)


def _some(names: Iterator[str] | list[str]) -> str:
    """The first few names, and how many more."""
    every = list(names)
    rest = len(every) - MOST_NAMED
    shown = "; ".join(every[:MOST_NAMED])
    if rest <= 0:
        return shown
    return ngettext("%(shown)s and %(count)s more", "%(shown)s and %(count)s more", rest) % {
        "shown": shown,
        "count": rest,
    }
