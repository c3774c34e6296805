"""Charts as SVG drawn on the server: pure functions of figures, styled by classes alone (strict CSP, light and dark).

Positions along the width are percentages, so a chart fits a phone while its text keeps its size. Every chart carries a
title and a description for screen readers and every mark a tooltip with its figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal
from zlib import crc32

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

Number = Decimal | int | Fraction
Text = str | Promise
Tone = Literal["brand", "success", "warning", "danger", "info", "neutral"]
_FULL_TURN = 100
_STEPS = tuple(Decimal(step) for step in ("1", "1.2", "1.6", "2", "2.4", "3", "4", "5", "6", "8", "10"))
_RING = SafeString('<circle class="chart-ring-track" cx="60" cy="60" r="48"/>')
_TRACK = SafeString('<rect class="chart-track" x="0" y="0" width="100%" height="14"/>')


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `value` gives its length, `text` is the figure as people read it."""

    label: Text
    value: Number
    text: Text
    href: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a whole, with its meaning as a tone."""

    label: Text
    value: Number
    text: Text
    tone: Tone = "brand"
    href: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of one row of a heat map, from and to in hundredths of its width.

    `level` is its strength from 0 to 6, None where there is nothing; `text` says what it stands for.
    """

    row: int
    start: Number
    end: Number
    level: int | None
    text: Text


def _exact(value: Number) -> Fraction:
    if isinstance(value, bool | float):
        raise TypeError(f"{value!r} is a {type(value).__name__}; charts are drawn from decimals or integers.")
    return max(Fraction(value), Fraction(0))


def _places(number: Fraction) -> str:
    """A coordinate with two decimals, without trailing zeros."""
    hundredths = round(number * 100)
    return f"{hundredths // 100}.{hundredths % 100:02d}".rstrip("0").rstrip(".")


def nice_ceiling(value: Number) -> Decimal:
    """The next round figure at or above the value: the top of an axis that people can read."""
    exact = _exact(value)
    if exact == 0:
        return Decimal(1)
    power = 0
    while exact >= Fraction(10) ** (power + 1):
        power += 1
    while exact < Fraction(10) ** power:
        power -= 1
    return next(top for step in _STEPS if Fraction(top := step.scaleb(power)) >= exact)


def _linked(href: str, inner: SafeString) -> SafeString:
    return format_html('<a href="{}">{}</a>', href, inner) if href else inner


def _figure(kind: str, *, height: int, title: Text, description: Text, marks: SafeString, box: str = "") -> SafeString:
    """The frame of a chart: an image in words, or a group where its marks are links that the keyboard reaches.

    Its class is not `chart`: the admin theme takes every element of that class for a canvas of its own.
    """
    return format_html(
        '<svg class="drawn chart-{kind}" width="100%" height="{height}"{box} role="{role}" '
        'aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{title}</title><desc id="{id}-d">{description}</desc>'
        "{marks}</svg>",
        kind=kind,
        height=height,
        box=format_html(' viewBox="{}"', box) if box else "",
        role="group" if "<a " in marks else "img",
        id=f"chart-{crc32(f'{title}{description}{marks}'.encode()):08x}",
        title=title,
        description=description,
        marks=marks,
    )


def _plain(number: Decimal) -> str:
    """An axis figure: no exponent, thousands apart by a narrow space."""
    whole = number.normalize()
    return f"{whole:,f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def bar_chart(
    bars: Sequence[Bar], *, title: Text, description: Text, unit: str = "kWh", height: int = 200
) -> SafeString:
    """Upright bars, one a day or month, with a readable axis; about eight labels, fewer on a phone."""
    top, bottom = 24, 24
    plot = height - top - bottom
    ceiling = nice_ceiling(max((bar.value for bar in bars), default=0))
    slot = Fraction(100, max(len(bars), 1))
    every = max(1, -(-len(bars) // 8))
    lines = format_html_join(
        "",
        '<line class="chart-grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>',
        ((y,) for y in (top, top + plot // 2)),
    ) + format_html(
        '<text class="chart-axis" x="0" y="{}">{}\N{NO-BREAK SPACE}{}</text>', top - 6, _plain(ceiling), unit
    )
    marks = format_html_join(
        "",
        "{}",
        (
            (
                _upright(
                    bar,
                    left=slot * place,
                    width=slot,
                    length=plot * _exact(bar.value) / Fraction(ceiling),
                    floor=top + plot,
                    tick=("major" if place % (2 * every) == 0 else "minor") if place % every == 0 else "",
                ),
            )
            for place, bar in enumerate(bars)
        ),
    )
    base = format_html('<line class="chart-base" x1="0" x2="100%" y1="{0}" y2="{0}"/>', top + plot)
    return _figure("bars", height=height, title=title, description=description, marks=lines + marks + base)


def _upright(bar: Bar, *, left: Fraction, width: Fraction, length: Fraction, floor: int, tick: str) -> SafeString:
    gap = width / 8
    mark = format_html(
        '<g class="chart-bar"><title>{}: {}</title><rect x="{}%" y="{}" width="{}%" height="{}" rx="2"/></g>',
        bar.label,
        bar.text,
        _places(left + gap),
        _places(floor - length),
        _places(width - 2 * gap),
        _places(length),
    )
    label = format_html(
        '<text class="chart-tick chart-tick-{}" x="{}%" y="{}">{}</text>',
        tick,
        _places(left + width / 2),
        floor + 17,
        bar.label,
    )
    return _linked(bar.href, mark) + (label if tick else SafeString(""))


def horizontal_bars(bars: Sequence[Bar], *, title: Text, description: Text) -> SafeString:
    """Lying bars, one a row: a label, the figure at the right edge, the bar below both."""
    row = 40
    longest = max((_exact(bar.value) for bar in bars), default=Fraction(0)) or Fraction(1)
    marks = format_html_join(
        "",
        "{}",
        (
            (
                _linked(
                    bar.href,
                    format_html(
                        '<g class="chart-row"><title>{label}: {text}</title>'
                        '<text class="chart-label" x="0" y="{y_text}">{label}</text>'
                        '<text class="chart-value" x="100%" y="{y_text}">{text}</text>'
                        '<rect class="chart-track" x="0" y="{y_bar}" width="100%" height="6" rx="3"/>'
                        '<rect class="chart-fill" x="0" y="{y_bar}" width="{width}%" height="6" rx="3"/></g>',
                        label=bar.label,
                        text=bar.text,
                        y_text=place * row + 15,
                        y_bar=place * row + 23,
                        width=_places(100 * _exact(bar.value) / longest),
                    ),
                ),
            )
            for place, bar in enumerate(bars)
        ),
    )
    return _figure("rows", height=max(row * len(bars), 1), title=title, description=description, marks=marks)


def legend(parts: Sequence[Part]) -> SafeString:
    """The parts as a list with their tones and figures: what the chart shows, in words."""
    return format_html(
        '<ul class="legend">{}</ul>',
        format_html_join(
            "",
            '<li><span class="legend-key tone-{}"></span>{}<span class="legend-value">{}</span></li>',
            (
                (
                    part.tone,
                    _linked(part.href, format_html('<span class="legend-label">{}</span>', part.label)),
                    part.text,
                )
                for part in parts
            ),
        ),
    )


def stacked_bar(parts: Sequence[Part], *, title: Text, description: Text) -> SafeString:
    """One bar cut into parts, with its legend: aging of what is open, shares of a total."""
    whole = sum((_exact(part.value) for part in parts), Fraction(0)) or Fraction(1)
    left = Fraction(0)
    marks = []
    for part in parts:
        width = 100 * _exact(part.value) / whole
        marks.append(
            _linked(
                part.href,
                format_html(
                    '<g class="chart-part tone-{}"><title>{}: {}</title>'
                    '<rect x="{}%" y="0" width="{}%" height="14"/></g>',
                    part.tone,
                    part.label,
                    part.text,
                    _places(left),
                    _places(width),
                ),
            )
        )
        left += width
    drawn = _TRACK + format_html_join("", "{}", ((mark,) for mark in marks))
    return _figure("stack", height=14, title=title, description=description, marks=drawn) + legend(parts)


def donut(parts: Sequence[Part], *, title: Text, description: Text, centre: Text = "") -> SafeString:
    """A ring cut into parts with a figure in its middle, and its legend."""
    whole = sum((_exact(part.value) for part in parts), Fraction(0))
    turned = Fraction(0)
    arcs = [_RING]
    for part in parts:
        share = _FULL_TURN * _exact(part.value) / whole if whole else Fraction(0)
        if share:
            arcs.append(
                format_html(
                    '<circle class="chart-arc tone-{}" cx="60" cy="60" r="48" pathLength="100" '
                    'stroke-dasharray="{} {}" stroke-dashoffset="-{}" transform="rotate(-90 60 60)">'
                    "<title>{}: {}</title></circle>",
                    part.tone,
                    _places(share),
                    _places(_FULL_TURN - share),
                    _places(turned),
                    part.label,
                    part.text,
                )
            )
        turned += share
    middle = format_html('<text class="chart-centre" x="60" y="66">{}</text>', centre) if centre else SafeString("")
    ring = _figure(
        "donut",
        height=160,
        title=title,
        description=description,
        marks=format_html_join("", "{}", ((arc,) for arc in arcs)) + middle,
        box="0 0 120 120",
    )
    return format_html('<div class="chart-with-legend">{}{}</div>', ring, legend(parts))


def meter(value: Number, whole: Number, *, label: Text) -> SafeString:
    """A thin bar of how much of the whole is there, never longer than its track."""
    share = min(_exact(value) / _exact(whole), Fraction(1)) if _exact(whole) else Fraction(0)
    return format_html(
        '<svg class="meter" width="100%" height="6" role="img" aria-label="{}">'
        '<rect class="chart-track" width="100%" height="6" rx="3"/>'
        '<rect class="chart-fill" width="{}%" height="6" rx="3"/></svg>',
        label,
        _places(100 * share),
    )


_ROW, _LABELS = 26, 12


def heat_map(
    rows: Sequence[Text],
    stretches: Sequence[Stretch],
    *,
    ticks: Sequence[tuple[Number, Text]],
    keys: Sequence[tuple[int | None, Text]],
    title: Text,
    description: Text,
) -> SafeString:
    """Rows of coloured stretches, such as the hours of seven days, with an axis and a legend of the levels.

    `ticks` are (hundredths of the width, label), `keys` (level, what it stands for).
    """
    scale = Fraction(100 - _LABELS, 100)
    names = format_html_join(
        "",
        '<text class="chart-row-name" x="0" y="{}">{}</text>',
        ((place * _ROW + 17, name) for place, name in enumerate(rows)),
    )
    marks = format_html_join(
        "",
        '<g class="heat heat-{}"><title>{}</title><rect x="{}%" y="{}" width="{}%" height="{}"/></g>',
        (
            (
                "none" if each.level is None else each.level,
                each.text,
                _places(_LABELS + scale * _exact(each.start)),
                each.row * _ROW + 2,
                _places(scale * (_exact(each.end) - _exact(each.start))),
                _ROW - 4,
            )
            for each in stretches
        ),
    )
    axis = format_html_join(
        "",
        '<text class="chart-tick{}" x="{}%" y="{}">{}</text>',
        (
            (
                " chart-tick-last" if at == 100 else "",
                _places(_LABELS + scale * _exact(at)),
                len(rows) * _ROW + 16,
                label,
            )
            for at, label in ticks
        ),
    )
    drawn = _figure(
        "heat", height=len(rows) * _ROW + 22, title=title, description=description, marks=names + marks + axis
    )
    return drawn + format_html(
        '<ul class="legend heat-legend">{}</ul>',
        format_html_join(
            "",
            '<li><span class="heat-key heat-{}"></span>{}</li>',
            (("none" if level is None else level, text) for level, text in keys),
        ),
    )
