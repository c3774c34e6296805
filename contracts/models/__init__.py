"""Tables of contracts; one file per aggregate."""

from contracts.models.agreement import Acknowledgement, ContractDocument, OfferMail, Side
from contracts.models.contract import (
    BillingCycle,
    Contract,
    ContractKind,
    ContractState,
    ContractSuspension,
    ContractVersion,
    LineGrouping,
    PriceBasis,
    SuspensionRule,
    TaxTreatment,
    VersionState,
)
from contracts.models.fleet import CostCentre, Token, TokenAssignment, TokenKind, Vehicle
from contracts.models.operator import Operator, TaxWord
from contracts.models.party import Contact, ContactRole, Membership, MembershipRole, Party, PartyKind, TaxStatus
from contracts.models.sharing import (
    BudgetPeriod,
    RevenueShare,
    ShareKind,
    SponsoredVehicle,
    SponsorKind,
    Sponsorship,
)
from contracts.models.site import Connector, ConnectorKind, Site, SiteKind, Station, StationOutage
from contracts.models.tariff import Tariff, TariffAssignment, TariffState, TariffVersion
from contracts.models.term import ContractTerm, TermKind

__all__ = [
    "Acknowledgement",
    "BillingCycle",
    "BudgetPeriod",
    "Connector",
    "ConnectorKind",
    "Contact",
    "ContactRole",
    "Contract",
    "ContractDocument",
    "ContractKind",
    "ContractState",
    "ContractSuspension",
    "ContractTerm",
    "ContractVersion",
    "CostCentre",
    "LineGrouping",
    "Membership",
    "MembershipRole",
    "OfferMail",
    "Operator",
    "Party",
    "PartyKind",
    "PriceBasis",
    "RevenueShare",
    "ShareKind",
    "Side",
    "Site",
    "SiteKind",
    "SponsorKind",
    "SponsoredVehicle",
    "Sponsorship",
    "Station",
    "StationOutage",
    "SuspensionRule",
    "Tariff",
    "TariffAssignment",
    "TariffState",
    "TariffVersion",
    "TaxStatus",
    "TaxTreatment",
    "TaxWord",
    "TermKind",
    "Token",
    "TokenAssignment",
    "TokenKind",
    "Vehicle",
    "VersionState",
]
