"""The standard rates of value added tax that come with the product, added when a person asks for them."""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from invoicing.models import TaxRate
from invoicing.operations.guards import require_right

KNOWN = Path(__file__).resolve().parents[1] / "tax_rates.csv"
"""Standard rates of the EU's member states, the United Kingdom, Switzerland and Norway with their first days, as the
European Commission's Taxes in Europe Database and the countries' tax administrations have them. Reduced rates are not
among them: a tariff states the rate that it is sold at."""


def load_tax_rates(*, by: User | None, at: dt.datetime) -> int:
    """Add the rates that are not there yet; how many. A rate of a country and day that is there stays as it is.

    Nothing is added by itself: whoever asks for them answers for them. Raises NotAllowed.
    """
    require_right(by, "add_taxrate")
    with KNOWN.open(encoding="utf-8", newline="") as file:
        known = [
            TaxRate(
                country=row["country"],
                percent=Decimal(row["percent"]),
                valid_from=dt.date.fromisoformat(row["valid_from"]),
            )
            for row in csv.DictReader(file, delimiter=";")
        ]
    with transaction.atomic():
        before = TaxRate.objects.count()
        TaxRate.objects.bulk_create(known, ignore_conflicts=True)
        added = TaxRate.objects.count() - before
        record_audit(action="invoicing.taxrate.load", obj=None, by=by, at=at, changes={"added": added})
    return added
