"""Any document that the money rules can write has an e-invoice whose figures are exact and which the rules accept."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evbilling.kernel.money import split_gross, vat_of
from invoicing.einvoice.check import check, write
from invoicing.einvoice.model import (
    Allowance,
    Contact,
    EInvoice,
    Endpoint,
    Format,
    Line,
    Means,
    Payment,
    TaxRow,
    Totals,
    TradeParty,
    TypeCode,
)

ZERO = Decimal("0.00")
CENTS = st.integers(0, 5_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
RATES = st.sampled_from([Decimal("19.0000"), Decimal("7.0000"), Decimal("5.5000"), Decimal("25.0000")])
NAMES = st.text(st.characters(codec="utf-8"), max_size=30).map(lambda text: f"Place {text}")
SIDE = TradeParty(
    name="Volt GmbH",
    street="Lindenstr. 1",
    city="Berlin",
    postal_code="10969",
    country="DE",
    vat_id="DE136695976",
    endpoint=Endpoint("9930", "DE136695976"),
    contact=Contact("Anna", "+49 30 5550", "anna@volt.example"),
)


@st.composite
def documents(draw: st.DrawFn) -> EInvoice:
    gross_priced = draw(st.booleans())
    lines: list[Line] = []
    allowances: list[Allowance] = []
    taxes: list[TaxRow] = []
    for rate in draw(st.lists(RATES, min_size=1, max_size=3, unique=True)):
        nets = draw(st.lists(CENTS, min_size=1, max_size=6))
        less = [min(sum(nets), amount) for amount in draw(st.lists(CENTS, max_size=1))]
        net = sum(nets, ZERO) - sum(less, ZERO)
        tax = vat_of(net, rate, "EUR")
        if gross_priced:  # a gross whose net this is: the last line takes the cent between
            split, tax = split_gross(net + tax, rate, "EUR")
            nets[-1] += split - net
            net = split
        for amount in nets:
            name = draw(NAMES)
            lines.append(Line(str(len(lines) + 1), name, draw(NAMES), amount, "S", rate))
        allowances += [Allowance(amount, "Discount", "S", rate) for amount in less]
        taxes.append(TaxRow("S", rate, net, tax))
    net, tax = sum((row.net for row in taxes), ZERO), sum((row.tax for row in taxes), ZERO)
    return EInvoice(
        type_code=TypeCode.INVOICE,
        number="R-1",
        issued_on=dt.date(2026, 11, 1),
        due_on=dt.date(2026, 11, 15),
        currency="EUR",
        seller=SIDE,
        buyer=SIDE,
        supply_from=dt.date(2026, 10, 1),
        supply_to=dt.date(2026, 10, 31),
        payment=Payment(Means.SEPA_TRANSFER, "R-1", "DE02120300000000202051", "Volt GmbH", terms="Two weeks."),
        lines=tuple(lines),
        allowances=tuple(allowances),
        taxes=tuple(taxes),
        totals=Totals(
            lines=sum((line.net for line in lines), ZERO),
            allowances=sum((each.amount for each in allowances), ZERO),
            net=net,
            tax=tax,
            gross=net + tax,
            due=net + tax,
        ),
        buyer_reference="04011000-1234512345-06",
        gross_priced=gross_priced,
    )


def _holds(model: EInvoice) -> None:
    for format in Format:
        assert check(write(model, format), model) == []


@settings(max_examples=10, deadline=None)
@given(documents())
def test_any_document_has_a_valid_e_invoice(model: EInvoice) -> None:
    _holds(model)


@pytest.mark.long
@settings(max_examples=400, deadline=None)
@given(documents())
def test_very_many_documents_have_valid_e_invoices(model: EInvoice) -> None:
    _holds(model)
