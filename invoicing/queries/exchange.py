"""Exchange rates as documents take them, and tax in the currency of the operator's books."""

import datetime as dt
from decimal import Decimal

from django.db.models import Q, QuerySet

from contracts.models import Contract, Operator
from evbilling.kernel.money import quantise
from invoicing.models import ExchangeRate, Invoice
from invoicing.rules.exchange import EURO, MOST_DAYS, NoExchangeRate, Rate, rate_on, require_fresh

_LOOK_BACK = dt.timedelta(days=400)
"""Rates of the year before are looked at too, so that an error can say which one is the newest."""


def reporting_rate(currency: str, target: str, on: dt.date) -> Rate:
    """The rate of a document issued on a day; one query, none where it is one. Raises NoExchangeRate where none is new
    enough.
    """
    if currency == target:
        return Rate(currency, target, on, Decimal(1))
    for days in (dt.timedelta(days=MOST_DAYS), _LOOK_BACK):
        found = rate_on(_known(currency, target, on - days, on), currency, target, on)
        if found is not None:
            break
    return require_fresh(found, currency, target, on)


def _known(currency: str, target: str, since: dt.date, on: dt.date) -> list[Rate]:
    pairs = {(currency, target), (currency, EURO), (EURO, target)}
    either = Q(pk__in=[])
    for one, other in pairs:
        either |= Q(currency=one, target=other) | Q(currency=other, target=one)
    rows = ExchangeRate.objects.filter(either, on__gte=since, on__lte=on)
    return [Rate(row.currency, row.target, row.on, row.rate) for row in rows]


def contracts_without_rate(operator: Operator, due: QuerySet[Contract], on: dt.date) -> list[Contract]:
    """Those due in a currency for which no rate of these days is known: their documents are refused."""
    foreign = due.exclude(currency=operator.currency)
    missing: set[str] = set()
    for currency in foreign.order_by().values_list("currency", flat=True).distinct():
        try:
            reporting_rate(currency, operator.currency, on)
        except NoExchangeRate:
            missing.add(currency)
    return list(foreign.filter(currency__in=missing).order_by("number")) if missing else []


def tax_in_reporting_currency(invoice: Invoice) -> Decimal | None:
    """A document's tax in the currency of the operator's books (EN 16931 BT-111), rounded once; None where it is the
    document's own.
    """
    if not invoice.reporting_currency or invoice.reporting_rate is None:
        return None
    return quantise(invoice.tax_amount * invoice.reporting_rate, invoice.reporting_currency)
