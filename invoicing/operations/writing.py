"""Writing a draft: header, lines, tax rows and links to charges, in bulk."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from contracts.models import BillingGroup, Contract, ContractVersion, PriceBasis, TaxWord
from evbilling.kernel.clock import Period
from evbilling.kernel.money import ROUNDING_RULE, ZERO, quantise
from invoicing.models import (
    BilledCharge,
    ChargeUse,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceTax,
    LineKind,
    Penalty,
    TaxRate,
)
from invoicing.rules.tax import Ground, Place, RateRow, Tax, TaxTable
from invoicing.rules.totals import totals_of

GROUND_TEXTS = {
    Ground.NONE: "",
    Ground.REVERSE_CHARGE: _("Reverse charge: the recipient owes the VAT (Article 196 of Directive 2006/112/EC)."),
    Ground.EXEMPT: _("Exempt from VAT."),
    Ground.SMALL_BUSINESS: _("Exempt from VAT: the supplier is a small business."),
    Ground.NOT_TAXABLE: _("Not subject to VAT: the recipient is not a taxable person."),
    Ground.COMPENSATION: _("Not subject to VAT: compensation for late or failed payment, not the price of a supply."),
}
"""Why no tax is charged, as printed where the tax is called VAT."""
SALES_TAX_TEXTS = {
    Ground.REVERSE_CHARGE: _("No sales tax: the buyer owes the tax."),
    Ground.EXEMPT: _("Exempt from sales tax; the exemption certificate is on file."),
    Ground.SMALL_BUSINESS: _("No sales tax: the supplier does not collect it."),
    Ground.NOT_TAXABLE: _("Not subject to sales tax."),
    Ground.COMPENSATION: _("Not subject to sales tax: compensation for late or failed payment."),
}
"""The same where the operator's tax is called sales tax."""


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to be written, and which charges it uses for what.

    `because` is what a line of the contract's terms was reckoned from; `penalty_id` the penalty that it bills.
    `contract_id` is whose line it is on the document of a billing group (None: the document's contract), `part` the
    key of the document that it belongs to where a contract's month is split. `gross` is set where prices include tax.
    """

    kind: LineKind
    group: str
    text: str
    tax: Tax
    net: Decimal
    session_count: int = 0
    energy_wh: int = 0
    uses: tuple[tuple[int, ChargeUse], ...] = ()
    because: Mapping[str, Any] = field(default_factory=dict)
    penalty_id: int | None = None
    contract_id: int | None = None
    gross: Decimal | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class Drafting:
    """A document in the making, as each source of further lines sees it: `lines` are those that stand before."""

    contract: Contract
    version: ContractVersion
    period: Period
    table: TaxTable
    at: dt.datetime
    lines: tuple[NewLine, ...]

    def nets(self) -> dict[Tax, Decimal]:
        """The net of the lines so far per tax: an allowance never takes more than is there."""
        sums: dict[Tax, Decimal] = {}
        for line in self.lines:
            sums[line.tax] = sums.get(line.tax, ZERO) + quantise(line.net, self.contract.currency)
        return sums


def tax_table() -> TaxTable:
    """All tax rates, in one query."""
    return TaxTable(
        [
            RateRow(Place(rate.country, rate.region), rate.percent, rate.valid_from, rate.valid_to)
            for rate in TaxRate.objects.all()
        ]
    )


def write_draft(
    *,
    contract: Contract,
    version: ContractVersion,
    period: Period,
    kind: InvoiceKind,
    lines: Sequence[NewLine],
    at: dt.datetime,
    reason: str = "",
    billing_group: BillingGroup | None = None,
    split_key: str = "",
    purchase_order: str = "",
    price_basis: str = PriceBasis.NET,
) -> Invoice:
    """Write a draft of these lines with its tax rows and totals; five inserts however many lines and charges.

    `reason` is printed among its references. `billing_group` and `split_key` name its slot beside the contract (I10);
    `contract` of a group's document is the first of its contracts by number. Runs in its caller's transaction, which
    holds the rows of group and contracts. Raises MoneyError for a net that is not rounded.
    """
    totals = totals_of([(line.tax, line.net) for line in lines], contract.currency)
    invoice = Invoice.objects.create(
        kind=kind,
        operator=contract.operator,
        party=contract.party,
        contract=contract,
        contract_version=version,
        billing_group=billing_group,
        split_key=split_key,
        purchase_order=purchase_order,
        price_basis=price_basis,
        slot=_slot(contract, period, kind, billing_group, split_key),
        period_from=period.start,
        period_to=period.end,
        currency=contract.currency,
        net_amount=totals.net,
        tax_amount=totals.tax,
        gross_amount=totals.gross,
        rounding_rule=ROUNDING_RULE,
        reason=reason[:300],
        language=contract.party.language,
        created_at=at,
    )
    written = InvoiceLine.objects.bulk_create(
        InvoiceLine(
            invoice=invoice,
            contract_id=line.contract_id or contract.pk,
            position=position,
            kind=line.kind,
            group_label=line.group,
            text=line.text,
            session_count=line.session_count,
            energy_wh=line.energy_wh,
            tax_category=line.tax.category.value,
            tax_rate=line.tax.percent,
            net_amount=line.net,
            because=dict(line.because),
        )
        for position, line in enumerate(lines, 1)
    )
    billed = {line.penalty_id: row for row, line in zip(written, lines, strict=True) if line.penalty_id is not None}
    penalties = list(Penalty.objects.filter(pk__in=billed))
    for penalty in penalties:
        penalty.line = billed[penalty.pk]
    Penalty.objects.bulk_update(penalties, ["line"])
    with override(contract.party.language):
        InvoiceTax.objects.bulk_create(
            InvoiceTax(
                invoice=invoice,
                tax_category=row.category.value,
                tax_rate=row.percent,
                net_amount=row.net,
                tax_amount=row.tax,
                ground=ground_text(row.ground, contract.operator.tax_word),
            )
            for row in totals.rows
        )
    BilledCharge.objects.bulk_create(
        (
            BilledCharge(line=row, charge_id=charge_id, use=use)
            for row, line in zip(written, lines, strict=True)
            for charge_id, use in line.uses
        ),
        batch_size=10_000,
    )
    return invoice


def ground_text(ground: Ground, tax_word: str) -> str:
    """The printed ground in the active language and the operator's word for the tax."""
    texts = GROUND_TEXTS | SALES_TAX_TEXTS if tax_word == TaxWord.SALES_TAX else GROUND_TEXTS
    return str(texts[ground])


def _slot(contract: Contract, period: Period, kind: InvoiceKind, group: BillingGroup | None, split_key: str) -> str:
    """What exists at most once live (I10): after a cancellation the next generation takes the place."""
    place: dict[str, Any] = {"contract": contract, "billing_group": None} if group is None else {"billing_group": group}
    earlier = Invoice.objects.filter(
        period_from=period.start, period_to=period.end, kind=kind, split_key=split_key, **place
    ).count()
    owner = str(contract.pk) if group is None else f"g{group.pk}"
    part = f"/{split_key}" if split_key else ""
    return f"{owner}/{period.start}/{period.end}/{kind.value}{part}/{earlier + 1}"
