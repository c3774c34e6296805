"""The admin of contracts: parties and places, fleets, contracts with their versions, tariffs."""

from contracts.admin import agreements, assignments, fleet, parties, places, tariffs, terms

__all__ = ["agreements", "assignments", "fleet", "parties", "places", "tariffs", "terms"]
