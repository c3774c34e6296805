"""Contracts of a billing group share one invoice a month, each with its own terms (I10, I17)."""

from decimal import Decimal

import pytest

from contracts.models import BillingGroup, Party
from evbilling.kernel.errors import BadInput
from evbilling.kernel.steps import observed
from invoicing.models import Invoice, InvoiceLine, ItemState
from invoicing.operations.crediting import Whole, credit
from invoicing.operations.drafting import draft_documents
from invoicing.operations.grouping import GroupBlocked
from tests.factories import make_party
from tests.invoicing.month import AT, OCTOBER, Killed, Month, kill_at, left_behind, make_month, record, start_again
from tests.invoicing.runs.test_killed import RESTART, undone
from tests.invoicing.shapes.world import FEE, NOVEMBER, close, findings, grouped, join, make_group, put_into, said

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def month() -> Month:
    return make_month(sessions=0, fleets=("alpha",))


def test_given_a_group_when_the_month_closes_then_one_invoice_lists_each_contract_with_its_own_terms(
    month: Month,
) -> None:
    group, (first, second) = grouped(month)
    promised = join(month, "g3", first.party, terms=[FEE])
    put_into(group, promised)
    month.close()
    (invoice,) = Invoice.objects.filter(billing_group=group)
    assert (invoice.contract, invoice.net_amount, invoice.gross_amount) == (first, D("37.00"), D("44.03"))
    assert [line.contract for line in invoice.lines.order_by("position")] == [
        *[first] * 2, *[second] * 2, *[promised] * 3,
    ]  # fmt: skip
    assert said(invoice)[-1] == (promised.number, "Base fee, October 2026", D("10.00"))
    items = [month.item(name) for name in ("g1", "g2", "g3")]
    assert {(item.state, item.invoice) for item in items} == {(ItemState.ISSUED, invoice)}
    assert findings() == []


def test_given_a_billed_group_when_it_is_billed_again_then_nothing_is_written(month: Month) -> None:
    _group, (first, second) = grouped(month, terms=[FEE])
    month.close()
    before = left_behind()
    month.close()
    drafted = [draft_documents(contract_id=each.pk, period=OCTOBER, at=AT) for each in (second, first)]
    assert drafted[0] == drafted[1]
    assert left_behind() == before


def test_given_a_late_session_when_the_next_month_is_billed_then_the_group_takes_it_once_and_fees_are_per_contract(
    month: Month,
) -> None:
    group, (first, second) = grouped(month, terms=[FEE])
    month.close()
    record([month.charge("g2", 9)])
    close(month, NOVEMBER)
    october, november = Invoice.objects.filter(billing_group=group).order_by("period_from")
    assert (october.net_amount, november.net_amount) == (D("38.00"), D("24.50"))
    fees = InvoiceLine.objects.filter(invoice__billing_group=group, kind="base_fee").order_by("pk")
    assert [(fee.contract, fee.because["month"]) for fee in fees] == [
        (first, "2026-10"), (second, "2026-10"), (first, "2026-11"), (second, "2026-11"),
    ]  # fmt: skip
    assert findings() == []


def test_given_a_contract_that_cannot_be_billed_when_the_month_closes_then_its_group_waits_and_others_go_on(
    month: Month,
) -> None:
    alone = join(month, "alone", make_party(accountant="books@alone.example"))
    group, (first,) = grouped(month, 1)
    Party.objects.filter(pk=first.party_id).update(vat_id="DE136695976")  # at home, where reverse charge has no ground
    first.party.refresh_from_db()
    second = join(month, "g2", first.party, tax_treatment="reverse_charge")
    put_into(group, second)
    month.close()
    items = [month.item(name) for name in ("g1", "g2")]
    assert {item.state for item in items} == {ItemState.FAILED}
    assert {item.reason.partition(": ")[0] for item in items} == {
        f"The invoice of the billing group {group} waits for contract {second.number}"
    }
    assert not Invoice.objects.filter(billing_group=group).exists()
    assert Invoice.objects.filter(contract=alone).count() == 1
    with pytest.raises(GroupBlocked, match=second.number):
        draft_documents(contract_id=first.pk, period=OCTOBER, at=AT)


def test_given_a_contract_billed_alone_when_it_joins_a_group_then_that_month_stays_its_own(month: Month) -> None:
    party = make_party(accountant="books@group.example")
    early, other = join(month, "g1", party, terms=[FEE]), join(month, "g2", party)
    (alone,) = draft_documents(contract_id=early.pk, period=OCTOBER, at=AT)
    group = make_group(month, party)
    put_into(group, early, other)
    (shared,) = draft_documents(contract_id=other.pk, period=OCTOBER, at=AT)
    assert (shared.billing_group, shared.contract, shared.net_amount) == (group, other, D("9.00"))
    assert draft_documents(contract_id=early.pk, period=OCTOBER, at=AT) == [alone]


def test_given_a_credited_group_invoice_when_reissued_then_the_next_generation_takes_its_slot(month: Month) -> None:
    group, (first, _second) = grouped(month, terms=[FEE])
    month.close()
    invoice = Invoice.objects.get(billing_group=group)
    credit(invoice_id=invoice.pk, what=Whole(), reason="wrong", reissue=True, by=None, at=AT)
    (again,) = draft_documents(contract_id=first.pk, period=OCTOBER, at=AT)
    assert (again.slot[-1], again.net_amount) == ("2", invoice.net_amount)
    assert findings() == []


@pytest.mark.parametrize("differs", ["party", "currency", "zone"])
def test_given_what_a_document_has_once_when_a_contract_differs_then_it_does_not_join(
    month: Month, differs: str
) -> None:
    contract = join(month, "g1", make_party())
    group = make_group(month, contract.party)
    other = {"party": make_party(), "currency": "CHF", "zone": "Europe/London"}[differs]
    BillingGroup.objects.filter(pk=group.pk).update(**{differs: other})
    with pytest.raises(BadInput, match="of the group is"):
        put_into(group, contract)
    contract.refresh_from_db()
    assert contract.billing_group is None


def test_given_a_contract_that_splits_its_month_when_it_should_join_a_group_then_it_is_refused(month: Month) -> None:
    contract = join(month, "g1", make_party(), split_documents_by="cost_centre")
    with pytest.raises(BadInput, match="splits the month over several documents"):
        put_into(make_group(month, contract.party), contract)


def test_given_a_group_when_the_close_is_killed_at_each_step_then_it_ends_as_if_it_had_not_been(month: Month) -> None:
    grouped(month, terms=[FEE])
    trace: list[str] = []
    with undone():
        with observed(trace.append):
            month.close()
        whole = left_behind()
    for name in dict.fromkeys(trace):
        place = len(trace) - 1 - trace[::-1].index(name)
        with undone():
            with pytest.raises(Killed), observed(kill_at(place, [])):
                month.close()
            start_again(month, RESTART)
            assert left_behind() == whole, f"killed at {name}"
