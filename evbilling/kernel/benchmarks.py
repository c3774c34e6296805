"""How fast the product is, in figures that compare: apps register benchmarks, `manage.py bench` prints them.

A figure is work per second: of processor time on one core, the median of several runs, where a benchmark says nothing
else, so that what else the machine does counts little; or of the clock on the wall, where several processes and a
database work together. Ratios to floor and aim (PERFORMANCE) can be compared between machines. A reading is any other
number beside them, with the most or the least that it may be. Benchmarks are no tests.
"""

import argparse
import gc
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from django.utils.module_loading import autodiscover_modules

from evbilling.kernel.errors import BadInput

MOST_RUNS = 100


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured speed: `per_second` of the benchmark's unit. `floor` must be met, `aim` is hoped for."""

    case: str
    work: str
    per_second: int
    floor: int | None = None
    aim: int | None = None

    @property
    def missed(self) -> bool:
        """Whether the floor is not met."""
        return self.floor is not None and self.per_second < self.floor

    def ratio(self, to: int | None) -> Decimal | None:
        """How many times a floor or an aim is reached, to the hundredth; None where there is none."""
        return None if to is None else (Decimal(self.per_second) / to).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class Reading:
    """Any other number of a benchmark, such as megabytes or a ratio, and the `most` or `least` it may be."""

    case: str
    what: str
    value: Decimal
    unit: str
    most: Decimal | None = None
    least: Decimal | None = None
    aim: Decimal | None = None

    @property
    def missed(self) -> bool:
        """Whether it is more or less than it may be."""
        return (self.most is not None and self.value > self.most) or (
            self.least is not None and self.value < self.least
        )


type Measured = Iterator[Figure | Reading]
type Measure = Callable[[Mapping[str, Any], Callable[[str], None]], Measured]
"""Gives figures and readings, one after another; takes the command's options and a way to tell people what goes on."""
type Arguments = Callable[[argparse.ArgumentParser], None]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark under its name on the command line, with options of its own."""

    name: str
    title: str
    unit: str
    measure: Measure
    arguments: Arguments


_benchmarks: dict[str, Benchmark] = {}


def benchmark(
    name: str, title: str, unit: str
) -> Callable[[Callable[[int], Iterator[Figure]]], Callable[[int], Iterator[Figure]]]:
    """Register a function that takes a number of runs and gives figures, each their median; its option is --runs.

    The title is what `manage.py bench --help` says.
    """

    def register(function: Callable[[int], Iterator[Figure]]) -> Callable[[int], Iterator[Figure]]:
        def measure(options: Mapping[str, Any], _say: Callable[[str], None]) -> Measured:
            runs = options["runs"]
            if not 1 <= runs <= MOST_RUNS:
                raise BadInput("--runs", runs, f"Give 1 to {MOST_RUNS}.")
            return iter(function(runs))

        _benchmarks[name] = Benchmark(name, title, unit, measure, _runs)
        return function

    return register


def large_benchmark(name: str, title: str, unit: str, arguments: Arguments) -> Callable[[Measure], Measure]:
    """Register a benchmark with options of its own, which `arguments` adds to the command line."""

    def register(function: Measure) -> Measure:
        _benchmarks[name] = Benchmark(name, title, unit, function, arguments)
        return function

    return register


def _runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--runs", type=int, default=5, help="runs a figure; the median counts (default 5)")


def registered_benchmarks() -> dict[str, Benchmark]:
    """All benchmarks by name."""
    autodiscover_modules("benchmarks")
    return dict(sorted(_benchmarks.items()))


def speed(work: Callable[[], object], count: int, runs: int) -> int:
    """How many of the `count` things that one call of `work` does are done per second of processor time, median."""
    work()  # what is built on first use is not part of the speed
    speeds = []
    for _run in range(runs):
        gc.collect()
        before = time.process_time_ns()
        work()
        speeds.append(count * 10**9 // max(1, time.process_time_ns() - before))
    return round(median(speeds))
