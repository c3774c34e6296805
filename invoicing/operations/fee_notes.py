"""Fee notes: flat fees and interest of late payment, and fees of failed payments, on a document of their own.

They are no price of a supply (VAT category O), which EN 16931 BR-O-11 forbids beside other categories. A fee note is
drafted and issued in the same run as the month's invoice, is due, paid and credited like one, and bears no interest.
"""

import datetime as dt

from django.db import transaction
from django.utils.translation import override

from contracts.models import Contract
from contracts.queries import version_on
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import Period
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from invoicing.models import Invoice, InvoiceKind
from invoicing.operations.penalty_lines import line_of
from invoicing.operations.writing import write_draft
from invoicing.queries.charges import live_documents
from invoicing.queries.penalties import NOTE_KINDS, billable_penalties
from invoicing.rules.tax import NO_TAX, Category, Ground, Tax

COMPENSATION = Tax(Category.OUTSIDE, NO_TAX, Ground.COMPENSATION)
"""How every line of a fee note is taxed: not at all, with the ground printed."""


def draft_fee_note(*, contract_id: int, period: Period, at: dt.datetime, by: User | None = None) -> Invoice | None:
    """Draft the fee note of a contract for a period; None when no such fee is to be billed.

    Returns the live one where there is one (I10): what is assessed after it waits for the next period.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        live = live_documents(contract, period, InvoiceKind.FEE_NOTE).first()
        if live is not None:
            return live
        version = version_on(contract, period.last_day)
        penalties = list(billable_penalties(contract, NOTE_KINDS, period.end))
        if version is None or not penalties:
            return None
        with override(contract.party.language):
            lines = [line_of(penalty, COMPENSATION) for penalty in penalties]
        note = write_draft(
            contract=contract, version=version, period=period, kind=InvoiceKind.FEE_NOTE, lines=lines, at=at
        )
        step("invoicing.fee_note.written")
        record_audit(
            action="invoicing.invoice.draft",
            obj=note,
            by=by,
            at=at,
            changes={"contract": contract.number, "period": period.code, "gross_amount": note.gross_amount},
        )
    return note
