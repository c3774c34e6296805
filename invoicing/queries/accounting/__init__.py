"""Reports of the ledger and of the documents behind it: read only, exact, per currency."""
