"""Nothing is silently ignored: each wrong input has its named finding, with path and severity."""

from collections.abc import Callable
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.rules.rating import has_errors, parse_cdr, parse_session, parse_tariff
from tests.sessions.rating.build import component, element, energy_bands, period, session, tariff

START = "2026-03-02T10:00:00Z"
ENERGY = component("ENERGY", "0.25")


def found(findings: tuple[Any, ...]) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.code, finding.path) for finding in findings]


PART = "tariff.elements[0].price_components[0]"
WHEN = "tariff.elements[0].restrictions"


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        (None, "not_an_object", "tariff"),
        ([], "not_an_object", "tariff"),
        ({"currency": "EUR", "elements": [element(ENERGY)]}, "missing", "tariff.id"),
        (tariff(), "empty", "tariff.elements"),
        (tariff(element(ENERGY)) | {"elements": {}}, "not_a_list", "tariff.elements"),
        (tariff(element(ENERGY), colour="red"), "unknown_key", "tariff.colour"),
        (tariff(element(ENERGY), tax_included="NO"), "unknown_key", "tariff.tax_included"),
        (tariff(element(ENERGY)) | {"currency": "euro"}, "unknown_value", "tariff.currency"),
        (tariff(element()), "empty", "tariff.elements[0].price_components"),
        (tariff(element(ENERGY, ENERGY)), "duplicate_component", "tariff.elements[0].price_components[1].type"),
        (tariff(element(ENERGY | {"vat": Decimal(-1)})), "negative", f"{PART}.vat"),
        (tariff(element(ENERGY | {"price": Decimal(-1)})), "negative", f"{PART}.price"),
        (tariff(element(ENERGY | {"price": 0.25})), "not_a_number", f"{PART}.price"),
        (tariff(element(ENERGY | {"price": True})), "not_a_number", f"{PART}.price"),
        (tariff(element(ENERGY | {"price": Decimal("1E+99")})), "out_of_range", f"{PART}.price"),
        (tariff(element(ENERGY | {"price": Decimal("NaN")})), "not_a_number", f"{PART}.price"),
        (tariff(element(ENERGY | {"step_size": Decimal("1.5")})), "not_whole", f"{PART}.step_size"),
        (tariff(element({"type": "ENERGY", "price": 1})), "missing", f"{PART}.step_size"),
        (tariff(element(component("SUGAR", "1"))), "unknown_value", f"{PART}.type"),
        (energy_bands(("1", {"max_kw": 1})), "unknown_key", f"{WHEN}.max_kw"),
        (energy_bands(("1", {"start_time": "24:00"})), "not_a_time", f"{WHEN}.start_time"),
        (energy_bands(("1", {"end_date": "2026-02-30"})), "not_a_date", f"{WHEN}.end_date"),
        (energy_bands(("1", {"day_of_week": ["FUNDAY"]})), "unknown_value", f"{WHEN}.day_of_week[0]"),
        (energy_bands(("1", {"reservation": "YES"})), "unknown_value", f"{WHEN}.reservation"),
        (
            energy_bands(("1", {"reservation": "RESERVATION"})),
            "reservation_dimension",
            f"{PART}.type",
        ),
        (tariff(element(ENERGY), min_price={"incl_vat": 1}), "missing", "tariff.min_price.excl_vat"),
        (
            tariff(element(ENERGY), min_price={"excl_vat": 2}, max_price={"excl_vat": 1}),
            "limits_contradict",
            "tariff.min_price",
        ),
        (
            tariff(element(ENERGY), max_price={"excl_vat": 2, "incl_vat": 1}),
            "limits_contradict",
            "tariff.max_price.incl_vat",
        ),
    ],
)
def test_given_a_wrong_tariff_when_read_then_there_is_an_error_at_its_place_and_no_tariff(
    document: Any, code: str, path: str
) -> None:
    parsed, findings = parse_tariff(document, "2.2.1")

    assert parsed is None
    assert ("error", code, path) in found(findings)


@pytest.mark.parametrize(
    ("restrictions", "code"),
    [
        ({"min_kwh": 5, "max_kwh": 5}, "never_applies"),
        ({"start_date": "2026-03-02", "end_date": "2026-03-02"}, "never_applies"),
        ({"day_of_week": ["MONDAY", "MONDAY"]}, "duplicate_value"),
        ({"day_of_week": ["MONDAY"], "start_time": "22:00", "end_time": "06:00"}, "window_wraps_midnight"),
    ],
)
def test_given_a_doubtful_restriction_when_read_then_there_is_a_warning_and_the_tariff(
    restrictions: dict[str, Any], code: str
) -> None:
    parsed, findings = parse_tariff(energy_bands(("1", restrictions)), "2.2.1")

    assert parsed is not None
    assert [(finding.severity, finding.code) for finding in findings] == [("warning", code)]


def test_given_a_misspelled_key_when_read_then_the_message_names_the_right_one() -> None:
    _, findings = parse_tariff(energy_bands(("1", {"max_khw": 1})), "2.2.1")

    assert findings[0].message == "The field max_khw is not known here. Did you mean max_kwh?"


def test_given_an_unknown_version_when_read_then_there_is_an_error() -> None:
    assert found(parse_tariff(tariff(element(ENERGY)), "2.1.1")[1]) == [("error", "unknown_version", "tariff")]
    assert found(parse_session({}, "3.0")[1]) == [("error", "unknown_version", "session")]


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        ("text", "not_an_object", "session"),
        (session(START, None), "no_periods", "session.charging_periods"),
        (session("yesterday", None, period(START, 1, ENERGY="1")), "not_an_instant", "session.start_date_time"),
        (session(START, None, period(START, 1, ENERGY="1"), zone="Mars/Base"), "unknown_zone", "session.time_zone"),
        (session(START, None, period(START, 1, ENERGY="1"), colour=1), "unknown_key", "session.colour"),
        (
            session(START, "2026-03-02T09:00:00Z", period(START, 1, ENERGY="1")),
            "ends_before_start",
            "session.end_date_time",
        ),
        (session(START, "2028-03-02T09:00:00Z", period(START, ENERGY="1")), "too_long", "session.end_date_time"),
        (
            session(START, None, period("2026-03-02T09:59:00Z", 1, ENERGY="1")),
            "period_before_session",
            "session.charging_periods[0].start_date_time",
        ),
        (
            session(
                START,
                "2026-03-02T11:00:00Z",
                period(START, 1, ENERGY="1"),
                period("2026-03-02T11:01:00Z", 1, ENERGY="1"),
            ),
            "period_after_session",
            "session.charging_periods[1].start_date_time",
        ),
        (
            session(START, None, period("2026-03-02T10:10:00Z", 5, ENERGY="1"), period(START, 5, ENERGY="1")),
            "period_out_of_order",
            "session.charging_periods[1].start_date_time",
        ),
        (
            session(START, None, period(START, 10, ENERGY="1"), period("2026-03-02T10:05:00Z", 5, ENERGY="1")),
            "period_out_of_order",
            "session.charging_periods[1].start_date_time",
        ),
        (
            session(START, None, period(START, 10, TIME="1")),
            "time_exceeds_period",
            "session.charging_periods[0].dimensions",
        ),
        (
            session(START, None, period(START, 10, ENERGY="-1")),
            "negative",
            "session.charging_periods[0].dimensions[0].volume",
        ),
        (
            session(START, None, period(START, 10, ENERGIE="1")),
            "unknown_value",
            "session.charging_periods[0].dimensions[0].type",
        ),
        (
            session(START, None, {"start_date_time": START, "dimensions": [{"type": "TIME", "volume": 0}] * 2}),
            "duplicate_dimension",
            "session.charging_periods[0].dimensions[1].type",
        ),
        (
            session(START, None, period(START, 10, MIN_POWER="5", MAX_POWER="4")),
            "range_contradicts",
            "session.charging_periods[0].dimensions",
        ),
    ],
)
def test_given_a_wrong_session_when_read_then_there_is_an_error_at_its_place_and_no_session(
    document: Any, code: str, path: str
) -> None:
    parsed, findings = parse_session(document, "2.2.1")

    assert parsed is None
    assert ("error", code, path) in found(findings)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (
            session(START, None, period(START, 10, ENERGY="1"), period("2026-03-02T10:20:00Z", 5, ENERGY="1")),
            "period_gap",
        ),
        (session(START, "2026-03-02T12:00:00Z", period(START, 10, ENERGY="1")), "period_gap"),
        (session(START, None, period(START, 60, TIME="0.5")), "time_below_period"),
        (session(START, None, period(START, 60, ENERGY="41000")), "energy_exceeds_power"),
        (session("2026-03-02T12:00:00+02:00", None, period(START, 60, ENERGY="1")), "instant_not_utc"),
    ],
)
def test_given_a_doubtful_session_when_read_then_there_is_a_warning_and_the_session(document: Any, code: str) -> None:
    parsed, findings = parse_session(document, "2.2.1")

    assert parsed is not None
    assert [(finding.severity, finding.code) for finding in findings] == [("warning", code)]


def test_given_a_record_when_its_total_energy_differs_then_there_is_a_warning() -> None:
    document = session(START, "2026-03-02T11:00:00Z", period(START, ENERGY="5"), total_energy=Decimal("15.5"))

    _, findings = parse_cdr(document, "2.2.1")

    assert [finding.message for finding in findings] == [
        "total_energy is 15.5 kWh, the charging periods add up to 5 kWh."
    ]


def test_given_a_record_of_reserved_time_only_when_read_then_it_is_an_expired_reservation_and_it_says_so() -> None:
    document = session(START, "2026-03-02T11:00:00Z", period(START, RESERVATION_TIME="1"))

    parsed, findings = parse_cdr(document, "2.2.1")

    assert parsed is not None
    assert parsed.reservation_expired
    assert not has_errors(findings)
    assert [finding.code for finding in findings] == ["reservation_expiry_inferred"]


VOLUMES = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True),
    st.integers(),
    st.booleans(),
    st.none(),
    st.text(max_size=3),
    st.sampled_from([Decimal("1E+13"), Decimal("1E-13"), Decimal("0.00"), Decimal("1." + "1" * 45), 10**13]),
)


@given(kinds=st.lists(st.tuples(st.sampled_from(["ENERGY", "TIME", "ENERGY_EXPORT", "LIGHT"]), VOLUMES), max_size=3))
def test_the_short_cut_for_plain_volumes_finds_what_the_long_way_finds(kinds: list[tuple[str, object]]) -> None:
    def parsed(wrap: Callable[[dict[str, object]], object]) -> object:
        dimensions = [wrap({"type": kind, "volume": volume}) for kind, volume in kinds]
        period = {"start_date_time": "2026-03-02T10:00:00Z", "dimensions": dimensions}
        return parse_session(
            {
                "start_date_time": "2026-03-02T10:00:00Z",
                "end_date_time": "2026-03-02T11:00:00Z",
                "charging_periods": [period],
            },
            "2.2.1",
        )

    assert parsed(lambda entry: entry) == parsed(MappingProxyType)  # what is no plain dict goes the long way
