"""What else the engine has to say, each with its place; a partner's record is compared dimension by dimension."""

from decimal import Decimal
from typing import Any

import pytest

from sessions.rules.rating import parse_cdr, parse_session, parse_tariff, price_request
from tests.sessions.rating.build import codes, component, element, energy_bands, period, price, session, tariff

START, END = "2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z"
ENERGY = component("ENERGY", "0.25", vat="20")


def found(findings: tuple[Any, ...]) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.code, finding.path) for finding in findings]


@pytest.mark.parametrize(
    ("document", "version", "code", "path"),
    [
        (
            tariff(element(ENERGY), start_date_time="2026-01-02T00:00:00Z", end_date_time="2026-01-01T00:00:00Z"),
            "2.2.1",
            "never_valid",
            "tariff.end_date_time",
        ),
        (tariff(element(ENERGY), id=7), "2.2.1", "not_a_text", "tariff.id"),
        (tariff(*[element(ENERGY)] * 401), "2.2.1", "too_many", "tariff.elements"),
        (tariff(element(ENERGY), tax_included="YES"), "2.2.1", "unknown_key", "tariff.tax_included"),
        (
            tariff(element(ENERGY), tax_included="N/A"),
            "2.3.0",
            "tax_contradicts",
            "tariff.elements[0].price_components[0].vat",
        ),
        (tariff(element(ENERGY), tax_included="MAYBE"), "2.3.0", "unknown_value", "tariff.tax_included"),
        (
            tariff(element(ENERGY | {"vat": Decimal("100.01")})),
            "2.2.1",
            "out_of_range",
            "tariff.elements[0].price_components[0].vat",
        ),
        (
            tariff(element(ENERGY | {"vat": True})),
            "2.2.1",
            "not_a_number",
            "tariff.elements[0].price_components[0].vat",
        ),
        (
            tariff(element(ENERGY | {"taxes": []})),
            "2.3.0",
            "unknown_key",
            "tariff.elements[0].price_components[0].taxes",
        ),
    ],
)
def test_given_a_wrong_tariff_when_read_then_there_is_an_error_at_its_place_and_no_tariff(
    document: Any, version: str, code: str, path: str
) -> None:
    parsed, findings = parse_tariff(document, version)

    assert parsed is None
    assert ("error", code, path) in found(findings)


def test_given_a_flag_that_is_a_text_when_read_then_it_is_an_error_and_not_taken_for_true() -> None:
    reserved = {"start_date_time": START, "minutes": 5, "expired": "false"}

    parsed, findings = parse_session(session(START, END, period(START, ENERGY="1"), reservation=reserved), "2.2.1")

    assert parsed is None
    assert found(findings) == [("error", "not_a_flag", "session.reservation.expired")]


@pytest.mark.parametrize("at", ["2026-03-01T10:00:00Z", "2026-03-04T10:00:00Z"])
def test_given_a_session_outside_the_validity_of_its_tariff_when_priced_then_it_says_so(at: str) -> None:
    document = tariff(element(ENERGY), start_date_time="2026-03-02T00:00:00Z", end_date_time="2026-03-03T00:00:00Z")

    outside = price(document, session(at, None, period(at, 10, ENERGY="1")))
    inside = price(document, session(START, None, period(START, 10, ENERGY="1")))

    assert (codes(outside), codes(inside)) == (["tariff_not_valid"], [])
    assert outside.total_excl_vat == inside.total_excl_vat == Decimal("0.25")


@pytest.mark.parametrize(
    ("restrictions", "volumes", "code"),
    [
        ({"min_power": 20}, {"PARKING_TIME": "1", "ENERGY": "1"}, []),
        ({"min_current": 10}, {"ENERGY": "1"}, ["current_unknown"]),
        ({"min_current": 10}, {"ENERGY": "1", "CURRENT": "12"}, []),
        ({"min_current": 10}, {"ENERGY": "1", "MIN_CURRENT": "8", "MAX_CURRENT": "12"}, ["current_crosses_limit"]),
        ({"min_power": 10}, {"ENERGY": "10", "MIN_POWER": "8", "MAX_POWER": "12"}, ["power_crosses_limit"]),
    ],
)
def test_given_a_band_that_cannot_be_told_or_is_crossed_when_priced_then_it_says_so(
    restrictions: dict[str, Any], volumes: dict[str, str], code: list[str]
) -> None:
    result = price(energy_bands(("2", restrictions), ("1", {})), session(START, END, period(START, 60, **volumes)))

    assert [each for each in codes(result) if each not in {"period_gap", "time_not_stated"}] == code


def test_given_a_power_band_and_a_moment_without_time_when_priced_then_the_power_is_unknown() -> None:
    result = price(
        energy_bands(("2", {"min_power": 20}), ("1", {})), session(START, None, period(START, 0, ENERGY="1"))
    )

    assert codes(result) == ["power_unknown"]
    assert result.total_excl_vat == Decimal("1.00")


# A partner's charge record

EVERY = tariff(
    element(
        component("FLAT", "1", vat="20"),
        component("ENERGY", "0.50", vat="20"),
        component("TIME", "2", vat="20"),
        component("PARKING_TIME", "3", vat="20"),
    ),
    element(component("TIME", "6", vat="20"), reservation="RESERVATION"),
)


def record(**fields: Any) -> dict[str, Any]:
    """Half an hour reserved (3.00), an hour of charging with 10 kWh (7.00), half an hour idle (1.50), a fee (1.00)."""
    stated = session(
        "2026-03-02T09:30:00Z",
        "2026-03-02T11:30:00Z",
        period("2026-03-02T09:30:00Z", RESERVATION_TIME="0.5"),
        period(START, ENERGY="10", TIME="1"),
        period("2026-03-02T11:00:00Z", PARKING_TIME="0.5"),
        currency="EUR",
        tariffs=[EVERY],
    )
    return stated | fields


OURS = {
    "total_cost": Decimal("12.5"),
    "total_fixed_cost": Decimal(1),
    "total_energy_cost": Decimal(5),
    "total_time_cost": Decimal(2),
    "total_parking_cost": Decimal("1.5"),
    "total_reservation_cost": Decimal(3),
}


def audited(version: str = "2.2.1", **fields: Any) -> dict[str, Any]:
    answer = price_request({"ocpi_version": version, "cdr": record(**fields)})
    assert "error" not in answer, answer
    return answer


def test_given_a_record_whose_every_cost_is_ours_when_audited_then_nothing_differs() -> None:
    answer = audited(**{field: {"excl_vat": ours, "incl_vat": ours * Decimal("1.2")} for field, ours in OURS.items()})

    assert {row["field"]: row["ours_excl_vat"] for row in answer["audit"]} == OURS
    assert {row["difference_excl_vat"] for row in answer["audit"]} == {Decimal(0)}
    assert {row["difference_incl_vat"] for row in answer["audit"]} == {Decimal(0)}
    assert answer["findings"] == []


@pytest.mark.parametrize("field", OURS)
def test_given_one_cost_of_a_record_is_off_by_a_cent_when_audited_then_that_dimension_alone_differs(
    field: str,
) -> None:
    stated = {each: {"excl_vat": ours} for each, ours in OURS.items()}
    stated[field] = {"excl_vat": OURS[field] + Decimal("0.01")}

    answer = audited(**stated)

    differing = {row["field"]: row["difference_excl_vat"] for row in answer["audit"] if row["difference_excl_vat"]}
    assert differing == {field: Decimal("0.01")}
    assert [(each["code"], each["severity"], each["path"]) for each in answer["findings"]] == [
        ("cost_differs", "warning", f"cdr.{field}")
    ]


def test_given_a_cost_with_tax_that_is_off_when_audited_then_the_tax_is_what_differs() -> None:
    (row,) = audited(total_energy_cost={"excl_vat": 5, "incl_vat": Decimal("5.95")})["audit"]

    assert (row["difference_excl_vat"], row["difference_incl_vat"]) == (Decimal(0), Decimal("-0.05"))


def test_given_several_taxes_of_2_3_0_when_audited_then_they_are_added_and_one_without_amount_is_not_compared() -> None:
    taxes = [{"name": "VAT", "amount": Decimal("0.60")}, {"name": "City", "percentage": 8, "amount": Decimal("0.40")}]
    good = audited("2.3.0", total_energy_cost={"before_taxes": 5, "taxes": taxes})
    answer = price_request(
        {"ocpi_version": "2.3.0", "cdr": record(total_energy_cost={"before_taxes": 5, "taxes": [{"name": "VAT"}]})}
    )

    assert [(row["stated_incl_vat"], row["difference_incl_vat"]) for row in good["audit"]] == [(Decimal("6.00"), 0)]
    assert ("missing", "warning", "cdr.total_energy_cost.taxes[0].amount") in [
        (each["code"], each["severity"], each["path"]) for each in answer["findings"]
    ]
    assert (answer["total_excl_vat"], answer["audit"][0]["stated_incl_vat"]) == (Decimal("12.50"), None)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"total_energy": Decimal(10)}, []),
        ({"total_energy": Decimal(11)}, ["total_energy_differs"]),
        ({"total_time": Decimal("1.5")}, []),  # charging and idle
        ({"total_time": Decimal(2)}, []),  # by the clock, the reservation included
        ({"total_time": Decimal(1)}, ["total_time_differs"]),
        ({"total_parking_time": Decimal("0.5")}, []),
        ({"total_parking_time": Decimal(1)}, ["total_time_differs"]),
        ({"total_parking_time": Decimal("0.51")}, []),  # within a minute: decimal hours are rounded
    ],
)
def test_given_a_record_whose_totals_do_not_fit_its_periods_when_read_then_it_says_so_and_is_priced(
    fields: dict[str, Decimal], code: list[str]
) -> None:
    parsed, findings = parse_cdr(record(time_zone="UTC", **fields), "2.2.1")

    assert parsed is not None
    assert [finding.code for finding in findings] == code
    assert [finding.path for finding in findings] == [f"cdr.{field}" for field in fields if code]
