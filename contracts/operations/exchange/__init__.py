"""Import and export of parties, contracts and tariffs: sheets of rows, written by the operations, all or nothing."""

from contracts.operations.exchange.agreements import CONTRACTS, SPONSORED_VEHICLES, TOKENS
from contracts.operations.exchange.parties import CONTACTS, PARTIES
from contracts.operations.exchange.sheets import Fate, Outcome, RowOutcome, Sheet, export_rows, import_rows
from contracts.operations.exchange.tariffs import TARIFFS

SHEETS = (PARTIES, CONTACTS, CONTRACTS, TOKENS, SPONSORED_VEHICLES, TARIFFS)

__all__ = [
    "CONTACTS",
    "CONTRACTS",
    "PARTIES",
    "SHEETS",
    "SPONSORED_VEHICLES",
    "TARIFFS",
    "TOKENS",
    "Fate",
    "Outcome",
    "RowOutcome",
    "Sheet",
    "export_rows",
    "import_rows",
]
