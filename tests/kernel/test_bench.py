"""`manage.py bench`: what it offers, what it prints, and when it ends with 1."""

import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from evbilling.kernel import benchmarks
from evbilling.kernel.benchmarks import Figure, registered_benchmarks, speed
from evbilling.kernel.strict_json import loads
from sessions import benchmarks as of_sessions


@pytest.fixture
def made(monkeypatch: Any) -> None:
    """Two benchmarks beside the product's own: one that meets its floor, one that does not."""
    monkeypatch.setattr(benchmarks, "_benchmarks", dict(registered_benchmarks()))

    @benchmarks.benchmark("good", "a good one", "things/s")
    def _good(runs: int) -> Iterator[Figure]:
        yield Figure("small", f"{runs} runs", 20_000, 10_000, 50_000)
        yield Figure("large", "parse", 300)

    @benchmarks.benchmark("slow", "a slow one", "things/s")
    def _slow(runs: int) -> Iterator[Figure]:
        yield Figure("small", "price", 9_999, 10_000)


def _run(*words: str) -> tuple[int, str]:
    out, code = io.StringIO(), 0
    try:
        call_command("bench", *words, stdout=out, stderr=io.StringIO())
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, out.getvalue()


def test_given_figures_then_floor_and_aim_stand_beside_them_with_their_ratios(made: None) -> None:
    code, printed = _run("good", "--runs", "3")
    head, first, second, foot = printed.splitlines()
    assert code == 0
    assert head.split("  ")[0] == "case"
    assert first.split() == ["small", "3", "runs", "20,000", "10,000", "2.00", "50,000", "0.40"]
    assert second.split() == ["large", "parse", "300"]
    assert foot.startswith("things/s, Python 3.")


def test_given_json_then_the_same_figures_as_data(made: None) -> None:
    code, printed = _run("good", "--json")
    answer = loads(printed)
    assert (code, answer["runs"], answer["floors_met"]) == (0, 5, True)
    assert answer["figures"][0]["times_aim"] == "0.40"
    assert answer["figures"][1]["times_floor"] is None


def test_given_a_floor_that_is_missed_then_the_exit_code_is_1(made: None) -> None:
    code, printed = _run("slow", "--json")
    assert (code, loads(printed)["floors_met"]) == (1, False)


@pytest.mark.parametrize("runs", ["0", "101"])
def test_given_a_number_of_runs_out_of_range_then_the_exit_code_is_2(made: None, runs: str) -> None:
    assert _run("good", "--runs", runs) == (2, "")


@pytest.mark.parametrize("name", ["weather", ""])
def test_given_a_benchmark_that_does_not_exist_then_it_is_not_offered(name: str) -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        _run(name)


def test_the_speed_is_the_median_of_the_runs(monkeypatch: Any) -> None:
    ticks = iter([0, 10**9, 0, 2 * 10**9, 0, 4 * 10**9])
    monkeypatch.setattr(benchmarks.time, "process_time_ns", lambda: next(ticks))
    done: list[int] = []
    assert speed(lambda: done.append(1), count=100, runs=3) == 50
    assert len(done) == 4  # one more, so that nothing is built inside the measured time


def test_the_pricing_benchmark_measures_every_step_for_each_tariff(monkeypatch: Any) -> None:
    monkeypatch.setattr(of_sessions, "COUNT", 20)
    figures = list(of_sessions.measure_rating(1))
    assert [figure.case for figure in figures] == [
        case for case in ("1 element", "3 elements", "48 elements") for _ in range(4)
    ]
    assert {figure.work for figure in figures} == {
        "price",
        "price, because as data",
        "parse, price",
        "JSON to JSON",
    }
    assert all(figure.per_second > 0 for figure in figures)


def test_the_sessions_of_the_benchmark_are_priced_under_its_tariffs_with_nothing_to_say_against_them() -> None:
    session, found = of_sessions.parse_session(of_sessions.session_document(7), of_sessions.VERSION)
    assert session is not None
    assert found == ()
    assert len(session.periods) == 3
    for elements, least in ((1, 1), (3, 3), (48, 3)):
        tariff, findings = of_sessions.parse_tariff(of_sessions.tariff_document(elements), of_sessions.VERSION)
        assert tariff is not None
        assert (len(tariff.elements), findings) == (elements, ())
        result = of_sessions.rate(session, tariff, ocpi_version=of_sessions.VERSION)
        assert len(result.lines) >= least
        assert (result.total_excl_vat or Decimal(0)) > 0
