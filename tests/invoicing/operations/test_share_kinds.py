"""Revenue shares of every kind through the books: rents, amounts per kWh, the greater of, costs; late and credited."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from contracts.models import Contract, ContractKind, Site
from evbilling.kernel.books import check_books
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import BillingRunItem, Invoice, InvoiceKind, InvoiceLine, ItemState, LineKind
from invoicing.operations import runs
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.inline import work_off
from sessions.models import Hold
from sessions.operations.holds import reject_hold
from tests.factories import make_contract_in_force, make_party, make_version
from tests.invoicing.month import AT, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db
D = Decimal
NOVEMBER = parse_month("2026-11")
IN_NOVEMBER = dt.datetime(2026, 11, 10, 8, tzinfo=dt.UTC)
IN_DECEMBER = dt.datetime(2026, 12, 2, 8, tzinfo=dt.UTC)


def close(month: Month, period: Period = OCTOBER, at: dt.datetime = AT) -> None:
    run = runs.start_run(operator_id=month.operator.pk, period=period, issued_on=at.date(), issue=True, by=None, at=at)
    work_off(run_id=run.pk, clock=lambda: at, progress=lambda: None)
    failed = run.items.filter(state__in=[ItemState.FAILED, ItemState.PENDING])
    assert not list(failed.values_list("reason", flat=True))


def host(month: Month, *shares: dict[str, Any], site: Site | None = None, **fields: Any) -> Contract:
    """A second host with a site of his own, which the second station moves to."""
    owner = make_party("property_owner", accountant="second@host.example")
    place = site or month.stations[1].site
    place.owner = owner
    place.save()
    return make_contract_in_force(
        ContractKind.HOSTING,
        month.operator,
        owner,
        [place],
        shares=shares,
        **{"starts_on": dt.date(2026, 1, 1)} | fields,
    )


def lines(contract: Contract) -> list[tuple[str, str, Decimal]]:
    rows = InvoiceLine.objects.filter(invoice__contract=contract, invoice__kind=InvoiceKind.SETTLEMENT)
    return list(rows.order_by("pk").values_list("kind", "text", "net_amount"))


def nets(contract: Contract) -> list[Decimal]:
    return [net for _kind, _text, net in lines(contract)]


def problems() -> list[str]:
    return [f"{found.about}: {found.problem}" for result in check_books() for found in result.findings]


def test_given_a_rent_when_nothing_was_charged_then_it_is_due() -> None:
    month = make_month(1)  # one session a fleet, both at the first site
    contract = host(month, {"kind": "fixed_rent", "rent_amount": D(500)})
    close(month)
    assert lines(contract) == [(LineKind.RENT, "October 2026: rent", D(500))]
    invoice = Invoice.objects.get(contract=contract)
    assert (invoice.tax_amount, invoice.gross_amount) == (D(95), D(595))
    assert problems() == []


def test_given_a_contract_that_begins_in_the_month_when_settled_then_its_days_of_rent() -> None:
    month = make_month(1)
    contract = host(month, {"kind": "fixed_rent", "rent_amount": D(310)}, starts_on=dt.date(2026, 10, 12))
    close(month)
    close(month, NOVEMBER, IN_DECEMBER)
    assert lines(contract) == [
        (LineKind.RENT, "October 2026: rent, 20 of 31 days of €310.00", D(200)),
        (LineKind.RENT, "November 2026: rent", D(310)),
    ]


def test_given_new_terms_within_the_month_when_settled_then_each_for_its_days() -> None:
    month = make_month(4)  # at the second site on the 6th and 8th: two fleets x 4.50 each day
    contract = host(month, {"kind": "fixed_rent", "rent_amount": D(310)})
    make_version(contract, dt.date(2026, 10, 8), shares=[{"percent_of_net": D(50)}])
    close(month)
    assert lines(contract) == [
        (LineKind.REVENUE_SHARE, "50\N{NO-BREAK SPACE}% of €9.00 net charging revenue", D("4.50")),
        (LineKind.RENT, "October 2026: rent, 7 of 31 days of €310.00", D(70)),
    ]


def test_given_a_share_of_a_named_site_when_settled_then_it_beats_the_one_for_all() -> None:
    month = make_month(2)
    first, second = month.stations[0].site, month.stations[1].site
    owner = first.owner
    second.owner = owner
    second.save()
    contract = month.contracts["host"]
    contract.sites.add(second)
    make_version(
        contract,
        dt.date(2026, 10, 1),
        shares=[{"percent_of_net": D(60)}, {"kind": "per_kwh", "per_kwh_amount": D("0.05"), "site_id": second.pk}],
    )
    close(month)
    by_site = dict(InvoiceLine.objects.filter(invoice__contract=contract).values_list("group_label", "net_amount"))
    assert by_site == {first.name: D("5.40"), second.name: D("1.00")}  # 60 % of 9.00; 20 kWh at 0.05
    assert problems() == []


def test_given_an_amount_per_kwh_when_a_charge_is_credited_then_its_kwh_are_taken_back() -> None:
    month = make_month(2)
    contract = host(month, {"kind": "per_kwh", "per_kwh_amount": D("0.05")})
    close(month)
    credit_invoice(
        invoice_id=Invoice.objects.get(contract=month.contracts["beta"]).pk, reason="Wrong card", by=None, at=AT
    )
    record([month.charge("beta", 7, 100, at=IN_NOVEMBER)], at=IN_DECEMBER)
    close(month, NOVEMBER, IN_DECEMBER)
    assert nets(contract) == [D("1.00"), D("4.50")]  # 20 kWh; 100 - 10 kWh
    assert problems() == []


GREATER = {"kind": "greater_of", "percent_of_net": D(50), "rent_amount": D("4.00")}


def test_given_the_greater_of_when_a_late_session_lifts_the_month_then_the_difference_is_settled() -> None:
    month = make_month(2, ("beta",))  # one session at the second site: 4.50, of which 50 % = 2.25 < 4.00
    contract = host(month, GREATER)
    close(month)
    record([month.charge("beta", 9, 20)], at=IN_DECEMBER)  # in October, known late: 9.00 more, 50 % of 13.50 = 6.75
    close(month, NOVEMBER, IN_DECEMBER)
    assert nets(contract) == [D("4.00"), D("2.75"), D("4.00")]
    assert lines(contract)[1][1].endswith("€6.75 less €4.00 settled before")
    assert problems() == []


def test_given_the_greater_of_when_a_session_is_credited_later_then_the_month_falls_back_to_its_rent() -> None:
    month = make_month(2, ("beta",))
    record([month.charge("beta", 9, 20)])
    contract = host(month, GREATER)
    close(month)
    credit_invoice(
        invoice_id=Invoice.objects.get(contract=month.contracts["beta"]).pk, reason="Wrong card", by=None, at=AT
    )
    close(month, NOVEMBER, IN_DECEMBER)
    # alpha is not there; beta's half sponsored: the sponsor's part stays billed. 50 % of 6.75 = 3.38 < 4.00
    assert nets(contract) == [D("6.75"), D("-2.75"), D("4.00")]
    assert problems() == []


def test_given_a_result_below_zero_when_the_next_month_is_settled_then_it_is_carried_there() -> None:
    month = make_month(2, ("beta",))
    record([month.charge("beta", 9, 200)])
    contract = host(month, {"kind": "greater_of", "percent_of_net": D(50), "rent_amount": D("1.00")})
    close(month)
    for name in ("beta", "sponsor"):
        credit_invoice(
            invoice_id=Invoice.objects.get(contract=month.contracts[name]).pk, reason="Wrong card", by=None, at=AT
        )
    close(month, NOVEMBER, IN_DECEMBER)
    item = BillingRunItem.objects.get(contract=contract, run__period_from=NOVEMBER.start)
    assert item.state == ItemState.SKIPPED
    assert "carried forward" in item.reason
    december, january = parse_month("2026-12"), dt.datetime(2027, 1, 4, 8, tzinfo=dt.UTC)
    record([month.charge("beta", 11, 400, at=dt.datetime(2026, 12, 1, 7, tzinfo=dt.UTC))], at=january)
    close(month, december, january)
    # October 94.50 / 2 = 47.25, falls to its rent of 1.00; November's rent; December 180.00 / 2
    assert nets(contract) == [D("47.25"), D("-46.25"), D("1.00"), D("90.00")]
    assert problems() == []


def test_given_a_host_without_an_agreement_when_he_agrees_then_the_missed_rent_is_made_up() -> None:
    month = make_month(1)
    contract = host(month, {"kind": "fixed_rent", "rent_amount": D(500)})
    owner = contract.party
    owner.self_billing_agreed_on = None
    owner.save()
    close(month)
    assert lines(contract) == []
    owner.self_billing_agreed_on = dt.date(2026, 11, 20)
    owner.save()
    close(month, NOVEMBER, IN_DECEMBER)
    assert [text for _kind, text, _net in lines(contract)] == ["October 2026: rent", "November 2026: rent"]


def test_given_a_contract_entered_for_the_past_when_first_settled_then_earlier_months_are_not_made_up() -> None:
    month = make_month(1)
    contract = host(month, {"kind": "fixed_rent", "rent_amount": D(500)}, starts_on=dt.date(2025, 1, 1))
    close(month)
    assert nets(contract) == [D(500)]


def test_given_cost_reimbursement_when_settled_then_all_metered_energy_counts_also_what_nobody_pays() -> None:
    month = make_month(2)  # 20 kWh at the second site
    contract = host(month, {"kind": "cost", "per_kwh_amount": D("0.30")})
    unknown = month.charge("beta", 5, 7)
    record([type(unknown)(**{field: getattr(unknown, field) for field in unknown.__slots__} | {"token_ref": "?"})])
    hold = Hold.objects.get()
    close(month)
    assert lines(contract) == [
        (LineKind.COST, "October 2026: 20.000\N{NO-BREAK SPACE}kWh metered at €0.30 a kWh", D("6.00"))
    ]
    reject_hold(hold_id=hold.pk, reason="A visitor, on the house", by=None, at=AT)  # excluded, yet it was metered
    close(month, NOVEMBER, IN_DECEMBER)
    assert nets(contract) == [D("6.00"), D("2.10")]
    assert problems() == []


@pytest.mark.parametrize(("status", "category"), [("registered", "S"), ("exempt_small", "E"), ("not_taxable", "O")])
def test_given_a_host_of_any_tax_status_when_rent_is_settled_then_as_his_shares_are(status: str, category: str) -> None:
    month = make_month(1)
    contract = host(month, {"kind": "fixed_rent", "rent_amount": D(500)})
    contract.party.tax_status = status
    contract.party.save()
    close(month)
    assert InvoiceLine.objects.get(invoice__contract=contract).tax_category == category


def test_given_settled_months_when_settled_again_then_nothing_is_due_twice() -> None:
    month = make_month(2)
    contract = host(month, GREATER)
    close(month)
    close(month, at=AT + dt.timedelta(hours=2))
    assert len(nets(contract)) == 1
