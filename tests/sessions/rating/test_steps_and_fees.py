"""step_size, FLAT fees, reservations and changes of tariff within a session."""

from decimal import Decimal

from sessions.rules.rating import parse_session, parse_tariff, rate
from tests.sessions.rating.build import codes, component, element, energy_bands, lines, period, price, session, tariff

START = "2026-03-02T10:00:00Z"


def test_given_a_free_component_last_when_rounded_then_the_last_paid_one_takes_the_step() -> None:
    document = tariff(
        element(component("PARKING_TIME", "1", step=900), max_duration=480),
        element(component("PARKING_TIME", "0", step=900)),
    )

    result = price(document, session(START, None, period(START, 20, PARKING_TIME="0.3333333333")))

    assert lines(result) == [("PARKING_TIME", Decimal("0.25"), Decimal("0.25")), ("PARKING_TIME", Decimal("0.2"), 0)]


def test_given_a_step_of_zero_when_rounded_then_nothing_is_added() -> None:
    document = tariff(element(component("ENERGY", "1", step=0)))

    assert lines(price(document, session(START, None, period(START, 60, ENERGY="1.2345")))) == [
        ("ENERGY", Decimal("1.2345"), Decimal("1.2345"))
    ]


def test_given_a_volume_on_the_step_when_rounded_then_nothing_is_added() -> None:
    document = tariff(element(component("TIME", "6", step=300)))

    result = price(document, session(START, None, period(START, 10, TIME="0.1667")))

    assert [(line.volume, line.billed_volume, line.because.step_applied) for line in result.lines] == [
        (Decimal("0.166666666666666667"), Decimal("0.166666666666666667"), False)
    ]
    assert result.total_excl_vat == 1


def test_given_decimal_hours_of_three_places_when_they_print_whole_minutes_then_no_step_is_lost() -> None:
    # 0.717 h is 2581.2 s; the period lasts 43 minutes
    document = tariff(element(component("TIME", "60", step=60)))

    assert price(document, session(START, None, period(START, 43, TIME="0.717"))).total_excl_vat == 43


def test_given_decimal_hours_of_two_places_when_the_clock_differs_then_the_stated_volume_counts() -> None:
    document = tariff(element(component("TIME", "60", step=1)))

    assert price(document, session(START, None, period(START, 43, TIME="0.71"))).total_excl_vat == Decimal("42.60")


def test_given_energy_at_two_prices_when_rounded_then_the_total_is_rounded_once_at_the_last() -> None:
    document = energy_bands(("0.20", {"max_kwh": 3}), ("0.30", {}))
    document["elements"][0]["price_components"][0]["step_size"] = 1000
    document["elements"][1]["price_components"][0]["step_size"] = 1000

    assert lines(price(document, session(START, None, period(START, 60, ENERGY="4.4")))) == [
        ("ENERGY", 3, Decimal("0.6")),
        ("ENERGY", 2, Decimal("0.6")),
    ]


def test_given_a_flat_fee_in_two_elements_when_both_apply_then_the_first_is_due_once() -> None:
    document = tariff(
        element(component("FLAT", "2"), start_time="00:00", end_time="10:30"), element(component("FLAT", "3"))
    )

    result = price(
        document, session(START, None, period(START, 30, ENERGY="1"), period("2026-03-02T10:30:00Z", 30, ENERGY="1"))
    )

    assert lines(result) == [("FLAT", 1, 2)]


def test_given_a_fee_for_reserving_when_it_expires_then_the_expiry_fee_comes_on_top_and_no_start_fee() -> None:
    document = tariff(
        element(component("FLAT", "4"), reservation="RESERVATION_EXPIRES"),
        element(component("FLAT", "1"), component("TIME", "2", step=600), reservation="RESERVATION"),
        element(component("FLAT", "0.5")),
    )
    expired = session(
        START, "2026-03-02T11:00:00Z", reservation={"start_date_time": START, "minutes": 60, "expired": True}
    )

    assert lines(price(document, expired)) == [("FLAT", 1, 1), ("FLAT", 1, 4), ("RESERVATION", 1, 2)]


def test_given_reserved_and_charging_time_when_rounded_then_each_on_its_own() -> None:
    document = tariff(
        element(component("TIME", "6", step=600), reservation="RESERVATION"), element(component("TIME", "60", step=300))
    )
    stated = session(
        START,
        None,
        period(START, 11, TIME="0.1833333333"),
        reservation={"start_date_time": "2026-03-02T09:49:00Z", "minutes": 11, "expired": False},
    )

    assert [line.amount_excl_vat for line in price(document, stated).lines] == [15, 2]


def test_given_a_change_of_tariff_when_periods_name_theirs_then_each_is_priced_by_it_and_the_fee_once() -> None:
    day = tariff(element(component("FLAT", "1"), component("ENERGY", "0.50")))
    night = tariff(element(component("FLAT", "2"), component("ENERGY", "0.20"))) | {"id": "N"}
    stated = session(
        START,
        None,
        period(START, 30, ENERGY="10") | {"tariff_id": "T"},
        period("2026-03-02T10:30:00Z", 30, ENERGY="10") | {"tariff_id": "N"},
    )

    result = price([day, night], stated)

    assert lines(result) == [("FLAT", 1, 1), ("ENERGY", 10, 5), ("ENERGY", 10, 2)]
    assert [line.because.tariff_id for line in result.lines] == ["T", "T", "N"]


def test_given_an_unknown_tariff_id_when_priced_then_there_is_an_error_and_no_price() -> None:
    stated = session(START, None, period(START, 30, ENERGY="10") | {"tariff_id": "X"})

    result = price(energy_bands(("1", {})), stated)

    assert (result.ok, result.lines, result.total_excl_vat) == (False, (), None)
    assert [(finding.code, finding.path) for finding in result.findings] == [
        ("unknown_tariff", "session.charging_periods[0].tariff_id")
    ]


def test_given_several_tariffs_when_a_period_names_none_then_there_is_an_error() -> None:
    other = energy_bands(("1", {})) | {"id": "N"}

    result = price([energy_bands(("1", {})), other], session(START, None, period(START, 30, ENERGY="10")))

    assert [finding.code for finding in result.findings] == ["tariff_not_named"]


def test_given_another_tariff_for_a_what_if_when_ids_are_dropped_then_it_prices_the_session() -> None:
    stated = session(START, None, period(START, 30, ENERGY="10") | {"tariff_id": "X"})
    consumed, _ = parse_session(stated, "2.2.1")
    other, _ = parse_tariff(energy_bands(("1", {})), "2.2.1")
    assert consumed is not None
    assert other is not None

    assert rate(consumed.without_tariff_ids(), other, ocpi_version="2.2.1").total_excl_vat == 10


def test_given_a_tariff_that_prices_time_when_a_period_states_none_then_it_says_so() -> None:
    result = price(tariff(element(component("TIME", "6"))), session(START, None, period(START, 60, ENERGY="1")))

    assert codes(result) == ["time_not_stated"]
