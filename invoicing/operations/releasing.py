"""What a document billed is free again when it was cancelled to be issued again: charges, shares, penalties.

invoice      its session charges are billed by the next document; who pays which part of them stays as issued
settlement   what it shared is with us again, what it took back is the host's again; its months are due anew
penalties    stand without a line again; a row keeps which line billed them
"""

from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceLine, Penalty, ReleasedPenalty
from invoicing.queries.charges import next_generations

_OPPOSITE = {ChargeUse.SHARED: ChargeUse.TAKEN_BACK, ChargeUse.TAKEN_BACK: ChargeUse.SHARED}


def release_charges(*, original: Invoice, note: Invoice) -> None:
    """Release what an invoice or settlement billed, on the lines of the credit note that cancels it whole.

    The note is a draft still: nothing can be added to an issued one.
    """
    line_of = dict(InvoiceLine.objects.filter(invoice=note).values_list("corrects_id", "pk"))
    links = list(BilledCharge.objects.filter(line__invoice=original).order_by("pk"))
    undone = [(link.charge_id, _OPPOSITE[ChargeUse(link.use)]) for link in links if link.use != ChargeUse.BILLED]
    generations = next_generations(undone, {original.contract_id})
    BilledCharge.objects.bulk_create(
        [
            BilledCharge(
                line_id=line_of[link.line_id],
                charge_id=link.charge_id,
                use=ChargeUse.RELEASED if link.use == ChargeUse.BILLED else _OPPOSITE[ChargeUse(link.use)],
                generation=link.generation
                if link.use == ChargeUse.BILLED
                else generations.get((link.charge_id, _OPPOSITE[ChargeUse(link.use)]), 1),
                net_amount=link.net_amount,
            )
            for link in links
        ],
        batch_size=10_000,
    )
    penalties = list(Penalty.objects.filter(line__invoice=original).select_related("line"))
    ReleasedPenalty.objects.bulk_create(
        [ReleasedPenalty(penalty=each, line=each.line) for each in penalties if each.line is not None]
    )
    Penalty.objects.filter(pk__in=[each.pk for each in penalties]).update(line=None)
