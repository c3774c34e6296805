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


def take_numbers(*, operator_id: int, kind: str, issued_on: dt.date, count: int) -> list[TakenNumber]:
    """The next `count` numbers of the issuer's series for this kind of document and year, in order, in one change of
    its row. Call it after every other lock. Raises SeriesExhausted.
    """
    first = Operator.objects.order_by("pk").values_list("pk", flat=True).first()
    prefix = prefix_of(kind, operator_id, first if first is not None else operator_id)
    found, _new = NumberSeries.objects.get_or_create(operator_id=operator_id, prefix=prefix, year=issued_on.year)
    series = lock(NumberSeries, found.pk)
    before = series.last_number
    series.last_number += count
    taken = [
        TakenNumber(series, sequence, number_of(prefix, series.year, sequence))
        for sequence in range(before + 1, before + count + 1)
    ]
    series.save(update_fields=["last_number"])
    return taken
