"""What the database refuses to change in this app (I8, I9, I15)."""

from evbilling.kernel.protection import Protection, append_only, protect

_ISSUED_INVOICE = "(SELECT state FROM invoicing_invoice WHERE id = ROW.invoice_id) = 'issued'"
_ISSUED_LINE = (
    "(SELECT i.state FROM invoicing_invoice i JOIN invoicing_invoiceline l ON l.invoice_id = i.id "
    "WHERE l.id = ROW.line_id) = 'issued'"
)
_BILLED_PENALTY = (
    "ROW.line_id IS NOT NULL AND (SELECT i.state FROM invoicing_invoice i JOIN invoicing_invoiceline l "
    "ON l.invoice_id = i.id WHERE l.id = ROW.line_id) = 'issued' AND NOT EXISTS "
    "(SELECT 1 FROM invoicing_releasedpenalty r WHERE r.penalty_id = ROW.id AND r.line_id = ROW.line_id)"
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
        Protection("invoicing.CreditedCharge", "issued", _FROZEN, _ALL, _ISSUED_LINE),
        append_only("invoicing.ReleasedPenalty", "What a cancelled document billed is never changed."),
        append_only("invoicing.Document", "Archived documents are never changed or deleted."),
        append_only("invoicing.JournalEntry", "Journal entries are never changed; post a reversal."),
        append_only("invoicing.JournalLine", "Journal lines are never changed; post a reversal."),
        append_only("invoicing.Allocation", "Allocations are never changed; reverse them."),
        append_only("invoicing.Letter", "Archived letters are never changed or deleted."),
        append_only("invoicing.Deposit", "Deposits are never changed; return them."),
        append_only("invoicing.BooksCheck", "A check of the books is never changed."),
        Protection(
            "invoicing.AccountingPeriod",
            "reopened",
            "A month that was opened again is history; close it anew.",
            when="ROW.reopened_at IS NOT NULL",
        ),
        Protection(
            "invoicing.AccountingPeriod",
            "month",
            "A closed month stays what it is; a second person may open it again.",
            ("UPDATE",),
            "OLD.month <> NEW.month OR OLD.operator_id <> NEW.operator_id OR OLD.closed_at <> NEW.closed_at",
        ),
        Protection("invoicing.AccountingPeriod", "kept", "A closed month is opened again, never deleted.", ("DELETE",)),
        Protection("invoicing.Dispute", "kept", "A dispute is decided, never deleted.", ("DELETE",)),
        Protection(
            "invoicing.Correction", "decided", "A decided correction is never changed.", when="ROW.state <> 'asked'"
        ),
        Protection("invoicing.DunningStep", "kept", "A dunning step is never deleted.", ("DELETE",)),
        Protection("invoicing.DeliveryEvent", "kept", "What the mail provider said is never deleted.", ("DELETE",)),
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
