"""The words of a dunning notice: friendlier at first, clear at the end; what, since when, how much and how to pay."""

from collections.abc import Sequence

from django.utils.translation import ngettext, pgettext

from evbilling.kernel.money import add
from evbilling.shell.paper.formats import Formats, formats_of
from evbilling.shell.paper.listing import Column, Listing, ListRow
from invoicing.documents.letters.page import (
    MOST_IN_FLOW,
    BoxCell,
    FlowColumn,
    FlowTable,
    LetterPage,
    SumRow,
    flow_table,
)
from invoicing.documents.letters.parts import letter_facts, own_words, transfer
from invoicing.documents.letters.views import NoticeView, OverdueItem


def notice_title(level: int, *, last: bool = False) -> str:
    """What a notice of a level is called, in the active language."""
    if last and level > 1:
        return pgettext("letter", "Final reminder")
    if level <= 1:
        return pgettext("letter", "Payment reminder")
    return pgettext("letter", "Reminder no. %(level)s") % {"level": level}


def notice_page(view: NoticeView) -> LetterPage:
    """The notice as it is laid out; call it with the view's language active."""
    formats = formats_of(view.language, view.currency)
    title = notice_title(view.level, last=view.last)
    short = len(view.items) <= MOST_IN_FLOW
    return LetterPage(
        title=title,
        subject=_subject(view, formats),
        facts=letter_facts(view),
        box=_box(view, formats),
        opening=own_words(view.introduction, *_opening(view, formats)),
        tables=(_table(view, formats),) if short else (),
        sums=_sums(view, formats),
        pay=transfer(view, view.bank, view.sum_amount, view.reference, view.pay_url),
        closing=own_words(view.interest_text, view.fee_text, _contested(view, formats), _crossed(view), view.closing),
        listings=() if short else (_listing(view, formats),),
        identity=f"notice\n{view.level}\n{view.reference}\n{view.dated_on}",
    )


def _subject(view: NoticeView, formats: Formats) -> str:
    count = len(view.items)
    if count == 1:
        item = view.items[0]
        words = pgettext("letter", "%(number)s of %(day)s")
        return words % {"number": item.number, "day": formats.long_date(item.issued_on)}
    return ngettext("%(count)s overdue document", "%(count)s overdue documents", count) % {
        "count": formats.whole(count)
    }


def _box(view: NoticeView, formats: Formats) -> tuple[BoxCell, ...]:
    return (
        BoxCell(pgettext("letter", "Please pay"), formats.money(view.sum_amount), "due"),
        BoxCell(pgettext("document", "Pay by"), formats.long_date(view.pay_by_on)),
        BoxCell(pgettext("document", "Payment reference"), view.reference, "ref"),
    )


def _opening(view: NoticeView, formats: Formats) -> Sequence[str]:
    day = formats.long_date(view.pay_by_on)
    count = len(view.items)
    if view.last and view.level > 1:
        first = ngettext(
            "Despite our earlier reminders this document is still unpaid. This is our last reminder.",
            "Despite our earlier reminders these documents are still unpaid. This is our last reminder.",
            count,
        )
        then = pgettext(
            "letter", "If the sum does not reach us by %(day)s, we have to take further steps to collect it."
        )
    elif view.level > 1:
        first = ngettext(
            "Despite our earlier reminder this document is still unpaid.",
            "Despite our earlier reminder these documents are still unpaid.",
            count,
        )
        then = pgettext("letter", "Please pay the sum by %(day)s.")
    else:
        first = ngettext(
            "Perhaps it has slipped your attention: this document is past its due date.",
            "Perhaps it has slipped your attention: these documents are past their due dates.",
            count,
        )
        then = pgettext("letter", "Please pay the sum by %(day)s.")
    if count > MOST_IN_FLOW:
        then += " " + pgettext("letter", "They are listed below.")
    return (f"{first} {then % {'day': day}}",)


def _contested(view: NoticeView, formats: Formats) -> str:
    amount = add(item.contested_amount for item in view.items)
    if not amount:
        return ""
    words = pgettext(
        "letter", "You contest %(amount)s of these documents; until we have answered we do not ask for it."
    )
    return words % {"amount": formats.money(amount)}


def _crossed(view: NoticeView) -> str:
    return pgettext("letter", "If you have paid in the meantime, please disregard this letter.")


def _any_contested(view: NoticeView) -> bool:
    return any(item.contested_amount for item in view.items)


def _heads(view: NoticeView, *, contested: bool) -> list[str]:
    return [
        pgettext("letter", "Document"),
        pgettext("letter", "Issued"),
        pgettext("letter", "Due"),
        pgettext("letter", "Days overdue"),
        pgettext("letter", "Total %s") % view.currency,
        pgettext("letter", "Open %s") % view.currency,
        *([pgettext("letter", "Contested %s") % view.currency] if contested else []),
    ]


def _cells(item: OverdueItem, formats: Formats, *, contested: bool) -> list[str]:
    return [
        item.number,
        formats.short_date(item.issued_on),
        formats.short_date(item.due_on),
        formats.whole(item.days_overdue),
        formats.amount(item.total_amount),
        formats.amount(item.open_amount),
        *([formats.amount(item.contested_amount)] if contested else []),
    ]


def _table(view: NoticeView, formats: Formats) -> FlowTable:
    widths = (0, 21, 21, 18, 23, 23, 24)
    contested = _any_contested(view)
    columns = [FlowColumn(head, widths[n], figures=n > 2) for n, head in enumerate(_heads(view, contested=contested))]
    return flow_table(columns, [_cells(item, formats, contested=contested) for item in view.items])


def _listing(view: NoticeView, formats: Formats) -> Listing:
    shares = (30, 19, 19, 14, 20, 20, 20)
    contested = _any_contested(view)
    heads = _heads(view, contested=contested)
    total = ["", "", "", "", "", formats.amount(add(item.open_amount for item in view.items))]
    if contested:
        total.append(formats.amount(add(item.contested_amount for item in view.items)))
    total[0] = pgettext("document", "Total")
    return Listing(
        title=pgettext("letter", "Overdue documents"),
        columns=tuple(Column(head, shares[n], figures=n > 2) for n, head in enumerate(heads)),
        rows=tuple(ListRow(tuple(_cells(item, formats, contested=contested))) for item in view.items),
        total=tuple(total),
    )


def _sums(view: NoticeView, formats: Formats) -> tuple[SumRow, ...]:
    rows = []
    asked = view.sum_amount - view.fee_amount
    if view.fee_amount:
        rows.append(SumRow(pgettext("letter", "Overdue documents"), formats.money(asked)))
        rows.append(SumRow(pgettext("letter", "Reminder fee"), formats.money(view.fee_amount), "last"))
    rows.append(SumRow(pgettext("letter", "Sum to pay"), formats.money(view.sum_amount), "total rule"))
    return tuple(rows)
