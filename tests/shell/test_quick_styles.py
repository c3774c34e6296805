"""Quick styles are WeasyPrint's styles: each property of each element has the same value."""

from contextlib import nullcontext

import pytest
from weasyprint import CSS, HTML, css

from evbilling.shell.paper import page, styles
from invoicing.documents.pdf import render_pdf
from tests.invoicing.documents import samples, shape_samples

SHEET = """
html { font: 9pt/1.4 Inter; color: #123; --wide: 3mm }
body { color: inherit; border: 1px solid }
p { margin-inline-start: 2mm; padding: var(--wide); text-decoration: underline; width: calc(50% - 1mm) }
.float { float: left; position: relative; inset-inline-end: 1mm; border-start-start-radius: 2mm }
.back { direction: rtl; margin-inline-end: 4mm; border-inline-start: 1mm dashed red }
b { font-weight: bolder; letter-spacing: .1em; display: inline-block; page: cover }
p::before { content: "x"; color: initial; margin: unset }
"""
TEXT = '<html><body><p>a <b>b</b></p><p class="float">c</p><p class="back">d<br/><i>e</i></p></body></html>'


def values() -> list[dict[str, object]]:
    """Every property of every style that a page computes; tokens as they are written."""
    made: list[css.ComputedStyle] = []

    class Seen(css.ComputedStyle):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            made.append(self)

    before = css.ComputedStyle
    css.ComputedStyle = Seen
    try:
        HTML(string=TEXT).render(stylesheets=[CSS(string=SHEET)])
    finally:
        css.ComputedStyle = before
    return [{name: written(style[name]) for name in css.INITIAL_VALUES} for style in made]


def written(value: object) -> object:
    """A token is equal to itself alone: its text says what it is."""
    return value.serialize() if hasattr(value, "serialize") else value


def test_given_rules_of_all_kinds_then_every_property_is_as_computed_the_long_way() -> None:
    long_way = values()
    with styles.quick_styles():
        assert css.ComputedStyle is styles._QuickStyle
        quick = values()
    assert len(long_way) > 8
    assert quick == long_way


def test_given_an_error_inside_then_styles_are_computed_the_long_way_again() -> None:
    before = css.ComputedStyle
    with pytest.raises(ZeroDivisionError), styles.quick_styles():
        raise ZeroDivisionError
    assert css.ComputedStyle is before


@pytest.mark.parametrize("make", [samples.us_invoice, samples.german_invoice, shape_samples.group_invoice])
def test_given_a_document_then_its_bytes_are_the_same_either_way(make, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = render_pdf(make())
    monkeypatch.setattr(page, "quick_styles", nullcontext)
    assert render_pdf(make()) == quick


def test_given_a_page_being_laid_out_then_its_styles_are_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []
    find = styles._QuickStyle.__missing__
    monkeypatch.setattr(styles._QuickStyle, "__missing__", lambda self, name: used.append(name) or find(self, name))
    render_pdf(samples.us_invoice())
    assert "margin_left" in used
