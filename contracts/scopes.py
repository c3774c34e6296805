"""Which rows of this app a portal user sees (I20): those of the parties that the user acts for."""

from django.db.models import Q

from contracts import models
from contracts.queries import IN_FORCE, parties_of
from evbilling.access.models import User
from evbilling.access.scope import register_scope


def _parties(user: User) -> Q:
    return Q(pk__in=parties_of(user))


def _of_party(user: User) -> Q:
    return Q(party__in=parties_of(user))


def _of_contract(user: User) -> Q:
    return Q(contract__party__in=parties_of(user))


def _of_version(user: User) -> Q:
    """What belongs to approved terms of an own contract; a draft is the staff's alone."""
    return Q(version__contract__party__in=parties_of(user), version__state=models.VersionState.APPROVED)


def _operators(user: User) -> Q:
    return Q(pk__in=models.Contract.objects.filter(_offered_or_later(user)).values("operator"))


def _texts(user: User) -> Q:
    """What the own operators write on their documents."""
    return Q(operator__in=models.Operator.objects.filter(_operators(user)))


def _vehicles(user: User) -> Q:
    """Own ones, and those that the party sponsors."""
    sponsored = models.SponsoredVehicle.objects.filter(_of_contract(user), contract__state__in=IN_FORCE)
    return _of_party(user) | Q(pk__in=sponsored.values("vehicle"))


def _sponsored(user: User) -> Q:
    return _of_contract(user) | Q(vehicle__party__in=parties_of(user))


def _tokens(user: User) -> Q:
    """Tokens that an own contract pays for, and those of own vehicles."""
    paid = models.TokenAssignment.objects.filter(_of_contract(user))
    return Q(pk__in=paid.values("token")) | Q(vehicle__party__in=parties_of(user))


def _site_rows(user: User) -> Q:
    """Own sites, and those that an own contract names; a contract for all sites names none."""
    named = models.Contract.sites.through.objects.filter(_of_contract(user))
    return Q(owner__in=parties_of(user)) | Q(pk__in=named.values("site"))


def _stations(user: User) -> Q:
    return Q(site__in=models.Site.objects.filter(_site_rows(user)))


def _connectors(user: User) -> Q:
    return Q(station__site__in=models.Site.objects.filter(_site_rows(user)))


def _own_tariffs(user: User) -> Q:
    assigned = models.TariffAssignment.objects.filter(_of_version(user))
    return Q(pk__in=assigned.values("tariff"))


def _own_prices(user: User) -> Q:
    return Q(tariff__in=models.Tariff.objects.filter(_own_tariffs(user)), state=models.TariffState.RELEASED)


def _offered_or_later(user: User) -> Q:
    return _of_party(user) & ~Q(state=models.ContractState.DRAFT)


def _approved_versions(user: User) -> Q:
    return _of_contract(user) & Q(state=models.VersionState.APPROVED)


def _agreed_plans(user: User) -> Q:
    """Dunning plans that own approved terms name; the operator's others are the staff's."""
    named = models.ContractVersion.objects.filter(_approved_versions(user), dunning_plan__isnull=False)
    return Q(pk__in=named.values("dunning_plan"))


def _agreed_levels(user: User) -> Q:
    return Q(plan__in=models.DunningPlan.objects.filter(_agreed_plans(user)))


def _papers(user: User) -> Q:
    return _of_version(user) & ~Q(version__contract__state=models.ContractState.DRAFT)


def register() -> None:
    """Every model of this app has its scope: one without would be refused to everybody outside the staff."""
    register_scope(models.Operator, _operators)
    register_scope(models.OperatorText, _texts)
    register_scope(models.Party, _parties)
    register_scope(models.Contact, _of_party)
    register_scope(models.Membership, _of_party)
    register_scope(models.CostCentre, _of_party)
    register_scope(models.Contract, _offered_or_later)
    register_scope(models.BillingGroup, _of_party)
    register_scope(models.ContractVersion, _approved_versions)
    register_scope(models.DunningPlan, _agreed_plans)
    register_scope(models.DunningLevel, _agreed_levels)
    register_scope(models.ContractTerm, _of_version)
    register_scope(models.ContractDocument, _papers)
    register_scope(models.Acknowledgement, _of_version)
    register_scope(models.OfferMail, _of_version)
    register_scope(models.ContractSuspension, _of_contract)
    register_scope(models.RevenueShare, _of_version)
    register_scope(models.Sponsorship, _of_version)
    register_scope(models.TariffAssignment, _of_version)
    register_scope(models.Tariff, _own_tariffs)
    register_scope(models.TariffVersion, _own_prices)
    register_scope(models.Vehicle, _vehicles)
    register_scope(models.SponsoredVehicle, _sponsored)
    register_scope(models.Token, _tokens)
    register_scope(models.TokenAssignment, _of_contract)
    register_scope(models.Site, _site_rows)
    register_scope(models.Station, _stations)
    register_scope(models.StationOutage, _connectors)
    register_scope(models.Connector, _connectors)
