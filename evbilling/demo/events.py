"""What happens in the sample year beside charging: amendments, outages, a suspension, late money, fees waived."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet

from contracts.models import Contract, ContractVersion, Operator, Station, Tariff
from contracts.operations import outages, shares, suspending, tariffs, versions
from contracts.operations.offers import send_terms
from contracts.queries import version_on
from evbilling.access.models import User
from evbilling.demo import company
from evbilling.demo.agreements import Signers, acknowledge
from evbilling.demo.terms import AMENDMENTS, DRIVER, FAIRMONT, HARBOR, Amendment, write_terms
from evbilling.kernel.clock import Period
from invoicing.models import Invoice, InvoiceKind, InvoiceState, Penalty, PenaltyKind
from invoicing.operations.penalties import ask_waiver, grant_waiver
from invoicing.queries.documents import open_amount
from payments.operations.transfers import record_transfer


@dataclass(frozen=True, slots=True)
class Outage:
    """A station out of service; times of day in the zone of the sample."""

    station: str
    started_at: dt.datetime
    ended_at: dt.datetime
    planned: bool
    cause: str


def _utc(month: int, day: int, hour: int) -> dt.datetime:
    return dt.datetime(2015, month, day, hour, tzinfo=dt.UTC)


OUTAGES = (
    Outage("260408", _utc(8, 15, 12), _utc(8, 15, 16), planned=True, cause="New firmware, announced a week before"),
    Outage("191826", _utc(8, 20, 13), _utc(8, 24, 19), planned=False, cause="Contactor failed, spare part ordered"),
)
"""No session of the data is at these stations in these hours."""
SUSPENDED_AT, RESUMED_AT = _utc(6, 18, 13), _utc(6, 23, 13)
LATE_TRANSFERS = {
    (FAIRMONT, dt.date(2015, 4, 1)): dt.date(2015, 6, 18),
    (DRIVER, dt.date(2015, 8, 1)): dt.date(2015, 9, 14),
}
"""By party and billed month: the invoice is paid on this day; the first after it was due."""
LATE_STATEMENT = ((company.MANUFACTURER.number, dt.date(2015, 2, 1)), dt.date(2015, 3, 29))
"""This party's transfer for this month came on this day, but the bank statement was handed in when March was closed."""
WAIVED = (HARBOR, dt.date(2015, 1, 1))
"""The fee of this party's failed payment of this month is waived: the first one."""
ASKED = (HARBOR, dt.date(2015, 7, 1))
"""The waiver of this one is asked for, and waits for a second person."""


def happen(operator: Operator, month: Period, signers: Signers, payments: User) -> None:
    """What happens within a month, before its sessions come in."""
    for amendment in AMENDMENTS:
        if amendment.agreed_at.date() in month:
            amend(amendment, signers)
    for outage in OUTAGES:
        if outage.started_at.date() in month:
            outages.record_outage(
                station_id=Station.objects.get(ref=outage.station).pk,
                started_at=outage.started_at,
                ended_at=outage.ended_at,
                planned=outage.planned,
                cause=outage.cause,
                by=signers.maker,
                at=outage.ended_at,
            )
    if SUSPENDED_AT.date() in month:
        rest(Contract.objects.get(party__number=HARBOR), signers)
    if PRICES_DRAFTED_AT.date() in month:
        draft_prices(signers)
    for (party, billed), received_on in LATE_TRANSFERS.items():
        if received_on in month:
            for invoice in issued(billed).filter(party__number=party):
                book_transfer(operator, invoice, received_on, payments)


def amend(amendment: Amendment, signers: Signers) -> ContractVersion:
    """Draft new terms on top of those in force; unless they stay a draft: approve, mail and acknowledge them."""
    at = amendment.agreed_at
    contract = Contract.objects.get(party__number=amendment.party)
    last = version_on(contract, amendment.valid_from)
    if last is None:
        raise RuntimeError(f"{contract} has no terms on {amendment.valid_from}.")
    version = versions.draft_version(
        contract_id=contract.pk,
        valid_from=amendment.valid_from,
        copy_from=last.pk,
        by=signers.maker,
        at=at,
        **{name: getattr(last, name) for name in versions.TERMS} | dict(amendment.settings),
    )
    write_terms(version, amendment.terms, signers.maker, at)
    if amendment.sponsorship:
        shares.set_sponsorship(version_id=version.pk, by=signers.maker, at=at, **amendment.sponsorship)
    if amendment.is_draft:
        return version
    versions.approve_version(version_id=version.pk, by=signers.checker, at=at)
    send_terms(version_id=version.pk, reason="Amendment agreed on by telephone", by=signers.maker, at=at)
    acknowledge(version, signers, at)
    return version


def rest(contract: Contract, signers: Signers) -> None:
    """The contract is suspended for some days; sessions meanwhile wait for a person."""
    reason = "The card was declined five months in a row"
    suspending.suspend_contract(contract_id=contract.pk, reason=reason, by=signers.maker, at=SUSPENDED_AT)
    reason = "A new payment date was agreed on by telephone"
    suspending.resume_contract(contract_id=contract.pk, reason=reason, by=signers.maker, at=RESUMED_AT)


PRICES_DRAFTED_AT = _utc(10, 12, 14)
NEXT_PRICES_FROM = dt.datetime(2016, 1, 1, 5, tzinfo=dt.UTC)
"""Midnight of the new year in Atlanta."""


def draft_prices(signers: Signers) -> None:
    """New prices with an evening rate that stands where it never counts: the linter says so before their release."""
    code = "WORK-STANDARD"
    tariffs.draft_tariff_version(
        tariff_id=Tariff.objects.get(code=code).pk,
        valid_from=NEXT_PRICES_FROM,
        document=company.next_tariff_document(code),
        by=signers.maker,
        at=PRICES_DRAFTED_AT,
    )


def decide_fees(month: Period, clerk: User, manager: User, at: dt.datetime) -> None:
    """Two fees of failed payments: one waived by two people, the other asked for and not decided yet."""
    for (party, billed), is_granted in ((WAIVED, True), (ASKED, False)):
        if billed != month.start:
            continue
        fees = Penalty.objects.filter(
            contract__party__number=party, kind=PenaltyKind.FAILED_PAYMENT, invoice__period_from=billed
        )
        for fee in fees:
            reason = "First time; the customer's bank had replaced the card" if is_granted else "The customer objects"
            ask_waiver(penalty_id=fee.pk, reason=reason, by=clerk, at=at)
            if is_granted:
                grant_waiver(penalty_id=fee.pk, by=manager, at=at + dt.timedelta(hours=2))


def issued(billed: dt.date, *kinds: InvoiceKind) -> QuerySet[Invoice]:
    """The issued documents of the month that begins on a day; invoices unless other kinds are named."""
    return (
        Invoice.objects.filter(kind__in=kinds or (InvoiceKind.INVOICE,), state=InvoiceState.ISSUED, period_from=billed)
        .select_related("party")
        .order_by("number")
    )


def book_transfer(
    operator: Operator, invoice: Invoice, received_on: dt.date, clerk: User, *, at: dt.datetime | None = None
) -> None:
    """Money arrives by bank transfer and is booked in the evening, unless another instant is given."""
    record_transfer(
        operator_id=operator.pk,
        party_id=invoice.party_id,
        amount=open_amount(invoice),
        currency=invoice.currency,
        received_on=received_on,
        payer_reference=f"{invoice.number} {invoice.party.legal_name}"[:140],
        invoice_id=invoice.pk,
        by=clerk,
        at=at or dt.datetime.combine(received_on, dt.time(20), tzinfo=dt.UTC),
    )
