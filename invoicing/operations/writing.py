"""Writing a draft: header, lines, tax rows and links to charges, in bulk."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from contracts.models import BillingGroup, Contract, ContractVersion, Party, PriceBasis, TaxWord
from evbilling.kernel.bulk import insert_all, insert_rows
from evbilling.kernel.clock import Period
from evbilling.kernel.money import GROSS_ROUNDING_RULE, ROUNDING_RULE, ZERO, quantise, split_gross
from invoicing.models import (
    BilledCharge,
    ChargeUse,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceTax,
    LineKind,
    Penalty,
)
from invoicing.queries.charges import next_generations
from invoicing.rules.tax import Ground, Tax, TaxTable, ground_code
from invoicing.rules.totals import Totals, gross_totals_of, totals_of

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
_OWN_GROUNDS = frozenset({Ground.EXEMPT, Ground.SMALL_BUSINESS, Ground.REVERSE_CHARGE})


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to be written, and which charges it uses for what.

    `because` is what a line of the contract's terms was reckoned from; `penalty_id` the penalty that it bills.
    `contract_id` is whose line it is on the document of a billing group (None: the document's contract), `part` the
    key of the document that it belongs to where a contract's month is split. `gross` is set where prices include tax.
    `advance_id` is the line of the advance invoice that it sets off, `engines` the versions of the engine that priced
    its sessions. Where prices include tax the net is a first one: write_draft fits it to the document's.
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
    advance_id: int | None = None
    amounts: Mapping[tuple[int, ChargeUse], Decimal] = field(default_factory=dict)
    engines: frozenset[str] = frozenset()

    @property
    def amount(self) -> Decimal:
        """What leads on its document: the gross where prices include tax, else the net."""
        return self.net if self.gross is None else self.gross


@dataclass(frozen=True, slots=True)
class Drafting:
    """A document in the making, as each source of further lines sees it: `lines` are those that stand before."""

    contract: Contract
    version: ContractVersion
    period: Period
    table: TaxTable
    at: dt.datetime
    lines: tuple[NewLine, ...]

    @property
    def with_tax(self) -> bool:
        """Whether its prices, and all amounts of its terms, include tax."""
        return self.version.price_basis == PriceBasis.GROSS

    def charged(self) -> dict[Tax, Decimal]:
        """The lines so far per tax, in the document's basis: an allowance never takes more than is there."""
        sums: dict[Tax, Decimal] = {}
        for line in self.lines:
            sums[line.tax] = sums.get(line.tax, ZERO) + quantise(line.amount, self.contract.currency)
        return sums

    def priced(self, amount: Decimal, tax: Tax) -> tuple[Decimal, Decimal | None]:
        """Net and gross of a line of this amount in the document's basis; no gross where prices are net."""
        return net_and_gross(amount, tax, self.contract.currency, with_tax=self.with_tax)


def net_and_gross(amount: Decimal, tax: Tax, currency: str, *, with_tax: bool) -> tuple[Decimal, Decimal | None]:
    """A line's net and gross from its amount in the document's basis; no gross where prices are net."""
    if not with_tax:
        return amount, None
    return split_gross(amount, tax.percent, currency)[0], amount


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
    holds the rows of group and contracts. Where `price_basis` says that prices include tax, the lines' gross leads and
    their nets follow from the document's (rules/totals.py). Raises MoneyError for an amount that is not rounded.
    """
    document = NewDocument(
        contract=contract,
        version=version,
        period=period,
        kind=kind,
        lines=lines,
        reason=reason,
        billing_group=billing_group,
        split_key=split_key,
        purchase_order=purchase_order,
        price_basis=price_basis,
    )
    return write_drafts([document], at=at)[0]


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A draft to be written; what each figure is says write_draft."""

    contract: Contract
    version: ContractVersion
    period: Period
    kind: InvoiceKind
    lines: Sequence[NewLine]
    reason: str = ""
    billing_group: BillingGroup | None = None
    split_key: str = ""
    purchase_order: str = ""
    price_basis: str = PriceBasis.NET

    @property
    def with_tax(self) -> bool:
        """Whether its prices include tax."""
        return self.price_basis == PriceBasis.GROSS

    def totals(self) -> tuple[Totals, list[Decimal]]:
        """Its totals, and the net of each line. Raises MoneyError for an amount that is not rounded."""
        if self.with_tax:
            return gross_totals_of([(line.tax, line.amount) for line in self.lines], self.contract.currency)
        totals = totals_of([(line.tax, line.net) for line in self.lines], self.contract.currency)
        return totals, [line.net for line in self.lines]


def write_drafts(documents: Sequence[NewDocument], *, at: dt.datetime) -> list[Invoice]:
    """Write drafts, as write_draft does one; a constant number of queries however many there are."""
    reckoned = [document.totals() for document in documents]
    slots = _slots(documents)
    invoices = [
        _invoice(document, totals, slot, at)
        for document, (totals, _nets), slot in zip(documents, reckoned, slots, strict=True)
    ]
    insert_all(invoices)
    rows: list[tuple[InvoiceLine, NewLine]] = []
    taxes: list[InvoiceTax] = []
    for invoice, document, (totals, nets) in zip(invoices, documents, reckoned, strict=True):
        rows += zip(_line_rows(invoice, document, nets), document.lines, strict=True)
        taxes += _tax_rows(invoice, document, totals)
    insert_all([row for row, _line in rows])
    insert_all(taxes)
    _name_penalties(rows)
    uses = [use for _row, line in rows for use in line.uses]
    generations = next_generations(uses, {row.contract_id for row, _line in rows})
    insert_rows(
        BilledCharge,
        ("line_id", "charge_id", "use", "net_amount", "generation"),
        [
            (row.pk, charge_id, use.value, line.amounts.get((charge_id, use)), generations.get((charge_id, use), 1))
            for row, line in rows
            for charge_id, use in line.uses
        ],
    )
    return invoices


def _invoice(document: NewDocument, totals: Totals, slot: str, at: dt.datetime) -> Invoice:
    contract = document.contract
    return Invoice(
        kind=document.kind,
        operator=contract.operator,
        party=contract.party,
        contract=contract,
        contract_version=document.version,
        billing_group=document.billing_group,
        split_key=document.split_key,
        purchase_order=document.purchase_order,
        price_basis=document.price_basis,
        slot=slot,
        period_from=document.period.start,
        period_to=document.period.end,
        currency=contract.currency,
        net_amount=totals.net,
        tax_amount=totals.tax,
        gross_amount=totals.gross,
        rounding_rule=GROSS_ROUNDING_RULE if document.with_tax else ROUNDING_RULE,
        engine_version=",".join(sorted({engine for line in document.lines for engine in line.engines}))[:20],
        reason=document.reason[:300],
        language=contract.party.language,
        created_at=at,
    )


def _line_rows(invoice: Invoice, document: NewDocument, nets: Sequence[Decimal]) -> list[InvoiceLine]:
    return [
        InvoiceLine(
            invoice=invoice,
            contract_id=line.contract_id or document.contract.pk,
            advance_id=line.advance_id,
            position=position,
            kind=line.kind,
            group_label=line.group,
            text=line.text,
            session_count=line.session_count,
            energy_wh=line.energy_wh,
            tax_category=line.tax.category.value,
            tax_rate=line.tax.percent,
            net_amount=net,
            gross_amount=line.amount if document.with_tax else None,
            because=dict(line.because),
        )
        for position, (line, net) in enumerate(zip(document.lines, nets, strict=True), 1)
    ]


def _tax_rows(invoice: Invoice, document: NewDocument, totals: Totals) -> list[InvoiceTax]:
    contract = document.contract
    with override(contract.party.language):
        return [
            InvoiceTax(
                invoice=invoice,
                tax_category=row.category.value,
                tax_rate=row.percent,
                net_amount=row.net,
                tax_amount=row.tax,
                **printed_ground(row.ground, contract.party, contract.operator.tax_word),
            )
            for row in totals.rows
        ]


def _name_penalties(rows: Sequence[tuple[InvoiceLine, NewLine]]) -> None:
    """Each penalty that a line bills names the line."""
    billed = {line.penalty_id: row for row, line in rows if line.penalty_id is not None}
    penalties = list(Penalty.objects.filter(pk__in=billed)) if billed else []
    for penalty in penalties:
        penalty.line = billed[penalty.pk]
    Penalty.objects.bulk_update(penalties, ["line"])


def ground_text(ground: Ground, tax_word: str) -> str:
    """The printed ground in the active language and the operator's word for the tax."""
    texts = GROUND_TEXTS | SALES_TAX_TEXTS if tax_word == TaxWord.SALES_TAX else GROUND_TEXTS
    return str(texts[ground])


def printed_ground(ground: Ground, party: Party, tax_word: str) -> dict[str, str]:
    """What a tax row says of why no tax is charged: `ground` as printed, and its VATEX code (EN 16931 BT-120, BT-121).

    The party's own ground of exemption is printed where there is one: for an exemption, a small business, and where
    the customer owes the tax in his own country. Sales tax has no such codes.
    """
    own = party.exemption_text if ground in _OWN_GROUNDS else ""
    code = "" if tax_word == TaxWord.SALES_TAX else ground_code(ground, party.exemption_code)
    return {"ground": own or ground_text(ground, tax_word), "ground_code": code}


def _slots(documents: Sequence[NewDocument]) -> list[str]:
    """What exists at most once live (I10): after a cancellation the next generation takes the place. One query."""
    rows = Invoice.objects.filter(
        Q(contract__in=[each.contract for each in documents if each.billing_group is None], billing_group=None)
        | Q(billing_group__in=[each.billing_group for each in documents if each.billing_group is not None]),
        period_from__in={each.period.start for each in documents},
    )
    columns = ("contract_id", "billing_group_id", "period_from", "period_to", "kind", "split_key")
    earlier: Counter[tuple[Any, ...]] = Counter()
    for contract_id, *rest in rows.values_list(*columns):
        earlier[contract_id if rest[0] is None else None, *rest] += 1
    found = []
    for each in documents:
        group = each.billing_group
        key = (
            each.contract.pk if group is None else None,
            None if group is None else group.pk,
            each.period.start,
            each.period.end,
            each.kind.value,
            each.split_key,
        )
        earlier[key] += 1
        owner = str(each.contract.pk) if group is None else f"g{group.pk}"
        part = f"/{each.split_key}" if each.split_key else ""
        found.append(f"{owner}/{each.period.start}/{each.period.end}/{each.kind.value}{part}/{earlier[key]}")
    return found
