"""Revenue by kind, site and tariff, from documents' lines and the charges they bill; and what the accounts hold."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator
from evbilling.kernel.clock import Period
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import (
    AccountRole,
    BilledCharge,
    ChargeUse,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    JournalLine,
    LineKind,
)
from invoicing.queries.accounting.ledger import TOTAL
from invoicing.queries.accounting.report import Column, Report, Row, Section, Text, added, summed

REVENUE_ROLES = (
    AccountRole.REVENUE,
    AccountRole.SPONSOR_REVENUE,
    AccountRole.FEE_REVENUE,
    AccountRole.INTEREST_INCOME,
)
NOT_REVENUE = (LineKind.ADVANCE, LineKind.ADVANCE_USED)
"""Lines of documents that move what is held for a customer, not revenue."""
KINDS = (
    Column("kind", _("kind")),
    Column("lines", _("lines"), "number"),
    Column("invoiced", _("invoiced"), "money", adds=True),
    Column("credited", _("credited"), "money", adds=True),
    Column("net", _("net"), "money", adds=True),
)
SITES = (
    Column("site", _("site")),
    Column("sessions", _("charges"), "number"),
    Column("energy", _("energy (kWh)"), "number"),
    Column("net", _("net"), "money", adds=True),
)
TARIFFS = (Column("tariff", _("tariff")), *SITES[1:])
BRIDGE = (Column("reason", _("step")), Column("net", _("net"), "money"))


def revenue(operator: Operator, period: Period, currency: str = "") -> Report:
    """Net revenue of the documents issued in a period, per currency, and a bridge from lines to accounts.

    Five queries, however many documents.
    """
    lines = InvoiceLine.objects.filter(
        invoice__operator=operator,
        invoice__state=InvoiceState.ISSUED,
        invoice__issued_on__gte=period.start,
        invoice__issued_on__lt=period.end,
    ).exclude(invoice__kind=InvoiceKind.SETTLEMENT)
    lines = lines.exclude(invoice__corrects__kind=InvoiceKind.SETTLEMENT)
    if currency:
        lines = lines.filter(invoice__currency=currency)
    kinds = _by_kind(lines)
    charges = BilledCharge.objects.filter(line__in=lines.values("pk"), use=ChargeUse.BILLED)
    sites = _by_charge(charges, "charge__session__site__name")
    tariffs = _by_charge(charges, "charge__price__tariff_version__tariff__name")
    moved, other = _moved(operator, period, currency)
    sections: list[Section] = []
    findings: list[Text] = []
    for code in sorted({*kinds, *moved}):
        rows = kinds.get(code, [])
        sections.append(Section(_("By kind"), code, KINDS, rows, totals=summed(KINDS, rows, TOTAL)))
        for title, columns, found in ((_("By site"), SITES, sites), (_("By tariff"), TARIFFS, tariffs)):
            of_code = found.get(code, [])
            if of_code:
                note = _("What the documents' lines of charging bill, before terms of the month, fees and credits.")
                totals = summed(columns, of_code, TOTAL)
                sections.append(Section(title, code, columns, of_code, note, totals))
        net = added(rows)
        booked, otherwise = moved.get(code, ZERO), other.get(code, ZERO)
        bridge = _bridge(rows, sites.get(code, []), net, otherwise, booked)
        sections.append(Section(_("From lines to accounts"), code, BRIDGE, bridge))
        if net + otherwise != booked:
            findings.append(
                _("Revenue in %(currency)s: the lines say %(lines)s, the accounts %(booked)s.")
                % {"currency": code, "lines": net + otherwise, "booked": booked}
            )
    return Report("revenue", _("Revenue"), period.code, sections, findings)


def _bridge(kinds: list[Row], sites: list[Row], net: Decimal, otherwise: Decimal, booked: Decimal) -> list[Row]:
    """Charges, then what the lines hold beside them, then what is booked without a document's line."""
    charged = added(sites)
    credited = added(kinds, 3)
    steps: list[tuple[Text, Decimal]] = [
        (_("Session charges billed"), charged),
        (_("Credit notes"), credited),
        (_("Terms of the month, fees, penalties and rounding of prices that include tax"), net - credited - charged),
        (_("Booked without a line of a document"), otherwise),
    ]
    rows = [Row((str(label), amount)) for label, amount in steps]
    return [*rows, Row((str(_("Revenue accounts")), booked), strong=True)]


def _by_kind(lines: QuerySet[InvoiceLine, Any]) -> dict[str, list[Row]]:
    """Lines of credit notes count with the kind of the line that they take back, where they name it."""
    sums = (
        lines.order_by()
        .values_list("invoice__currency", "invoice__kind", "kind", "corrects__kind")
        .annotate(total=amount_sum("net_amount"), count=Count("pk"))
    )
    counts: dict[tuple[str, str], int] = defaultdict(int)
    found: dict[str, dict[str, list[Decimal]]] = defaultdict(lambda: defaultdict(lambda: [ZERO, ZERO]))
    for code, document, kind, corrected, total, count in sums:
        about = corrected or kind
        if about in NOT_REVENUE:
            continue
        counts[code, about] += count
        found[code][about][document == InvoiceKind.CREDIT_NOTE] += total
    return {
        code: [
            Row(
                (
                    str(LineKind(kind).label),
                    counts[code, kind],
                    quantise(made, code),
                    quantise(-credited, code),
                    quantise(made - credited, code),
                )
            )
            for kind, (made, credited) in sorted(kinds.items())
        ]
        for code, kinds in found.items()
    }


def _by_charge(charges: QuerySet[BilledCharge, Any], path: str) -> dict[str, list[Row]]:
    """Session charges on the lines, by a name; two uses of one session count once each."""
    sums = (
        charges.order_by()
        .values_list("line__invoice__currency", path)
        .annotate(
            total=amount_sum("charge__net_amount"), count=Count("pk"), energy_wh=Sum("charge__session__energy_wh")
        )
        .order_by("line__invoice__currency", path)
    )
    found: dict[str, list[Row]] = defaultdict(list)
    for code, name, total, count, energy_wh in sums:
        energy = (Decimal(energy_wh or 0) / 1000).quantize(Decimal("0.001"))
        found[code].append(Row((name or str(_("unknown")), count, energy, quantise(total, code))))
    return found


def _moved(operator: Operator, period: Period, currency: str) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """What the revenue accounts moved in the period, and what of it no document did; credit is positive."""
    lines = JournalLine.objects.filter(
        account__operator=operator,
        account__role__in=REVENUE_ROLES,
        entry__booked_on__gte=period.start,
        entry__booked_on__lt=period.end,
    )
    if currency:
        lines = lines.filter(entry__currency=currency)

    def sums(rows: QuerySet[JournalLine, Any]) -> dict[str, Decimal]:
        totals = rows.order_by().values_list("entry__currency").annotate(total=amount_sum("amount"))
        return {code: quantise(-total, code) for code, total in totals}

    return sums(lines), sums(lines.exclude(entry__source__startswith="invoice:"))
