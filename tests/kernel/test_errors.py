"""What a clerk reads in a refusal: the field as its form calls it, the value as it was typed."""

import datetime as dt
from decimal import Decimal

import pytest
from django.utils.translation import override

from evbilling.kernel.errors import BadInput
from sessions.models import SessionState


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("0.00"), "0.00"),
        (Decimal("1E+5"), "100000"),
        (dt.date(2026, 2, 28), "2026-02-28"),
        (None, "''"),
        ("", "''"),
        ("XX", "'XX'"),
        (SessionState.COMPLETED, "'completed'"),
        (7, "7"),
    ],
)
def test_a_refused_value_reads_as_it_was_typed(value: object, shown: str) -> None:
    assert BadInput("amount", value, "Ask for more.").message == f"amount: {shown} cannot be used. Ask for more."


@pytest.mark.parametrize(
    ("field", "english", "german"),
    [
        ("amount", "amount", "Betrag"),
        ("valid_from", "valid from", "gültig ab"),
        ("issued on", "issued on", "ausgestellt am"),
        ("cost_centre", "cost centre", "Kostenstelle"),
        ("elements.0.price_components", "elements.0.price_components", "elements.0.price_components"),
        ("--out", "--out", "--out"),
        ("Betrag", "Betrag", "Betrag"),
        ("", "", ""),
    ],
)
def test_a_refusal_calls_the_field_as_its_form_does_and_keeps_its_name_for_programs(
    field: str, english: str, german: str
) -> None:
    for language, label in (("en", english), ("de", german)):
        with override(language):
            refusal = BadInput(field, "X", "Ask.")
        assert refusal.message.startswith(f"{label}: 'X' ")
        assert refusal.field == field
