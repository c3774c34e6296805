"""Crediting: an issued document is never changed; a credit note of its own takes it back (I8, I11)."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from invoicing.models import Invoice, InvoiceKind, InvoiceLine, InvoiceState, InvoiceTax, LineKind
from invoicing.operations.allocations import allocate
from invoicing.operations.issuing import issue_invoice
from invoicing.queries.documents import credit_source, open_amount
from invoicing.rules.tax import Category
from invoicing.rules.totals import TaxRow, Totals, credit_totals


class AlreadyCredited(WrongState):
    """A document is credited in full once (I11)."""

    code = "already_credited"

    def __init__(self, invoice: Invoice, note: Invoice) -> None:
        super().__init__(_("%(document)s is credited already by %(note)s.") % {"document": invoice, "note": note})


def credit_invoice(
    *, invoice_id: int, reason: str, by: User | None, at: dt.datetime, issued_on: dt.date | None = None
) -> Invoice:
    """Credit a whole invoice or settlement: a credit note over what is left of it, issued at once; returns the note.

    It settles what is open on the original; what was paid before becomes the party's credit (the open amount of the
    note). `issued_on` is by default the day of `at` in the operator's zone. The sessions stay on the credited
    document and are not billed again by themselves. Raises NotFound, WrongState, AlreadyCredited, BadInput without a
    reason, PeriodClosed.
    """
    require(reason.strip(), BadInput("reason", reason, _("Say why it is credited; the credit note prints it.")))
    with transaction.atomic():
        original = lock(Invoice, invoice_id)
        require(
            original.state == InvoiceState.ISSUED and original.kind != InvoiceKind.CREDIT_NOTE,
            WrongState(_("%(document)s cannot be credited; only issued invoices can.") % {"document": original}),
        )
        earlier = original.corrections.filter(kind=InvoiceKind.CREDIT_NOTE).first()
        if earlier is not None:
            raise AlreadyCredited(original, earlier)
        note = _write(original, reason.strip(), at)
        step("invoicing.credit.written")
        day = issued_on or local_date(at, original.operator.zone)
        note = issue_invoice(invoice_id=note.pk, issued_on=day, by=by, at=at)
        settles = min(open_amount(original), note.gross_amount)
        if settles > 0:
            allocate(
                invoice_id=original.pk, source=credit_source(note.pk), amount=settles, allocated_on=day, by=by, at=at
            )
        step("invoicing.credit.allocated")
        record_audit(
            action="invoicing.invoice.credit",
            obj=original,
            by=by,
            at=at,
            reason=reason.strip(),
            changes={"credit_note": note.number, "gross_amount": note.gross_amount, "settled": settles},
        )
    return note


def _rows(invoice: Invoice) -> list[InvoiceTax]:
    return list(invoice.taxes.order_by("-tax_rate", "tax_category"))


def _totals(invoice: Invoice) -> Totals:
    rows = [TaxRow(Category(row.tax_category), row.tax_rate, row.net_amount, row.tax_amount) for row in _rows(invoice)]
    return credit_totals(rows, (), None, invoice.currency)


def _write(original: Invoice, reason: str, at: dt.datetime) -> Invoice:
    """The credit note as a draft: the original's lines and tax rows, all amounts positive."""
    totals = _totals(original)
    grounds = {(row.tax_category, row.tax_rate): row.ground for row in _rows(original)}
    note = Invoice.objects.create(
        kind=InvoiceKind.CREDIT_NOTE,
        operator=original.operator,
        party=original.party,
        contract=original.contract,
        contract_version=original.contract_version,
        slot=f"credit/{original.pk}",
        period_from=original.period_from,
        period_to=original.period_to,
        corrects=original,
        reason=reason[:300],
        currency=original.currency,
        net_amount=totals.net,
        tax_amount=totals.tax,
        gross_amount=totals.gross,
        rounding_rule=original.rounding_rule,
        language=original.language,
        created_at=at,
    )
    InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=note,
            contract_id=line.contract_id,
            corrects=line,
            position=line.position,
            kind=LineKind.CREDIT,
            group_label=line.group_label,
            text=line.text,
            session_count=line.session_count,
            energy_wh=line.energy_wh,
            tax_category=line.tax_category,
            tax_rate=line.tax_rate,
            net_amount=line.net_amount,
        )
        for line in original.lines.order_by("position")
    )
    InvoiceTax.objects.bulk_create(
        InvoiceTax(
            invoice=note,
            tax_category=row.category.value,
            tax_rate=row.percent,
            net_amount=row.net,
            tax_amount=row.tax,
            ground=grounds[row.category.value, row.percent],
        )
        for row in totals.rows
    )
    return note
