"""Exchange rates that a person enters, those of the central bank's file, and the one that a document keeps."""

import datetime as dt
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, require
from invoicing.models import ExchangeRate, Invoice
from invoicing.operations.guards import require_person, require_right
from invoicing.queries.exchange import reporting_rate
from invoicing.rules.exchange import read_reference_rates

SOURCE = "ECB, euro foreign exchange reference rates"


def set_exchange_rate(
    *, currency: str, target: str, on: dt.date, rate: Decimal, source: str, by: User | None, at: dt.datetime
) -> ExchangeRate:
    """Enter what one unit of a currency is worth in another on a day, or correct it; documents keep theirs.

    Raises NotAllowed, BadInput for equal currencies, a rate that is not above zero, or no source.
    """
    require_person(by, "change_exchangerate")
    require(currency != target, BadInput("in", target, _("Choose two different currencies.")))
    require(rate > 0, BadInput("rate", rate, _("A rate is above zero.")))
    require(source.strip(), BadInput("source", source, _("Say where the rate is published.")))
    with transaction.atomic():
        before = ExchangeRate.objects.filter(currency=currency, target=target, on=on).first()
        row, new = ExchangeRate.objects.update_or_create(
            currency=currency, target=target, on=on, defaults={"rate": rate, "source": source.strip()}
        )
        record_audit(
            action="invoicing.exchangerate.create" if new else "invoicing.exchangerate.change",
            obj=row,
            by=by,
            at=at,
            changes={"rate": [before.rate if before else None, rate], "source": source.strip()},
        )
    return row


def load_exchange_rates(*, text: str, since: dt.date, by: User | None, at: dt.datetime) -> int:
    """Add the rates of the operator's currencies from a day on out of the European Central Bank's file; how many.

    Rates that are there stay as they are. Raises NotAllowed, BadInput naming the line.
    """
    require_right(by, "add_exchangerate")
    with transaction.atomic():
        before = ExchangeRate.objects.count()
        ExchangeRate.objects.bulk_create(
            [
                ExchangeRate(currency=each.currency, target=each.target, on=each.on, rate=each.rate, source=SOURCE)
                for each in read_reference_rates(text, settings.CURRENCIES, since)
            ],
            batch_size=2000,
            ignore_conflicts=True,
        )
        added = ExchangeRate.objects.count() - before
        record_audit(
            action="invoicing.exchangerate.load",
            obj=None,
            by=by,
            at=at,
            changes={"added": added, "since": since, "source": SOURCE},
        )
    return added


def keep_reporting_rate(invoice: Invoice, issued_on: dt.date) -> None:
    """Put the rate of the day on a document whose currency is not that of the operator's books; it is not saved here.

    A credit note keeps the rate of what it corrects. Raises NoExchangeRate.
    """
    target = invoice.operator.currency
    if invoice.currency == target:
        return
    original = invoice.corrects
    if original is not None and original.reporting_rate is not None:
        invoice.reporting_currency, invoice.reporting_rate = original.reporting_currency, original.reporting_rate
        return
    invoice.reporting_currency = target
    invoice.reporting_rate = reporting_rate(invoice.currency, target, issued_on).rate
