"""What the database refuses to change in this app (I8, I9, I15)."""

from evbilling.kernel.protection import Protection, append_only, protect

_ISSUED_INVOICE = "(SELECT state FROM invoicing_invoice WHERE id = ROW.invoice_id) = 'issued'"
_ISSUED_LINE = (
    "(SELECT i.state FROM invoicing_invoice i JOIN invoicing_invoiceline l ON l.invoice_id = i.id "
    "WHERE l.id = ROW.line_id) = 'issued'"
)
_BILLED_PENALTY = (
    "ROW.line_id IS NOT NULL AND (SELECT i.state FROM invoicing_invoice i JOIN invoicing_invoiceline l "
    "ON l.invoice_id = i.id WHERE l.id = ROW.line_id) = 'issued'"
)
_FROZEN = "An issued document is never changed; credit it instead."
_ALL = ("INSERT", "UPDATE", "DELETE")


def register() -> None:
    """Frozen: issued documents with lines, taxes and links; archived bytes, journal and allocations are append-only."""
    protect(
        Protection("invoicing.Invoice", "issued", _FROZEN, when="ROW.state = 'issued'"),
        Protection("invoicing.InvoiceLine", "issued", _FROZEN, _ALL, _ISSUED_INVOICE),
        Protection("invoicing.InvoiceTax", "issued", _FROZEN, _ALL, _ISSUED_INVOICE),
        Protection("invoicing.BilledCharge", "issued", _FROZEN, _ALL, _ISSUED_LINE),
        append_only("invoicing.Document", "Archived documents are never changed or deleted."),
        append_only("invoicing.JournalEntry", "Journal entries are never changed; post a reversal."),
        append_only("invoicing.JournalLine", "Journal lines are never changed; post a reversal."),
        append_only("invoicing.Allocation", "Allocations are never changed; reverse them."),
        append_only("invoicing.AccountingPeriod", "A closed month stays closed; correct it in an open one."),
        Protection(
            "invoicing.Penalty",
            "billed",
            "A billed penalty is never changed; credit its document.",
            _ALL,
            _BILLED_PENALTY,
        ),
        Protection("invoicing.Penalty", "kept", "A penalty is waived, never deleted.", ("DELETE",)),
        Protection("invoicing.ReferenceRate", "kept", "A reference rate is never deleted.", ("DELETE",)),
        Protection("invoicing.NumberSeries", "kept", "A number series is never deleted.", ("DELETE",)),
    )
