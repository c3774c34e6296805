"""Tables of contracts; one file per aggregate."""

from contracts.models.contract import (
    BillingCycle,
    Contract,
    ContractKind,
    ContractState,
    ContractVersion,
    LineGrouping,
    PriceBasis,
    TaxTreatment,
    VersionState,
)
from contracts.models.fleet import CostCentre, Token, TokenAssignment, TokenKind, Vehicle
from contracts.models.operator import Operator, TaxWord
from contracts.models.party import Contact, ContactRole, Membership, MembershipRole, Party, PartyKind, TaxStatus
from contracts.models.sharing import RevenueShare, SponsoredVehicle, Sponsorship
from contracts.models.site import Connector, ConnectorKind, Site, Station
from contracts.models.tariff import Tariff, TariffAssignment, TariffState, TariffVersion

__all__ = [
    "BillingCycle",
    "Connector",
    "ConnectorKind",
    "Contact",
    "ContactRole",
    "Contract",
    "ContractKind",
    "ContractState",
    "ContractVersion",
    "CostCentre",
    "LineGrouping",
    "Membership",
    "MembershipRole",
    "Operator",
    "Party",
    "PartyKind",
    "PriceBasis",
    "RevenueShare",
    "Site",
    "SponsoredVehicle",
    "Sponsorship",
    "Station",
    "Tariff",
    "TariffAssignment",
    "TariffState",
    "TariffVersion",
    "TaxStatus",
    "TaxTreatment",
    "TaxWord",
    "Token",
    "TokenAssignment",
    "TokenKind",
    "Vehicle",
    "VersionState",
]
