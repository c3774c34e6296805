"""Walks through the machine by hand: in them each rule does something at least once, in each of its ways."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from evbilling.kernel.errors import BadInput, BillingError, MakerIsChecker, WrongState
from invoicing.models import InvoiceKind
from invoicing.operations.reissuing import Then
from invoicing.operations.rerating import CostsMore
from sessions.models import SessionPrice
from tests.properties.money_machine import MoneyMachine


def do(books: MoneyMachine, rule: str, **values: Any) -> None:
    """Take a step that changes something."""
    key = rule, values.get("how", "")
    before = books.done[key]
    getattr(books, rule)(**values)
    assert books.done[key] == before + 1, f"{rule} {values}: {[each for each in books.refused if each[0] == rule]}"


def refuse(books: MoneyMachine, error: type[BillingError], rule: str, **values: Any) -> None:
    """Take a step that is refused with this error."""
    key = rule, values.get("how", ""), error
    before = books.refused[key]
    getattr(books, rule)(**values)
    assert books.refused[key] == before + 1, f"{rule} {values}: {[each for each in books.refused if each[0] == rule]}"


def invoice_of(books: MoneyMachine, name: str) -> int:
    """The number by which the machine picks the October invoice of a contract."""
    contract = books.month.contracts[name]
    numbers = (
        number
        for number, each in enumerate(books.documents())
        if (each.contract_id, each.kind) == (contract.pk, InvoiceKind.INVOICE)
    )
    return next(numbers)


def payer(books: MoneyMachine, name: str) -> int:
    """The number by which the machine picks a contract."""
    return books.payers().index(books.month.contracts[name])


def token(books: MoneyMachine, name: str) -> int:
    """The number by which the machine picks a token."""
    return list(books.month.tokens).index(name)


def prices(books: MoneyMachine, name: str) -> list[Decimal]:
    """What the sessions of a token cost, as far as they are rated."""
    rated = SessionPrice.objects.filter(session__token=books.month.tokens[name])
    return list(rated.order_by("pk").values_list("net_amount", flat=True))


def take(machine: type[MoneyMachine], walk: Callable[[MoneyMachine], None]) -> None:
    """Walk through a world of its own, with its October billed."""
    books = machine()
    try:
        books.october_is_billed()
        walk(books)
    finally:
        books.teardown()


def rated_later(books: MoneyMachine) -> None:
    """A session waits until somebody pays for its token, is rated then, and again under cheaper prices."""
    do(books, "sessions_come_in", token=token(books, "later"), november=False, kwh=10)
    refuse(books, WrongState, "a_held_session_is_decided", number=0, how="release")
    do(books, "a_contract_pays_for_the_token", contract=payer(books, "fees"))
    assert prices(books, "later") == []
    do(books, "a_held_session_is_decided", number=0, how="release")
    assert prices(books, "later") == [Decimal("4.50")]
    refuse(books, MakerIsChecker, "prices_are_released", number=1, own=True)
    do(books, "prices_are_released", number=1, own=False)
    do(books, "a_session_is_rated_again", number=0)
    assert prices(books, "later") == [Decimal("3.90")]
    do(books, "time_passes", days=31)
    do(books, "month_is_billed", november=True)
    refuse(books, WrongState, "a_session_is_rated_again", number=0)


def drafts(books: MoneyMachine) -> None:
    """November is drafted by hand, one draft issued and one discarded; an odd session is left out."""
    do(books, "sessions_come_in", token=token(books, "later"), november=False, kwh=10)
    do(books, "a_held_session_is_decided", number=0, how="reject")
    do(books, "time_passes", days=31)
    for name in ("g1", "fees"):
        do(books, "sessions_come_in", token=token(books, name), november=True, kwh=37)
        do(books, "month_is_drafted", contract=payer(books, name), november=True)
    do(books, "a_draft_is_decided", number=0, how="discard")
    do(books, "a_draft_is_decided", number=0, how="issue")


def credits_in_part(books: MoneyMachine) -> None:
    """A document is credited in every way, the last of which a second person decides."""
    fees = invoice_of(books, "fees")
    for percent, error in ((120, CostsMore), (100, BadInput)):
        refuse(books, error, "a_document_is_credited", number=fees, how="rerated", row=0, percent=percent)
    for how, row, percent in (("line", 0, 1), ("rate", 0, 1), ("session", 0, 33), ("rerated", 1, 33), ("free", 2, 1)):
        do(books, "a_document_is_credited", number=fees, how=how, row=row, percent=percent)
    do(books, "a_document_is_credited", number=fees, how="whole", row=0, percent=100)
    refuse(books, MakerIsChecker, "a_correction_is_decided", number=0, how="approve", own=True)
    do(books, "a_correction_is_decided", number=0, how="approve", own=False)


def issued_again(books: MoneyMachine) -> None:
    """Documents are cancelled and follow later, as a draft, or issued; one such request is refused."""
    for name, then in (("fees", Then.LATER), ("parts", Then.DRAFT), ("g1", Then.ISSUE)):
        number = invoice_of(books, name)
        do(books, "a_document_is_issued_again", number=number, how=then)
        if then == Then.LATER:
            do(books, "a_correction_is_decided", number=0, how="refuse", own=False)
        else:
            do(books, "a_correction_is_decided", number=0, how="approve", own=False)


def contested(books: MoneyMachine) -> None:
    """Four sessions are contested, and answered in four ways."""
    for name, row in (("fees", 0), ("fees", 1), ("fees", 2), ("alpha", 0)):
        do(books, "a_session_is_contested", number=invoice_of(books, name), row=row)
    for how in ("part", "refuse", "withdraw", "accept"):
        do(books, "a_dispute_is_answered", number=0, how=how)


def paid(books: MoneyMachine) -> None:
    """Money comes, is moved about and goes back."""
    fees = invoice_of(books, "fees")
    do(books, "money_comes", number=fees, percent=120, settle=False)
    do(books, "money_is_allocated", number=0, document=0, percent=33)
    do(books, "an_allocation_is_undone", number=0)
    do(books, "a_deposit_moves", number=0, percent=33, how="hold")
    do(books, "a_deposit_moves", number=0, percent=33, how="free")
    for how in ("decline", "approve"):
        do(books, "money_is_to_go_back", number=0, percent=50)
        do(books, "a_refund_goes_on", number=0 if how == "decline" else 1, how=how, own=False)
    do(books, "a_refund_goes_on", number=1, how="confirm", own=False)


def owed(books: MoneyMachine) -> None:
    """What is not paid is reminded of and written off; an advance is paid and credited."""
    do(books, "an_advance_is_asked_for", contract=payer(books, "idle"), amount="5.00")
    do(books, "money_comes", number=len(books.documents()) - 1, percent=100, settle=True)
    do(books, "what_is_left_of_an_advance_is_credited", number=0)
    do(books, "a_claim_is_to_be_written_off", number=invoice_of(books, "fees"), percent=100, with_tax=True)
    do(books, "time_passes", days=31)
    do(books, "reminders_are_sent")


def closed(books: MoneyMachine) -> None:
    """A month is closed; opening it is declined, asked for again and done."""
    do(books, "a_period_is_closed", back=1)
    for how in ("ask", "decline", "ask", "open"):
        do(books, "a_closed_period_is_to_be_opened", number=0, how=how, own=how == "ask")


WALKS = (rated_later, drafts, credits_in_part, issued_again, contested, paid, owed, closed)
