"""A month split over several invoices, and months too small for one (I10)."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import Contract
from contracts.operations.assignments import assign_token
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BadInput
from invoicing.models import BilledCharge, Invoice, ItemState, LineKind
from invoicing.operations.drafting import MonthCarriedOver, draft_documents
from invoicing.queries.completeness import completeness
from tests.factories import FIRST_DAY, make_cost_centre, make_party, make_token, make_user, make_vehicle, make_version
from tests.invoicing.month import AT, OCTOBER, Month, left_behind, make_month, record
from tests.invoicing.shapes.world import DECEMBER, FEE, NOVEMBER, close, findings, invoices, join, said

pytestmark = pytest.mark.django_db
D = Decimal
VOLUME = ("volume_discount", {"tiers": [{"from_kwh": "0", "percent": "10"}, {"from_kwh": "50", "percent": "20"}]})


@pytest.fixture
def month() -> Month:
    return make_month(sessions=0, fleets=("alpha",))


def in_parts(month: Month, by: str = "cost_centre", **fields: object) -> Contract:
    """Two cost centres with two and one session of 4.50 net, and one session without any."""
    party = make_party(accountant="books@parts.example")
    centres = [make_cost_centre(party), make_cost_centre(party), None]
    codes = ["A", "B", ""]
    for centre, code in zip(centres, codes, strict=True):
        token = make_token(make_vehicle(party))
        month.tokens[f"part {code}"] = token
        if centre is not None:
            centre.code, centre.purchase_order = code, f"PO {code}"
            centre.save()
    contract = join(month, "parts", party, tokens=[], split_documents_by=by, **fields)
    for centre, code in zip(centres, codes, strict=True):
        assign_token(
            token_id=month.tokens[f"part {code}"].pk,
            contract_id=contract.pk,
            cost_centre_id=centre.pk if centre else None,
            valid_from=FIRST_DAY,
            by=make_user("administrator"),
            at=AT,
        )
    record([month.charge("part A", 0), month.charge("part A", 1), month.charge("part B", 0), month.charge("part ", 0)])
    return contract


def test_given_a_split_month_when_billed_then_terms_are_divided_and_fees_stand_on_the_part_without_a_name(
    month: Month,
) -> None:
    contract = in_parts(month, terms=[VOLUME, FEE])
    month.close()
    found = {invoice.split_key: invoice for invoice in invoices(contract)}
    # 4 x 4.50 = 18.00, 10 % off is 1.80, divided 0.45 (rest) : 0.90 (A) : 0.45 (B)
    assert {key: invoice.net_amount for key, invoice in found.items()} == {
        "": D("14.05"), "A": D("8.10"), "B": D("4.05"),
    }  # fmt: skip
    assert [net for _group, text, net in said(found[""]) if text.startswith("Base fee")] == [D("10.00")]
    assert (found["A"].purchase_order, found[""].purchase_order) == ("PO A", "")
    assert month.item("parts").state == ItemState.ISSUED
    assert findings() == []


def test_given_a_split_by_purchase_order_when_billed_then_each_order_has_its_invoice(month: Month) -> None:
    contract = in_parts(month, "purchase_order", purchase_order="PO 0")
    month.close()
    assert [(each.split_key, each.purchase_order, each.net_amount) for each in invoices(contract)] == [
        ("PO 0", "PO 0", D("4.50")), ("PO A", "PO A", D("9.00")), ("PO B", "PO B", D("4.50")),
    ]  # fmt: skip


def test_given_a_late_session_of_one_part_when_the_next_month_is_billed_then_that_part_alone_has_an_invoice(
    month: Month,
) -> None:
    contract = in_parts(month, terms=[VOLUME])
    month.close()
    before = left_behind()
    month.close()
    assert left_behind() == before
    record([month.charge("part B", 5)])  # 50 kWh now: 20 % of 22.50 is 4.50, of which 1.80 was granted
    close(month, NOVEMBER)
    (late,) = invoices(contract, period_from=NOVEMBER.start)
    assert (late.split_key, late.net_amount) == ("B", D("1.80"))
    assert findings() == []


@pytest.mark.parametrize(("field", "value"), [("split_documents_by", "cost_centre"), ("minimum_invoice_amount", D(0))])
def test_given_a_shape_that_makes_no_sense_when_drafted_then_it_is_refused(
    month: Month, field: str, value: object
) -> None:
    with pytest.raises(BadInput):
        make_version(month.contracts["sponsor"], NOVEMBER.start, **{field: value})
    assert month.contracts["sponsor"].versions.count() == 1


def small(month: Month, sessions: int = 1, **fields: object) -> Contract:
    """A contract whose smallest invoice is 30.00 with tax; a session is 4.50 net, 5.36 with tax."""
    return join(
        month, "small", make_party(accountant="b@small.example"), sessions, minimum_invoice_amount=D(30), **fields
    )


def test_given_a_month_below_the_smallest_invoice_when_billed_then_the_next_document_bills_it_once_with_its_fee(
    month: Month,
) -> None:
    contract = small(month, terms=[FEE])
    month.close()
    item = month.item("small")
    assert (item.state, item.invoice, item.carried_amount) == (ItemState.SKIPPED, None, D("17.26"))
    assert item.reason == "Carried over: €17.26 is below the smallest invoice of €30.00. The next invoice bills it."
    assert completeness(month.operator, OCTOBER).carried == 1
    assert completeness(month.operator, OCTOBER).is_complete
    record([month.charge("small", 40, at=month_start(NOVEMBER))])
    close(month, NOVEMBER)
    (invoice,) = invoices(contract)
    assert [net for _group, _text, net in said(invoice)] == [D("9.00"), D("10.00"), D("10.00")]
    month.close()  # the month that was carried over has nothing left
    assert (invoices(contract), month_items(month)) == ([invoice], [None, None])
    assert findings() == []


def month_start(period: Period) -> dt.datetime:
    return period.instants("UTC")[0].replace(hour=7)


def month_items(month: Month) -> list[Decimal | None]:
    rows = month.contracts["small"].run_items.order_by("run__period_from")
    return list(rows.values_list("carried_amount", flat=True))


def test_given_small_months_in_a_row_when_billed_then_at_most_two_are_carried_over(month: Month) -> None:
    contract = small(month, terms=[FEE], sessions=0)
    for period in (Period(OCTOBER.start.replace(month=8), OCTOBER.start.replace(month=9)),
                   Period(OCTOBER.start.replace(month=9), OCTOBER.start)):  # fmt: skip
        close(month, period)
    assert invoices(contract) == []
    month.close()
    (invoice,) = invoices(contract)
    assert sorted(line.because["month"] for line in invoice.lines.all()) == ["2026-08", "2026-09", "2026-10"]
    assert (invoice.net_amount, findings()) == (D("30.00"), [])


def test_given_the_end_of_a_year_or_of_the_contract_when_a_month_is_small_then_it_is_billed(month: Month) -> None:
    contract = small(month)
    with pytest.raises(MonthCarriedOver):
        draft_documents(contract_id=contract.pk, period=OCTOBER, at=AT)
    assert not BilledCharge.objects.filter(charge__contract=contract).exists()
    (invoice,) = draft_documents(contract_id=contract.pk, period=DECEMBER, at=AT)
    assert invoice.net_amount == D("4.50")


def test_given_a_failed_month_when_the_next_is_billed_first_then_its_fee_is_charged_once(month: Month) -> None:
    contract = join(month, "late", make_party(accountant="b@late.example"), 0, terms=[FEE])
    run = month.start()
    run.items.filter(contract=contract).update(state=ItemState.FAILED, reason="no tax rate")
    (november,) = draft_documents(contract_id=contract.pk, period=NOVEMBER, at=AT)
    fees = november.lines.filter(kind=LineKind.BASE_FEE).order_by("position")
    assert [line.because["month"] for line in fees] == ["2026-11", "2026-10"]
    assert draft_documents(contract_id=contract.pk, period=OCTOBER, at=AT) == []
    assert Invoice.objects.filter(contract=contract).count() == 1
    assert findings() == []
