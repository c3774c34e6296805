"""Model fields shared by all apps: how an amount, a rate and a currency are stored."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Round


class AmountField(models.DecimalField):  # type: ignore[type-arg]
    """An amount in the major unit of the row's currency, already in its minor digits (4 decimals hold any of them)."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 16)
        kwargs.setdefault("decimal_places", 4)
        super().__init__(**kwargs)


class RateField(models.DecimalField):  # type: ignore[type-arg]
    """A percentage, 19.00 for 19 %."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 7)
        kwargs.setdefault("decimal_places", 4)
        super().__init__(**kwargs)


def currency_choices() -> list[tuple[str, str]]:
    """The operator's currencies (CURRENCIES)."""
    return [(code, code) for code in settings.CURRENCIES]


class CurrencyField(models.CharField):  # type: ignore[type-arg]
    """ISO 4217 code."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 3)
        kwargs.setdefault("choices", currency_choices)
        super().__init__(**kwargs)


def amount_sum(expression: Any, **kwargs: Any) -> Round:
    """SUM of amounts, exact on both databases: SQLite adds in binary, so that 0.30 - 0.10 - 0.20 would not be zero."""
    return Round(models.Sum(expression, **kwargs), precision=4, output_field=AmountField())
