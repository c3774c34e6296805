"""Any order of what people do with money: after each step the books prove themselves, a refusal changes nothing.

The world is October 2026 of one operator: a sponsored fleet, a fleet with fees, a billing group, a split month, a
contract with tax in its prices, a sponsor and a host. Rules pick rows by number, so that failing runs shrink.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from contracts.models import ContractKind
from evbilling.kernel.clock import month_of
from invoicing.models import (
    AccountingPeriod,
    Allocation,
    Correction,
    CorrectionState,
    Dispute,
    DisputeState,
    Invoice,
    InvoiceKind,
    InvoiceState,
)
from invoicing.operations.advances import credit_unused_advance, issue_advance
from invoicing.operations.allocations import reverse_allocation
from invoicing.operations.crediting import Amounts, Lines, Rerated, SessionAmounts, What, Whole, credit
from invoicing.operations.disputes import accept_dispute, raise_dispute, refuse_dispute, withdraw_dispute
from invoicing.operations.drafting import discard_draft, draft_documents
from invoicing.operations.dunning import run_dunning
from invoicing.operations.issuing import issue_invoice
from invoicing.operations.periods import ask_reopening, close_period, decline_reopening, reopen_period
from invoicing.operations.reissuing import Then, decide_correction, reissue
from invoicing.operations.write_offs import write_off
from invoicing.queries.documents import open_amount
from invoicing.rules.tax import Category
from payments.models import Payment, Refund
from payments.operations.allocating import allocate_payment
from payments.operations.deposits import free_payment, hold_payment
from payments.operations.refunds import approve_refund, ask_refund, confirm_transfer, decline_refund
from payments.operations.transfers import record_transfer
from payments.queries import unallocated_amount
from sessions.rules.correcting import SessionChange
from tests.invoicing.month import OCTOBER
from tests.invoicing.shapes.world import NOVEMBER
from tests.properties.choices import NUMBERS, PERCENT, ways_of
from tests.properties.consumption import Consumption
from tests.properties.watched_books import CENT, part, pick, sessions_of


class MoneyMachine(Consumption):
    """What people do, in any order."""

    # Documents

    @rule(contract=NUMBERS, november=st.booleans())
    def month_is_drafted(self, contract: int, november: bool) -> None:
        chosen = pick(self.payers(), contract)
        period = NOVEMBER if november else OCTOBER
        self.attempt(lambda: draft_documents(contract_id=chosen.pk, period=period, at=self.now))

    @precondition(lambda _self: Invoice.objects.filter(state=InvoiceState.DRAFT).exists())
    @rule(number=NUMBERS, how=ways_of("a_draft_is_decided"))
    def a_draft_is_decided(self, number: int, how: str) -> None:
        draft = pick(list(Invoice.objects.filter(state=InvoiceState.DRAFT).order_by("pk")), number).pk
        if how == "issue":
            self.attempt(lambda: issue_invoice(invoice_id=draft, issued_on=self.now.date(), **self.by), how)
        else:
            self.attempt(lambda: discard_draft(invoice_id=draft, **self.by), how)

    # Credits, corrections, disputes

    @precondition(lambda self: self.documents())
    @rule(number=NUMBERS, how=ways_of("a_document_is_credited"), row=NUMBERS, percent=PERCENT)
    def a_document_is_credited(self, number: int, how: str, row: int, percent: int) -> None:
        invoice = pick(self.documents(), number)
        what = self.what_of(invoice, how, row, percent)
        if what is not None:
            self.attempt(lambda: credit(invoice_id=invoice.pk, what=what, reason="Wrong", **self.by), how)

    def what_of(self, invoice: Invoice, how: str, row: int, percent: int) -> What | None:
        gross = invoice.price_basis == "gross"
        if how == "line":
            line = pick(list(invoice.lines.order_by("position")), row)
            return Lines({line.pk: part((line.gross_amount if gross else line.net_amount) or CENT, percent)})
        if how == "rate":
            tax = pick(list(invoice.taxes.order_by("pk")), row)
            amount = tax.net_amount + (tax.tax_amount if gross else 0)
            return Amounts({(Category(tax.tax_category), tax.tax_rate): part(amount, percent)})
        if how == "session":
            sessions = sessions_of(invoice)
            return SessionAmounts({pick(sessions, row).pk: part(Decimal("4.50"), percent)}) if sessions else None
        if how in {"rerated", "free"}:
            return rerated(invoice, row, percent, how == "free")
        return Whole()

    @precondition(lambda self: self.documents())
    @rule(number=NUMBERS, how=ways_of("a_document_is_issued_again"))
    def a_document_is_issued_again(self, number: int, how: str) -> None:
        invoice = pick(self.documents(), number)
        self.attempt(lambda: reissue(invoice_id=invoice.pk, reason="Address", then=Then(how), **self.by), how)

    @precondition(lambda _self: Correction.objects.filter(state=CorrectionState.ASKED).exists())
    @rule(number=NUMBERS, how=ways_of("a_correction_is_decided"), own=st.booleans())
    def a_correction_is_decided(self, number: int, how: str, own: bool) -> None:
        waiting = list(Correction.objects.filter(state=CorrectionState.ASKED).order_by("pk"))
        chosen, by = pick(waiting, number).pk, self.clerk if own else self.second
        self.attempt(
            lambda: decide_correction(correction_id=chosen, approve=how == "approve", reason="No", by=by, at=self.now),
            how,
        )

    @precondition(lambda self: self.documents())
    @rule(number=NUMBERS, percent=PERCENT, with_tax=st.booleans())
    def a_claim_is_to_be_written_off(self, number: int, percent: int, with_tax: bool) -> None:
        invoice = pick(self.documents(), number)
        amount = part(open_amount(invoice), percent)
        self.attempt(
            lambda: write_off(invoice_id=invoice.pk, amount=amount, reason="Insolvent", with_tax=with_tax, **self.by)
        )

    @precondition(lambda self: self.documents())
    @rule(number=NUMBERS, row=NUMBERS)
    def a_session_is_contested(self, number: int, row: int) -> None:
        invoice = pick(self.documents(), number)
        sessions = sessions_of(invoice)
        if sessions:
            chosen = pick(sessions, row).pk
            self.attempt(lambda: raise_dispute(invoice_id=invoice.pk, session_id=chosen, message="Not me", **self.by))

    @precondition(lambda _self: Dispute.objects.filter(state=DisputeState.OPEN).exists())
    @rule(number=NUMBERS, how=ways_of("a_dispute_is_answered"))
    def a_dispute_is_answered(self, number: int, how: str) -> None:
        chosen = pick(list(Dispute.objects.filter(state=DisputeState.OPEN).order_by("pk")), number).pk
        if how == "refuse":
            self.attempt(lambda: refuse_dispute(dispute_id=chosen, answer="See photo", **self.by), how)
        elif how == "withdraw":
            self.attempt(lambda: withdraw_dispute(dispute_id=chosen, **self.by), how)
        else:
            amount = Decimal("1.01") if how == "part" else None
            self.attempt(
                lambda: accept_dispute(
                    dispute_id=chosen, answer="Sorry", amount=amount, partly=how == "part", **self.by
                ),
                how,
            )

    # Money

    @precondition(lambda self: self.documents())
    @rule(number=NUMBERS, percent=PERCENT, settle=st.booleans())
    def money_comes(self, number: int, percent: int, settle: bool) -> None:
        invoice = pick(self.documents(), number)
        self.made += 1
        self.attempt(
            lambda: record_transfer(
                operator_id=invoice.operator_id,
                party_id=invoice.party_id,
                amount=part(invoice.gross_amount, percent),
                currency=invoice.currency,
                received_on=self.now.date(),
                payer_reference=f"transfer {self.made}",
                invoice_id=invoice.pk if settle else None,
                **self.by,
            )
        )

    @precondition(lambda _self: Payment.objects.exists())
    @rule(number=NUMBERS, document=NUMBERS, percent=PERCENT)
    def money_is_allocated(self, number: int, document: int, percent: int) -> None:
        payment = pick(list(Payment.objects.order_by("pk")), number)
        theirs = self.documents(party=payment.party_id) or self.documents()
        if theirs:
            invoice = pick(theirs, document)
            amount = part(min(unallocated_amount(payment), open_amount(invoice)), percent)
            self.attempt(
                lambda: allocate_payment(payment_id=payment.pk, invoice_id=invoice.pk, amount=amount, **self.by)
            )

    @precondition(lambda _self: Allocation.objects.exists())
    @rule(number=NUMBERS)
    def an_allocation_is_undone(self, number: int) -> None:
        chosen = pick(list(Allocation.objects.order_by("pk")), number).pk
        self.attempt(lambda: reverse_allocation(allocation_id=chosen, reason="Wrong one", **self.by))

    @precondition(lambda _self: Payment.objects.exists())
    @rule(number=NUMBERS, percent=PERCENT)
    def money_is_to_go_back(self, number: int, percent: int) -> None:
        payment = pick(list(Payment.objects.order_by("pk")), number)
        amount = part(payment.amount, percent)
        self.attempt(lambda: ask_refund(payment_id=payment.pk, amount=amount, reason="Too much", **self.by))

    @precondition(lambda _self: Refund.objects.exists())
    @rule(number=NUMBERS, how=ways_of("a_refund_goes_on"), own=st.booleans())
    def a_refund_goes_on(self, number: int, how: str, own: bool) -> None:
        chosen = pick(list(Refund.objects.order_by("pk")), number).pk
        by = self.clerk if own else self.second
        work: dict[str, Callable[[], object]] = {
            "approve": lambda: approve_refund(refund_id=chosen, by=by, at=self.now),
            "decline": lambda: decline_refund(refund_id=chosen, reason="No", by=by, at=self.now),
            "confirm": lambda: confirm_transfer(refund_id=chosen, paid_on=self.now.date(), by=by, at=self.now),
        }
        self.attempt(work[how], how)

    @rule(contract=NUMBERS, amount=st.sampled_from(["5.00", "20.00"]))
    def an_advance_is_asked_for(self, contract: int, amount: str) -> None:
        chosen = pick([each for each in self.payers() if each.kind != ContractKind.HOSTING], contract)
        self.attempt(
            lambda: issue_advance(
                contract_id=chosen.pk, amount=Decimal(amount), issued_on=self.now.date(), reason="Ahead", **self.by
            )
        )

    @precondition(lambda self: self.documents(kind=InvoiceKind.ADVANCE))
    @rule(number=NUMBERS)
    def what_is_left_of_an_advance_is_credited(self, number: int) -> None:
        advance = pick(self.documents(kind=InvoiceKind.ADVANCE), number)
        self.attempt(lambda: credit_unused_advance(invoice_id=advance.pk, reason="Over", **self.by))

    @precondition(lambda _self: Payment.objects.exists())
    @rule(number=NUMBERS, percent=PERCENT, how=ways_of("a_deposit_moves"))
    def a_deposit_moves(self, number: int, percent: int, how: str) -> None:
        payment = pick(list(Payment.objects.order_by("pk")), number)
        theirs = [each for each in self.payers() if each.party_id == payment.party_id]
        if theirs:
            move = hold_payment if how == "hold" else free_payment
            self.attempt(
                lambda: move(
                    payment_id=payment.pk,
                    contract_id=pick(theirs, number).pk,
                    amount=part(payment.amount, percent),
                    reason="Security",
                    **self.by,
                ),
                how,
            )

    # The books

    @rule()
    def reminders_are_sent(self) -> None:
        self.attempt(lambda: run_dunning(operator_id=self.month.operator.pk, on=self.now.date(), by=None, at=self.now))

    @rule(back=st.integers(0, 2))
    def a_period_is_closed(self, back: int) -> None:
        month = month_of(self.now.date())
        for _month in range(back):
            month = month_of(month.start - dt.timedelta(days=1))
        self.attempt(lambda: close_period(operator_id=self.month.operator.pk, month=month.start, **self.by))

    @precondition(lambda _self: AccountingPeriod.objects.exists())
    @rule(number=NUMBERS, how=ways_of("a_closed_period_is_to_be_opened"), own=st.booleans())
    def a_closed_period_is_to_be_opened(self, number: int, how: str, own: bool) -> None:
        chosen = pick(list(AccountingPeriod.objects.order_by("pk")), number).pk
        by = self.clerk if own else self.second
        work: dict[str, Callable[[], object]] = {
            "ask": lambda: ask_reopening(period_id=chosen, reason="Late bill", by=by, at=self.now),
            "decline": lambda: decline_reopening(period_id=chosen, reason="No", by=by, at=self.now),
            "open": lambda: reopen_period(period_id=chosen, by=by, at=self.now),
        }
        self.attempt(work[how], how)


def rerated(invoice: Invoice, row: int, percent: int, free: bool) -> What | None:
    """A session of the document as if it were free, so much energy had been metered, or (100) nothing were wrong."""
    sessions = sessions_of(invoice)
    if not sessions:
        return None
    session = pick(sessions, row)
    metered = None if free or percent == 100 else session.energy_wh * percent // 100
    return Rerated({session.pk: SessionChange(energy_wh=metered, free=free)})
