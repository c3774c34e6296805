"""`manage.py bench`: how fast parts of the product are on this machine, beside floor and aim."""

import platform
from typing import Any

from django.core.management.base import CommandParser

from evbilling.kernel.benchmarks import Figure, Reading, registered_benchmarks
from evbilling.kernel.commands import FINDINGS, GOOD, StableCommand


class Command(StableCommand):
    """Exit code 1 when a floor is not met."""

    help = "Measure the speed of a part of the product, beside the least that it must be and what is aimed at."
    examples = (
        "manage.py bench rating",
        "manage.py bench rating --runs 9 --json",
        "manage.py bench month --sessions 100000 --contracts 1000",
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """One word for each benchmark, with its own options behind it."""
        names = parser.add_subparsers(dest="benchmark", metavar="benchmark", required=True)
        for each in registered_benchmarks().values():
            words = names.add_parser(each.name, help=each.title, description=each.title)
            super().add_arguments(words)
            each.arguments(words)

    def run(self, options: dict[str, Any]) -> int:
        """Measure one thing after another, then print them all."""
        chosen = registered_benchmarks()[options["benchmark"]]
        figures: list[Figure] = []
        readings: list[Reading] = []
        for found in chosen.measure(options, self.say):
            if isinstance(found, Figure):
                figures.append(found)
                self.say(f"{found.case}, {found.work}: {found.per_second:,}")
            else:
                readings.append(found)
                self.say(f"{found.case}, {found.what}: {found.value:,} {found.unit}")
        missed = any(each.missed for each in figures) or any(each.missed for each in readings)
        if options["json"]:
            self.print_json(
                {
                    "benchmark": chosen.name,
                    "unit": chosen.unit,
                    "python": platform.python_version(),
                    "floors_met": not missed,
                    "figures": [_data(figure) for figure in figures],
                }
                | ({"runs": options["runs"]} if "runs" in options else {})
                | ({"readings": [_reading(each) for each in readings]} if readings else {})
            )
        else:
            if figures:
                self._print_figures(chosen.unit, figures)
            self._print_readings(readings)
        return FINDINGS if missed else GOOD

    def _print_figures(self, unit: str, figures: list[Figure]) -> None:
        rows: list[tuple[str, ...]] = [("case", "work", "per second", "floor", "x floor", "aim", "x aim")]
        for each in figures:
            ratios = each.ratio(each.floor), each.ratio(each.aim)
            numbers = each.per_second, each.floor, ratios[0], each.aim, ratios[1]
            rows.append((each.case, each.work, *("" if number is None else f"{number:,}" for number in numbers)))
        self._print(rows)
        self.stdout.write(f"{unit}, Python {platform.python_version()}")

    def _print_readings(self, readings: list[Reading]) -> None:
        if readings:
            rows: list[tuple[str, ...]] = [("case", "reading", "value", "at most", "at least", "aim")]
            for each in readings:
                limits = ("" if limit is None else f"{limit:,}" for limit in (each.most, each.least, each.aim))
                rows.append((each.case, each.what, f"{each.value:,} {each.unit}".strip(), *limits))
            self.stdout.write("")
            self._print(rows)

    def _print(self, rows: list[tuple[str, ...]]) -> None:
        """Columns under their heads: two of words, the others of numbers."""
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            cells = [
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.stdout.write("  ".join(cells).rstrip())


def _data(figure: Figure) -> dict[str, Any]:
    return {
        "case": figure.case,
        "work": figure.work,
        "per_second": figure.per_second,
        "floor": figure.floor,
        "times_floor": figure.ratio(figure.floor),
        "aim": figure.aim,
        "times_aim": figure.ratio(figure.aim),
    }


def _reading(reading: Reading) -> dict[str, Any]:
    return {
        "case": reading.case,
        "what": reading.what,
        "value": reading.value,
        "unit": reading.unit,
        "most": reading.most,
        "least": reading.least,
        "aim": reading.aim,
    }
