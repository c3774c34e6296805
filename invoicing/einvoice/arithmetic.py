"""Our own exact check of an e-invoice's figures: the official rules let a tax pass that is up to 1.00 wrong.

The figures are read back from the bytes, must add up without any tolerance, and must be those of the document's rows
(I7), as must be where the file goes: references and electronic addresses are optional in some formats, so no rule
misses one. The one slack is a credit note's tax: it is the difference of two roundings, so one minor unit off is right.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from evbilling.kernel.money import ZERO, add, quantum, split_gross, vat_of
from invoicing.einvoice.figures import Figures
from invoicing.einvoice.model import EInvoice, Finding, TradeParty
from invoicing.einvoice.writing import written

LINE, SUM, TAX, TOTAL, SAME = "OWN-LINE", "OWN-SUM", "OWN-TAX", "OWN-TOTAL", "OWN-SAME"


def check_figures(figures: Figures, invoice: EInvoice) -> list[Finding]:
    """What does not add up in the file, or is not the document's."""
    return [*_lines(figures), *_sums(figures), *_taxes(figures, invoice), *_same(figures, invoice)]


def _lines(figures: Figures) -> Iterator[Finding]:
    for position, line in enumerate(figures.lines, 1):
        if line.quantity * line.price != line.net:
            yield _off(LINE, _("line %(position)s") % {"position": position}, line.net, line.quantity * line.price)


def _sums(figures: Figures) -> Iterator[Finding]:
    checks = (
        (SUM, _("the sum of the lines"), figures.line_total, add(line.net for line in figures.lines)),
        (
            SUM,
            _("the sum of the allowances"),
            figures.allowance_total,
            add(amount for _tax, amount in figures.allowances),
        ),
        (TOTAL, _("the net total"), figures.net, figures.line_total - figures.allowance_total),
        (TOTAL, _("the tax total"), figures.tax, add(tax for _tax, _net, tax in figures.taxes)),
        (TOTAL, _("the total"), figures.gross, figures.net + figures.tax),
        (TOTAL, _("the amount due"), figures.due, figures.gross - figures.prepaid),
    )
    return (_off(rule, what, shown, computed) for rule, what, shown, computed in checks if shown != computed)


def _taxes(figures: Figures, invoice: EInvoice) -> Iterator[Finding]:
    nets: dict[tuple[str, Decimal], Decimal] = defaultdict(Decimal)
    for line in figures.lines:
        nets[line.tax] += line.net
    for key, amount in figures.allowances:
        nets[key] -= amount
    for key, net, tax in figures.taxes:
        what = f"{key[0]} {key[1]:f} %"
        if net != nets.pop(key, ZERO):
            yield Finding(SUM, _("The net at %(what)s is not that of its lines. Draft it again.") % {"what": what})
        right = _tax_on(key[1], net, tax, figures, invoice)
        if tax != right:
            yield _off(TAX, _("the tax at %(what)s") % {"what": what}, tax, right)
    for key in nets:
        yield Finding(
            SUM, _("Lines at %(what)s have no row of tax. Draft it again.") % {"what": f"{key[0]} {key[1]:f} %"}
        )


def _tax_on(rate: Decimal, net: Decimal, tax: Decimal, figures: Figures, invoice: EInvoice) -> Decimal:
    """The tax that the document's rule gives: on the net, or out of the gross (ARCHITECTURE, Money)."""
    by_net = vat_of(net, rate, figures.currency)
    if invoice.is_credit:
        return tax if abs(tax - by_net) <= quantum(figures.currency) else by_net
    return split_gross(net + tax, rate, figures.currency)[1] if invoice.gross_priced else by_net


def _same(figures: Figures, invoice: EInvoice) -> Iterator[Finding]:
    totals = invoice.totals
    pairs = (
        (_("the type code"), figures.type_code, invoice.type_code.value),
        (_("the number"), figures.number, invoice.number),
        (_("the currency"), figures.currency, invoice.currency),
        (_("the buyer's reference"), figures.buyer_reference, written(invoice.buyer_reference)),
        (_("the seller's electronic address"), figures.seller_address, _address(invoice.seller)),
        (_("the buyer's electronic address"), figures.buyer_address, _address(invoice.buyer)),
        (_("the lines"), [line.net for line in figures.lines], [line.net for line in invoice.lines]),
        (_("the rows of tax"), [row[1:] for row in figures.taxes], [(row.net, row.tax) for row in invoice.taxes]),
        (_("the net total"), figures.net, totals.net),
        (_("the tax total"), figures.tax, totals.tax),
        (_("the total"), figures.gross, totals.gross),
        (_("the amount due"), figures.due, totals.due),
    )
    for what, shown, stored in pairs:
        if shown != stored:
            text = _("In the file %(what)s differs from the document: %(shown)s instead of %(stored)s.")
            yield Finding(SAME, text % {"what": what, "shown": shown, "stored": stored})


def _address(party: TradeParty) -> str:
    """As a file gives it; empty for none."""
    return written(party.endpoint.value) if party.endpoint else ""


def _off(rule: str, what: str, shown: Decimal, computed: Decimal) -> Finding:
    text = _(
        "%(what)s is given as %(shown)s, but its parts give %(computed)s. Discard the document and draft it again."
    )
    return Finding(rule, text % {"what": what, "shown": shown, "computed": computed})
