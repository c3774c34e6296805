"""The accountant's pages: reports with their downloads, months to close, exports, ledger = documents = payments."""
