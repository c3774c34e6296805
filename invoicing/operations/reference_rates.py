"""The reference rates of statutory interest: those that come with the product, and those that a person enters."""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contracts.models import TermKind
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.shell.formats import format_day
from invoicing.models import Penalty, PenaltyKind, ReferenceRate
from invoicing.operations.guards import require_person

KNOWN = Path(__file__).resolve().parents[1] / "reference_rates.csv"
"""Fixed rate of the main refinancing operations of the European Central Bank, as its list of key rates has it."""
SOURCE = "ECB, main refinancing operations"


def set_reference_rate(
    *, valid_from: dt.date, percent: Decimal, source: str, by: User | None, at: dt.datetime
) -> ReferenceRate:
    """Enter the rate from a day on, or correct it as long as no interest follows from it.

    The rate of a half year is that in force on its first day. Raises NotAllowed, BadInput for a percent outside -5 to
    50 or without a source, WrongState where statutory interest of a half year that it decides was assessed already.
    """
    require_person(by, "change_referencerate")
    require(
        Decimal(-5) <= percent <= Decimal(50),
        BadInput("percent", percent, _("Write the percent a year, for example 2.15.")),
    )
    require(source.strip(), BadInput("source", source, _("Say where the rate is published.")))
    with transaction.atomic():
        half = _half_year_from(valid_from)
        assessed = Penalty.objects.filter(
            kind=PenaltyKind.INTEREST,
            contract_version__terms__kind=TermKind.LATE_PAYMENT,
            contract_version__terms__figures__eu_default=True,
        ).aggregate(until=Max("period_to"))["until"]
        require(
            assessed is None or assessed <= half,
            WrongState(
                _("Interest up to %(until)s was assessed with the rates known then; the one of %(day)s cannot change.")
                % {"until": format_day(assessed) if assessed else "", "day": format_day(half)}
            ),
        )
        before = ReferenceRate.objects.filter(valid_from=valid_from).values_list("percent", flat=True).first()
        rate, new = ReferenceRate.objects.update_or_create(
            valid_from=valid_from, defaults={"percent": percent, "source": source.strip()}
        )
        record_audit(
            action="invoicing.referencerate.create" if new else "invoicing.referencerate.change",
            obj=rate,
            by=by,
            at=at,
            changes={"percent": [before, percent], "source": source.strip()},
        )
    return rate


def _half_year_from(day: dt.date) -> dt.date:
    """The first 1 January or 1 July on or after a day: the first half year that the day's rate may decide."""
    starts = (dt.date(day.year, 1, 1), dt.date(day.year, 7, 1), dt.date(day.year + 1, 1, 1))
    return next(start for start in starts if start >= day)


def seed_reference_rates(sender: Any, using: str = "default", **kwargs: Any) -> None:
    """Receiver of post_migrate: adds the rates that came with the product and are not there yet."""
    with KNOWN.open(encoding="utf-8", newline="") as file:
        ReferenceRate.objects.using(using).bulk_create(
            [
                ReferenceRate(
                    valid_from=dt.date.fromisoformat(row["valid_from"]), percent=Decimal(row["percent"]), source=SOURCE
                )
                for row in csv.DictReader(file, delimiter=";")
            ],
            ignore_conflicts=True,
        )
