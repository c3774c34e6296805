"""What the documents of a month lack before they are written: terms, tax data of both sides, fields of e-invoices.

It predicts what drafting (NoTermsInForce, the guard of reverse charge), settling (self-billing) and issuing
(EInvoiceIncomplete) would say of each contract, by the same rules.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from django.db.models import Q, prefetch_related_objects
from django.utils.translation import gettext as _

from contracts.models import (
    Contract,
    ContractKind,
    ContractVersion,
    DocumentSplit,
    Operator,
    Party,
    TaxStatus,
    TaxTreatment,
    TaxWord,
)
from contracts.queries import Timeline, versions_of_all
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BillingError
from invoicing.einvoice.model import Finding, Format
from invoicing.einvoice.preflight import Asked, find_missing, why_none
from invoicing.queries.freezing import issuer_details, recipient_details
from invoicing.queries.host_terms import may_self_bill
from invoicing.queries.tax_ids import tax_id_refusal
from invoicing.queries.taxes import fee_country
from invoicing.rules.tax import Category, Ground, HostStatus, Treatment
from sessions.models import ChargingSession, SessionState

_SUPPLIED = {
    Treatment.STANDARD: (Category.STANDARD, Ground.NONE),
    Treatment.REVERSE_CHARGE: (Category.REVERSE_CHARGE, Ground.REVERSE_CHARGE),
    Treatment.EXEMPT: (Category.EXEMPT, Ground.EXEMPT),
}
_HOSTED = {
    HostStatus.REGISTERED: (Category.STANDARD, Ground.NONE),
    HostStatus.EXEMPT_SMALL: (Category.EXEMPT, Ground.SMALL_BUSINESS),
    HostStatus.NOT_TAXABLE: (Category.OUTSIDE, Ground.NOT_TAXABLE),
}
_BUYERS_TAX_ID = "BR-AE-02"
_SELLERS_TAX_ID = "BR-S-02"


@dataclass
class Lacking:
    """What the due contracts lack, each in the order of their numbers.

    `tax_ids` has a refusal for each contract under reverse charge that is not billed. `hosts_without_number` are
    registered for tax but name no VAT id and no tax number. `einvoices` has sentences by party; those of the operator
    are in `operator`, of which `operator_blocks` says that e-invoices are refused for them.
    """

    terms: list[Contract] = field(default_factory=list)
    tax_ids: dict[Party, BillingError] = field(default_factory=dict)
    exemption_grounds: list[Party] = field(default_factory=list)
    agreements: list[Party] = field(default_factory=list)
    hosts_without_number: list[Party] = field(default_factory=list)
    hosts_block: bool = False
    einvoices: dict[Party, list[str]] = field(default_factory=dict)
    operator: list[str] = field(default_factory=list)
    operator_blocks: bool = False


def lacking(operator: Operator, period: Period, due: Collection[Contract], in_month: Q) -> Lacking:
    """What these contracts, loaded with operator, party and its contacts, lack for their documents of the period.

    `in_month` are the month's sessions. Two queries, and two more where terms are under reverse charge.
    """
    versions = versions_of_all([contract.pk for contract in due])
    in_force = {
        contract: version
        for contract in due
        if (version := versions.get(contract.pk, Timeline()).at(period.last_day)) is not None
    }
    found = Lacking(terms=[contract for contract in due if contract not in in_force])
    _tax_data(found, period, in_force, in_month)
    _einvoices(found, operator, in_force)
    _own_data(found, operator, in_force)
    return found


def _tax_data(found: Lacking, period: Period, in_force: Mapping[Contract, ContractVersion], in_month: Q) -> None:
    supplies = {contract: version for contract, version in in_force.items() if contract.kind != ContractKind.HOSTING}
    reverse = [each for each, version in supplies.items() if version.tax_treatment == TaxTreatment.REVERSE_CHARGE]
    countries = _countries(reverse, in_month)
    for contract in reverse:
        refusals = (tax_id_refusal(Treatment.REVERSE_CHARGE, contract, each) for each in countries[contract.pk])
        refusal = next(filter(None, refusals), None)
        if refusal is not None:
            found.tax_ids.setdefault(contract.party, refusal)
    exempt = (each.party for each, version in supplies.items() if version.tax_treatment == TaxTreatment.EXEMPT)
    found.exemption_grounds = _once(party for party in exempt if not party.exemption_text.strip())
    hosts = [contract.party for contract in in_force if contract.kind == ContractKind.HOSTING]
    found.agreements = _once(party for party in hosts if not may_self_bill(party, period))
    registered = (party for party in hosts if party.tax_status == TaxStatus.REGISTERED)
    found.hosts_without_number = _once(party for party in registered if not (party.vat_id or party.tax_number))


def _countries(contracts: Collection[Contract], in_month: Q) -> dict[int, set[str]]:
    """Whence each is supplied: the countries of the month's sessions, and that of a fee which belongs to none."""
    found: dict[int, set[str]] = defaultdict(set)
    if not contracts:
        return found
    prefetch_related_objects(list(contracts), "sites")
    used = ChargingSession.objects.filter(in_month, contract__in=contracts, state=SessionState.COMPLETED)
    for contract_id, country in used.order_by().values_list("contract", "site__country").distinct():
        found[contract_id].add(country or "")
    return found | {contract.pk: {fee_country(contract)} for contract in contracts if contract.pk not in found}


def _einvoices(found: Lacking, operator: Operator, in_force: Mapping[Contract, ContractVersion]) -> None:
    """What issuing would refuse, but for what another check names already."""
    issuer = issuer_details(operator)
    groups: set[int] = set()
    for contract, version in in_force.items():
        if contract.billing_group_id is not None:
            if contract.billing_group_id in groups:
                continue
            groups.add(contract.billing_group_id)
        for finding in _findings(issuer, contract, version):
            if finding.of_issuer:
                found.operator_blocks = True
                _add(found.operator, finding.text)
            elif contract.kind == ContractKind.HOSTING and finding.rule == _SELLERS_TAX_ID:
                found.hosts_block = True
            elif finding.rule != _BUYERS_TAX_ID:
                _add(found.einvoices.setdefault(contract.party, []), finding.text)


def _findings(issuer: Mapping[str, object], contract: Contract, version: ContractVersion) -> Iterator[Finding]:
    recipient = recipient_details(contract.party, contract, version)
    self_billed = contract.kind == ContractKind.HOSTING
    if why_none(issuer, recipient, recipient if self_billed else None):
        return
    category, ground = (
        _HOSTED[HostStatus(contract.party.tax_status)] if self_billed else _SUPPLIED[Treatment(version.tax_treatment)]
    )
    by_part = version.split_documents_by != DocumentSplit.NONE
    yield from find_missing(
        Asked(
            format=Format(contract.party.einvoice_format),
            issuer=issuer,
            recipient=recipient,
            currency=contract.currency,
            grounds=[(category, ground)],
            self_billed=self_billed,
            purchase_order=contract.purchase_order or (version.split_documents_by if by_part else ""),
        )
    )


def _own_data(found: Lacking, operator: Operator, in_force: Collection[Contract]) -> None:
    """What the operator's documents print of him whatever their format: a tax number, and where to pay."""
    supplies = any(contract.kind != ContractKind.HOSTING for contract in in_force)
    name = {"party": operator.legal_name}
    numbers = (operator.vat_id, operator.tax_number)
    if supplies and operator.tax_word != TaxWord.SALES_TAX and not any(numbers):
        text = _("%(party)s supplies but has neither VAT id nor tax number. Enter one of them.")
        _add(found.operator, text % name)
    if supplies and not operator.iban:
        _add(found.operator, _("%(party)s has no bank account. Enter where customers pay.") % name)


def _add(sentences: list[str], text: str) -> None:
    if text not in sentences:
        sentences.append(text)


def _once(parties: Iterator[Party]) -> list[Party]:
    return list(dict.fromkeys(parties))
