"""Numbers: a document has one if and only if it is issued, and each series runs from 1 without gap (I9)."""

from collections.abc import Iterator

from django.db.models import Count, Max, Min, Q

from evbilling.kernel.books import Finding, proves
from invoicing.models import Invoice, InvoiceState, NumberSeries
from invoicing.rules.numbering import number_of


@proves("I9", "Issued documents have a number, drafts have none")
def number_iff_issued() -> Iterator[Finding]:
    """What the database's constraint says, told by the rows themselves."""
    missing = Q(state=InvoiceState.ISSUED) & (
        Q(number__isnull=True) | Q(series__isnull=True) | Q(sequence__isnull=True)
    )
    early = Q(state=InvoiceState.DRAFT) & (Q(number__isnull=False) | Q(sequence__isnull=False))
    for invoice in Invoice.objects.filter(missing | early):
        what = "is issued without a number" if invoice.state == InvoiceState.ISSUED else "is a draft with a number"
        yield Finding("I9", f"document {invoice.pk}", f"It {what}.")


@proves("I9", "Every number series is gapless")
def series_gapless() -> Iterator[Finding]:
    """Per series: as many documents as its counter says, numbered 1 to that; each number reads as its series."""
    given = {
        series: tuple(counts)
        for series, *counts in Invoice.objects.filter(series__isnull=False)
        .order_by()
        .values_list("series")
        .annotate(
            rows=Count("pk"), different=Count("sequence", distinct=True), low=Min("sequence"), high=Max("sequence")
        )
    }
    for series in NumberSeries.objects.order_by("pk"):
        last = series.last_number
        rows, different, low, high = given.get(series.pk, (0, 0, 1, 0))
        if (rows, different, low, high) != (last, last, 1, last):
            yield Finding(
                "I9",
                f"series {series}",
                f"It has given {last} numbers; {rows} documents carry {different} different ones, {low} to {high}.",
            )
    numbered = (
        Invoice.objects.filter(series__isnull=False).select_related("series").only("number", "sequence", "series")
    )
    for invoice in numbered.iterator(chunk_size=5000):
        if invoice.series is None or invoice.sequence is None:
            continue
        due = number_of(invoice.series.prefix, invoice.series.year, invoice.sequence)
        if invoice.number != due:
            yield Finding("I9", f"document {invoice.number}", f"Its place in the series is {due}.")
