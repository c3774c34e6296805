"""Writing off: a claim that will not be paid is given up by two people; the document stays, nothing of it is open.

The tax on it is claimed back only where the claim is uncollectible by law (`with_tax`). Money that comes later is the
party's credit: it settles other documents or is paid back, and the write-off stands (docs/accounting.md).
"""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.money import ZERO, require_minor
from evbilling.kernel.steps import step
from invoicing.models import (
    CLAIMS,
    Allocation,
    Correction,
    CorrectionKind,
    CorrectionState,
    Invoice,
    InvoiceState,
)
from invoicing.operations.credit_notes import credited_rows, tax_rows
from invoicing.operations.crediting import CorrectionWaits
from invoicing.operations.guards import require_person
from invoicing.operations.ledger import post_journal
from invoicing.queries.bookings import receivable_of
from invoicing.queries.documents import WRITE_OFF_PREFIX, open_amount
from invoicing.rules.bookings import write_off_bookings, write_off_tax


def write_off(
    *,
    invoice_id: int,
    amount: Decimal | None = None,
    reason: str,
    with_tax: bool,
    by: User | None,
    at: dt.datetime,
) -> Correction:
    """Ask that what is open on a claim is written off, all of it or `amount`; a second person always decides (I18).

    Raises NotFound, NotAllowed, WrongState unless it is an issued claim with something open, BadInput for more than is
    open or no reason, CorrectionWaits, MoneyError.
    """
    why = require_words("reason", reason, _("Say why the claim is given up; the books keep it."))
    require_person(by, "write_off_invoice")
    with transaction.atomic():
        invoice = lock(Invoice, invoice_id)
        require(
            invoice.state == InvoiceState.ISSUED and invoice.kind in CLAIMS,
            WrongState(_("%(document)s is no claim; only issued invoices are written off.") % {"document": invoice}),
        )
        waiting = Correction.objects.filter(invoice=invoice, state=CorrectionState.ASKED)
        require(not waiting.exists(), CorrectionWaits(invoice))
        wanted = _within(invoice, amount)
        correction = Correction.objects.create(
            kind=CorrectionKind.WRITE_OFF,
            invoice=invoice,
            currency=invoice.currency,
            amount=wanted,
            figures={"with_tax": with_tax, "tax": _tax_in(invoice, wanted) if with_tax else ZERO},
            reason=why[:300],
            asked_by=by,
            asked_at=at,
            needs_second=True,
        )
        record_audit(
            action="invoicing.correction.ask",
            obj=invoice,
            by=by,
            at=at,
            reason=why,
            changes={"kind": correction.kind, "amount": wanted},
        )
    return correction


def _within(invoice: Invoice, amount: Decimal | None) -> Decimal:
    left = open_amount(invoice)
    require(left > 0, WrongState(_("Nothing is open on %(document)s.") % {"document": invoice}))
    wanted = left if amount is None else require_minor(amount, invoice.currency)
    require(
        0 < wanted <= left,
        BadInput("amount", wanted, _("Above zero and at most the %(left)s that are open.") % {"left": left}),
    )
    return wanted


def _tax_in(invoice: Invoice, amount: Decimal) -> Decimal:
    """The tax in so much of the claim, by what is left of each rate after its credits."""
    left = {row.key: (row.net, row.tax) for row in tax_rows(invoice)}
    for row in credited_rows(invoice):
        net, tax = left[row.key]
        left[row.key] = net - row.net, tax - row.tax
    return write_off_tax(amount, left.values(), invoice.currency)


def approve_write_off(correction: Correction, *, by: User, at: dt.datetime) -> None:
    """Write the claim off; called by `approve_correction`, which checked the person.

    Raises WrongState, BadInput where less is open by now, PeriodClosed.
    """
    invoice = lock(Invoice, correction.invoice_id)
    amount = _within(invoice, correction.amount)
    tax = _tax_in(invoice, amount) if correction.figures["with_tax"] else ZERO
    day = local_date(at, invoice.operator.zone)
    allocation = Allocation.objects.create(
        invoice=invoice,
        source=f"{WRITE_OFF_PREFIX}{correction.pk}",
        amount=amount,
        currency=invoice.currency,
        allocated_on=day,
        allocated_at=at,
        allocated_by=by,
    )
    with override(invoice.operator.language):
        text = _("Written off: %(document)s") % {"document": invoice.number}
    step("invoicing.write_off.allocated")
    post_journal(
        operator=invoice.operator,
        source=f"allocation:{allocation.pk}",
        booked_on=day,
        text=text,
        currency=invoice.currency,
        lines=[
            (each.role, invoice.party if each.of_party else None, each.amount)
            for each in write_off_bookings(receivable_of(invoice), amount, tax)
        ],
        at=at,
    )
    correction.figures = {**correction.figures, "tax": tax}
    correction.state, correction.decided_by, correction.decided_at = CorrectionState.DONE, by, at
    correction.save()
    record_audit(
        action="invoicing.invoice.write_off",
        obj=invoice,
        by=by,
        at=at,
        reason=correction.reason,
        changes={"amount": amount, "tax": tax, "asked_by": correction.asked_by_id},
    )
