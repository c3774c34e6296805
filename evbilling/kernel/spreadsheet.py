"""Cells of files that people open in a spreadsheet: text is never taken for a formula (OWASP, CSV injection)."""

import re

BOM = "\ufeff"
"""The mark by which spreadsheets know UTF-8."""
_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")


def guard(value: object) -> str:
    """A cell as it is written: text that a spreadsheet would run gets an apostrophe in front. Numbers stay numbers."""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """The text behind a guarded cell: unguard(guard(text)) == text."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
