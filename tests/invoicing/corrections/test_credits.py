"""Credits of documents: whole, by line, by amount, by session, re-rated; by two people from the limit on (I1, I18)."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from evbilling.kernel.books import check_books
from evbilling.kernel.errors import BadInput, BillingError, MakerIsChecker, NotAllowed
from evbilling.kernel.fields import amount_sum
from invoicing.models import (
    AccountRole,
    BilledCharge,
    ChargeUse,
    Correction,
    CorrectionState,
    CreditedCharge,
    Dispute,
    DisputeState,
    Invoice,
    InvoiceKind,
    InvoiceLine,
    InvoiceState,
    JournalLine,
)
from invoicing.operations.allocations import allocate, reverse_allocation
from invoicing.operations.crediting import (
    AlreadyCredited,
    Amounts,
    CorrectionWaits,
    Lines,
    NeedsSecondPerson,
    Rerated,
    SessionAmounts,
    What,
    Whole,
    credit,
    credit_invoice,
    preview_credit,
)
from invoicing.operations.disputes import decide_dispute, raise_dispute, withdraw_dispute
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.reissuing import Then, decide_correction, reissue
from invoicing.operations.rerating import CostsMore
from invoicing.operations.write_offs import write_off
from invoicing.queries.charges import unbilled_charges
from invoicing.queries.documents import PaymentState, open_amount, payment_state
from invoicing.queries.dunning import cases, overdue_documents
from invoicing.rules.crediting import LineCreditTooHigh
from invoicing.rules.tax import Category
from invoicing.rules.totals import CreditTooHigh
from sessions.rules.correcting import SessionChange
from tests.factories import make_member, make_user
from tests.invoicing.corrections.conftest import World
from tests.invoicing.month import AT, ISSUED_ON, LATER, OCTOBER

D = Decimal
S19 = (Category.STANDARD, D("19.0000"))
ON = dt.date(2026, 11, 3)


def ask(world: World, what: What, **values: Any) -> Correction:
    return credit(invoice_id=world.invoice.pk, what=what, reason="Wrong", by=world.clerk, at=LATER, **values)


def counted() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Invoice, InvoiceLine, JournalLine, Correction, CreditedCharge))


def refused(error: type[BillingError], work: Callable[[], object]) -> None:
    before = counted()
    with pytest.raises(error):
        work()
    assert counted() == before


def balance(role: AccountRole, invoice: Invoice) -> Decimal:
    lines = JournalLine.objects.filter(account__role=role, entry__operator=invoice.operator)
    if role in {AccountRole.RECEIVABLE}:
        lines = lines.filter(party=invoice.party)
    return lines.aggregate(total=amount_sum("amount"))["total"] or D(0)


def books_are_right() -> None:
    assert [finding for result in check_books() for finding in result.findings] == []


def test_given_partial_credits_when_the_rest_is_credited_then_nothing_is_left_anywhere(world: World) -> None:
    line = world.invoice.lines.get(net_amount="4.50")
    assert (world.invoice.net_amount, world.invoice.gross_amount) == (D("6.75"), D("8.03"))
    first = ask(world, Lines({line.pk: D("1.01")}))
    assert first.state == CorrectionState.DONE
    second = ask(world, Amounts({S19: D("0.50")}))
    third = ask(world, SessionAmounts({world.session().pk: D("1.00")}))
    assert [each.credit_note.net_amount for each in (first, second, third) if each.credit_note] == [
        D("1.01"),
        D("0.50"),
        D("1.00"),
    ]
    assert open_amount(world.invoice) == D("8.03") - sum(each.amount for each in (first, second, third))
    assert payment_state(Invoice.objects.get(pk=world.invoice.pk), on=ON) == PaymentState.PARTLY_CREDITED
    rest = ask(world, Whole())
    notes = Invoice.objects.filter(corrects=world.invoice)
    sums = notes.aggregate(net=amount_sum("net_amount"), tax=amount_sum("tax_amount"), gross=amount_sum("gross_amount"))
    assert sums == {"net": D("6.75"), "tax": D("1.28"), "gross": D("8.03")}
    assert open_amount(world.invoice) == 0
    assert balance(AccountRole.RECEIVABLE, world.invoice) == 0
    assert payment_state(Invoice.objects.get(pk=world.invoice.pk), on=ON) == PaymentState.CREDITED
    lines = set(world.invoice.lines.values_list("pk", flat=True))
    assert {each.corrects_id for each in InvoiceLine.objects.filter(invoice__in=notes)} == lines
    for billed in BilledCharge.objects.filter(line__in=lines):
        taken = CreditedCharge.objects.filter(charge=billed.charge).aggregate(net=amount_sum("net_amount"))
        assert taken["net"] == billed.charge.net_amount
    assert rest.credit_note is not None
    assert not unbilled_charges(world.contract, AT).exists()
    books_are_right()
    refused(AlreadyCredited, lambda: ask(world, Whole()))


def test_given_too_much_when_credited_then_it_is_refused_and_nothing_changes(world: World) -> None:
    line = world.invoice.lines.get(net_amount="4.50")
    refused(LineCreditTooHigh, lambda: ask(world, Lines({line.pk: D("4.51")})))
    refused(CreditTooHigh, lambda: ask(world, Amounts({S19: D("6.76")})))
    refused(CreditTooHigh, lambda: ask(world, Amounts({(Category.STANDARD, D(7)): D("1.00")})))
    refused(BillingError, lambda: ask(world, SessionAmounts({world.session().pk: D("2.26")})))
    refused(BillingError, lambda: ask(world, Lines({line.pk: D(0)})))
    refused(BillingError, lambda: ask(world, Lines({line.pk: D("1.00")}), reissue=True))
    refused(BillingError, lambda: credit(invoice_id=world.invoice.pk, what=Whole(), reason=" ", by=None, at=LATER))
    refused(BadInput, lambda: ask(world, Whole(), issued_on=ON))  # a day to come
    refused(
        NotAllowed,
        lambda: credit(invoice_id=world.invoice.pk, what=Whole(), reason="x", by=world.manager, at=LATER),
    )


def test_given_a_limit_when_a_credit_reaches_it_then_a_second_person_decides(world: World) -> None:
    world.limit("8.03")
    line = world.invoice.lines.get(net_amount="4.50")
    assert preview_credit(invoice_id=world.invoice.pk, what=Whole()).totals.gross == D("8.03")
    refused(NeedsSecondPerson, lambda: credit_invoice(invoice_id=world.invoice.pk, reason="Wrong", by=None, at=LATER))
    asked = ask(world, Whole())
    assert (asked.state, asked.credit_note) == (CorrectionState.ASKED, None)
    assert open_amount(world.invoice) == D("8.03")
    refused(CorrectionWaits, lambda: ask(world, Lines({line.pk: D("0.01")})))

    def decide(by: Any, approve: bool = True) -> Correction:
        return decide_correction(correction_id=asked.pk, approve=approve, reason="No", by=by, at=LATER)

    refused(MakerIsChecker, lambda: decide(world.clerk))
    refused(NotAllowed, lambda: decide(world.manager))
    done = decide(world.second)
    assert done.state == CorrectionState.DONE
    assert open_amount(world.invoice) == 0
    refused(BillingError, lambda: decide(world.second))
    assert ask_again_is_refused(world)


def ask_again_is_refused(world: World) -> bool:
    with pytest.raises(AlreadyCredited):
        ask(world, Whole())
    return True


def test_given_a_request_when_refused_then_nothing_but_the_request_changes(world: World) -> None:
    world.limit("1.00")
    asked = ask(world, Whole())
    decided = decide_correction(
        correction_id=asked.pk, approve=False, reason="The meter was right", by=world.second, at=LATER
    )
    assert (decided.state, decided.refusal) == (CorrectionState.REFUSED, "The meter was right")
    assert not Invoice.objects.filter(kind=InvoiceKind.CREDIT_NOTE).exists()


def test_given_a_wrong_meter_when_re_rated_then_each_payer_gets_back_his_part_and_the_because_is_kept(
    world: World,
) -> None:
    change = SessionChange(energy_wh=4_000)  # 4 kWh x 0.45 = 1.80, half each: 0.90
    done = ask(world, Rerated({world.session().pk: change}))
    note = done.credit_note
    assert note is not None
    assert note.net_amount == D("1.35")
    (line,) = note.lines.all()
    assert line.energy_wh == 6_000
    assert "4" in line.because["now"]
    assert "sentence" in line.because
    figures = done.figures["sessions"][str(world.session().pk)]
    assert sum(D(each) for each in figures["target"].values()) == D("1.80")
    other = credit(
        invoice_id=world.sponsored.pk,
        what=Rerated({world.session().pk: change}),
        reason="Wrong",
        by=world.clerk,
        at=LATER,
    )
    assert other.amount == D("1.61")  # 1.35 and its tax
    billed = sum(each.charge.net_amount for each in BilledCharge.objects.filter(charge__session=world.session()))
    credited = sum(each.net_amount for each in CreditedCharge.objects.filter(charge__session=world.session()))
    assert billed - credited == D("1.80")
    books_are_right()
    refused(CostsMore, lambda: ask(world, Rerated({world.session().pk: SessionChange(energy_wh=5_000)})))
    refused(BillingError, lambda: ask(world, Rerated({world.session().pk: change})))
    refused(BillingError, lambda: ask(world, Rerated({world.session().pk: SessionChange()})))
    ask(world, Rerated({world.session().pk: SessionChange(free=True)}))
    assert open_amount(world.invoice) == D("8.03") - D("2.25") - D("0.43")


def test_given_a_document_when_issued_again_then_its_sessions_are_billed_by_the_next_generation(world: World) -> None:
    correction, drafts = reissue(invoice_id=world.invoice.pk, reason="Wrong address", by=world.clerk, at=LATER)
    assert correction.state == CorrectionState.DONE
    (draft,) = drafts
    assert (draft.replaces, draft.state, draft.gross_amount) == (world.invoice, InvoiceState.DRAFT, D("8.03"))
    billed = BilledCharge.objects.filter(line__invoice=draft, use=ChargeUse.BILLED)
    assert set(billed.values_list("generation", flat=True)) == {2}
    assert billed.count() == 3
    books_are_right()


def test_given_a_limit_when_issued_again_then_the_replacement_is_issued_with_the_approval(world: World) -> None:
    world.limit("5.00")
    correction, drafts = reissue(
        invoice_id=world.invoice.pk, reason="Wrong address", then=Then.ISSUE, by=world.clerk, at=LATER
    )
    assert (correction.state, drafts) == (CorrectionState.ASKED, [])
    decide_correction(correction_id=correction.pk, approve=True, by=world.second, at=LATER)
    fresh = Invoice.objects.get(replaces=world.invoice)
    assert (fresh.state, fresh.gross_amount) == (InvoiceState.ISSUED, D("8.03"))
    assert open_amount(fresh) == D("8.03")
    books_are_right()


def test_given_a_forgiven_document_when_drafted_again_then_its_sessions_stay_credited(world: World) -> None:
    ask(world, Whole())
    assert draft_invoice(contract_id=world.contract.pk, period=OCTOBER, at=LATER) is None


def test_given_a_lost_claim_when_written_off_then_two_people_gave_it_up_and_the_tax_comes_back(world: World) -> None:
    def asked(amount: Decimal | None = None) -> Correction:
        return write_off(
            invoice_id=world.invoice.pk, amount=amount, reason="Insolvent", with_tax=True, by=world.clerk, at=LATER
        )

    refused(BillingError, lambda: asked(D("8.04")))
    wanted = asked()
    refused(
        MakerIsChecker,
        lambda: decide_correction(correction_id=wanted.pk, approve=True, by=world.clerk, at=LATER),
    )
    decide_correction(correction_id=wanted.pk, approve=True, by=world.second, at=LATER)
    assert open_amount(world.invoice) == 0
    assert payment_state(Invoice.objects.get(pk=world.invoice.pk), on=ON) == PaymentState.WRITTEN_OFF
    assert balance(AccountRole.WRITE_OFF, world.invoice) == D("6.75")
    assert balance(AccountRole.RECEIVABLE, world.invoice) == 0
    books_are_right()
    allocation = world.invoice.allocations.get()
    refused(
        BillingError,
        lambda: reverse_allocation(allocation_id=allocation.pk, by=world.clerk, at=LATER, reason="He pays"),
    )
    refused(
        BillingError,
        lambda: allocate(
            invoice_id=world.invoice.pk, source="payment:late", amount=D("1.00"), allocated_on=ON, by=None, at=LATER
        ),
    )


def contested(invoice: Invoice) -> Decimal:
    """What dunning leaves out of a document once it is overdue."""
    assert invoice.due_on is not None
    late_on = invoice.due_on + dt.timedelta(days=1)
    (case,) = cases(overdue_documents(on=late_on).filter(pk=invoice.pk), on=late_on)
    return case.contested_amount


def test_given_a_dispute_when_accepted_in_part_then_the_session_is_credited_and_dunning_waits_no_more(
    world: World,
) -> None:
    dispute = raise_dispute(
        invoice_id=world.invoice.pk, session_id=world.session().pk, message="I was away", by=world.manager, at=LATER
    )
    assert dispute.contested_amount == D("2.68")  # 2.25 and 19 %
    assert contested(world.invoice) == D("2.68")
    for someone in (make_user(None), make_member(world.month.contracts["sponsor"].party)):
        refused(NotAllowed, lambda someone=someone: raised(world, someone))  # type: ignore[misc]
    refused(BillingError, lambda: raised(world, world.manager))
    decided = decide_dispute(
        dispute_id=dispute.pk,
        decision=DisputeState.PARTLY,
        amount=D("1.00"),
        answer="Half of it was overstay",
        by=world.clerk,
        at=LATER,
    )
    assert (decided.state, decided.answer) == (DisputeState.PARTLY, "Half of it was overstay")
    assert decided.credit_note is not None
    assert decided.credit_note.net_amount == D("1.00")
    assert contested(world.invoice) == 0
    books_are_right()


def raised(world: World, by: Any) -> Dispute:
    return raise_dispute(invoice_id=world.invoice.pk, session_id=world.session().pk, message="Wrong", by=by, at=LATER)


def test_given_a_dispute_when_refused_or_withdrawn_then_nothing_is_credited(world: World) -> None:
    first = raised(world, world.manager)
    refused(
        NotAllowed,
        lambda: decide_dispute(
            dispute_id=first.pk, decision=DisputeState.REFUSED, answer="No", by=world.manager, at=LATER
        ),
    )
    decide_dispute(dispute_id=first.pk, decision=DisputeState.REFUSED, answer="See photo", by=world.clerk, at=LATER)
    second = raised(world, world.manager)
    withdraw_dispute(dispute_id=second.pk, by=world.manager, at=LATER)
    states = list(Dispute.objects.order_by("pk").values_list("state", flat=True))
    assert states == [DisputeState.REFUSED, DisputeState.WITHDRAWN]
    assert not Invoice.objects.filter(kind=InvoiceKind.CREDIT_NOTE).exists()


def test_given_a_limit_when_a_dispute_is_accepted_then_it_stays_open_until_the_second_person(world: World) -> None:
    world.limit("1.00")
    dispute = raised(world, world.manager)
    decided = decide_dispute(
        dispute_id=dispute.pk, decision=DisputeState.ACCEPTED, answer="Sorry", by=world.clerk, at=LATER
    )
    assert decided.state == DisputeState.OPEN
    refused(BillingError, lambda: withdraw_dispute(dispute_id=dispute.pk, by=world.manager, at=LATER))
    decide_correction(correction_id=Correction.objects.get().pk, approve=True, by=world.second, at=LATER)
    dispute.refresh_from_db()
    assert (dispute.state, dispute.answer) == (DisputeState.ACCEPTED, "Sorry")
    assert dispute.credit_note is not None
    assert dispute.credit_note.issued_on == LATER.date()
    assert LATER.date() >= ISSUED_ON
