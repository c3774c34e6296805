"""Pages laid out by WeasyPrint from templates/documents/: NAME.html in the look of NAME.css.

What makes it fast: the template is well-formed XML read by ElementTree, the style sheets are compiled once per
letterhead, and one font configuration serves the process. Tables with fixed widths and no flexible boxes do the rest.
"""

import base64
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cssselect2
from django.template import Context, Engine
from weasyprint import CSS, HTML, Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from evbilling.kernel.xml import xml_text
from evbilling.shell.paper.code import Code
from evbilling.shell.paper.letterhead import Letterhead
from evbilling.shell.paper.sheet import MM, Colours, Sheet, foot_rise
from evbilling.shell.paper.styles import quick_styles
from evbilling.shell.paper.typeface import FOLDER

TEMPLATES = Path(__file__).resolve().parents[3] / "templates" / "documents"
_FACES = (
    ("Inter", 400, "Inter-Regular"),
    ("Inter", 600, "Inter-SemiBold"),
    ("Inter Display", 600, "InterDisplay-SemiBold"),
)


def set_page(
    name: str, context: dict[str, Any], letterhead: Letterhead, pictures: Mapping[str, Code] | None = None
) -> Document:
    """The template NAME.html with its context, laid out in the letterhead's look; call it with the language active.

    `pictures` are drawn where the template names them as the source of an image.
    """
    text = _engine().get_template(f"{name}.html").render(Context(context))
    html = _Page(xml_text(text))
    sheet = _sheet(name, letterhead)
    with quick_styles():
        return html.render(
            font_config=_fonts(),
            stylesheets=[sheet],
            cache=dict(pictures or {}),
            pdf_variant="pdf/a-3a",
            pdf_tags=True,
        )


def free_below(document: Document, sheet: Sheet) -> float:
    """How far down the last page is filled, in points from its bottom edge."""
    root = document.pages[-1]._page_box.children[0]
    return float(sheet.height - (root.position_y + root.margin_height()) * 0.75)


def data_address(svg: str) -> str:
    """The logo as a data: address."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode() if svg else ""


class _Page(HTML):
    """HTML given as well-formed XML; reads no address but data: ones."""

    def __init__(self, text: str) -> None:
        self.base_url = None
        self.url_fetcher = _fetcher()
        self.media_type = "print"
        root = ElementTree.fromstring(text)  # noqa: S314 - our own template, every value in it escaped
        self.wrapper_element = cssselect2.ElementWrapper.from_html_root(root, content_language=None)
        self.etree_element = self.wrapper_element.etree_element

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:
        return [_base()]


@cache
def _fetcher() -> URLFetcher:
    return URLFetcher(allowed_protocols={"data"})


@cache
def _engine() -> Engine:
    return Engine(
        dirs=[str(TEMPLATES)],
        libraries={"i18n": "django.templatetags.i18n"},
        loaders=[("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])],
    )


@cache
def _fonts() -> FontConfiguration:
    """One for the process: it holds the fonts that the sheets name."""
    configuration = FontConfiguration()
    faces = "".join(
        f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url({(FOLDER / file).as_uri()}.ttf) }}\n'
        for family, weight, file in _FACES
    )
    CSS(string=faces, font_config=configuration)
    return configuration


@cache
def _base() -> CSS:
    return CSS(string=(TEMPLATES / "base.css").read_text())


@lru_cache(maxsize=32)
def _sheet(name: str, letterhead: Letterhead) -> CSS:
    context = {
        "paper": letterhead.paper,
        "bottom": f"{21 + foot_rise(letterhead) / MM:.2f}",  # text: a number would get the language's decimal comma
        "logo_height": letterhead.logo_height_mm,
        "colours": Colours.of(letterhead),
    }
    text = _engine().get_template(f"{name}.css").render(Context(context, autoescape=False))
    return CSS(string=text, font_config=_fonts())
