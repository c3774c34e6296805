"""What is held of customers as security."""

from decimal import Decimal
from typing import Any

from django.db.models import Case, F, QuerySet, When

from contracts.models import Contract
from evbilling.kernel.fields import AmountField, amount_sum
from evbilling.kernel.money import ZERO, quantise
from invoicing.models import Deposit, DepositKind

_SIGNED = Case(When(kind=DepositKind.HELD, then=F("amount")), default=-F("amount"), output_field=AmountField())


def held_amount(contract: Contract, source: str = "") -> Decimal:
    """What is held of a contract, of one payment's money or of all."""
    rows = Deposit.objects.filter(contract=contract)
    if source:
        rows = rows.filter(source=source)
    return quantise(rows.aggregate(total=amount_sum(_SIGNED))["total"] or ZERO, contract.currency)


def held_of(source: str) -> Decimal:
    """What of a payment's money is held, over all contracts."""
    return Deposit.objects.filter(source=source).aggregate(total=amount_sum(_SIGNED))["total"] or ZERO


def held_by_source() -> QuerySet[Deposit, Any]:
    """(contract, source, currency, total) of all deposits."""
    rows = Deposit.objects.order_by().values("contract", "contract__number", "contract__operator", "source", "currency")
    return rows.annotate(total=amount_sum(_SIGNED))
