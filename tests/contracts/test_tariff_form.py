"""Rows become OCPI documents and come back; what the rows read, the rating engine rates."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rules.tariff_form import Conditions, PriceLimit, PriceRow, TariffRows, build_document, places
from contracts.rules.tariff_reading import read_tariff, row_place
from contracts.rules.tariff_shape import require_tariff_document
from sessions.rules.pricing import compile_tariff
from sessions.rules.rating import price_request
from tests.contracts.tariffs import AT, document_of, energy, of_vectors, tariffs
from tests.sessions.rating.test_vectors import CASES, request_of

ALL = [pytest.param(version, document, id=name) for name, version, document in of_vectors()]


@given(tariff=tariffs(), version=st.sampled_from(["2.2", "2.2.1", "2.3.0"]))
def test_given_rows_when_built_and_read_then_they_are_the_same_rows(tariff: TariffRows, version: str) -> None:
    document = document_of(tariff, version)
    require_tariff_document(document, currency="EUR")
    assert read_tariff(document, version) == (tariff, ())


@given(tariff=tariffs())
def test_given_rows_when_built_then_the_rating_engine_accepts_the_document(tariff: TariffRows) -> None:
    compiled, findings = compile_tariff(document_of(tariff), "2.2.1")
    assert [each for each in findings if each.severity == "error"] == []
    assert compiled is not None
    assert [each.price for each in compiled.components] == [row.price for row in tariff.rows]


def _values(node: Any) -> Any:
    """Numbers by value, texts as they are, empty objects left out."""
    if isinstance(node, dict):
        return {key: _values(each) for key, each in node.items() if each not in (None, {}, [])}
    if isinstance(node, list):
        return [_values(each) for each in node]
    try:
        return Decimal(str(node))
    except ArithmeticError:
        return node


@pytest.mark.parametrize(("version", "document"), ALL)
def test_given_a_tariff_of_the_vectors_when_read_and_built_then_it_is_the_same_document(
    version: str, document: dict[str, Any]
) -> None:
    found, problems = read_tariff(document, version)
    assert problems == ()
    assert found is not None
    rebuilt = build_document(found, ocpi_version=version, base=document, updated=document.get("last_updated", AT))
    again, _none = read_tariff(rebuilt, version)
    assert again == found
    given_parts = [each for element in document["elements"] for each in element["price_components"]]
    built_parts = [each for element in rebuilt["elements"] for each in element["price_components"]]
    assert _values(built_parts) == _values(given_parts)
    aside = {"elements", "tax_included", "last_updated"}
    assert _values({k: v for k, v in rebuilt.items() if k not in aside}) == _values(
        {k: v for k, v in document.items() if k not in aside}
    )


@pytest.mark.parametrize(("version", "case"), [pytest.param(v, c, id=f"{v} {c['id']}") for v, c in CASES])
def test_given_a_worked_example_when_its_tariff_went_through_rows_then_its_price_is_the_same(
    version: str, case: dict[str, Any]
) -> None:
    request = request_of(version, case)
    rebuilt = dict(request)
    for key in ("tariff", "tariffs"):
        if key in request:
            given_ones = request[key] if isinstance(request[key], list) else [request[key]]
            built = [_through_rows(each, version) for each in given_ones]
            rebuilt |= {key: built if isinstance(request[key], list) else built[0]}
    before, after = price_request(request), price_request(rebuilt)
    for total in ("total_excl_vat", "total_incl_vat", "total_excl_vat_exact"):
        assert after.get(total) == before.get(total)


def _through_rows(document: dict[str, Any], version: str) -> Any:
    found, _problems = read_tariff(document, version)
    assert found is not None
    built = build_document(found, ocpi_version=version, base=document, updated=AT)
    return _numbers(built)


def _numbers(node: Any, key: str = "") -> Any:
    if isinstance(node, dict):
        return {name: _numbers(each, name) for name, each in node.items()}
    if isinstance(node, list):
        return [_numbers(each, key) for each in node]
    is_number = key in {"price", "vat", "excl_vat", "incl_vat", "before_taxes", "after_taxes"} or key[:4] in {
        "min_",
        "max_",
    }
    return Decimal(node) if is_number and isinstance(node, str) else node


def test_given_equal_conditions_in_a_row_when_built_then_they_share_an_element() -> None:
    night = Conditions(start_time="22:00", end_time="06:00")
    rows = (
        PriceRow("ENERGY", Decimal("0.39"), conditions=night),
        PriceRow("TIME", Decimal(1), conditions=night),
        PriceRow("ENERGY", Decimal("0.49")),
        PriceRow("ENERGY", Decimal("0.59")),
    )
    assert [(each.element, each.component) for each in places(rows)] == [(0, 0), (0, 1), (1, 0), (2, 0)]
    assert document_of(TariffRows(rows))["elements"] == [
        {
            "price_components": [
                {"type": "ENERGY", "price": "0.39", "step_size": 1},
                {"type": "TIME", "price": "1", "step_size": 1},
            ],
            "restrictions": {"start_time": "22:00", "end_time": "06:00"},
        },
        {"price_components": [{"type": "ENERGY", "price": "0.49", "step_size": 1}]},
        {"price_components": [{"type": "ENERGY", "price": "0.59", "step_size": 1}]},
    ]


def test_given_other_parts_of_a_document_when_rows_change_then_they_stay() -> None:
    base = document_of(TariffRows((energy("0.45"),))) | {"tariff_alt_url": "https://example.com", "max_price": None}
    changed = TariffRows((energy("0.5"),), max_price=PriceLimit(Decimal(50), Decimal("59.5")))
    built = build_document(changed, ocpi_version="2.3.0", base=base, updated="2026-02-01T00:00:00Z")
    assert built["tariff_alt_url"] == "https://example.com"
    assert built["max_price"] == {"before_taxes": "50", "after_taxes": "59.5"}
    assert built["tax_included"] == "NO"
    assert built["last_updated"] == "2026-02-01T00:00:00Z"


GOOD = {"id": "X", "currency": "EUR"}
ENERGY = {"type": "ENERGY", "price": "0.4", "step_size": 1}


def _with(**restrictions: Any) -> dict[str, Any]:
    return GOOD | {"elements": [{"price_components": [ENERGY], "restrictions": restrictions}]}


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        ([], "not_an_object", ""),
        (GOOD, "missing", "elements"),
        (GOOD | {"elements": []}, "empty", "elements"),
        (
            GOOD | {"elements": [{"price_components": [ENERGY], "restriction": {}}]},
            "unknown_key",
            "elements[0].restriction",
        ),
        (_with(max_kWh=5), "unknown_key", "elements[0].restrictions.max_kWh"),
        (_with(max_kwh="many"), "not_a_number", "elements[0].restrictions.max_kwh"),
        (_with(min_kwh="5", max_kwh="5"), "never_applies", "elements[0].restrictions.max_kwh"),
        (_with(start_time="24:00"), "not_a_time", "elements[0].restrictions.start_time"),
        (_with(start_date="2026-02-30"), "not_a_date", "elements[0].restrictions.start_date"),
        (_with(day_of_week=["Monday"]), "unknown_value", "elements[0].restrictions.day_of_week[0]"),
        (_with(reservation="RESERVATION"), "reservation_dimension", "elements[0].price_components[0].type"),
        (
            GOOD | {"elements": [{"price_components": [ENERGY, ENERGY]}]},
            "duplicate_component",
            "elements[0].price_components[1].type",
        ),
        (
            GOOD | {"elements": [{"price_components": [ENERGY | {"price": "-1"}]}]},
            "negative",
            "elements[0].price_components[0].price",
        ),
        (
            GOOD | {"elements": [{"price_components": [ENERGY | {"price": "1E+999999999"}]}]},
            "out_of_range",
            "elements[0].price_components[0].price",
        ),
        (
            GOOD | {"elements": [{"price_components": [ENERGY]}], "min_price": {"excl_vat": "5", "incl_vat": "4"}},
            "limits_contradict",
            "min_price.incl_vat",
        ),
        (
            GOOD
            | {
                "elements": [{"price_components": [ENERGY]}],
                "min_price": {"excl_vat": 5},
                "max_price": {"excl_vat": 4},
            },
            "limits_contradict",
            "min_price",
        ),
    ],
)
def test_given_what_rows_cannot_say_when_read_then_the_place_is_named(document: Any, code: str, path: str) -> None:
    found, problems = read_tariff(document, "2.2.1")
    assert found is None
    assert (code, path) in [(each.code, each.path) for each in problems]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def broken(draw: Any) -> Any:
    """A good document with one thing in it replaced by anything."""
    document = document_of(draw(tariffs()))
    node: Any = document
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return document
        key = draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and draw(st.booleans()):
            node = node[key]
            continue
        node[key] = draw(json_values)
        return document


@given(document=broken() | json_values, version=st.sampled_from(["2.2", "2.2.1", "2.3.0"]))
def test_given_any_json_when_the_rows_can_read_it_then_the_engine_can_rate_it(document: Any, version: str) -> None:
    found, problems = read_tariff(document, version)
    assert (found is None) == bool(problems)
    if found is not None:
        compiled, findings = compile_tariff(document, version)
        assert [each for each in findings if each.severity == "error"] == []
        assert compiled is not None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("elements[2].price_components[1].price", (2, 1, "price")),
        ("elements[0].restrictions.max_kwh", (0, None, "max_kwh")),
        ("elements[0].restrictions.day_of_week[3]", (0, None, "day_of_week")),
        ("min_price.excl_vat", None),
    ],
)
def test_a_path_leads_to_its_row_and_field(path: str, place: Any) -> None:
    assert row_place(path) == place
