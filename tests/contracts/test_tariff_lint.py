"""The linter names what a second person should know before prices are released, and nothing else."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rules.tariff_form import Conditions, PriceLimit, PriceRow, TariffRows
from contracts.rules.tariff_lint import Band, Severity, errors_of, lint
from contracts.rules.tariff_lint.space import MOST_STEPS, Budget, boxes, overlaps, without
from contracts.rules.tariff_week import Moment, week_runs, week_words, windows
from sessions.rules.pricing import compile_tariff
from sessions.rules.rating.numbers import HOUR, MINUTE, WH
from sessions.rules.rating.plan import MONDAY_SHIFT, State, choose
from tests.contracts.tariffs import conditions, document_of, energy, of_vectors, tariffs

BANDS = {"ENERGY": Band(Decimal("0.40"), Decimal("0.50"))}


def found(*rows: PriceRow, bands: Any = None, version: str = "2.2.1", **rest: Any) -> list[tuple[str, str, int | None]]:
    document = document_of(TariffRows(rows, **rest), version)
    return [
        (each.severity.value, each.code, each.row)
        for each in lint(document, ocpi_version=version, currency="EUR", bands=bands)
    ]


def messages(*rows: PriceRow, **rest: Any) -> list[str]:
    document = document_of(TariffRows(rows, **rest))
    return [
        each.message.replace("\N{NO-BREAK SPACE}", " ") for each in lint(document, ocpi_version="2.2.1", currency="EUR")
    ]


def time(price: str, dimension: str = "TIME", step: int = 60, vat: str | None = "19", **when: Any) -> PriceRow:
    return PriceRow(dimension, Decimal(price), step, None if vat is None else Decimal(vat), Conditions(**when))


NIGHT = {"start_time": "22:00", "end_time": "06:00"}
DAYTIME = {"start_time": "06:00", "end_time": "22:00"}


def test_a_sound_tariff_has_no_findings() -> None:
    assert found(energy("0.39", **NIGHT), energy("0.49"), time("6", "PARKING_TIME", min_duration=14400)) == []


class TestUnreachable:
    def test_after_a_price_without_conditions_nothing_counts(self) -> None:
        assert found(energy("0.49"), energy("0.39", **NIGHT)) == [("warning", "unreachable", 1)]

    def test_two_windows_that_fill_the_week_leave_nothing_for_the_third(self) -> None:
        rows = (energy("0.39", **NIGHT), energy("0.49", **DAYTIME), energy("0.59"))
        assert found(*rows) == [("warning", "unreachable", 2)]
        assert messages(*rows) == [
            "Price 3 never counts: price 1, 2, further up, comes first. Move it up or take it out."
        ]

    def test_steps_of_energy_that_leave_nothing_are_seen_together(self) -> None:
        first, rest = energy("0.39", max_kwh=Decimal(20)), energy("0.49", min_kwh=Decimal(20))
        assert found(first, rest, energy("0.59", min_power=Decimal(50))) == [("warning", "unreachable", 2)]

    def test_a_reservation_does_not_hide_the_fee_of_a_session(self) -> None:
        held = PriceRow("FLAT", Decimal(2), 1, Decimal(19), Conditions(reservation="RESERVATION"))
        assert found(energy("0.4"), held, time("1", "FLAT")) == []

    def test_power_bands_do_not_hide_what_counts_where_no_power_is_known(self) -> None:
        slow, fast = energy("0.39", max_power=Decimal(50)), energy("0.59", min_power=Decimal(50))
        assert found(slow, fast, energy("0.49")) == []
        assert found(slow, fast) == [("warning", "gap_unknown_power", 1)]


class TestGaps:
    def test_energy_without_a_price_at_some_hours_is_named(self) -> None:
        assert messages(energy("0.49", start_time="06:00", end_time="22:00")) == [
            "No price per kWh counts every day 00:00\N{EN DASH}06:00, 22:00\N{EN DASH}24:00: energy is free then. "
            "Add a price without conditions at the end."
        ]

    def test_energy_without_a_price_from_an_amount_on_is_named(self) -> None:
        assert messages(energy("0.49", max_kwh=Decimal(40))) == [
            "No price per kWh counts from 40 kWh of a session on: energy is free then. "
            "Add a price without conditions at the end."
        ]

    def test_time_that_costs_on_weekdays_only_is_a_note(self) -> None:
        weekdays = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")
        rows = (energy("0.4"), time("6", "PARKING_TIME", day_of_week=weekdays))
        assert found(*rows) == [("note", "gap", 1)]
        assert messages(*rows) == ["Time without charging: nothing is charged Saturdays, Sundays."]

    def test_time_that_costs_from_the_fifth_hour_on_is_no_gap(self) -> None:
        assert found(energy("0.4"), time("2", min_duration=14400)) == []


class TestRichness:
    def test_a_tariff_of_too_many_conditions_says_that_nothing_is_proven_of_it(self) -> None:
        rows = [
            energy(
                "0.4",
                start_time=f"{index % 24:02}:{index % 60:02}",
                end_time=f"{(index * 7) % 24:02}:30",
                day_of_week=("MONDAY", "WEDNESDAY", "FRIDAY", "SUNDAY")[: 1 + index % 4],
                min_kwh=Decimal(index),
                max_kwh=Decimal(index + 90),
                min_duration=index * 60,
                min_power=Decimal(index),
            )
            for index in range(200)
        ]
        assert ("warning", "too_rich", None) in found(*rows)
        assert MOST_STEPS < 10**6

    def test_a_day_in_quarters_of_an_hour_is_still_proven(self) -> None:
        clocks = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(0, 1440, 15)]
        windows_of = zip(clocks, [*clocks[1:], "00:00"], strict=True)
        rows = [energy(f"0.{30 + i % 9}", start_time=a, end_time=b) for i, (a, b) in enumerate(windows_of)]
        assert found(*rows) == []
        assert found(*rows[1:]) == [("warning", "gap", 94)]


class TestOverlaps:
    def test_windows_that_cross_are_named_with_the_hours_they_share(self) -> None:
        rows = (
            energy("0.39", start_time="20:00", end_time="23:00"),
            energy("0.59", start_time="18:00", end_time="21:00"),
            energy("0.49"),
        )
        assert found(*rows) == [("warning", "overlap", 1)]
        assert messages(*rows) == ["Prices 1 and 2 both hold every day 20:00\N{EN DASH}21:00; price 1 counts then."]

    def test_an_exception_inside_a_window_is_no_overlap(self) -> None:
        rows = (energy("0.29", start_time="12:00", end_time="13:00"), energy("0.49", **DAYTIME), energy("0.39"))
        assert found(*rows) == []


class TestFigures:
    @pytest.mark.parametrize(
        ("row", "code"),
        [
            (PriceRow("ENERGY", Decimal("0.4"), 1000, Decimal(19)), None),
            (PriceRow("ENERGY", Decimal("0.4"), 1001, Decimal(19)), "large_step"),
            (time("1", step=900), None),
            (time("1", step=901), "large_step"),
            (PriceRow("FLAT", Decimal(1), 3600, Decimal(19)), None),
            (energy("0.43211"), "too_precise"),
        ],
    )
    def test_steps_and_decimals_beyond_the_usual_are_warnings(self, row: PriceRow, code: str | None) -> None:
        assert found(row) == ([] if code is None else [("warning", code, 0)])

    def test_no_tax_at_all_is_a_note_and_a_single_missing_one_a_warning(self) -> None:
        assert found(PriceRow("ENERGY", Decimal("0.4"))) == [("note", "tax_missing", None)]
        assert found(energy("0.4"), time("2", vat=None)) == [("warning", "tax_missing", 1)]

    def test_tax_included_at_no_rate_is_an_error(self) -> None:
        row = PriceRow("ENERGY", Decimal("0.4"))
        assert found(row, version="2.3.0", tax_included="YES") == [("error", "tax_rate_missing", 0)]

    @pytest.mark.parametrize(("price", "usual"), [("0.30", True), ("0.625", True), ("0.29", False), ("0.63", False)])
    def test_a_price_more_than_a_quarter_off_the_released_ones_is_a_warning(self, price: str, usual: bool) -> None:
        assert found(energy(price), bands=BANDS) == ([] if usual else [("warning", "unusual_price", 0)])

    def test_free_energy_is_not_compared(self) -> None:
        assert found(energy("0"), time("2"), bands=BANDS) == []

    def test_a_window_over_midnight_on_some_days_is_a_warning(self) -> None:
        rows = (energy("0.39", **NIGHT, day_of_week=("FRIDAY",)), energy("0.49"))
        assert found(*rows) == [("warning", "over_midnight", 0)]

    def test_which_limit_binds_whom_is_said(self) -> None:
        both = PriceLimit(Decimal(50), Decimal("59.50"))
        assert found(energy("0.4"), max_price=both) == [("note", "limit_basis", None)]
        assert found(energy("0.4"), min_price=PriceLimit(Decimal(1))) == [("note", "limit_net_only", None)]

    def test_a_fee_above_the_most_that_a_session_costs_is_a_warning(self) -> None:
        codes = [code for _s, code, _r in found(time("5", "FLAT"), max_price=PriceLimit(Decimal(4), Decimal(5)))]
        assert codes == ["fee_above_limit", "limit_basis"]

    def test_a_tariff_of_zeros_is_a_warning(self) -> None:
        assert found(energy("0")) == [("warning", "all_free", None)]


class TestErrors:
    def test_what_rows_cannot_say_is_an_error_at_its_place(self) -> None:
        document = document_of(TariffRows((energy("0.4"),))) | {"max_prize": {"excl_vat": 5}}
        (finding,) = lint(document, ocpi_version="2.2.1", currency="EUR")
        assert (finding.severity, finding.code, finding.path) == (Severity.ERROR, "unknown_key", "max_prize")
        assert "max_price" in finding.message

    def test_limits_that_contradict_are_an_error(self) -> None:
        low, high = PriceLimit(Decimal(5)), PriceLimit(Decimal(4))
        assert found(energy("0.4"), min_price=low, max_price=high) == [("error", "limits_contradict", None)]

    def test_another_currency_is_an_error(self) -> None:
        document = document_of(TariffRows((energy("0.4"),)), currency="USD")
        assert [each.code for each in lint(document, ocpi_version="2.2.1", currency="EUR")] == ["other_currency"]

    @pytest.mark.parametrize(("version", "document"), [(v, d) for _n, v, d in of_vectors()])
    def test_the_examples_of_ocpi_have_no_errors_but_taxes_without_a_rate(
        self, version: str, document: dict[str, Any]
    ) -> None:
        errors = errors_of(lint(document, ocpi_version=version, currency=document["currency"]))
        assert {each.code for each in errors} <= {"tax_rate_missing"}

    @given(tariff=tariffs(), version=st.sampled_from(["2.2.1", "2.3.0"]))
    def test_whatever_has_no_errors_can_be_rated(self, tariff: TariffRows, version: str) -> None:
        document = document_of(tariff, version)
        assert errors_of(lint(document, ocpi_version=version, currency="EUR", bands=BANDS)) == ()
        assert compile_tariff(document, version)[0] is not None


@given(left=conditions(), cut=conditions(), probe=st.data())
def test_what_is_left_of_a_box_is_exact(left: Conditions, cut: Conditions, probe: Any) -> None:
    rest = without(boxes(left), boxes(cut), Budget())
    assert not any(overlaps(piece, other) for piece in rest for other in boxes(cut))
    point = tuple(
        (value := probe.draw(st.sampled_from([a for box in boxes(left) + boxes(cut) for a in box[axis]])), value)
        for axis in range(6)
    )

    def holds(found: list[Any]) -> bool:
        return any(all(a <= x < b for (x, _y), (a, b) in zip(point, box, strict=True)) for box in found)

    assert holds(rest) == (holds(boxes(left)) and not holds(boxes(cut)))


@given(tariff=tariffs(), minute=st.integers(0, 7 * 24 * 60 - 1), kwh=st.integers(0, 100), hours=st.integers(0, 10))
def test_the_week_shows_the_price_that_the_engine_finds(tariff: TariffRows, minute: int, kwh: int, hours: int) -> None:
    dateless = TariffRows(
        tuple(
            PriceRow(
                row.dimension,
                row.price,
                row.step_size,
                row.vat,
                Conditions(
                    row.conditions.start_time,
                    row.conditions.end_time,
                    row.conditions.day_of_week,
                    min_kwh=row.conditions.min_kwh,
                    max_kwh=row.conditions.max_kwh,
                    min_duration=row.conditions.min_duration,
                    reservation=row.conditions.reservation,
                ),
            )
            for row in tariff.rows
        )
    )
    compiled, _none = compile_tariff(document_of(dateless), "2.2.1")
    assert compiled is not None
    plan = compiled.plans.energy
    local = minute * MINUTE - MONDAY_SHIFT + 7 * 24 * HOUR
    state = State(0, kwh * 1000 * WH, hours * HOUR, None, None)
    component = None if plan is None else plan.always or choose(plan.candidates(local), state)
    moment = Moment(None, Decimal(kwh), hours * 3600)
    (run,) = [
        each
        for each in week_runs(dateless, "ENERGY", moment)
        if each.day * 1440 + each.start <= minute < each.day * 1440 + each.end
    ]
    assert run.price == (None if component is None else component.price)


def test_the_week_in_words() -> None:
    assert week_words(windows(Conditions(day_of_week=("TUESDAY", "MONDAY", "WEDNESDAY")))) == "Mondays to Wednesdays"
    assert week_words(windows(Conditions(day_of_week=("SUNDAY",), end_time="06:00"))) == "Sundays 00:00\N{EN DASH}06:00"
    assert week_words(windows(Conditions())) == ""


def test_the_week_tiles_and_neighbours_of_one_price_are_joined() -> None:
    tariff = TariffRows((energy("0.39", **NIGHT), energy("0.49")))
    runs = week_runs(tariff, "ENERGY", Moment())
    assert [(run.start, run.end) for run in runs if run.day == 0] == [(0, 360), (360, 1320), (1320, 1440)]
    assert len(runs) == 21
    idle = week_runs(TariffRows((time("6", "PARKING_TIME"),)), "PARKING_TIME", Moment())
    assert {run.price for run in idle} == {Decimal("0.1")}
    assert windows(Conditions(start_time="08:00", end_time="08:00")) == [(0, 7 * 1440)]
