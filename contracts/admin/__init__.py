"""The admin of contracts: parties and places, fleets, contracts with their versions, tariffs."""

from contracts.admin import (
    agreements,
    assignments,
    dunning,
    fleet,
    groups,
    outages,
    parties,
    places,
    tariffs,
    term_rows,
    terms,
)

__all__ = [
    "agreements",
    "assignments",
    "dunning",
    "fleet",
    "groups",
    "outages",
    "parties",
    "places",
    "tariffs",
    "term_rows",
    "terms",
]
