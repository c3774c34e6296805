"""Revenue as bars and energy as a line over the days of a month, drawn on the server (strict CSP, light and dark)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from evbilling.shell.charts import nice_ceiling

HEIGHT, TOP, BOTTOM = 240, 30, 24
PLOT = HEIGHT - TOP - BOTTOM
EDGE = 8
"""Percent of the width left free at both sides, where the axes write."""
STEPS = 4
"""Grid lines, counted without the base."""


@dataclass(frozen=True, slots=True)
class DayMark:
    """One day: its label, both figures as numbers and as people read them, and where it opens."""

    label: str
    bar: Decimal
    bar_text: str
    point: Decimal
    point_text: str
    href: str


def daily_chart(
    days: Sequence[DayMark],
    *,
    title: str,
    description: str,
    bar_axis: Callable[[Decimal], str],
    point_axis: Callable[[Decimal], str],
    known: int,
) -> SafeString:
    """Bars against the axis at the left, the line against the one at the right; each day is one link with both.

    The line ends with the first `known` days: of later ones nobody knows yet.
    """
    bar_top, point_top = _top([day.bar for day in days]), _top([day.point for day in days])
    slot = Fraction(100 - 2 * EDGE, max(len(days), 1))
    return format_html(
        '<svg class="ws-daily" width="100%" height="{}" role="group" aria-labelledby="daily-t daily-d">'
        '<title id="daily-t">{}</title><desc id="daily-d">{}</desc>{}{}{}{}</svg>',
        HEIGHT,
        title,
        description,
        _grid(),
        format_html_join(
            "", "{}", ((_bar(day, EDGE + slot * place, slot, bar_top),) for place, day in enumerate(days))
        ),
        _line(days[:known], slot, point_top) + _axes(bar_top, bar_axis, point_top, point_axis),
        _ticks(days, slot),
    )


def _top(figures: Sequence[Decimal]) -> Decimal:
    return nice_ceiling(max(figures, default=Decimal(0)))


def _y(share: Fraction) -> str:
    return f"{TOP + PLOT * (1 - share):.1f}"


def _grid() -> SafeString:
    lines = format_html_join(
        "",
        '<line class="chart-grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>',
        ((_y(Fraction(step, STEPS)),) for step in range(1, STEPS + 1)),
    )
    return lines + format_html('<line class="chart-base" x1="0" x2="100%" y1="{0}" y2="{0}"/>', TOP + PLOT)


def _axes(
    bar_top: Decimal, bar_axis: Callable[[Decimal], str], point_top: Decimal, point_axis: Callable[[Decimal], str]
) -> SafeString:
    return format_html_join(
        "",
        '<text class="ws-axis" x="0" y="{0}">{1}</text><text class="ws-axis ws-axis-end" x="100%" y="{0}">{2}</text>',
        (
            (
                f"{TOP + PLOT * (1 - Fraction(step, STEPS)) - 5:.1f}",
                bar_axis(bar_top * step / STEPS),
                point_axis(point_top * step / STEPS),
            )
            for step in (2, STEPS)
        ),
    )


def _bar(day: DayMark, left: Fraction, slot: Fraction, top: Decimal) -> SafeString:
    share = Fraction(day.bar) / Fraction(top)
    return format_html(
        '<a href="{}" class="ws-day"><title>{}: {}, {}</title>'
        '<rect class="ws-day-hit" x="{}%" y="{}" width="{}%" height="{}"/>'
        '<rect class="ws-day-bar" x="{}%" y="{}" width="{}%" height="{}" rx="2"/></a>',
        day.href,
        day.label,
        day.bar_text,
        day.point_text,
        f"{left:.3f}",
        TOP,
        f"{slot:.3f}",
        PLOT,
        f"{left + slot / 5:.3f}",
        _y(share),
        f"{slot * 3 / 5:.3f}",
        f"{PLOT * share:.1f}",
    )


def _line(days: Sequence[DayMark], slot: Fraction, top: Decimal) -> SafeString:
    points = " ".join(
        f"{EDGE + slot * place + slot / 2:.3f},{100 - 100 * Fraction(day.point) / Fraction(top):.3f}"
        for place, day in enumerate(days)
    )
    return format_html(
        '<svg class="ws-line" x="0" y="{}" width="100%" height="{}" viewBox="0 0 100 100" preserveAspectRatio="none" '
        'aria-hidden="true"><polyline points="{}" vector-effect="non-scaling-stroke"/></svg>',
        TOP,
        PLOT,
        points,
    )


def _ticks(days: Sequence[DayMark], slot: Fraction) -> SafeString:
    every = max(1, -(-len(days) // 10))
    return format_html_join(
        "",
        '<text class="chart-tick chart-tick-{}" x="{}%" y="{}">{}</text>',
        (
            (
                "major" if place % (2 * every) == 0 else "minor",
                f"{EDGE + slot * place + slot / 2:.3f}",
                TOP + PLOT + 17,
                day.label,
            )
            for place, day in enumerate(days)
            if place % every == 0
        ),
    )
