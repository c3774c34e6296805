"""The words of a statement of account: the balance, how old it is, every entry, and what is open."""

from decimal import Decimal

from django.utils.translation import ngettext, pgettext

from evbilling.kernel.money import add
from evbilling.shell.paper.formats import Formats, formats_of
from evbilling.shell.paper.listing import Column, Listing, ListRow
from invoicing.documents.letters.page import BoxCell, FlowColumn, FlowTable, LetterPage, flow_table
from invoicing.documents.letters.parts import letter_facts, own_words, transfer
from invoicing.documents.letters.views import AgingSum, EntryKind, StatementEntry, StatementView


def statement_page(view: StatementView) -> LetterPage:
    """The statement as it is laid out; call it with the view's language active."""
    formats = formats_of(view.language, view.currency)
    return LetterPage(
        title=pgettext("letter", "Statement of account"),
        subject=formats.period(view.from_on, view.to_on),
        facts=letter_facts(view, (pgettext("letter", "Currency"), view.currency)),
        box=_box(view, formats),
        opening=own_words(view.introduction),
        tables=(_aging(view, formats),) if view.aging else (),
        pay=transfer(view, view.bank, view.closing_amount, view.references.customer_no, view.pay_url),
        closing=own_words(_credit(view, formats), view.closing),
        listings=(_entries(view, formats), _open_items(view, formats)),
        identity=f"statement\n{view.recipient.legal_name}\n{view.currency}\n{view.from_on}\n{view.to_on}",
    )


def _box(view: StatementView, formats: Formats) -> tuple[BoxCell, ...]:
    day = formats.short_date(view.to_on)
    if view.closing_amount < 0:
        label = pgettext("letter", "Your credit on %(day)s")
    else:
        label = pgettext("letter", "Your balance on %(day)s")
    overdue = add(item.open_amount for item in view.open_items if item.days_overdue > 0)
    return (
        BoxCell(label % {"day": day}, formats.money(abs(view.closing_amount)), "due"),
        BoxCell(pgettext("letter", "Of this overdue"), formats.money(overdue)),
        BoxCell(pgettext("letter", "Open documents"), formats.whole(len(view.open_items))),
    )


def _credit(view: StatementView, formats: Formats) -> str:
    if not view.credit_amount:
        return ""
    words = pgettext("letter", "%(amount)s of your payments settle no document yet and are kept as your credit.")
    return words % {"amount": formats.money(view.credit_amount)}


def _aging(view: StatementView, formats: Formats) -> FlowTable:
    """One row: what is open by how long it is overdue, and the sum."""
    heads = [_bucket(each) for each in view.aging] + [pgettext("letter", "Open in all")]
    cells = [formats.amount(each.open_amount) for each in view.aging]
    cells.append(formats.amount(add(each.open_amount for each in view.aging)))
    columns = [FlowColumn(head, figures=bool(number)) for number, head in enumerate(heads)]
    return flow_table(columns, [cells], title=pgettext("letter", "Open by age, %s") % view.currency)


def _bucket(each: AgingSum) -> str:
    if each.from_days is None:
        return pgettext("letter", "Not due yet")
    if each.to_days is None:
        return pgettext("letter", "over %(days)s days") % {"days": each.from_days - 1}
    return pgettext("letter", "%(first)s to %(last)s days") % {"first": each.from_days, "last": each.to_days}


def entry_word(kind: EntryKind) -> str:
    """What an entry is called, in the active language."""
    words = {
        EntryKind.DOCUMENT: pgettext("letter", "Document"),
        EntryKind.CREDIT: pgettext("letter", "Credit note"),
        EntryKind.SETTLEMENT: pgettext("letter", "Settlement"),
        EntryKind.PAYMENT: pgettext("letter", "Payment received"),
        EntryKind.REFUND: pgettext("letter", "Paid to you"),
        EntryKind.ALLOCATION: pgettext("letter", "Set off"),
        EntryKind.WRITE_OFF: pgettext("letter", "Written off"),
        EntryKind.DEPOSIT: pgettext("letter", "Deposit"),
        EntryKind.OTHER: pgettext("letter", "Entry"),
    }
    return words[kind]


def _entries(view: StatementView, formats: Formats) -> Listing:
    columns = (
        Column(pgettext("letter", "Date"), 21),
        Column(pgettext("letter", "Entry"), 30),
        Column(pgettext("letter", "Reference"), 28),
        Column(pgettext("letter", "Text"), 34),
        Column(pgettext("letter", "You owe %s") % view.currency, 20, figures=True),
        Column(pgettext("letter", "You paid %s") % view.currency, 20, figures=True),
        Column(pgettext("letter", "Balance %s") % view.currency, 22, figures=True),
    )
    opening = (
        formats.short_date(view.from_on),
        pgettext("letter", "Balance brought forward"),
        "",
        "",
        "",
        "",
        formats.amount(view.opening_amount),
    )
    rows = [ListRow(opening, strong=True)]
    rows += [_entry(entry, formats) for entry in view.entries]
    count = len(view.entries)
    return Listing(
        title=pgettext("letter", "Entries"),
        lead=ngettext("%(count)s entry", "%(count)s entries", count) % {"count": formats.whole(count)},
        columns=columns,
        rows=tuple(rows),
        total=(
            formats.short_date(view.to_on),
            pgettext("letter", "Closing balance"),
            "",
            "",
            formats.amount(add(entry.debit_amount for entry in view.entries)),
            formats.amount(add(entry.credit_amount for entry in view.entries)),
            formats.amount(view.closing_amount),
        ),
    )


def _entry(entry: StatementEntry, formats: Formats) -> ListRow:
    def shown(amount: Decimal) -> str:
        return formats.amount(amount) if amount else ""

    cells = (
        formats.short_date(entry.on),
        entry_word(entry.kind),
        entry.reference,
        entry.text,
        shown(entry.debit_amount),
        shown(entry.credit_amount),
        formats.amount(entry.balance_amount) if entry.kind is not EntryKind.ALLOCATION else "",
    )
    return ListRow(cells, quiet=entry.kind is EntryKind.ALLOCATION)


def _open_items(view: StatementView, formats: Formats) -> Listing:
    columns = (
        Column(pgettext("letter", "Document"), 40),
        Column(pgettext("letter", "Issued"), 24),
        Column(pgettext("letter", "Due"), 24),
        Column(pgettext("letter", "Days overdue"), 22, figures=True),
        Column(pgettext("letter", "Total %s") % view.currency, 28, figures=True),
        Column(pgettext("letter", "Open %s") % view.currency, 28, figures=True),
    )
    rows = tuple(
        ListRow(
            (
                item.number,
                formats.short_date(item.issued_on),
                formats.short_date(item.due_on),
                formats.whole(item.days_overdue) if item.days_overdue > 0 else "",
                formats.amount(item.total_amount),
                formats.amount(item.open_amount),
            )
        )
        for item in view.open_items
    )
    opened = formats.amount(add(item.open_amount for item in view.open_items))
    total = (pgettext("document", "Total"), "", "", "", "", opened)
    return Listing(pgettext("letter", "Open documents"), columns, rows, total=total)
