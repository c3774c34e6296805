"""Every paper has the same margins, in every language: the sheet's drawn head and foot stand at fixed heights."""

from dataclasses import replace

import pytest
from django.utils.translation import override
from weasyprint import HTML

from evbilling.shell.paper.letterhead import Letterhead
from evbilling.shell.paper.page import _sheet
from evbilling.shell.paper.sheet import MM, foot_rise

HEAD = Letterhead(name="Volt", accent="#005544")
TWO_PAGES = "<p>one</p><p style='break-before: page'>two</p>"


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("name", ["document", "letter", "contract"])
@pytest.mark.parametrize("head", [HEAD, replace(HEAD, footer="We charge with water power.")])
def test_each_sheet_leaves_the_same_room(name: str, language: str, head: Letterhead) -> None:
    _sheet.cache_clear()
    with override(language):
        pages = HTML(string=TWO_PAGES).render(stylesheets=[_sheet(name, head)]).pages
    first, second = (page._page_box for page in pages)
    bottom = round(21 + foot_rise(head) / MM, 2)
    for box, top in ((first, 15), (second, 27)):
        sides = (box.margin_top, box.margin_right, box.margin_bottom, box.margin_left)
        assert [round(side * 25.4 / 96, 2) for side in sides] == [top, 20, bottom, 20]
