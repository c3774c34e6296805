"""Rates and amounts in names and refusals read as in the reader's language: with a comma in German."""

import datetime as dt
from decimal import Decimal as D

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from contracts.models import Contract
from contracts.rules.shares import Share, ShareTerms, share_sentence
from evbilling.kernel.errors import BillingError
from invoicing.models import ExchangeRate, Invoice, ReferenceRate, TaxRate
from invoicing.operations.allocations import AllocationTooHigh
from invoicing.operations.deposits import DepositTooLow
from invoicing.rules.crediting import LineCreditTooHigh
from invoicing.rules.totals import CreditTooHigh
from tests.access.people import staff

ON = dt.date(2026, 7, 1)
NAMED = [
    (TaxRate(country="US", region="NY", percent=D("8.8750")), "US NY 8.875 %", "US NY 8,875 %"),
    (TaxRate(country="DE", percent=D("19.0000")), "DE 19 %", "DE 19 %"),
    (ReferenceRate(percent=D("2.2700"), valid_from=ON), "2.27 % (1 Jul 2026)", "2,27 % (01.07.2026)"),
    (
        ExchangeRate(currency="EUR", target="USD", rate=D("1.08250000"), on=ON),
        "EUR/USD 1.0825 (1 Jul 2026)",
        "EUR/USD 1,0825 (01.07.2026)",
    ),
]
REFUSED = [
    (
        lambda: CreditTooHigh(D("5.5000"), D("1006.01"), D("1006.00"), "EUR"),
        "1,006.01 EUR at 5.5 % tax cannot be credited; only 1,006.00 EUR of the document is left at that rate.",
        ("1.006,01 EUR", "5,5 %", "1.006,00 EUR"),
    ),
    (
        lambda: LineCreditTooHigh("Charging", D("4.51"), D("4.5000"), "EUR"),
        "4.51 EUR of Charging cannot be credited; only 4.50 EUR of it is left.",
        ("4,51 EUR", "4,50 EUR"),
    ),
    (
        lambda: AllocationTooHigh(Invoice(number="INV-1", currency="EUR"), D("1006.01"), D("1006.0000")),
        "1,006.01 EUR cannot be allocated: only 1,006.00 is open on INV-1.",
        ("1.006,01 EUR", "1.006,00 offen"),
    ),
    (
        lambda: DepositTooLow(Contract(number="CH-1", currency="EUR"), D("4.51"), D("4.5000")),
        "4.51 EUR cannot be returned: 4.50 of this payment is held for CH-1.",
        ("4,51 EUR", "4,50 für"),
    ),
]


@pytest.mark.parametrize(("row", "english", "german"), NAMED)
def test_a_rate_is_named_in_the_readers_form(row: object, english: str, german: str) -> None:
    with override("en"):
        assert str(row) == english
    with override("de"):
        assert str(row) == german


@pytest.mark.parametrize(("made", "english", "german"), REFUSED)
def test_a_refusal_says_its_figures_in_the_readers_form(made, english: str, german: tuple[str, ...]) -> None:
    with override("en"):
        refusal: BillingError = made()
        assert refusal.message == english
    with override("de"):
        refusal = made()
        assert [each for each in german if each not in refusal.message] == []


@pytest.mark.django_db
def test_given_a_german_clerk_then_the_page_of_a_tax_rate_has_its_name_with_a_comma(client: Client) -> None:
    rate = TaxRate.objects.create(country="US", region="NY", percent=D("8.875"), valid_from=ON)
    client.force_login(staff())
    addresses = (
        reverse("admin:invoicing_taxrate_change", args=[rate.pk]),
        reverse("admin:invoicing_taxrate_changelist"),
    )
    page, listed = (client.get(each, headers={"accept-language": "de"}).content.decode() for each in addresses)
    assert ("US NY 8,875 %" in page, "US NY 8.875 %" in page) == (True, False)
    assert "8,875\N{NO-BREAK SPACE}%" in listed


def test_given_a_share_of_more_than_two_decimals_then_the_contract_says_all_of_them() -> None:
    with override("de"):
        said = share_sentence(ShareTerms(kind=Share.PERCENT, percent=D("33.3333")), "EUR")
    assert "33,3333\N{NO-BREAK SPACE}%" in said
