"""`manage.py bench documents`: what it measures, and that its sample is a document like any other."""

from decimal import Decimal

import pytest

from evbilling.kernel.benchmarks import Reading
from evbilling.kernel.errors import BadInput
from invoicing.benchmarks import documents, plain_invoice
from invoicing.documents.view import check_view


@pytest.mark.parametrize("sessions", [1, 10, 200])
def test_the_sample_adds_up_and_lists_as_many_sessions_as_the_plain_template_has_rows(sessions: int) -> None:
    view = documents.sample_invoice(sessions)
    check_view(view)
    assert view.annex_rows == sessions == plain_invoice.html(sessions).count("<tr>") - 1


def test_each_size_is_measured_beside_the_plain_template_with_its_floor() -> None:
    said: list[str] = []
    found = list(documents.measure_documents({"runs": 1, "lines": [10]}, said.append))
    assert all(isinstance(each, Reading) for each in found)
    plain, ours, times, memory = found
    assert [each.what for each in found] == ["plain template", "invoice with annex", "times as fast", "peak memory"]
    assert times.value == (plain.value / ours.value).quantize(Decimal("0.1"))
    assert (times.least, times.aim, memory.most) == (Decimal("2.5"), Decimal(4), Decimal(250))
    assert len(said) == 1


@pytest.mark.parametrize(
    "options", [{"runs": 0, "lines": [10]}, {"runs": 1, "lines": [0]}, {"runs": 1, "lines": [20_001]}]
)
def test_options_out_of_range_are_refused_before_anything_is_drawn(options: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        next(iter(documents.measure_documents(options, lambda _text: None)))


def test_a_reading_below_its_least_is_missed() -> None:
    reading = Reading("10 lines", "times as fast", Decimal("2.4"), "", least=Decimal("2.5"))
    assert reading.missed
    assert not Reading("10 lines", "times as fast", Decimal("2.5"), "", least=Decimal("2.5")).missed
