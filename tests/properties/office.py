"""An office with its October billed, and what is done in it: prepared, done, and done again by tests that kill it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.clock import Period
from evbilling.kernel.outbox import OutboxMessage, OutboxState
from invoicing.models import (
    AccountingPeriod,
    Correction,
    Deposit,
    Dispute,
    Invoice,
    InvoiceKind,
    InvoiceState,
)
from invoicing.operations import runs
from invoicing.operations.advances import credit_unused_advance, issue_advance
from invoicing.operations.crediting import Lines, Whole, credit
from invoicing.operations.disputes import accept_dispute, raise_dispute
from invoicing.operations.drafting import discard_draft, draft_documents
from invoicing.operations.dunning import run_dunning
from invoicing.operations.issuing import issue_invoice
from invoicing.operations.periods import ask_reopening, close_period, reopen_period
from invoicing.operations.reissuing import Then, decide_correction, reissue
from invoicing.operations.statements import send_statement
from invoicing.operations.write_offs import write_off
from payments.models import Payment, Refund
from payments.operations.deposits import free_payment, hold_payment
from payments.operations.payments import start_payment
from payments.operations.refunds import approve_refund, ask_refund, confirm_transfer
from payments.operations.transfers import record_transfer
from tests.invoicing.month import ISSUED_ON, LATER, OCTOBER, Month, record
from tests.invoicing.shapes.world import NOVEMBER
from tests.payments.world import make_method
from tests.properties.watched_books import sessions_of

D = Decimal
DECEMBER = dt.datetime(2026, 12, 2, 8, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Office:
    """The machine's world with its October billed; what each operation needs is prepared by it."""

    month: Month
    clerk: User
    second: User

    @property
    def by(self) -> dict[str, Any]:
        return {"by": self.clerk, "at": LATER}

    def invoice(self, name: str, **about: Any) -> Invoice:
        found = Invoice.objects.filter(contract=self.month.contracts[name], kind=InvoiceKind.INVOICE, **about)
        return found.order_by("pk")[0]

    def run(self, period: Period, at: dt.datetime, issued_on: dt.date) -> None:
        started = runs.start_run(
            operator_id=self.month.operator.pk, period=period, issued_on=issued_on, issue=True, by=None, at=at
        )
        with outbox.run_here():
            while items := runs.next_items(run_id=started.pk):
                runs.process_items(run_id=started.pk, item_ids=items, at=at)
            runs.finish_run(run_id=started.pk, at=at)

    def money(self, name: str, amount: str, invoice: Invoice | None = None) -> Payment:
        return record_transfer(
            operator_id=self.month.operator.pk,
            party_id=self.month.contracts[name].party_id,
            amount=D(amount),
            currency="EUR",
            received_on=ISSUED_ON,
            payer_reference=f"{name} {amount}",
            invoice_id=invoice.pk if invoice else None,
            **self.by,
        )

    def decide(self) -> None:
        waiting = Correction.objects.order_by("-pk")[0]
        decide_correction(correction_id=waiting.pk, approve=True, by=self.second, at=LATER)


Work = Callable[[Office], object]


def credit_line(office: Office) -> None:
    invoice = office.invoice("fees")
    line = invoice.lines.order_by("position")[0]
    credit(invoice_id=invoice.pk, what=Lines({line.pk: D("1.00")}), reason="Wrong", **office.by)


def reissue_group(office: Office) -> None:
    reissue(invoice_id=office.invoice("g1").pk, reason="Address", then=Then.ISSUE, **office.by)


def reissue_part(office: Office) -> None:
    reissue(invoice_id=office.invoice("parts", split_key="A").pk, reason="Address", then=Then.ISSUE, **office.by)


def no_limit(office: Office) -> None:
    office.month.operator.credit_limit_amount = None
    office.month.operator.save()


def lose(office: Office) -> None:
    write_off(invoice_id=office.invoice("fees").pk, reason="Insolvent", with_tax=True, **office.by)


def contest(office: Office) -> None:
    invoice = office.invoice("fees")
    session = sessions_of(invoice)[0]
    raise_dispute(invoice_id=invoice.pk, session_id=session.pk, message="Not me", **office.by)


def accept(office: Office) -> None:
    accept_dispute(dispute_id=Dispute.objects.get().pk, answer="Sorry", amount=D("1.00"), partly=True, **office.by)


def advance(office: Office) -> None:
    issue_advance(
        contract_id=office.month.contracts["fees"].pk, amount=D("20.00"), issued_on=ISSUED_ON, reason="x", **office.by
    )


def use_advance(office: Office) -> None:
    no_limit(office)
    advance(office)
    office.money("fees", "23.80", Invoice.objects.get(kind=InvoiceKind.ADVANCE))


def credit_advance(office: Office) -> None:
    credit_unused_advance(invoice_id=Invoice.objects.get(kind=InvoiceKind.ADVANCE).pk, reason="Over", **office.by)


def pay_security(office: Office) -> None:
    office.money("fees", "50.00")


def deposit(office: Office, move: Callable[..., Deposit] = hold_payment) -> None:
    contract = office.month.contracts["fees"]
    payment = Payment.objects.get()
    move(payment_id=payment.pk, contract_id=contract.pk, amount=D("20.00"), reason="Security", **office.by)


def hold(office: Office) -> None:
    pay_security(office)
    deposit(office)


def give_back(office: Office) -> None:
    deposit(office, free_payment)


def remind(office: Office) -> None:
    run_dunning(operator_id=office.month.operator.pk, on=DECEMBER.date(), by=None, at=DECEMBER)


def state_account(office: Office) -> None:
    send_statement(
        operator_id=office.month.operator.pk,
        party_id=office.month.contracts["fees"].party_id,
        currency="EUR",
        first=OCTOBER.start,
        last=ISSUED_ON,
        **office.by,
    )


def transfer_back(office: Office) -> None:
    pay_security(office)
    refund = ask_refund(payment_id=Payment.objects.get().pk, amount=D("50.00"), reason="Twice", **office.by)
    approve_refund(refund_id=refund.pk, by=office.second, at=LATER)


def confirm(office: Office) -> None:
    confirm_transfer(refund_id=Refund.objects.get().pk, paid_on=ISSUED_ON, **office.by)


def card_back(office: Office) -> None:
    invoice = office.invoice("fees")
    start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party).pk, **office.by)
    with outbox.run_here():
        outbox.drain(at=LATER, kinds={"payments.charge"})
    no_limit(office)
    credit(invoice_id=invoice.pk, what=Whole(), reason="Wrong", **office.by)
    payment = Payment.objects.get()
    refund = ask_refund(payment_id=payment.pk, amount=payment.amount, reason="Credited", **office.by)
    approve_refund(refund_id=refund.pk, by=office.second, at=LATER)


def send_back(_office: Office) -> None:
    """Again an hour later, when what a dead worker claimed is free."""
    killed_before = OutboxMessage.objects.filter(kind="payments.refund", state=OutboxState.IN_FLIGHT).exists()
    at = LATER + dt.timedelta(hours=1 if killed_before else 0)
    with outbox.run_here():
        outbox.sweep(at=at)
        outbox.drain(at=at, kinds={"payments.refund"})


def close_books(office: Office) -> None:
    close_period(operator_id=office.month.operator.pk, month=OCTOBER.start, **office.by)


def ask_to_open(office: Office) -> None:
    ask_reopening(period_id=AccountingPeriod.objects.get().pk, reason="Late bill", **office.by)


def closed_and_asked(office: Office) -> None:
    close_books(office)
    ask_to_open(office)


def open_again(office: Office) -> None:
    reopen_period(period_id=AccountingPeriod.objects.get().pk, by=office.second, at=LATER)


def charged_in_november(office: Office) -> None:
    later = dt.datetime(2026, 11, 5, 7, tzinfo=dt.UTC)
    record([office.month.charge(name, 50, 10, later) for name in office.month.tokens], DECEMBER)


def bill_november(office: Office) -> None:
    """As after a crash: each time an hour later, so that what the dead one claimed is free."""
    killed_before = office.month.operator.billing_runs.filter(period_from=NOVEMBER.start).exists()
    at = DECEMBER + dt.timedelta(hours=1 if killed_before else 0)
    with outbox.run_here():
        outbox.sweep(at=at)
    office.run(NOVEMBER, at, DECEMBER.date())


def draft_november(office: Office) -> None:
    for name in ("g1", "parts"):
        draft_documents(contract_id=office.month.contracts[name].pk, period=NOVEMBER, at=DECEMBER)


def drafted(office: Office) -> None:
    charged_in_november(office)
    draft_november(office)


def discard(office: Office) -> None:
    for draft in Invoice.objects.filter(state=InvoiceState.DRAFT):
        discard_draft(invoice_id=draft.pk, **office.by)


def issue(office: Office) -> None:
    for draft in Invoice.objects.filter(state=InvoiceState.DRAFT).order_by("pk"):
        issue_invoice(invoice_id=draft.pk, issued_on=DECEMBER.date(), by=office.clerk, at=DECEMBER)


def nothing(_office: Office) -> None:
    """Nothing has to be there before."""


MATRIX: dict[str, tuple[Work, Work, bool]] = {
    "credit of a line": (nothing, credit_line, True),
    "a group's invoice issued again": (no_limit, reissue_group, True),
    "one part issued again": (no_limit, reissue_part, True),
    "second person for a reissue": (reissue_group, Office.decide, True),
    "write-off": (lose, Office.decide, True),
    "dispute raised": (nothing, contest, True),
    "dispute accepted": (contest, accept, True),
    "advance": (nothing, advance, True),
    "unused advance": (use_advance, credit_advance, True),
    "deposit held": (pay_security, deposit, True),
    "deposit returned": (hold, give_back, True),
    "dunning run": (nothing, remind, False),
    "statement": (nothing, state_account, True),
    "transfer back": (transfer_back, confirm, True),
    "card refund": (card_back, send_back, False),
    "month closed": (nothing, close_books, True),
    "opening asked for": (close_books, ask_to_open, True),
    "month opened again": (closed_and_asked, open_again, True),
    "run over groups and parts": (charged_in_november, bill_november, False),
    "drafts of a group and of parts": (charged_in_november, draft_november, False),
    "drafts discarded": (drafted, discard, False),
    "drafts issued": (drafted, issue, False),
}
"""By what it is: what has to be there, what is killed and done again, and whether it is one transaction."""
