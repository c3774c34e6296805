"""From the rows of a billing run to its completeness report: the view that is drawn, and the sessions as CSV."""

import csv
import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from itertools import batched
from typing import Any

from django.db.models import Sum
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from evbilling.kernel.money import ZERO, quantise
from evbilling.kernel.spreadsheet import BOM, guard
from evbilling.shell.paper.formats import formats_of
from invoicing.documents.blocks import issuer_block, letterhead_of
from invoicing.documents.letters.views import ContractResult, CurrencyTotal, FateSum, ReportView
from invoicing.models import BilledCharge, BillingRun, BillingRunItem, ChargeUse, Invoice, InvoiceState, ItemState
from invoicing.queries.completeness import Fate, Tally, sessions_of_period, tallies, verdict, with_fate
from invoicing.queries.freezing import issuer_details
from sessions.models import Hold

MOST_SESSIONS = 200_000
"""Sessions that the CSV lists one by one; beyond it only those that are not billed."""
PAGE = 2_000
"""Sessions whose documents and holds are read together."""
_COLUMNS = ("provider_ref", "ended_at", "contract__number", "site__name", "energy_wh", "price__net_amount")


def report_view(run: BillingRun, *, on: dt.date) -> ReportView:
    """The report of a run as of now, dated `on`, in the operator's language: call it with that language active."""
    operator = run.operator
    facts = issuer_details(operator)
    found = tallies(operator, run.period)
    contracts = _contracts(run)
    return ReportView(
        language=operator.language,
        currency=operator.currency,
        dated_on=on,
        issuer=issuer_block(facts),
        letterhead=letterhead_of(facts, operator.language),
        recipient=issuer_block(facts),
        title=_("Completeness report %(month)s") % {"month": str(run)},
        from_on=run.period_from,
        to_on=run.period_to - dt.timedelta(days=1),
        facts=_facts(run),
        sessions_in=_fate(_("Sessions of the month"), sum(found.values(), Tally())),
        fates=tuple(_fate(capfirst(str(fate.label)), tally) for fate, tally in found.items()),
        totals=_totals(contracts),
        contracts=contracts,
        remarks=(verdict(found),),
    )


def sessions_csv(run: BillingRun) -> bytes:
    """Each session of the month with what became of it: its document, or why it is on none. UTF-8 with BOM.

    Beyond MOST_SESSIONS those that are billed are left out; the PDF has their sum.
    """
    period = run.period
    rows = with_fate(sessions_of_period(run.operator, period), period)
    if rows.count() > MOST_SESSIONS:
        rows = rows.exclude(fate=Fate.BILLED)
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(
        [_("Session"), _("End"), _("Contract"), _("Site"), _("kWh"), _("Net price"), _("Currency"), _("Result")]
        + [_("Document or reason")]
    )
    for row in _rows(rows):
        writer.writerow([guard(cell) for cell in row])
    return (BOM + target.getvalue()).encode()


def _rows(rows: Any) -> Iterator[list[object]]:
    labels = {fate.value: str(fate.label) for fate in Fate}
    ordered = rows.order_by("ended_at", "provider_ref", "pk").values_list("pk", "fate", "price__currency", *_COLUMNS)
    for chunk in batched(ordered.iterator(chunk_size=PAGE), PAGE):
        reasons = _reasons([row[0] for row in chunk])
        for pk, fate, currency, ref, ended_at, contract, site, energy_wh, net in chunk:
            amount = quantise(net, currency) if currency else ""
            kwh = f"{energy_wh // 1000}.{energy_wh % 1000:03d}"
            end = ended_at.isoformat(timespec="seconds")
            yield [ref, end, contract or "", site or "", kwh, amount, currency or "", labels[fate], reasons.get(pk, "")]


def _reasons(session_ids: list[int]) -> dict[int, str]:
    """The numbers of the documents that bill these sessions; of the others their holds."""
    found: dict[int, list[str]] = {}
    held = Hold.objects.filter(session__in=session_ids).order_by("pk")
    for hold in held:
        found.setdefault(hold.session_id, []).append(str(hold.get_kind_display()))
    billed = BilledCharge.objects.filter(charge__session__in=session_ids, use=ChargeUse.BILLED)
    numbers: dict[int, dict[str, None]] = {}
    drafts = _("draft")
    for session_id, number in billed.order_by("pk").values_list("charge__session_id", "line__invoice__number"):
        numbers.setdefault(session_id, {})[number or drafts] = None
    return {pk: ", ".join(dict.fromkeys(words)) for pk, words in found.items()} | {
        pk: ", ".join(known) for pk, known in numbers.items()
    }


def _facts(run: BillingRun) -> tuple[tuple[str, str], ...]:
    formats = formats_of(run.operator.language, run.operator.currency)
    nobody = _("a command")
    facts = [
        (_("Started by"), str(run.created_by or nobody)),
        (_("Date of the documents"), formats.long_date(run.issued_on)),
    ]
    if run.needs_second:
        facts.append((_("Approved by"), str(run.approved_by or "")))
        facts.append((_("Planned net"), formats.money(quantise(run.planned_amount, run.operator.currency))))
    return tuple(facts)


def _fate(label: str, tally: Tally) -> FateSum:
    return FateSum(label, tally.sessions, tally.energy_wh, tuple(sorted(tally.net.items())))


def _contracts(run: BillingRun) -> tuple[ContractResult, ...]:
    """What the run made of each contract, all of its documents of the month, in the order of their numbers."""
    items = list(run.items.select_related("contract__party").order_by("contract__number"))
    documents: dict[int, list[Invoice]] = {}
    issued = Invoice.objects.filter(
        state=InvoiceState.ISSUED,
        contract__in=[item.contract_id for item in items],
        period_from=run.period_from,
        period_to=run.period_to,
    ).exclude(kind="credit_note")
    counted = issued.annotate(sessions=Sum("lines__session_count"), energy=Sum("lines__energy_wh"))
    for each in counted.order_by("number"):
        documents.setdefault(each.contract_id, []).append(each)
    results = []
    for item in items:
        contract = item.contract
        state = "" if item.state == ItemState.SKIPPED else str(item.get_state_display())
        made = documents.get(contract.pk, [])
        results += [_result(item, state, each) for each in made]
        if not made:
            failed = item.state == ItemState.FAILED
            results.append(
                ContractResult(
                    contract.number,
                    contract.party.legal_name,
                    state,
                    contract.currency,
                    text=item.reason,
                    failed=failed,
                )
            )
    return tuple(results)


def _result(item: BillingRunItem, state: str, document: Any) -> ContractResult:
    minor = document.currency
    return ContractResult(
        contract_no=item.contract.number,
        party=item.contract.party.legal_name,
        result=state,
        currency=minor,
        document=document.number,
        kind=capfirst(str(document.get_kind_display())),
        sessions=document.sessions or 0,
        energy_wh=document.energy or 0,
        net_amount=quantise(document.net_amount, minor),
        tax_amount=quantise(document.tax_amount, minor),
        gross_amount=quantise(document.gross_amount, minor),
    )


def _totals(contracts: tuple[ContractResult, ...]) -> tuple[CurrencyTotal, ...]:
    sums: dict[tuple[str, str], tuple[int, Decimal, Decimal, Decimal]] = {}
    for row in contracts:
        if row.document:
            key = row.kind, row.currency
            count, net, tax, gross = sums.get(key, (0, ZERO, ZERO, ZERO))
            sums[key] = count + 1, net + row.net_amount, tax + row.tax_amount, gross + row.gross_amount
    return tuple(CurrencyTotal(currency, *values, kind) for (kind, currency), values in sorted(sums.items()))
