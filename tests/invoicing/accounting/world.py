"""Books with a booking of every kind in November 2026, of one customer and one host; figures are in `every_kind`."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from contracts.models import Chart, Contract, ContractKind
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import DatevSettings, Invoice
from invoicing.operations.charts import take_chart
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.reissuing import decide_correction
from invoicing.operations.write_offs import write_off
from payments.models import Payment, Refund
from payments.operations.deposits import free_payment, hold_payment
from payments.operations.refunds import approve_refund, ask_refund, confirm_transfer
from payments.operations.transfers import record_transfer
from tests.factories import make_contract_in_force, make_operator, make_party, make_user
from tests.invoicing.factories import make_issued

NOVEMBER: Period = parse_month("2026-11")
AT = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)
DAY = AT.date()


@dataclass(frozen=True)
class Books:
    """What was made; `credited` by `credit_note`, `given_up` in part."""

    contract: Contract
    host: Contract
    paid: Invoice
    credited: Invoice
    given_up: Invoice
    settlement: Invoice
    credit_note: Invoice
    payment: Payment
    refund: Refund


def german_books(chart: Chart = Chart.SKR03, language: str = "de") -> Contract:
    """A contract of an operator with a chart and DATEV settings, and nothing booked yet."""
    operator = make_operator(chart=chart, language=language)
    take_chart(operator_id=operator.pk, by=None, at=AT)
    DatevSettings.objects.create(operator=operator, consultant_number=29098, client_number=55003)
    return make_contract_in_force(operator=operator, party=make_party(legal_name="Alpha Fleet"))


def every_kind(contract: Contract) -> Books:
    """Issued: 119.00 (paid), 59.50 (credited whole), 238.00 (119.00 of it given up), a settlement of 47.60.

    A transfer of 300.00: 119.00 settle, 100.00 are taken as security and 30.00 of them returned, 50.00 go back.
    """
    clerk, second, officer = make_user(Role.BILLING_CLERK), make_user(), make_user(Role.PAYMENTS_OFFICER)
    paid, credited, given_up = (
        make_issued(contract, (net,), period=(dt.date(2026, month, 1), dt.date(2026, month + 1, 1)))
        for net, month in (("100.00", 10), ("50.00", 9), ("200.00", 8))
    )
    host = make_contract_in_force(
        ContractKind.HOSTING, contract.operator, make_party("property_owner", legal_name="Host")
    )
    settlement = make_issued(host, ("40.00",))
    credit_note = credit_invoice(invoice_id=credited.pk, reason="double", by=clerk, at=AT)
    lost = write_off(
        invoice_id=given_up.pk, amount=Decimal("119.00"), reason="insolvent", with_tax=True, by=clerk, at=AT
    )
    decide_correction(correction_id=lost.pk, approve=True, by=second, at=AT)
    payment = receive(contract, "300.00", paid, by=officer)
    about = {"payment_id": payment.pk, "contract_id": contract.pk, "reason": "security", "by": officer, "at": AT}
    hold_payment(amount=Decimal("100.00"), **about)
    free_payment(amount=Decimal("30.00"), **about)
    refund = ask_refund(payment_id=payment.pk, amount=Decimal("50.00"), reason="too much", by=officer, at=AT)
    approve_refund(refund_id=refund.pk, by=second, at=AT)
    refund = confirm_transfer(refund_id=refund.pk, paid_on=DAY, by=officer, at=AT)
    return Books(contract, host, paid, credited, given_up, settlement, credit_note, payment, refund)


def receive(contract: Contract, amount: str, invoice: Invoice | None = None, by: User | None = None) -> Payment:
    """A transfer of the contract's party, settling an invoice as far as it goes."""
    return record_transfer(
        operator_id=contract.operator_id,
        party_id=contract.party_id,
        amount=Decimal(amount),
        currency=contract.currency,
        received_on=DAY,
        payer_reference=f"transfer of {amount}",
        invoice_id=invoice.pk if invoice else None,
        by=by,
        at=AT,
    )
