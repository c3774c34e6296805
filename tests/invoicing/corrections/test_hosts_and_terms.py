"""What credits in part, and documents that are issued again, mean for hosts, monthly terms and penalties."""

import datetime as dt
from decimal import Decimal

import pytest

from evbilling.kernel.books import check_books
from evbilling.kernel.clock import parse_month
from invoicing.models import BilledCharge, ChargeUse, Invoice, LineKind, Penalty, PenaltyKind, ReleasedPenalty
from invoicing.operations.crediting import Rerated, SessionAmounts, Whole, credit
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.issuing import issue_invoice
from invoicing.operations.reissuing import Then, reissue
from sessions.rules.correcting import SessionChange
from tests.factories import make_version
from tests.invoicing.corrections.conftest import World
from tests.invoicing.month import AT, ISSUED_ON, LATER, OCTOBER, record

D = Decimal
NOVEMBER, DECEMBER = parse_month("2026-11"), parse_month("2026-12")


def settle(world: World, period: object, issued_on: dt.date) -> Invoice | None:
    draft = draft_invoice(contract_id=world.month.contracts["host"].pk, period=period, at=LATER)  # type: ignore[arg-type]
    if draft is None:
        return None
    return issue_invoice(invoice_id=draft.pk, issued_on=issued_on, by=None, at=max(LATER, morning_of(issued_on)))


def morning_of(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(8), dt.UTC)


def books_are_right(but: str = "") -> None:
    findings = [finding for result in check_books() for finding in result.findings]
    assert [finding for finding in findings if finding.invariant != but] == []


def session_at_host(world: World) -> int:
    return world.session(0).pk


def test_given_a_share_when_its_session_is_credited_in_part_then_the_host_gives_back_his_part_and_the_rest_later(
    world: World,
) -> None:
    first = settle(world, OCTOBER, ISSUED_ON)
    assert first is not None
    assert first.net_amount == D("5.40")  # sessions 0 and 2: 9.00 net, both payers, 60 %
    session = session_at_host(world)
    credit(invoice_id=world.invoice.pk, what=SessionAmounts({session: D("1.00")}), reason="x", by=None, at=LATER)
    # Another session of the next month outweighs it: 60 % of (its net less 1.00).
    record([world.month.charge("alpha", 4, at=dt.datetime(2026, 11, 3, 7, tzinfo=dt.UTC))])
    for name in ("alpha", "sponsor"):
        draft = draft_invoice(contract_id=world.month.contracts[name].pk, period=NOVEMBER, at=LATER)
        assert draft is not None
        first_of_december = dt.date(2026, 12, 1)
        issue_invoice(invoice_id=draft.pk, issued_on=first_of_december, by=None, at=morning_of(first_of_december))
    second = settle(world, NOVEMBER, dt.date(2026, 12, 1))
    assert second is not None
    assert second.net_amount == D("2.10")  # 60 % of 4.50 - 1.00
    back = BilledCharge.objects.get(line__invoice=second, use=ChargeUse.TAKEN_BACK)
    assert back.net_amount == D("1.00")
    books_are_right()
    assert settle(world, DECEMBER, dt.date(2027, 1, 2)) is None


def test_given_a_credit_before_the_first_settlement_when_settled_then_the_share_is_of_what_is_left(
    world: World,
) -> None:
    change = SessionChange(energy_wh=5_000)
    for invoice in (world.invoice, world.sponsored):
        credit(invoice_id=invoice.pk, what=Rerated({session_at_host(world): change}), reason="x", by=None, at=LATER)
    settlement = settle(world, OCTOBER, ISSUED_ON)
    assert settlement is not None
    assert settlement.net_amount == D("4.05")  # 60 % of 9.00 - 2.25
    books_are_right()


def test_given_a_settlement_when_issued_again_then_its_charges_are_shared_again_and_its_month_is_due_again(
    world: World,
) -> None:
    first = settle(world, OCTOBER, ISSUED_ON)
    assert first is not None
    _correction, made = reissue(invoice_id=first.pk, reason="Address", then=Then.ISSUE, by=None, at=LATER)
    assert [each.net_amount for each in made] == [D("5.40")]
    generations = BilledCharge.objects.filter(line__invoice=made[0], use=ChargeUse.SHARED)
    assert set(generations.values_list("generation", flat=True)) == {2}
    books_are_right()


def test_given_an_invoice_issued_again_when_the_host_is_settled_then_he_shares_in_it_once(world: World) -> None:
    first = settle(world, OCTOBER, ISSUED_ON)
    assert first is not None
    reissue(invoice_id=world.invoice.pk, reason="Address", then=Then.ISSUE, by=None, at=LATER)
    assert settle(world, NOVEMBER, dt.date(2026, 12, 1)) is None
    books_are_right()


@pytest.mark.parametrize("again", [True, False])
def test_given_a_base_fee_when_its_document_is_cancelled_then_it_is_charged_anew_only_with_a_reissue(
    world: World, *, again: bool
) -> None:
    contract = world.contract
    reissue(invoice_id=world.invoice.pk, reason="Terms", then=Then.LATER, by=None, at=LATER)
    make_version(contract, dt.date(2026, 10, 1), terms=[("base_fee", {"amount": "9.90", "per": "contract"})])
    draft = draft_invoice(contract_id=contract.pk, period=OCTOBER, at=LATER)
    assert draft is not None
    fee = draft.lines.get(kind=LineKind.BASE_FEE)
    assert fee.net_amount == D("9.90")
    issued = issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=LATER)
    if again:
        _correction, made = reissue(invoice_id=issued.pk, reason="Again", by=None, at=LATER)
        assert made[0].lines.get(kind=LineKind.BASE_FEE).net_amount == D("9.90")
        assert made[0].gross_amount == issued.gross_amount
    else:
        credit(invoice_id=issued.pk, what=Whole(), reason="Forgiven", by=None, at=LATER)
        assert draft_invoice(contract_id=contract.pk, period=OCTOBER, at=LATER) is None
    books_are_right(but="I6")  # the terms were changed behind the sessions' backs


def test_given_a_penalty_when_its_document_is_issued_again_then_it_stands_on_the_new_one(world: World) -> None:
    contract = world.contract
    reissue(invoice_id=world.invoice.pk, reason="Penalty", then=Then.LATER, by=None, at=AT)
    penalty = Penalty.objects.create(
        kind=PenaltyKind.NO_SHOW,
        contract=contract,
        contract_version=contract.versions.get(),
        source="no_show:1",
        session=world.session(),
        site=world.month.site,
        period_from=dt.date(2026, 10, 6),
        period_to=dt.date(2026, 10, 7),
        occurred_on=dt.date(2026, 10, 6),
        currency="EUR",
        amount=D("5.00"),
        because={"session": "alpha-1", "waited_minutes": 20, "grace_minutes": 15},
        assessed_at=AT,
    )
    draft = draft_invoice(contract_id=contract.pk, period=OCTOBER, at=LATER)
    assert draft is not None
    issued = issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=LATER)
    _correction, made = reissue(invoice_id=issued.pk, reason="Again", then=Then.ISSUE, by=None, at=LATER)
    penalty.refresh_from_db()
    assert penalty.line is not None
    assert penalty.line.invoice == made[0]
    assert ReleasedPenalty.objects.get(penalty=penalty).line.invoice == issued
    findings = [f for result in check_books() for f in result.findings if f.invariant in {"I7", "I10", "I15"}]
    assert findings == []
