"""Hosts: every line of a settlement follows from the figures it was reckoned from, these from the documents (I7)."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from contracts.rules.shares import Share
from evbilling.kernel.books import Finding, proves
from evbilling.kernel.clock import month_of
from invoicing.models import BilledCharge, ChargeUse, Invoice, InvoiceKind, InvoiceLine
from invoicing.queries.cancelled import released
from invoicing.queries.host_months import SHARE_LINES, terms_in
from invoicing.rules.sharing import MonthTotals, ShareBase, SharedCharge, base_of, days_in, month_due, session_share
from sessions.models import ChargeRole

_NOTHING = ShareBase(Decimal(0), 0, 0, 0)


@proves("I7", "A host's lines follow from his terms and what was billed")
def settlements_follow() -> Iterator[Finding]:
    """Per session: the line's own charges. Per month: all lines of the month so far come to what is due for it."""
    bases = _bases()
    months: dict[tuple[Any, ...], list[InvoiceLine]] = defaultdict(list)
    lines = InvoiceLine.objects.filter(invoice__kind=InvoiceKind.SETTLEMENT, kind__in=SHARE_LINES)
    undone = set(Invoice.objects.filter(released("pk")).values_list("pk", flat=True))
    for line in lines.select_related("invoice").order_by("pk").iterator(chunk_size=2000):
        if "share" not in line.because:
            yield _finding(line, "does not say what it was reckoned from")
        elif "month" in line.because:
            if line.invoice_id in undone:  # cancelled to be issued again: it settled nothing
                continue
            key = (line.invoice.contract_id, line.because["site"], line.because["month"], str(terms_in(line.because)))
            months[key].append(line)
        else:
            base = bases.get(line.pk, _NOTHING)
            due = session_share(terms_in(line.because), base, line.invoice.currency)
            if (base.net, base.paid_wh) != (Decimal(line.because["base"]), line.because["energy_wh"]):
                yield _finding(line, f"was reckoned from {line.because['base']}; its charges come to {base.net}")
            elif due != line.net_amount:
                yield _finding(line, f"says {line.net_amount}; the host's share of its charges is {due}")
    for members in months.values():
        yield from _month(members, bases)


def _finding(line: InvoiceLine, problem: str) -> Finding:
    return Finding("I7", f"document {line.invoice}", f"Line {line.position} {problem}.")


def _month(lines: Sequence[InvoiceLine], bases: Mapping[int, ShareBase]) -> Iterator[Finding]:
    """The lines of one month in the order in which they were made, each the difference to those before."""
    settled, base = Decimal(0), _NOTHING
    for line in lines:
        because, terms = line.because, terms_in(line.because)
        base += bases.get(line.pk, _NOTHING)
        month = month_of(dt.date.fromisoformat(because["month"]))
        days = days_in((dt.date.fromisoformat(first), dt.date.fromisoformat(last)) for first, last in because["days"])
        energy = because["energy_wh"]
        totals = MonthTotals(Decimal(because["base"]), energy, days, (month.end - month.start).days)
        due = month_due(terms, totals, line.invoice.currency)
        if terms.kind == Share.GREATER_OF and (base.net, base.paid_wh) != (totals.net, energy):
            yield _finding(line, f"was reckoned from {totals.net}; the month's shared charges come to {base.net}")
        elif due != Decimal(because["due"]):
            yield _finding(line, f"says that {because['due']} is due for the month; by the host's terms it is {due}")
        elif line.net_amount != due - settled:
            yield _finding(line, f"says {line.net_amount}; {due} is due for the month and {settled} was settled before")
        settled += line.net_amount


def _bases() -> dict[int, ShareBase]:
    """The sums of what each settlement line shares and takes back."""
    charges: dict[int, list[SharedCharge]] = defaultdict(list)
    rows = BilledCharge.objects.filter(use__in=[ChargeUse.SHARED, ChargeUse.TAKEN_BACK]).values_list(
        "line_id", "use", "charge_id", "charge__session_id", "charge__session__energy_wh", "charge__net_amount",
        "charge__role", "net_amount",
    )  # fmt: skip
    for line_id, use, charge_id, session_id, energy_wh, net, role, part in rows.iterator(chunk_size=5000):
        charges[line_id].append(
            SharedCharge(
                charge_id,
                session_id,
                energy_wh,
                net if part is None else part,
                taken_back=use == ChargeUse.TAKEN_BACK,
                carries_energy=role == ChargeRole.CUSTOMER,
                is_part=part is not None,
            )
        )
    return {line_id: base_of(each) for line_id, each in charges.items()}
