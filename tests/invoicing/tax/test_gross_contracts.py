"""Contracts whose prices include tax, from the session to the document and its check."""

import datetime as dt
from decimal import Decimal as D
from typing import Any

import pytest

from contracts.models import ContractKind, PriceBasis
from evbilling.kernel.books import Finding, check_books
from evbilling.kernel.errors import WrongState
from invoicing.models import Invoice, InvoiceLine, LineKind, TaxRate
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.issuing import issue_invoice
from invoicing.queries.month_preview import month_preview
from sessions.models import ChargingSession, Hold, HoldKind, SessionCharge
from sessions.operations.charges import split_charges
from tests.factories import (
    make_contract_in_force,
    make_party,
    make_tariff,
    make_tariff_version,
    make_token,
    make_vehicle,
    make_version,
    tariff_document,
)
from tests.invoicing.month import AT, ISSUED_ON, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def month() -> Month:
    return make_month(sessions=0)


def driver(month: Month, *kwh: int, document: dict[str, Any] | None = None, **fields: Any) -> str:
    """A contract whose prices include tax, 0.59 a kWh net of tax unless given, with a session of each energy."""
    vehicle = fields.pop("vehicle", None) or make_vehicle()
    name = f"driver-{len(month.tokens)}"
    month.tokens[name] = make_token(vehicle)
    month.contracts[name] = make_contract_in_force(
        operator=month.operator,
        party=fields.pop("party", None) or make_party("ev_driver", accountant=f"{name}@home.example"),
        tariff=make_tariff(month.operator, document or included("0.59")),
        tokens=[month.tokens[name]],
        price_basis=fields.pop("price_basis", PriceBasis.GROSS),
        **fields,
    )
    record([month.charge(name, number, energy) for number, energy in enumerate(kwh)])
    return name


def included(price: str, vat: str = "19") -> dict[str, Any]:
    """A tariff of OCPI 2.3.0 whose price includes tax."""
    document = tariff_document(price, vat=vat)
    return document | {"tax_included": "YES"}


def found() -> list[Finding]:
    """What the check of the books finds."""
    return [finding for result in check_books() for finding in result.findings]


def drafted(month: Month, name: str) -> Invoice:
    invoice = draft_invoice(contract_id=month.contracts[name].pk, period=OCTOBER, at=AT)
    assert invoice is not None
    return invoice


def test_given_prices_with_tax_when_drafted_then_the_gross_of_the_sessions_is_the_total(month: Month) -> None:
    name = driver(month, 23, 8)  # 13.57 and 4.72
    invoice = drafted(month, name)
    charges = SessionCharge.objects.filter(contract=month.contracts[name]).order_by("session__ended_at")
    assert [(each.gross_amount, each.net_amount) for each in charges] == [
        (D("13.57"), D("11.40")),
        (D("4.72"), D("3.97")),
    ]
    assert (invoice.price_basis, invoice.gross_amount) == (PriceBasis.GROSS, D("18.29"))
    assert (invoice.net_amount, invoice.tax_amount) == (D("15.37"), D("2.92"))  # 18.29 / 1.19 = 15.3697...
    assert (invoice.rounding_rule, invoice.engine_version) == ("session-half-up-gross-1", "1.0")
    line_sums = [(line.net_amount, line.gross_amount) for line in invoice.lines.all()]
    assert sum(net for net, _gross in line_sums) == D("15.37")
    assert sum(gross for _net, gross in line_sums if gross is not None) == D("18.29")
    issue_invoice(invoice_id=invoice.pk, issued_on=ISSUED_ON, by=None, at=AT)
    assert not found()


def test_given_prices_without_tax_in_the_tariff_when_the_contract_is_gross_then_the_gross_is_rounded(
    month: Month,
) -> None:
    name = driver(month, 7, document=tariff_document("0.45"))  # 3.15 net, 3.7485 with tax
    charge_of(month, name)
    price = ChargingSession.objects.get(contract=month.contracts[name]).price
    assert (price.gross_amount, price.net_amount) == (D("3.75"), D("3.15"))
    assert price.parts == [{"vat_rate": "19", "net": "3.15", "gross": "3.75"}]


def charge_of(month: Month, name: str) -> SessionCharge:
    split_charges(ChargingSession.objects.filter(contract=month.contracts[name]), at=AT)
    return SessionCharge.objects.filter(contract=month.contracts[name]).get()


def test_given_a_tariff_without_a_vat_rate_when_priced_then_the_session_is_held_and_names_it(month: Month) -> None:
    name = driver(month)
    tariff = month.contracts[name].versions.get().tariff_assignments.get().tariff
    make_tariff_version(tariff, tariff_document("0.59", vat=None), AT.replace(month=9))
    record([month.charge(name, 0)])
    hold = Hold.objects.get(session__contract=month.contracts[name])
    assert hold.kind == HoldKind.NOT_RATEABLE
    assert "states no VAT rate" in hold.detail
    assert "Release a version of the tariff" in hold.detail
    assert draft_invoice(contract_id=month.contracts[name].pk, period=OCTOBER, at=AT) is None


@pytest.mark.parametrize(
    ("limit", "gross"),
    [
        ({"excl_vat": 5, "incl_vat": 9}, "9.00"),  # the limit with tax binds, not 5 x 1.19
        ({"excl_vat": 5}, "5.95"),  # it names none: with the tax of the price
        ({"excl_vat": 20, "incl_vat": 30}, "11.80"),
    ],
)
def test_the_limit_with_tax_binds(month: Month, limit: dict[str, int], gross: str) -> None:
    name = driver(month, 20, document=included("0.59") | {"max_price": _limit(limit)})
    assert charge_of(month, name).gross_amount == D(gross)


def _limit(figures: dict[str, int]) -> dict[str, Any]:
    names = {"excl_vat": "before_taxes", "incl_vat": "after_taxes"}
    return {names[name]: value for name, value in figures.items()}


def test_given_a_sponsor_when_split_then_the_gross_is_shared_and_his_net_contract_bills_its_net(month: Month) -> None:
    name = driver(month, 23, vehicle=month.tokens["alpha"].vehicle)  # 13.57, half of it 6.785
    invoice, sponsor = drafted(month, name), drafted(month, "sponsor")
    parts = SessionCharge.objects.order_by("role")
    assert [(each.role, each.gross_amount, each.net_amount) for each in parts] == [
        ("customer", D("6.79"), D("5.71")),
        ("sponsor", D("6.78"), D("5.70")),
    ]
    assert (invoice.gross_amount, invoice.net_amount) == (D("6.79"), D("5.71"))
    assert (sponsor.price_basis, sponsor.net_amount, sponsor.gross_amount) == (PriceBasis.NET, D("5.70"), D("6.78"))
    assert not found()


def test_given_net_sessions_when_the_sponsors_prices_include_tax_then_each_is_billed_with_its_tax(month: Month) -> None:
    maker = make_contract_in_force(
        ContractKind.SPONSORSHIP,
        month.operator,
        make_party("ev_manufacturer", accountant="books@other.example"),
        vehicles=[vehicle := make_vehicle()],
        price_basis=PriceBasis.GROSS,
    )
    month.contracts["maker"] = maker
    name = driver(month, 10, vehicle=vehicle, document=tariff_document("0.45"), price_basis=PriceBasis.NET)
    drafted(month, name)
    sponsor = drafted(month, "maker")
    assert (sponsor.gross_amount, sponsor.net_amount) == (D("2.68"), D("2.25"))  # 2.25 x 1.19 = 2.6775
    assert not found()


TERMS = [
    ("base_fee", {"amount": "9.99", "per": "contract"}),
    ("volume_discount", {"tiers": [{"from_kwh": "0", "percent": "10"}]}),
]


def test_given_monthly_terms_when_drafted_then_their_amounts_include_tax(month: Month) -> None:
    name = driver(month, 23, 8, terms=TERMS)
    invoice = drafted(month, name)
    lines = {line.kind: line for line in invoice.lines.all()}
    assert lines[LineKind.BASE_FEE].gross_amount == D("9.99")
    assert lines[LineKind.ALLOWANCE].gross_amount == D("-1.83")  # 10 % of 18.29
    assert invoice.gross_amount == D("26.45")
    assert invoice.net_amount == D("22.23")  # 26.45 / 1.19 = 22.2268...
    assert sum(line.net_amount for line in invoice.lines.all()) == D("22.23")
    issue_invoice(invoice_id=invoice.pk, issued_on=ISSUED_ON, by=None, at=AT)
    assert not found()


def test_given_an_issued_gross_document_when_its_net_is_another_then_the_check_says_so(month: Month) -> None:
    invoice = drafted(month, driver(month, 23))
    InvoiceLine.objects.filter(invoice=invoice).update(gross_amount=D("13.58"))
    said = [finding.problem for finding in found() if finding.invariant == "I7"]
    assert any("with tax, its tax table says" in text for text in said)
    assert any("its session charges add up to 13.57" in text for text in said)


def test_given_two_rates_with_tax_when_drafted_then_each_is_divided_by_itself(month: Month) -> None:
    document = included("0.50")
    document["elements"][0]["price_components"].append({"type": "FLAT", "price": "1.07", "vat": "7", "step_size": 1})
    invoice = drafted(month, driver(month, 23, document=document))  # 11.50 at 19 %, 1.07 at 7 %
    assert [(row.tax_rate, row.net_amount, row.tax_amount) for row in invoice.taxes.order_by("-tax_rate")] == [
        (D(19), D("9.66"), D("1.84")),
        (D(7), D("1.00"), D("0.07")),
    ]
    assert not found()


def test_given_an_exempt_payer_when_prices_include_tax_then_the_net_is_billed(month: Month) -> None:
    invoice = drafted(month, driver(month, 23, tax_treatment="exempt"))
    assert (invoice.net_amount, invoice.tax_amount) == (D("11.40"), D(0))
    assert not found()


def test_given_terms_of_another_basis_when_approved_then_they_are_refused(month: Month) -> None:
    name = driver(month)
    with pytest.raises(WrongState, match="another price basis"):
        make_version(month.contracts[name], dt.date(2026, 11, 1), price_basis=PriceBasis.NET)
    assert month.contracts[name].versions.filter(approved_at__isnull=False).count() == 1


@pytest.mark.parametrize(("price", "gross", "net"), [
    ("JPY 55.5", "1277", "1161"),  # 23 x 55.5 = 1276.5; 1277 / 1.1 = 1160.9...
    ("BHD 0.1234", "2.838", "2.580"),  # 23 x 0.1234 = 2.8382; / 1.1 = 2.58
])  # fmt: skip
def test_currencies_with_no_and_three_decimals_from_price_to_check(
    month: Month, settings: Any, price: str, gross: str, net: str
) -> None:
    currency, price = price.split()
    settings.CURRENCIES = ["EUR", "JPY", "BHD"]
    TaxRate.objects.create(country="JP", percent=10, valid_from=dt.date(2020, 1, 1))
    vehicle = make_vehicle()
    month.tokens["far"] = make_token(vehicle)
    month.contracts["far"] = make_contract_in_force(
        operator=month.operator,
        party=make_party("ev_driver", accountant="books@far.example"),
        tariff=make_tariff(month.operator, included(price, "10") | {"currency": currency}, currency=currency),
        tokens=[month.tokens["far"]],
        price_basis=PriceBasis.GROSS,
        currency=currency,
    )
    record([month.charge("far", 0, 23)])
    invoice = drafted(month, "far")
    assert (invoice.currency, invoice.gross_amount, invoice.net_amount) == (currency, D(gross), D(net))
    assert not found()


def test_the_preview_of_a_month_reckons_with_tax(month: Month) -> None:
    contract = month.contracts[driver(month, 23, 8, terms=TERMS)]
    preview = month_preview(contract.versions.get(), OCTOBER)
    assert (preview.includes_tax, preview.billed, preview.charged) == (True, D("18.29"), D("18.29"))
    assert [row.net for row in preview.rows] == [D("-1.83"), D("9.99")]
    assert preview.net == D("26.45")


def test_a_cap_in_a_window_holds_the_price_with_tax(month: Month) -> None:
    cap = {"dimension": "ENERGY", "start_time": "00:00", "end_time": "23:59", "max_amount": "10.00"}
    name = driver(month, 23, terms=[("window_cap", cap)])  # 13.57 without the cap
    assert charge_of(month, name).gross_amount == D("10.00")
