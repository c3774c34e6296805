"""Charts: exact places, words for those who cannot see them, nothing unescaped, nothing inline."""

from decimal import Decimal
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evbilling.shell.charts import (
    Bar,
    Part,
    Stretch,
    bar_chart,
    donut,
    heat_map,
    horizontal_bars,
    meter,
    nice_ceiling,
    stacked_bar,
)

EVIL = '<script>alert("x")</script>'
amounts = st.lists(st.decimals(0, 10**9, places=2), min_size=0, max_size=40)


def parse(chart: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{chart}</div>")  # noqa: S314 - our own output


def percent(element: ElementTree.Element, name: str) -> Decimal:
    return Decimal(element.attrib[name].removesuffix("%"))


@pytest.mark.parametrize(
    ("value", "top"),
    [("0", "1"), ("1", "1"), ("1.01", "1.2"), ("296", "300"), ("344", "400"), ("999", "1000"), ("0.031", "0.04")],
)
def test_the_axis_ends_at_a_round_figure(value: str, top: str) -> None:
    assert nice_ceiling(Decimal(value)) == Decimal(top)


@given(st.decimals("0.000001", 10**12, places=6))
def test_the_axis_is_never_too_short_and_at_most_a_half_too_long(value: Decimal) -> None:
    assert value <= nice_ceiling(value) <= value * 2


def test_bars_stand_at_exact_places_with_their_figures() -> None:
    chart = parse(bar_chart([Bar("1", 50, "50 kWh"), Bar("2", 100, "100 kWh")], title="T", description="D", height=248))
    first, second = chart.findall(".//g/rect")
    assert [(each.attrib["height"], each.attrib["y"]) for each in (first, second)] == [("100", "124"), ("200", "24")]
    assert (percent(first, "x"), percent(first, "width")) == (Decimal("6.25"), Decimal("37.5"))
    assert [each.text for each in chart.findall(".//g/title")] == ["1: 50 kWh", "2: 100 kWh"]


@given(amounts)
def test_no_bar_leaves_its_chart(values: list[Decimal]) -> None:
    chart = parse(bar_chart([Bar(str(n), v, str(v)) for n, v in enumerate(values)], title="T", description="D"))
    bars = chart.findall(".//g/rect")
    assert len(bars) == len(values)
    for bar in bars:
        assert Decimal(24) <= Decimal(bar.attrib["y"]) <= Decimal(176)
        assert percent(bar, "x") + percent(bar, "width") <= Decimal("100.02")


@given(amounts)
def test_parts_of_a_bar_make_up_the_whole(values: list[Decimal]) -> None:
    chart = parse(stacked_bar([Part("p", v, str(v)) for v in values], title="T", description="D"))
    widths = [percent(each, "width") for each in chart.findall(".//g/rect")]
    assert len(widths) == len(values)
    if sum(values):
        assert abs(sum(widths) - 100) <= Decimal("0.01") * len(widths)


def test_a_donut_of_nothing_is_an_empty_ring_and_of_parts_turns_once() -> None:
    nothing = parse(donut([Part("a", 0, "0")], title="T", description="D"))
    assert [each.attrib["class"] for each in nothing.findall(".//circle")] == ["chart-ring-track"]
    chart = parse(donut([Part("a", 1, "1"), Part("b", 3, "3", "info")], title="T", description="D", centre="4"))
    arcs = chart.findall(".//circle")[1:]
    assert [each.attrib["stroke-dasharray"] for each in arcs] == ["25 75", "75 25"]
    assert [each.attrib["stroke-dashoffset"] for each in arcs] == ["-0", "-25"]


@pytest.mark.parametrize(("value", "whole", "width"), [(0, 60, "0%"), (36, 60, "60%"), (90, 60, "100%"), (5, 0, "0%")])
def test_a_meter_never_passes_its_track(value: int, whole: int, width: str) -> None:
    assert parse(meter(value, whole, label="L")).findall(".//rect")[1].attrib["width"] == width


@pytest.mark.parametrize("draw", [bar_chart, horizontal_bars])
def test_bars_escape_names_and_addresses(draw) -> None:
    text = draw([Bar(EVIL, 1, EVIL, f'/x"{EVIL}')], title=EVIL, description=EVIL)
    assert "<script" not in text
    assert parse(text).find(".//a").attrib["href"] == f'/x"{EVIL}'


@pytest.mark.parametrize("draw", [stacked_bar, donut])
def test_parts_escape_names_and_addresses(draw) -> None:
    text = draw([Part(EVIL, 1, EVIL, "info", f'/x"{EVIL}')], title=EVIL, description=EVIL)
    assert "<script" not in text
    assert parse(text).find(".//a").attrib["href"] == f'/x"{EVIL}'


def test_a_heat_map_places_its_stretches_and_names_its_levels() -> None:
    stretches = [Stretch(0, 0, 25, 1, "Mon 0-6"), Stretch(0, 25, 100, None, "Mon 6-24"), Stretch(1, 0, 100, 6, "Tue")]
    text = heat_map(
        ["Mon", "Tue"],
        stretches,
        ticks=[(0, "0"), (100, "24")],
        keys=[(1, "€0.10"), (None, EVIL)],
        title="Week",
        description="Two days.",
    )
    chart = parse(text)
    assert [each.attrib["class"] for each in chart.findall(".//g")] == ["heat heat-1", "heat heat-none", "heat heat-6"]
    assert [(each.attrib["x"], each.attrib["width"], each.attrib["y"]) for each in chart.findall(".//rect")] == [
        ("12%", "22%", "2"),
        ("34%", "66%", "2"),
        ("12%", "88%", "28"),
    ]
    assert [each.text for each in chart.findall(".//g/title")] == ["Mon 0-6", "Mon 6-24", "Tue"]
    assert [each.text for each in chart.findall(".//text")] == ["Mon", "Tue", "0", "24"]
    assert [each.attrib["class"] for each in chart.findall(".//li/span")] == ["heat-key heat-1", "heat-key heat-none"]
    assert "<script" not in text
    assert " style=" not in text


def test_charts_say_in_words_what_they_show_and_style_by_class_alone() -> None:
    text = horizontal_bars([Bar("B-AH 1053", 1, "€1.00")], title="Cost by vehicle", description="One vehicle.")
    svg = parse(text).find("svg")
    named = [each.text for each in (svg.find("title"), svg.find("desc"))]
    assert named == ["Cost by vehicle", "One vehicle."]
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-labelledby"].split() == [svg.find("title").attrib["id"], svg.find("desc").attrib["id"]]
    assert " style=" not in text


def test_a_chart_with_links_is_a_group_that_the_keyboard_reaches() -> None:
    svg = parse(bar_chart([Bar("1", 1, "1", "/day/1")], title="T", description="D")).find("svg")
    assert svg.attrib["role"] == "group"


def test_the_same_figures_draw_the_same_chart_and_floats_are_refused() -> None:
    bars = [Bar("1", Decimal("1.5"), "1.5")]
    assert bar_chart(bars, title="T", description="D") == bar_chart(bars, title="T", description="D")
    with pytest.raises(TypeError, match="float"):
        bar_chart([Bar("1", 1.5, "1.5")], title="T", description="D")
