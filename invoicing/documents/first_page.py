"""Page one, and more where the lines need it: parties, amount box, lines, taxes and payment, laid out by WeasyPrint.

Tables have fixed widths and nothing is flexible, which keeps it fast (`evbilling.shell.paper.page`). What depends on
the session count is not here but in `annex`.
"""

from decimal import Decimal
from math import ceil
from typing import Any

from django.utils.translation import ngettext, pgettext
from weasyprint import Document

from evbilling.shell.paper.code import Code
from evbilling.shell.paper.formats import Formats, formats_of
from evbilling.shell.paper.page import data_address, set_page
from evbilling.shell.paper.sheet import MM, Sheet, foot_rise
from invoicing.documents.head import bank_facts, issuer_lines, pictures, recipient_lines, sender_line, transfer_code
from invoicing.documents.view import DocumentView, Kind, Line, LineGroup, PaymentMethod
from invoicing.documents.words import box_amount, kind_words

_WIDE = 10_000_000  # from here on amounts are set smaller, so that the widest columns still hold them
_FEW_LINES = 24  # what page one can hold at most
_MARGINS = 15 + 21  # above and below page one, in mm


def lay_out(view: DocumentView) -> Document:
    """Page one of the view as a laid-out WeasyPrint document; call it with the view's language active.

    How to pay stands beside the totals. Where that does not fit on page one with few lines, it goes below them, so that
    the totals stay with their lines.
    """
    context = _context(view)
    few = sum(len(group.lines) for group in view.groups) <= _FEW_LINES
    if few and context["pay"] and _height(context) > _room(view):
        return _laid_out(view, context | {"beside": False})
    document = _laid_out(view, context)
    if few and context["pay"] and len(document.pages) == 2:
        document = _laid_out(view, context | {"beside": False})
    return document


def _room(view: DocumentView) -> float:
    """What page one holds, in mm."""
    return (Sheet.of(view.letterhead).height - foot_rise(view.letterhead)) / MM - _MARGINS


def _height(context: dict[str, Any]) -> float:
    """About how much of page one everything takes in mm: a wrong guess costs a second layout, nothing else."""
    pay, groups = context["pay"], context["groups"]
    right = 5.1 + 3.92 * (context["issuer"].count("\n") + 1) + 4.45 * len(context["facts"])
    left = 28.0 + 4.71 * (context["recipient"].count("\n") + 1)
    rows = sum(6.03 * len(group["lines"]) + 7.3 * group["heading"] for group in groups)
    lines = ceil(len(pay["text"]) / 58) + bool(pay["url"]) + sum(ceil(len(text) / 58) for text in context["remarks"])
    beside = 7.1 + 4.45 * len(pay["facts"]) + 4.3 * lines + 3 + 4.5 * bool(context["remarks"])
    totals = 5.5 * len(context["totals"]) + 6 + (29 if pay["qr"] else 0)
    notes = 6 + sum(5.2 * ceil(len(text) / 110) for text in context["notes"])
    if context["introduction"]:
        rows += 5.5 + 4.3 * ceil(len(context["introduction"]) / 95)
    return max(left, right) + 52.1 + rows + 3.8 + max(beside, totals) + notes


def _laid_out(view: DocumentView, context: dict[str, Any]) -> Document:
    return set_page("document", context, view.letterhead, pictures(context["pay"]))


def _context(view: DocumentView) -> dict[str, Any]:
    """Everything the template prints, formatted."""
    formats, words = formats_of(view.language, view.currency), kind_words(view)
    groups = [_group(group, formats, with_tax=view.prices_with_tax) for group in view.groups]
    period = formats.period(view.supply_from, view.supply_to) if view.supply_from and view.supply_to else ""
    title = f"{words.title} {view.number}".strip()
    return {
        "view": view,
        "lang": str(formats.locale).replace("_", "-"),
        "title": title,
        "subject": ", ".join(filter(None, (title, view.recipient.legal_name, period))),
        "stamp": f"{view.issued_on.isoformat()}T00:00:00Z",
        "logo": data_address(view.letterhead.logo_svg),
        "issuer": issuer_lines(view.issuer, view.letterhead),
        "recipient": recipient_lines(view.recipient),
        "wide": abs(view.total_amount) >= _WIDE,
        "sender": sender_line(view.issuer, view.letterhead, _above_recipient(view)),
        "heading": words.title,
        "facts": _facts(view, formats, period),
        "subject_line": _subject_line(view, period),
        "box": _box(view, formats),
        "introduction": view.introduction,
        "groups": groups,
        "subtotals": any(group["heading"] for group in groups),
        "measured": any(line["sessions"] or line["kwh"] for group in groups for line in group["lines"]),
        "net_head": _net_head(view),
        "tax_rows": [
            {
                "label": row.label,
                "net": formats.amount(row.net_amount),
                "tax": formats.amount(row.tax_amount),
                "gross": formats.amount(row.gross_amount),
            }
            for row in (view.tax_rows if len(view.tax_rows) > 1 else ())
        ],
        "remarks": view.remarks,
        "beside": True,
        "totals": _totals(view, formats),
        "pay": _pay(view, formats),
        "notes": _notes(view, formats),
    }


def _subject_line(view: DocumentView, period: str) -> str:
    """When what is billed was supplied; a fee note bills no supply, and its lines say their days."""
    if not period or view.kind is Kind.FEE_NOTE:
        return ""
    if view.kind is Kind.ADVANCE:
        return pgettext("document", "Payment in advance for %s") % period
    return pgettext("document", "Supply period %s") % period


def _above_recipient(view: DocumentView) -> str:
    if view.kind in {Kind.SETTLEMENT, Kind.STATEMENT}:
        return pgettext("document", "Prepared for")
    return pgettext("document", "Credit to") if view.kind is Kind.CREDIT_NOTE else pgettext("document", "Bill to")


def _net_head(view: DocumentView) -> str:
    if _plain(view):
        return pgettext("document", "Your share, %s") % view.currency
    if view.prices_with_tax:
        return pgettext("document", "Incl. tax %s") % view.currency
    return pgettext("document", "Net %s") % view.currency


def _plain(view: DocumentView) -> bool:
    """A statement without tax: net, gross and total are the same figure and are said once."""
    return view.kind is Kind.STATEMENT and not view.tax_amount


def _facts(view: DocumentView, formats: Formats, period: str) -> list[tuple[str, str]]:
    words, refs = kind_words(view), view.references
    facts = [
        (words.number, view.number or pgettext("document", "Draft")),
        (words.date, formats.long_date(view.issued_on)),
        (pgettext("document", "Credits"), refs.original_document),
        (pgettext("document", "Replaces"), refs.replaced_document),
        (pgettext("document", "Customer no."), refs.customer_no),
        (pgettext("document", "Contract"), refs.contract_no),
        (pgettext("document", "PO number"), refs.purchase_order),
        (pgettext("document", "Cost centre"), refs.cost_centre),
        *refs.more,
        (pgettext("document", "Contact"), view.issuer.contact_name),
    ]
    return [(label, value) for label, value in facts if value]


def _box(view: DocumentView, formats: Formats) -> list[dict[str, str]]:
    words = kind_words(view)
    cells = [{"label": words.amount, "value": box_amount(view), "style": "due"}]
    if view.due_on and view.amount_due:
        cells.append({"label": words.day, "value": formats.long_date(view.due_on), "style": "fact"})
    if view.payment and view.payment.reference:
        label = pgettext("document", "Payment reference")
        cells.append({"label": label, "value": view.payment.reference, "style": "ref"})
    return cells


def _group(group: LineGroup, formats: Formats, *, with_tax: bool) -> dict[str, Any]:
    sessions = [line.sessions for line in group.lines if line.sessions is not None]
    energy = [line.energy_wh for line in group.lines if line.energy_wh is not None]
    return {
        "label": group.label,
        "heading": bool(group.label) and len(group.lines) > 1,
        "sessions": formats.whole(sum(sessions)) if sessions else "",
        "kwh": formats.kwh(sum(energy)) if energy else "",
        "net": formats.amount(_shown(group, with_tax=with_tax)),
        "lines": [
            {
                "label": line.label,
                "text": line.text,
                "sessions": "" if line.sessions is None else formats.whole(line.sessions),
                "kwh": "" if line.energy_wh is None else formats.kwh(line.energy_wh),
                "net": formats.amount(_shown(line, with_tax=with_tax)),
            }
            for line in group.lines
        ],
    }


def _shown(part: Line | LineGroup, *, with_tax: bool) -> Decimal:
    """The amount that its column shows: `check_view` has seen that a document with tax has it on every line."""
    return part.gross_amount or Decimal(0) if with_tax else part.net_amount


def _totals(view: DocumentView, formats: Formats) -> list[dict[str, str]]:
    total, rows = pgettext("document", "Total"), []
    if _plain(view):
        total = kind_words(view).amount
    else:
        rows = [{"label": pgettext("document", "Net total"), "value": formats.money(view.net_amount), "style": ""}]
        rows += [{"label": row.label, "value": formats.money(row.tax_amount), "style": ""} for row in view.tax_rows]
        rows[-1]["style"] = "last"
    rows.append({"label": total, "value": formats.money(view.total_amount), "style": "total"})
    if view.paid_amount:
        paid = pgettext("document", "Already paid")
        rows.append({"label": paid, "value": formats.money(-view.paid_amount), "style": "last"})
        rows.append({"label": kind_words(view).amount, "value": formats.money(view.amount_due), "style": "due"})
    return rows


def _pay(view: DocumentView, formats: Formats) -> dict[str, Any] | None:
    payment = view.payment
    if payment is None or (payment.method is PaymentMethod.NONE and not payment.text):
        return None
    transfer = payment.method in {PaymentMethod.TRANSFER, PaymentMethod.PAYOUT}
    facts = bank_facts(payment.bank) if transfer and payment.bank else []
    if transfer and payment.reference:
        facts.append((pgettext("document", "Reference"), payment.reference))
    heading = {
        PaymentMethod.TRANSFER: pgettext("document", "How to pay"),
        PaymentMethod.PAYOUT: pgettext("document", "How we pay you"),
    }.get(payment.method, pgettext("document", "Payment"))
    return {"heading": heading, "facts": facts, "text": payment.text, "url": payment.pay_url, "qr": _qr(view)}


def _qr(view: DocumentView) -> Code | None:
    """The code of the transfer that a document asks for; none on a draft."""
    payment = view.payment
    if payment is None or payment.method is not PaymentMethod.TRANSFER or view.draft:
        return None
    reference = payment.reference or view.number
    return transfer_code(payment.bank, view.amount_due, view.currency, reference, view.letterhead.ink)


def _notes(view: DocumentView, formats: Formats) -> list[str]:
    notes = [*filter(None, (view.closing,)), *view.notes]
    if view.prices_with_tax:
        notes.append(pgettext("document", "The prices of the lines include tax."))
    if view.kind is Kind.SETTLEMENT:
        notes.append(
            pgettext("document", "Self-billing: this invoice is issued by the customer on the supplier's behalf.")
        )
    if view.annex_rows:
        listed = ngettext(
            "The annex shows the session in full.", "The annex shows all %(count)s sessions in full.", view.annex_rows
        )
        notes.append(listed % {"count": formats.whole(view.annex_rows)})
    return notes
