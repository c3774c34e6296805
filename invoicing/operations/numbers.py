"""Taking the next document number: gapless, because the counter's row is locked until the transaction ends (I9)."""

import datetime as dt
from dataclasses import dataclass

from contracts.models import Operator
from evbilling.kernel.locks import lock
from invoicing.models import NumberSeries
from invoicing.rules.numbering import number_of, prefix_of


@dataclass(frozen=True, slots=True)
class TakenNumber:
    """A number taken from a series in the running transaction; a rollback gives it back."""

    series: NumberSeries
    sequence: int
    text: str


def take_number(*, operator_id: int, kind: str, issued_on: dt.date) -> TakenNumber:
    """The next number of the issuer's series for this kind of document and year. Call it after every other lock.

    Raises SeriesExhausted.
    """
    first = Operator.objects.order_by("pk").values_list("pk", flat=True).first()
    prefix = prefix_of(kind, operator_id, first if first is not None else operator_id)
    found, _new = NumberSeries.objects.get_or_create(operator_id=operator_id, prefix=prefix, year=issued_on.year)
    series = lock(NumberSeries, found.pk)
    series.last_number += 1
    text = number_of(prefix, series.year, series.last_number)
    series.save(update_fields=["last_number"])
    return TakenNumber(series, series.last_number, text)
