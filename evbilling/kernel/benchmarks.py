"""How fast the product is, in figures that compare: apps register benchmarks, `manage.py bench` prints them.

A figure is work per second of processor time on one core, the median of several runs: what else the machine does
counts little, and ratios to floor and aim (PERFORMANCE) can be compared between machines. Benchmarks are no tests.
"""

import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from statistics import median


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


type Measure = Callable[[int], Iterator[Figure]]
"""Gives the figures, one after another, each the median of so many runs."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark under its name on the command line."""

    name: str
    title: str
    unit: str
    measure: Measure


_benchmarks: dict[str, Benchmark] = {}


def benchmark(name: str, title: str, unit: str) -> Callable[[Measure], Measure]:
    """Register a function that measures; the title is what `manage.py bench --help` says."""

    def register(measure: Measure) -> Measure:
        _benchmarks[name] = Benchmark(name, title, unit, measure)
        return measure

    return register


def registered_benchmarks() -> dict[str, Benchmark]:
    """All benchmarks by name."""
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
