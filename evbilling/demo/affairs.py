"""What is put right, asked for and proven in the sample year: each by the people whose work it is. Data first."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from contracts.models import Contract, Operator
from contracts.operations.contracts import change_contract
from contracts.operations.dunning_plans import add_standard_plan
from evbilling.access.models import User
from evbilling.demo.agreements import Signers
from evbilling.demo.events import LATE_STATEMENT, book_transfer, issued
from evbilling.demo.terms import FAIRMONT, HARBOR, LAKEVIEW, RIDGELINE
from evbilling.kernel import outbox
from evbilling.kernel.clock import Period, months_between, parse_month
from invoicing.models import AccountingPeriod, BilledCharge, ChargeUse, Correction, Invoice
from invoicing.operations.advances import issue_advance
from invoicing.operations.crediting import Lines, credit
from invoicing.operations.disputes import accept_dispute, raise_dispute
from invoicing.operations.dunning import run_dunning
from invoicing.operations.dunning_decisions import promise_to_pay
from invoicing.operations.periods import ask_reopening, close_period, reopen_period
from invoicing.operations.reissuing import Then, decide_correction, reissue
from invoicing.operations.write_offs import write_off
from invoicing.queries.documents import open_amount
from payments.models import Payment, PaymentState
from payments.operations.refunds import REFUND_STEP, approve_refund, ask_refund

CLOSED_MONTHS = tuple(month.start for month in months_between(parse_month("2014-11"), parse_month("2015-03")))
"""November 2014 to March 2015: closed in the ledger on 4 May; March was opened again for a late bank statement."""
GOODWILL = Decimal("10.00")
ADVANCE = Decimal("60.00")


@dataclass(frozen=True, slots=True)
class Clerks:
    """Who does the monthly work; `second` approves what others ask for (I18)."""

    billing: User
    payments: User
    contracts: Signers
    second: User


def _at(month: int, day: int, hour: int = 15) -> dt.datetime:
    return dt.datetime(2015, month, day, hour, tzinfo=dt.UTC)


def put_right(operator: Operator, month: Period, clerks: Clerks) -> None:
    """What people do in a month beside its close, in the order of the days."""
    for day, affair in AFFAIRS:
        if day in month:
            affair(operator, clerks)


def _begin_dunning(operator: Operator, clerks: Clerks) -> None:
    add_standard_plan(operator_id=operator.pk, by=clerks.contracts.maker, at=_at(2, 2))
    _dun(operator, clerks, _at(2, 20))


def _dun(operator: Operator, clerks: Clerks, at: dt.datetime) -> None:
    run_dunning(operator_id=operator.pk, on=at.date(), by=clerks.billing, at=at)


def _close_ledger(operator: Operator, clerks: Clerks) -> None:
    """Five months are closed; the last is opened by two people for a transfer that came to light, and closed again."""
    for month in CLOSED_MONTHS:
        close_period(operator_id=operator.pk, month=month, by=clerks.billing, at=_at(5, 4))
    (party, billed), received_on = LATE_STATEMENT
    last = AccountingPeriod.objects.get(operator=operator, month=CLOSED_MONTHS[-1])
    reason = f"A bank statement was handed in late: the transfer of {party} of {received_on} is missing"
    ask_reopening(period_id=last.pk, reason=reason, by=clerks.billing, at=_at(5, 6))
    reopen_period(period_id=last.pk, by=clerks.second, at=_at(5, 6, 16))
    for invoice in issued(billed).filter(party__number=party):
        book_transfer(operator, invoice, received_on, clerks.payments, at=_at(5, 6, 17))
    close_period(operator_id=operator.pk, month=CLOSED_MONTHS[-1], by=clerks.billing, at=_at(5, 7))


def _take_advance(operator: Operator, clerks: Clerks) -> None:
    """Fairmont pays in advance; the invoice of July sets it off."""
    invoice = issue_advance(
        contract_id=Contract.objects.get(party__number=FAIRMONT).pk,
        amount=ADVANCE,
        issued_on=dt.date(2015, 7, 6),
        reason="charging in July 2015",
        by=clerks.billing,
        at=_at(7, 6),
    )
    book_transfer(operator, invoice, dt.date(2015, 7, 17), clerks.payments)


def _credit_in_part(operator: Operator, clerks: Clerks) -> None:
    """Goodwill on a paid invoice; the money goes back to the card, approved by a second person."""
    invoice = _invoice(RIDGELINE, dt.date(2015, 6, 1))
    line = max(invoice.lines.all(), key=lambda each: (each.net_amount, -each.pk))
    credit(
        invoice_id=invoice.pk,
        what=Lines({line.pk: GOODWILL}),
        reason="Goodwill: the entrance was blocked by our building works on 3 and 4 June",
        by=clerks.billing,
        at=_at(8, 10),
    )
    note = invoice.corrections.get()
    payment = Payment.objects.get(invoice=invoice, state=PaymentState.CAPTURED)
    refund = ask_refund(
        payment_id=payment.pk,
        amount=open_amount(note),
        reason=f"{note.number}: goodwill, the invoice was paid already",
        by=clerks.payments,
        at=_at(8, 11),
    )
    approve_refund(refund_id=refund.pk, by=clerks.second, at=_at(8, 11, 17))
    outbox.drain(at=_at(8, 11, 17), kinds={REFUND_STEP})


def _bill_again(operator: Operator, clerks: Clerks) -> None:
    """Lakeview's accountant needs another purchase order on the invoice: cancelled and billed again, by two people."""
    invoice = _invoice(LAKEVIEW, dt.date(2015, 8, 1))
    contract = invoice.contract
    contract.refresh_from_db()
    change_contract(contract_id=contract.pk, purchase_order="LV-2015-0117", by=clerks.contracts.maker, at=_at(9, 3))
    correction, _documents = reissue(
        invoice_id=invoice.pk,
        reason="The customer's purchase order is LV-2015-0117 since August",
        then=Then.ISSUE,
        issued_on=dt.date(2015, 9, 4),
        by=clerks.billing,
        at=_at(9, 4),
    )
    _second_person_agrees(correction, clerks, _at(9, 4, 17))


def _accept_dispute(operator: Operator, clerks: Clerks) -> None:
    """Ridgeline contests a session and is right; the clerk credits it."""
    invoice = _invoice(RIDGELINE, dt.date(2015, 7, 1))
    dispute = raise_dispute(
        invoice_id=invoice.pk,
        session_id=dearest_session(invoice),
        message="The driver says that the cable was locked and could not be taken off; please check.",
        by=_manager(RIDGELINE),
        at=_at(9, 8),
    )
    accept_dispute(
        dispute_id=dispute.pk,
        answer="You are right, the station did not let go of the cable. The session is credited.",
        by=clerks.billing,
        at=_at(9, 10),
    )


def _write_off(operator: Operator, clerks: Clerks) -> None:
    """Harbor's first invoice costs more to collect than it is worth; a second person agrees."""
    correction = write_off(
        invoice_id=_invoice(HARBOR, dt.date(2015, 1, 1)).pk,
        reason="Collecting it would cost more than what is open",
        with_tax=False,
        by=clerks.billing,
        at=_at(9, 15),
    )
    _second_person_agrees(correction, clerks, _at(9, 15, 17))


def _contest(operator: Operator, clerks: Clerks) -> None:
    """Fairmont contests a session of August; the clerk has not answered yet."""
    invoice = _invoice(FAIRMONT, dt.date(2015, 8, 1))
    raise_dispute(
        invoice_id=invoice.pk,
        session_id=dearest_session(invoice),
        message="This car was in the workshop on that day. Who charged here?",
        by=_manager(FAIRMONT),
        at=_at(9, 21),
    )


def _promise_and_remind(operator: Operator, clerks: Clerks) -> None:
    """Lakeview promises to pay, so that it is left out when the others are reminded."""
    invoice = _invoice(LAKEVIEW, dt.date(2015, 8, 1))
    promise_to_pay(
        invoice_id=invoice.pk,
        amount=open_amount(invoice),
        promised_on=dt.date(2015, 10, 23),
        note="Carla Nguyen on the telephone: in the payment run of 23 October",
        by=clerks.billing,
        at=_at(10, 8),
    )
    _dun(operator, clerks, _at(10, 12))


AFFAIRS = (
    (dt.date(2015, 2, 20), _begin_dunning),
    (dt.date(2015, 5, 4), _close_ledger),
    (dt.date(2015, 7, 6), _take_advance),
    (dt.date(2015, 8, 10), _credit_in_part),
    (dt.date(2015, 9, 4), _bill_again),
    (dt.date(2015, 9, 8), _accept_dispute),
    (dt.date(2015, 9, 15), _write_off),
    (dt.date(2015, 9, 21), _contest),
    (dt.date(2015, 10, 12), _promise_and_remind),
)


def dearest_session(invoice: Invoice) -> int:
    """The session that costs most on a document; of equal ones the first."""
    uses = BilledCharge.objects.filter(line__invoice=invoice, use=ChargeUse.BILLED).select_related("charge")
    return max((use.charge.net_amount, -use.charge.session_id, use.charge.session_id) for use in uses)[2]


def _invoice(party: str, billed: dt.date) -> Invoice:
    """The standing invoice of a party's month."""
    standing = [each for each in issued(billed).filter(party__number=party) if not each.corrections.exists()]
    (invoice,) = standing
    return invoice


def _manager(party: str) -> User:
    return User.objects.get(memberships__party__number=party)


def _second_person_agrees(correction: Correction, clerks: Clerks, at: dt.datetime) -> None:
    decide_correction(correction_id=correction.pk, approve=True, by=clerks.second, at=at)
