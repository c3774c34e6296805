"""The words of a run's completeness report: what came in, what became of it, every contract and every failure."""

from django.utils.translation import ngettext, pgettext

from evbilling.shell.paper.formats import Formats, formats_of
from evbilling.shell.paper.listing import Column, Listing, ListRow
from invoicing.documents.letters.page import BoxCell, FlowColumn, FlowTable, LetterPage, flow_table
from invoicing.documents.letters.parts import letter_facts, own_words
from invoicing.documents.letters.views import ContractResult, FateSum, ReportView


def report_page(view: ReportView) -> LetterPage:
    """The report as it is laid out; call it with the view's language active."""
    formats = formats_of(view.language, view.currency)
    return LetterPage(
        title=view.title,
        subject=formats.period(view.from_on, view.to_on),
        facts=letter_facts(view, *view.facts),
        box=_box(view, formats),
        opening=own_words(view.introduction, _whole(view)),
        tables=(_fates(view, formats), *((_totals(view, formats),) if view.totals else ())),
        closing=own_words(*view.remarks, view.closing),
        listings=(_failures(view), _contracts(view, formats)),
        identity=f"report\n{view.title}\n{view.from_on}\n{view.to_on}\n{view.dated_on}",
    )


def _box(view: ReportView, formats: Formats) -> tuple[BoxCell, ...]:
    documents = sum(total.documents for total in view.totals)
    return (
        BoxCell(pgettext("letter", "Sessions of the period"), formats.whole(view.sessions_in.sessions), "due"),
        BoxCell(pgettext("letter", "Documents"), formats.whole(documents)),
        BoxCell(pgettext("letter", "Contracts"), formats.whole(len({row.contract_no for row in view.contracts}))),
        BoxCell(pgettext("letter", "Failed"), formats.whole(len(view.failures))),
    )


def _whole(view: ReportView) -> str:
    """The sentence that the figures prove: `check_letter` refuses a report in which it does not hold."""
    return pgettext("letter", "Every session is in exactly one row; rows and whole agree to the kWh and the cent.")


def _fates(view: ReportView, formats: Formats) -> FlowTable:
    currencies = sorted({code for row in (view.sessions_in, *view.fates) for code, _amount in row.amounts})
    columns = [
        FlowColumn(pgettext("letter", "What became of them")),
        FlowColumn(pgettext("document", "Sessions"), 24, figures=True),
        FlowColumn("kWh", 32, figures=True),
        *(FlowColumn(pgettext("document", "Net %s") % code, 32, figures=True) for code in currencies),
    ]

    def cells(row: FateSum) -> list[str]:
        amounts = dict(row.amounts)
        return [
            row.label,
            formats.whole(row.sessions),
            formats.kwh(row.energy_wh),
            *(formats_of(view.language, code).amount(amounts[code]) if code in amounts else "" for code in currencies),
        ]

    rows = [cells(row) for row in (*view.fates, view.sessions_in)]
    return flow_table(columns, rows, title=pgettext("letter", "Sessions"), strong=len(rows) - 1)


def _totals(view: ReportView, formats: Formats) -> FlowTable:
    columns = [
        FlowColumn(pgettext("letter", "Kind of document")),
        FlowColumn(pgettext("letter", "Currency"), 20),
        FlowColumn(pgettext("letter", "Documents"), 24, figures=True),
        FlowColumn(pgettext("document", "Net"), 32, figures=True),
        FlowColumn(pgettext("document", "Tax"), 32, figures=True),
        FlowColumn(pgettext("document", "Total"), 32, figures=True),
    ]
    rows = []
    for total in view.totals:
        money = formats_of(view.language, total.currency)
        rows.append(
            [
                total.kind,
                total.currency,
                formats.whole(total.documents),
                money.amount(total.net_amount),
                money.amount(total.tax_amount),
                money.amount(total.gross_amount),
            ]
        )
    return flow_table(columns, rows, title=pgettext("letter", "Documents"))


def _failures(view: ReportView) -> Listing:
    columns = (
        Column(pgettext("document", "Contract"), 26),
        Column(pgettext("letter", "Party"), 52),
        Column(pgettext("letter", "Why it failed"), 92),
    )
    rows = tuple(ListRow((row.contract_no, row.party, row.text)) for row in view.failures)
    return Listing(pgettext("letter", "Failed contracts"), columns, rows)


def _contracts(view: ReportView, formats: Formats) -> Listing:
    columns = (
        Column(pgettext("document", "Contract"), 25),
        Column(pgettext("letter", "Party"), 44),
        Column(pgettext("letter", "Document or reason"), 34),
        Column(pgettext("document", "Sessions"), 15, figures=True),
        Column("kWh", 22, figures=True),
        Column(pgettext("document", "Net"), 22, figures=True),
        Column(pgettext("document", "Total"), 28, figures=True),
    )
    count = len(view.contracts)
    return Listing(
        title=pgettext("letter", "Results by contract"),
        lead=ngettext("%(count)s result", "%(count)s results", count) % {"count": formats.whole(count)},
        columns=columns,
        rows=tuple(_result(view, row, formats) for row in view.contracts),
    )


def _result(view: ReportView, row: ContractResult, formats: Formats) -> ListRow:
    if not row.document:
        said = ": ".join(filter(None, (row.result, row.text)))
        return ListRow((row.contract_no, row.party, said, "", "", "", ""), quiet=not row.failed)
    money = formats_of(view.language, row.currency)
    return ListRow(
        (
            row.contract_no,
            row.party,
            row.document,
            formats.whole(row.sessions) if row.sessions else "",
            formats.kwh(row.energy_wh) if row.energy_wh else "",
            money.amount(row.net_amount),
            f"{money.amount(row.gross_amount)} {row.currency}",
        )
    )
