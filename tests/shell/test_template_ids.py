"""Ids in templates: thousands are grouped for readers (USE_THOUSAND_SEPARATOR), never for the machine."""

import re
from pathlib import Path

from django.conf import settings

TEMPLATES = sorted((Path(settings.BASE_DIR) / "templates").rglob("*.html"))
GROUPED = re.compile(r"""["'=/]\{\{ ?(?!attrs\.)[a-zA-Z_.]*\b(?:pk|id|(?!auto_)[a-z]+_id) ?\}\}""")
"""An id as an attribute's value or in an address; from 1,000 on it reads "1,000", which names nothing."""


def test_no_template_groups_the_digits_of_an_id() -> None:
    found = [f"{path.name}: {hit}" for path in TEMPLATES for hit in GROUPED.findall(path.read_text("utf8"))]
    assert found == [], 'Write {{ it.pk|stringformat:"d" }}.'
