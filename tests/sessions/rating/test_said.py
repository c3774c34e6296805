"""Every line of every price can be said in both languages, kept as JSON, and read back as it was."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from evbilling.kernel.strict_json import dumps, loads
from sessions.rules.pricing import line_from_data, line_to_data
from sessions.rules.rating import RatingInput, because_sentence, because_short, cap_windows, rate
from tests.sessions.rating.strategies import compiled, sessions, tariffs
from tests.sessions.rating.test_cap_properties import caps

LIMITS = st.sampled_from(
    [
        {},
        {"min_price": {"excl_vat": 40, "incl_vat": 45}},
        {"max_price": {"excl_vat": 5}},
        {"max_price": {"excl_vat": 0}},
    ]
)


@given(tariffs(), LIMITS, sessions(), st.lists(caps(), max_size=2), st.sampled_from(["EUR", "USD", "JPY"]))
def test_given_any_price_when_its_lines_are_kept_and_said_then_nothing_is_lost(
    document: dict[str, Any], limits: dict[str, Any], session: RatingInput, these: list[Any], currency: str
) -> None:
    stated = compiled(document | limits | {"currency": currency})
    result = cap_windows(rate(session, stated, ocpi_version="2.2.1"), session, stated, these)

    for line in result.lines:
        kept = loads(dumps(line_to_data(line)))
        again = line_from_data(kept)
        assert line_to_data(again) == line_to_data(line)
        for language in ("en", "de"):
            sentence = because_sentence(line, currency, language)
            assert sentence.endswith(".")
            assert "{" not in sentence
            assert because_sentence(again, currency, language) == sentence
    for language in ("en", "de"):
        assert "{" not in because_short(result.lines, currency, language)
    assert all(line.unit_price >= Decimal(0) for line in result.lines if line.because.clamp is None)
