"""Each TariffRestriction of OCPI, at its boundary: lower limits inclusive, upper limits exclusive."""

from decimal import Decimal

from tests.sessions.rating.build import codes, component, element, energy_bands, lines, period, price, session, tariff

MONDAY = "2026-03-02"
ONE_KWH = {"ENERGY": "1"}


def net(result: object) -> Decimal | None:
    return result.total_excl_vat  # type: ignore[attr-defined,no-any-return]


def one_kwh_at(clock: str, document: object, zone: str = "UTC", minutes: int = 1) -> Decimal | None:
    start = f"{MONDAY}T{clock}:00Z"
    return net(price(document, session(start, None, period(start, minutes, **ONE_KWH), zone=zone)))


def test_given_a_window_when_a_session_is_inside_then_it_applies_from_its_start_until_before_its_end() -> None:
    document = energy_bands(("5", {"start_time": "10:00", "end_time": "11:00"}), ("1", {}))

    assert [one_kwh_at(clock, document) for clock in ("09:59", "10:00", "10:59", "11:00")] == [1, 5, 5, 1]


def test_given_a_window_whose_end_is_before_its_start_when_it_is_night_then_it_wraps_midnight() -> None:
    document = energy_bands(("5", {"start_time": "22:00", "end_time": "06:00"}), ("1", {}))

    assert [one_kwh_at(clock, document) for clock in ("21:59", "22:00", "23:59", "00:00", "05:59", "06:00")] == [
        1, 5, 5, 5, 5, 1,
    ]  # fmt: skip


def test_given_a_window_ending_at_00_00_when_the_day_ends_then_it_ends_with_the_day() -> None:
    document = energy_bands(("5", {"start_time": "20:00", "end_time": "00:00"}), ("1", {}))

    assert [one_kwh_at(clock, document) for clock in ("19:59", "23:59", "00:00")] == [1, 5, 1]


def test_given_only_one_end_of_a_window_when_priced_then_the_day_bounds_the_other() -> None:
    until, since = (
        energy_bands(("5", {"end_time": "04:00"}), ("1", {})),
        energy_bands(("5", {"start_time": "04:00"}), ("1", {})),
    )

    assert [one_kwh_at(clock, until) for clock in ("00:00", "03:59", "04:00", "23:59")] == [5, 5, 1, 1]
    assert [one_kwh_at(clock, since) for clock in ("00:00", "03:59", "04:00", "23:59")] == [1, 1, 5, 5]


def test_given_the_same_start_and_end_when_priced_then_the_window_is_the_whole_day() -> None:
    document = energy_bands(("5", {"start_time": "08:00", "end_time": "08:00"}), ("1", {}))

    assert [one_kwh_at(clock, document) for clock in ("00:00", "07:59", "08:00", "23:59")] == [5, 5, 5, 5]


def test_given_days_of_the_week_when_the_local_day_differs_from_utc_then_the_local_day_counts() -> None:
    document = energy_bands(("5", {"day_of_week": ["MONDAY"]}), ("1", {}))

    assert one_kwh_at("23:30", document, "UTC") == 5
    assert one_kwh_at("23:30", document, "Europe/Berlin") == 1  # 00:30 on Tuesday


def test_given_a_wrapped_window_with_days_when_it_is_after_midnight_then_the_day_it_falls_on_counts() -> None:
    document = energy_bands(("5", {"start_time": "22:00", "end_time": "06:00", "day_of_week": ["MONDAY"]}), ("1", {}))

    assert [one_kwh_at(clock, document) for clock in ("02:00", "12:00", "23:00")] == [5, 1, 5]
    tuesday = "2026-03-03T02:00:00Z"
    assert net(price(document, session(tuesday, None, period(tuesday, 1, **ONE_KWH)))) == 1


def test_given_dates_when_priced_then_start_is_inclusive_and_end_exclusive_in_local_time() -> None:
    document = energy_bands(("5", {"start_date": "2026-03-02", "end_date": "2026-03-03"}), ("1", {}))

    def at(start: str) -> Decimal | None:
        return net(price(document, session(start, None, period(start, 1, **ONE_KWH), zone="Europe/Berlin")))

    moments = ("01T22:59", "01T23:00", "02T22:58", "02T23:00")
    assert [at(f"2026-03-{moment}:00Z") for moment in moments] == [1, 5, 5, 1]


def test_given_an_energy_limit_when_a_period_crosses_it_then_the_period_is_split_exactly() -> None:
    document = energy_bands(("0", {"max_kwh": 1}), ("0.20", {"min_kwh": 1}))
    start = f"{MONDAY}T10:00:00Z"

    result = price(document, session(start, None, period(start, 60, ENERGY="20")))

    assert lines(result) == [("ENERGY", 1, 0), ("ENERGY", 19, Decimal("3.8"))]
    assert codes(result) == []


def test_given_an_energy_limit_on_time_when_a_period_crosses_it_then_time_is_apportioned_and_says_so() -> None:
    document = tariff(element(component("TIME", "0"), max_kwh=Decimal("2.5")), element(component("TIME", "6", step=1)))
    start = f"{MONDAY}T10:00:00Z"

    result = price(document, session(start, None, period(start, 60, ENERGY="10", TIME="1")))

    assert lines(result) == [("TIME", Decimal("0.25"), 0), ("TIME", Decimal("0.75"), Decimal("4.5"))]
    assert codes(result) == ["period_apportioned"]
    assert [line.because.apportioned for line in result.lines] == [True, True]


def test_given_a_duration_limit_when_a_period_crosses_it_then_time_is_split_at_that_second() -> None:
    document = tariff(
        element(component("TIME", "0"), max_duration=1800), element(component("TIME", "6"), min_duration=1800)
    )
    start = f"{MONDAY}T10:00:00Z"

    result = price(document, session(start, None, period(start, 40, TIME="0.6667")))

    assert lines(result) == [("TIME", Decimal("0.5"), 0), ("TIME", Decimal("0.166666666666666667"), 1)]
    assert codes(result) == []


def test_given_a_duration_limit_when_energy_crosses_it_then_energy_is_apportioned_by_time() -> None:
    document = energy_bands(("0", {"max_duration": 1800}), ("0.50", {}))
    start = f"{MONDAY}T10:00:00Z"

    result = price(document, session(start, None, period(start, 60, ENERGY="8")))

    assert lines(result) == [("ENERGY", 4, 0), ("ENERGY", 4, 2)]
    assert codes(result) == ["period_apportioned"]


def test_given_power_bands_when_a_period_has_the_limit_then_min_is_inclusive_and_max_exclusive() -> None:
    document = energy_bands(("1", {"max_power": 16}), ("2", {"min_power": 16, "max_power": 32}), ("3", {}))
    start = f"{MONDAY}T10:00:00Z"

    def at(power: str) -> Decimal | None:
        return net(price(document, session(start, None, period(start, 60, ENERGY="1", POWER=power))))

    assert [at(power) for power in ("15.999", "16", "31.999", "32")] == [1, 2, 2, 3]


def test_given_power_bands_when_a_period_states_no_power_then_energy_over_time_is_its_power() -> None:
    document = energy_bands(("1", {"max_power": 16}), ("3", {}))
    start = f"{MONDAY}T10:00:00Z"

    assert net(price(document, session(start, None, period(start, 30, ENERGY="7.9")))) == Decimal("7.90")
    assert net(price(document, session(start, None, period(start, 30, ENERGY="8")))) == 24


def test_given_power_bands_when_minimum_and_maximum_lie_apart_then_the_mean_decides_and_it_says_so() -> None:
    document = energy_bands(("1", {"max_power": 16}), ("3", {}))
    start = f"{MONDAY}T10:00:00Z"

    result = price(document, session(start, None, period(start, 60, ENERGY="20", MIN_POWER="10", MAX_POWER="22")))

    assert net(result) == 60
    assert codes(result) == ["power_crosses_limit"]


def test_given_current_bands_when_no_current_is_stated_then_no_band_applies_and_it_says_so() -> None:
    document = energy_bands(("1", {"max_current": 32}), ("3", {"min_current": 32}))
    start = f"{MONDAY}T10:00:00Z"

    result = price(document, session(start, None, period(start, 60, ENERGY="20")))

    assert net(result) == 0
    assert codes(result) == ["current_unknown"]


def test_given_an_idle_period_when_bands_apply_then_its_power_and_current_are_zero() -> None:
    document = tariff(element(component("PARKING_TIME", "6"), max_power=11, max_current=16))
    start = f"{MONDAY}T10:00:00Z"

    result = price(document, session(start, None, period(start, 60, PARKING_TIME="1")))

    assert net(result) == 6
    assert codes(result) == []


def test_given_several_restrictions_when_one_fails_then_the_element_does_not_apply() -> None:
    document = energy_bands(
        ("9", {"start_time": "10:00", "end_time": "11:00", "day_of_week": ["TUESDAY"]}),
        ("5", {"start_time": "10:00", "end_time": "11:00", "min_kwh": 0}),
        ("1", {}),
    )

    assert one_kwh_at("10:30", document) == 5


def test_given_an_element_with_two_dimensions_when_another_prices_one_first_then_each_is_searched_alone() -> None:
    document = tariff(
        element(component("TIME", "2"), start_time="08:00", end_time="12:00"),
        element(component("TIME", "1"), component("ENERGY", "0.5")),
    )
    start = f"{MONDAY}T10:00:00Z"

    result = price(document, session(start, None, period(start, 60, ENERGY="10", TIME="1")))

    assert lines(result) == [("ENERGY", 10, 5), ("TIME", 1, 2)]
    assert [line.because.element for line in result.lines] == [1, 0]


def test_given_a_flat_fee_after_four_hours_when_the_session_is_shorter_then_it_is_not_due() -> None:
    document = tariff(element(component("FLAT", "10"), min_duration=14400))
    start = f"{MONDAY}T10:00:00Z"

    assert net(price(document, session(start, None, period(start, 239, TIME="3.9833333333")))) == 0
    assert net(price(document, session(start, None, period(start, 241, TIME="4.0166666667")))) == 10


def test_given_no_element_for_a_dimension_when_priced_then_it_is_free() -> None:
    start = f"{MONDAY}T10:00:00Z"

    result = price(tariff(element(component("TIME", "2"))), session(start, None, period(start, 60, PARKING_TIME="1")))

    assert lines(result) == []
    assert net(result) == 0
