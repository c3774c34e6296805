"""Pages of documents say a tax in words: the code of EN 16931 is for files."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from invoicing.admin.common import tax_words
from tests.access.people import staff
from tests.invoicing.month import make_month


@pytest.mark.parametrize(
    ("category", "rate", "words"),
    [
        ("S", "19.0000", "Standard rate 19\N{NO-BREAK SPACE}%"),
        ("S", "5.5000", "Standard rate 5.5\N{NO-BREAK SPACE}%"),
        ("AE", "0", "Reverse charge"),
    ],
)
def test_a_tax_in_words(category: str, rate: str, words: str) -> None:
    assert tax_words(category, Decimal(rate)) == words


@pytest.mark.django_db
def test_given_an_invoice_then_its_page_and_its_credit_page_name_the_tax(client: Client, settings: Any) -> None:
    month = make_month(sessions=1)
    month.close()
    client.force_login(staff())
    invoice = month.item("beta").invoice
    pages = [
        client.get(reverse(f"admin:invoicing_invoice_{name}", args=[invoice.pk])).content.decode()
        for name in ("change", "credit_page")
    ]
    for page in pages:
        assert "Standard rate 19\N{NO-BREAK SPACE}%" in page
        assert "S 19" not in page
