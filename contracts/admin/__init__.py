"""The admin of contracts: parties and places, fleets, contracts with their versions, tariffs."""

from contracts.admin import agreements, assignments, fleet, groups, outages, parties, places, tariffs, term_rows, terms

__all__ = ["agreements", "assignments", "fleet", "groups", "outages", "parties", "places", "tariffs", "term_rows", "terms"]
