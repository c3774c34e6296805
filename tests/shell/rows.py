"""A row of each model that only a longer story would make: for tests that open every page."""

import datetime as dt
from decimal import Decimal

from evbilling.access.models import User
from invoicing.models import (
    AccountingPeriod,
    Allocation,
    BillingRun,
    BillingRunItem,
    BooksCheck,
    Correction,
    CorrectionKind,
    DatevSettings,
    Delivery,
    DeliveryEvent,
    DeliveryEventKind,
    Deposit,
    DepositKind,
    Dispute,
    DunningStep,
    DunningStop,
    ExchangeRate,
    Invoice,
    Letter,
    LetterKind,
    PaymentPromise,
    PersonalAccount,
)
from invoicing.models.datev import PersonalKind
from payments.models import Payment, Refund
from sessions.models import ChargingSession

AT = dt.datetime(2026, 4, 20, 9, tzinfo=dt.UTC)
TEN = Decimal(10)


def rows_of_long_stories(invoice: Invoice, payment: Payment, session: ChargingSession, by: User) -> None:
    """One row of each, about this issued invoice."""
    contract, party, operator = invoice.contract, invoice.party, invoice.operator
    about = {"invoice": invoice, "currency": "EUR"}
    AccountingPeriod.objects.create(operator=operator, month=dt.date(2026, 1, 1), closed_at=AT)
    Allocation.objects.create(
        **about, source="payment:PAY-0", amount=TEN, allocated_on=AT.date(), allocated_at=AT, allocated_by=by
    )
    run = BillingRun.objects.create(
        operator=operator,
        period_from=dt.date(2026, 2, 1),
        period_to=dt.date(2026, 3, 1),
        issued_on=dt.date(2026, 3, 2),
        created_at=AT,
    )
    BillingRunItem.objects.create(run=run, contract=contract, invoice=invoice)
    BooksCheck.objects.create(started_at=AT, finished_at=AT, cause="by hand", checks=60)
    Correction.objects.create(
        **about,
        kind=CorrectionKind.CREDIT,
        amount=TEN,
        figures={"whole": True},
        reason="Wrong car",
        asked_by=by,
        asked_at=AT,
        needs_second=True,
    )
    Dispute.objects.create(
        **about,
        session=session,
        party=party,
        contested_amount=TEN,
        message="I was not there",
        raised_by=by,
        raised_at=AT,
    )
    Deposit.objects.create(
        contract=contract,
        source=f"payment:{payment.public_id}",
        kind=DepositKind.HELD,
        amount=TEN,
        currency="EUR",
        moved_on=AT.date(),
        reason="Security",
        moved_by=by,
        moved_at=AT,
    )
    Delivery.objects.create(invoice=invoice, created_at=AT)
    DeliveryEvent.objects.create(
        provider="postmark", event_ref="1", kind=DeliveryEventKind.BOUNCED, recipient="a@b.example", received_at=AT
    )
    PaymentPromise.objects.create(invoice=invoice, amount=TEN, promised_on=AT.date(), taken_by=by, taken_at=AT)
    DunningStop.objects.create(party=party, reason="They are moving", set_by=by, set_at=AT)
    DunningStep.objects.create(
        invoice=invoice, level=3, action="escalate", open_amount=TEN, taken_on=AT.date(), taken_at=AT
    )
    ExchangeRate.objects.create(currency="USD", target="EUR", on=AT.date(), rate=Decimal("0.92"), source="ECB")
    DatevSettings.objects.create(operator=operator, consultant_number=1001, client_number=1)
    PersonalAccount.objects.create(operator=operator, party=party, kind=PersonalKind.DEBTOR, number=10000)
    Letter.objects.create(
        kind=LetterKind.STATEMENT,
        operator=operator,
        party=party,
        source="statement:1",
        language="en",
        dated_on=AT.date(),
        file_name="statement.pdf",
        content_type="application/pdf",
        content=b"%PDF",
        size=4,
        sha256="-",
        made_at=AT,
    )
    Refund.objects.create(
        public_id="REF-1",
        payment=payment,
        amount=TEN,
        currency="EUR",
        reason="Paid twice",
        needs_second=True,
        asked_by=by,
        asked_at=AT,
    )
