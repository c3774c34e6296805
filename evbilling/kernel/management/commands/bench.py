"""`manage.py bench`: how fast parts of the product are on this machine, beside floor and aim."""

import platform
from typing import Any

from django.core.management.base import CommandParser

from evbilling.kernel.benchmarks import Figure, registered_benchmarks
from evbilling.kernel.commands import FINDINGS, GOOD, StableCommand
from evbilling.kernel.errors import BadInput

MOST_RUNS = 100


class Command(StableCommand):
    """Exit code 1 when a floor is not met."""

    help = "Measure the speed of a part of the product: work per second of processor time on one core, median of runs."
    examples = ("manage.py bench rating", "manage.py bench rating --runs 9 --json")
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        known = registered_benchmarks()
        titles = "; ".join(f"{each.name}: {each.title}" for each in known.values())
        parser.add_argument("benchmark", choices=list(known), help=titles)
        parser.add_argument("--runs", type=int, default=5, help="runs a figure; the median counts (default 5)")

    def run(self, options: dict[str, Any]) -> int:
        chosen, runs = registered_benchmarks()[options["benchmark"]], options["runs"]
        if not 1 <= runs <= MOST_RUNS:
            raise BadInput("--runs", runs, f"Give 1 to {MOST_RUNS}.")
        figures = []
        for figure in chosen.measure(runs):
            figures.append(figure)
            self.say(f"{figure.case}, {figure.work}: {figure.per_second:,}")
        missed = [figure for figure in figures if figure.missed]
        if options["json"]:
            self.print_json(
                {
                    "benchmark": chosen.name,
                    "unit": chosen.unit,
                    "python": platform.python_version(),
                    "runs": runs,
                    "floors_met": not missed,
                    "figures": [_data(figure) for figure in figures],
                }
            )
        else:
            self._print_table(chosen.unit, figures)
        return FINDINGS if missed else GOOD

    def _print_table(self, unit: str, figures: list[Figure]) -> None:
        rows: list[tuple[str, ...]] = [("case", "work", "per second", "floor", "x floor", "aim", "x aim")]
        for each in figures:
            ratios = each.ratio(each.floor), each.ratio(each.aim)
            numbers = each.per_second, each.floor, ratios[0], each.aim, ratios[1]
            rows.append((each.case, each.work, *("" if number is None else f"{number:,}" for number in numbers)))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            cells = [
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            self.stdout.write("  ".join(cells).rstrip())
        self.stdout.write(f"{unit}, Python {platform.python_version()}")


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
