"""The words of a receipt: what was received, how, and what it settled."""

from django.utils.translation import pgettext

from evbilling.kernel.money import add
from evbilling.shell.paper.formats import Formats, formats_of
from evbilling.shell.paper.listing import Column, Listing, ListRow
from invoicing.documents.letters.page import MOST_IN_FLOW, BoxCell, FlowColumn, LetterPage, SumRow, flow_table
from invoicing.documents.letters.parts import letter_facts, own_words
from invoicing.documents.letters.views import ReceiptView, SettledItem


def receipt_page(view: ReceiptView) -> LetterPage:
    """The receipt as it is laid out; call it with the view's language active."""
    formats = formats_of(view.language, view.currency)
    short = len(view.items) <= MOST_IN_FLOW
    heads = (
        pgettext("letter", "Document"),
        pgettext("letter", "Issued"),
        pgettext("letter", "Total %s") % view.currency,
        pgettext("letter", "Paid %s") % view.currency,
        pgettext("letter", "Still open %s") % view.currency,
    )
    widths = (0, 30, 30, 30, 30)
    columns = [FlowColumn(head, widths[n], figures=n > 1) for n, head in enumerate(heads)]
    table = flow_table(columns, [_cells(item, formats) for item in view.items])
    listing = Listing(
        title=pgettext("letter", "Settled documents"),
        columns=tuple(Column(head, 30, figures=n > 1) for n, head in enumerate(heads)),
        rows=tuple(ListRow(tuple(_cells(item, formats))) for item in view.items),
    )
    return LetterPage(
        title=pgettext("letter", "Payment receipt"),
        number=view.number,
        facts=letter_facts(view, (pgettext("letter", "Receipt no."), view.number)),
        box=_box(view, formats),
        opening=own_words(view.introduction, _thanks(view)),
        tables=(table,) if view.items and short else (),
        sums=_sums(view, formats),
        closing=own_words(
            pgettext("letter", "This receipt confirms a payment; the tax is shown on the documents themselves."),
            view.closing,
        ),
        listings=() if short else (listing,),
        identity=f"receipt\n{view.number}",
    )


def _box(view: ReceiptView, formats: Formats) -> tuple[BoxCell, ...]:
    cells = [
        BoxCell(pgettext("letter", "Received"), formats.money(view.amount), "due"),
        BoxCell(pgettext("letter", "On"), formats.long_date(view.paid_on)),
        BoxCell(pgettext("letter", "By"), view.method, "ref"),
    ]
    if view.reference:
        cells.append(BoxCell(pgettext("document", "Payment reference"), view.reference, "ref"))
    return tuple(cells)


def _thanks(view: ReceiptView) -> str:
    if not view.items:
        return pgettext("letter", "Thank you for your payment. It is kept as your credit.")
    if view.credit_amount:
        return pgettext(
            "letter", "Thank you for your payment. It settled these documents; the rest is kept as your credit."
        )
    return pgettext("letter", "Thank you for your payment. It settled these documents.")


def _cells(item: SettledItem, formats: Formats) -> list[str]:
    return [
        item.number,
        formats.short_date(item.issued_on),
        formats.amount(item.total_amount),
        formats.amount(item.paid_amount),
        formats.amount(item.left_amount),
    ]


def _sums(view: ReceiptView, formats: Formats) -> tuple[SumRow, ...]:
    rows = []
    if view.credit_amount and view.items:
        settled = add(item.paid_amount for item in view.items)
        rows.append(SumRow(pgettext("letter", "Settled documents"), formats.money(settled)))
    if view.credit_amount:
        rows.append(SumRow(pgettext("letter", "Kept as credit"), formats.money(view.credit_amount), "last"))
    rows.append(SumRow(pgettext("letter", "Received"), formats.money(view.amount), "total rule"))
    return tuple(rows)
