"""Writing and issuing a credit note: its figures come from rules/crediting.py; it is numbered like any document."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from contracts.models import Contract, PriceBasis
from evbilling.access.models import User
from evbilling.kernel.errors import WrongState, require
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.locks import lock
from evbilling.kernel.money import ZERO, quantise
from evbilling.kernel.steps import step
from evbilling.shell.formats import format_money
from invoicing.models import (
    BilledCharge,
    ChargeUse,
    CreditedCharge,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    LineKind,
)
from invoicing.operations.allocations import allocate
from invoicing.operations.issuing import issue_invoice
from invoicing.operations.releasing import release_charges
from invoicing.queries.advances import advance_of
from invoicing.queries.documents import credit_source, open_amount
from invoicing.rules.basis import Charged, billed_amount
from invoicing.rules.crediting import CreditPlan, Held, HeldLine, Piece, plan_credit
from invoicing.rules.tax import Category, Tax
from invoicing.rules.totals import TaxRow


class AdvanceInUse(WrongState):
    """An advance invoice is credited by what no invoice set off of it; the rest is paid for a supply."""

    code = "advance_in_use"

    def __init__(self, invoice: Invoice, used: Decimal) -> None:
        super().__init__(
            _("Invoices set off %(used)s of %(advance)s; only what is left of it can be credited. Credit them first.")
            % {"used": format_money(used, invoice.currency), "advance": invoice}
        )


def lock_document(invoice_id: int) -> Invoice:
    """Lock a document that is to be credited; of an advance invoice its contract first, under whose lock drafts set it
    off: so that it is not used and credited at once. Raises NotFound.
    """
    advance = Invoice.objects.filter(pk=invoice_id, kind=InvoiceKind.ADVANCE)
    contract_id = advance.values_list("contract_id", flat=True).first()
    if contract_id is not None:
        lock(Contract, contract_id)
    return lock(Invoice, invoice_id)


def held_lines(invoice: Invoice) -> list[HeldLine]:
    """The lines of an issued document with what earlier credit notes took of them and of their sessions; four queries.

    The document's row is locked by the caller, so that no other credit comes between.
    """
    currency, gross = invoice.currency, invoice.price_basis == PriceBasis.GROSS
    before: dict[int, tuple[Decimal, Decimal]] = {}
    notes = InvoiceLine.objects.filter(corrects__invoice=invoice, invoice__state=InvoiceState.ISSUED).order_by()
    for line_id, net, whole in notes.values_list("corrects_id").annotate(
        net=amount_sum("net_amount"), whole=amount_sum("gross_amount")
    ):
        before[line_id or 0] = net or ZERO, whole or ZERO
    taken: dict[int, tuple[Decimal, Decimal]] = {}
    rows = CreditedCharge.objects.filter(
        line__corrects__invoice=invoice, line__invoice__state=InvoiceState.ISSUED
    ).order_by()
    for charge_id, net, whole in rows.values_list("charge_id").annotate(
        net=amount_sum("net_amount"), whole=amount_sum("gross_amount")
    ):
        taken[charge_id] = net or ZERO, whole or ZERO
    charges: dict[int, list[Held]] = defaultdict(list)
    billed = BilledCharge.objects.filter(line__invoice=invoice, use=ChargeUse.BILLED).order_by("pk")
    lines = list(invoice.lines.order_by("position"))
    taxes = {line.pk: Tax(Category(line.tax_category), line.tax_rate) for line in lines}
    for line_id, charge_id, net, whole, stated in billed.values_list(
        "line_id", "charge_id", "charge__net_amount", "charge__gross_amount", "charge__vat_rate"
    ):
        amount = billed_amount(Charged(net, whole, stated), taxes[line_id], currency, with_tax=True) if gross else None
        charges[line_id].append(_held(charge_id, net, amount, taken.get(charge_id), currency))
    return [
        HeldLine(
            held=_held(line.pk, line.net_amount, line.gross_amount if gross else None, before.get(line.pk), currency),
            key=(Category(line.tax_category), line.tax_rate),
            text=line.text,
            charges=tuple(charges.get(line.pk, ())),
        )
        for line in lines
    ]


def _held(
    row_id: int, net: Decimal, gross: Decimal | None, before: tuple[Decimal, Decimal] | None, currency: str
) -> Held:
    credited_net, credited_gross = before or (ZERO, ZERO)
    return Held(
        row_id,
        quantise(net, currency),
        quantise(credited_net, currency),
        None if gross is None else quantise(gross, currency),
        quantise(credited_gross, currency),
    )


def tax_rows(invoice: Invoice) -> list[TaxRow]:
    """The tax table of a document."""
    return _rows(InvoiceTax.objects.filter(invoice=invoice).order_by("-tax_rate", "tax_category"))


def credited_rows(invoice: Invoice) -> list[TaxRow]:
    """The tax tables of its issued credit notes, one row after the other."""
    notes = InvoiceTax.objects.filter(invoice__corrects=invoice, invoice__kind=InvoiceKind.CREDIT_NOTE)
    return _rows(notes.filter(invoice__state=InvoiceState.ISSUED))


def _rows(taxes: Iterable[InvoiceTax]) -> list[TaxRow]:
    return [TaxRow(Category(row.tax_category), row.tax_rate, row.net_amount, row.tax_amount) for row in taxes]


def plan_note(original: Invoice, lines: Sequence[HeldLine], pieces: Sequence[Piece]) -> CreditPlan:
    """The figures of a credit note over these pieces of an issued document. Raises LineCreditTooHigh, CreditTooHigh."""
    return plan_credit(
        lines,
        pieces,
        tax_rows(original),
        credited_rows(original),
        gross=original.price_basis == PriceBasis.GROSS,
        currency=original.currency,
    )


def issue_note(
    *,
    original: Invoice,
    plan: CreditPlan,
    reason: str,
    release: bool,
    issued_on: dt.date,
    by: User | None,
    at: dt.datetime,
) -> tuple[Invoice, Decimal]:
    """Write and issue the note, and let it settle what is open on the original; the note and what it settled.

    `release`: what the original billed is to be billed again. What the note does not settle is the party's credit (its
    open amount). Runs in its caller's transaction, which holds the original's row. Raises what issuing and allocating
    raise.
    """
    note = _write(original, plan, reason, at)
    step("invoicing.credit.written")
    if release:
        release_charges(original=original, note=note)
        step("invoicing.credit.released")
    note = issue_invoice(invoice_id=note.pk, issued_on=issued_on, by=by, at=at)
    if original.kind == InvoiceKind.ADVANCE:
        advance = advance_of(original)
        require(advance.used <= advance.total, AdvanceInUse(original, advance.used))
    settles = min(open_amount(original), note.gross_amount)
    if settles > 0:
        allocate(
            invoice_id=original.pk, source=credit_source(note.pk), amount=settles, allocated_on=issued_on, by=by, at=at
        )
    step("invoicing.credit.allocated")
    return note, settles


def _write(original: Invoice, plan: CreditPlan, reason: str, at: dt.datetime) -> Invoice:
    """The credit note as a draft, all amounts positive; each line names the line that it corrects."""
    earlier = original.corrections.filter(kind=InvoiceKind.CREDIT_NOTE).count()
    note = Invoice.objects.create(
        kind=InvoiceKind.CREDIT_NOTE,
        operator=original.operator,
        party=original.party,
        contract=original.contract,
        contract_version=original.contract_version,
        billing_group=original.billing_group,
        split_key=original.split_key,
        purchase_order=original.purchase_order,
        slot=f"credit/{original.pk}/{earlier + 1}",
        period_from=original.period_from,
        period_to=original.period_to,
        corrects=original,
        reason=reason[:300],
        price_basis=original.price_basis,
        currency=original.currency,
        net_amount=plan.totals.net,
        tax_amount=plan.totals.tax,
        gross_amount=plan.totals.gross,
        rounding_rule=original.rounding_rule,
        language=original.language,
        created_at=at,
    )
    lines = {line.pk: line for line in original.lines.all()}
    written = InvoiceLine.objects.bulk_create(_lines(note, plan, lines))
    CreditedCharge.objects.bulk_create(
        (
            CreditedCharge(line=row, charge_id=charge_id, net_amount=net, gross_amount=gross)
            for row, line in zip(written, plan.lines, strict=True)
            for charge_id, net, gross in line.charges
        ),
        batch_size=10_000,
    )
    taxes = {(Category(row.tax_category), row.tax_rate): row for row in original.taxes.all()}
    InvoiceTax.objects.bulk_create(
        InvoiceTax(
            invoice=note,
            tax_category=row.category.value,
            tax_rate=row.percent,
            net_amount=row.net,
            tax_amount=row.tax,
            ground=taxes[row.key].ground,
            ground_code=taxes[row.key].ground_code,
        )
        for row in plan.totals.rows
    )
    return note


def _lines(note: Invoice, plan: CreditPlan, originals: dict[int, InvoiceLine]) -> list[InvoiceLine]:
    made = []
    for position, line in enumerate(plan.lines, 1):
        about, piece = originals[line.piece.line_id], line.piece
        complete = line.net == about.net_amount
        made.append(
            InvoiceLine(
                invoice=note,
                contract_id=about.contract_id,
                corrects=about,
                position=position,
                kind=LineKind.CREDIT,
                group_label=about.group_label,
                text=(piece.text or about.text)[:300],
                session_count=about.session_count if complete and not piece.text else piece.session_count,
                energy_wh=about.energy_wh if complete and not piece.text else piece.energy_wh,
                tax_category=about.tax_category,
                tax_rate=about.tax_rate,
                net_amount=line.net,
                gross_amount=line.gross,
                because=dict(piece.because),
            )
        )
    return made
