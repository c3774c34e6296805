"""What is owed: billing runs, invoices, credit notes, settlements, documents, delivery, dunning, the ledger."""
