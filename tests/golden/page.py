"""Writes the worked examples into docs/pricing.md: `python -m tests.golden.page`. A test compares page and files."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.golden.contracts import GOLDEN, Golden

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "pricing.md"
HEADING = "## Worked examples\n"
_UNITS = {"ENERGY": "per kWh", "TIME": "per hour", "PARKING_TIME": "per idle hour", "FLAT": "once"}
_STEPS = {"ENERGY": "Wh", "TIME": "s", "PARKING_TIME": "s"}
_NAMES = {
    "FLAT": "fee",
    "ENERGY": "energy",
    "TIME": "charging time",
    "PARKING_TIME": "idle time",
    "RESERVATION": "reserved time",
    "MIN_PRICE": "up to the least price",
    "MAX_PRICE": "down to the most",
}


def with_examples(page: str) -> str:
    """The page with its last section written anew from the files."""
    return page.split(HEADING, maxsplit=1)[0] + HEADING + "\n" + examples()


def examples() -> str:
    """The section: what it is, a list of the examples, then each."""
    intro = (
        "Each is a file in [tests/golden](../tests/golden), worked out by hand from the rules above. A test works\n"
        "every step out again and holds the program to the results; this section is written from the files\n"
        "(`python -m tests.golden.page`). `≈` means rounded half up, `…` a number that goes on. Times are local,\n"
        "amounts in euros without tax unless the words say otherwise.\n"
    )
    contents = "".join(f"- [{golden.facts['title']}](#{_anchor(_heading(golden))})\n" for golden in GOLDEN)
    return f"{intro}\n{contents}\n" + "\n".join(_example(golden) for golden in GOLDEN)


def _heading(golden: Golden) -> str:
    return f"{int(golden.name.split('-')[0])}. {golden.facts['title']}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _example(golden: Golden) -> str:
    parts = [f"### {_heading(golden)}\n", _filled(golden.facts["rules"]), _filled(golden.facts["contract"])]
    parts += [_tariff(tariff) for tariff in golden.facts.get("tariffs", ())]
    for session in golden.sessions:
        parts.append(_worked(f"**{session['ref']}**: {session['about']}.", session["work"]))
    for part in golden.facts.get("parts", ()):
        parts.append(_worked(f"**{part['about'].rstrip('.')}.**", part["work"]))
    for document in (*golden.facts.get("documents", ()), *golden.facts.get("months", ())):
        parts.append(_worked(f"**{document['about']}**", document["work"]))
    if "document" in golden.facts:
        parts.append(_worked("**The document**", golden.facts["document"]["work"]))
    return "\n".join(parts)


def _filled(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 128) + "\n"


def _worked(about: str, steps: list[str]) -> str:
    return f"{about}\n\n" + "".join(f"- {step}\n" for step in steps)


def _tariff(tariff: Mapping[str, Any]) -> str:
    rows = [f"| tariff {tariff['id']} | price | VAT | step | only |\n|---|---|---|---|---|\n"]
    for number, element in enumerate(tariff["elements"], start=1):
        when = ", ".join(_conditions(element.get("restrictions", {})))
        for component in element["price_components"]:
            kind = component["type"]
            step = component["step_size"]
            steps = f"{step} {_STEPS[kind]}" if kind in _STEPS and step > 1 else ""
            rows.append(
                f"| element {number}, {_NAMES[kind]} | {component['price']} {_UNITS[kind]} | {component['vat']} % "
                f"| {steps} | {when} |\n"
            )
    for name, words in (("min_price", "at least"), ("max_price", "at most")):
        if name in tariff:
            limit = tariff[name]
            incl = f", {limit['incl_vat']} with it" if "incl_vat" in limit else ""
            rows.append(f"| {words} | {limit['excl_vat']} without tax{incl} | | | |\n")
    if tariff.get("tax_included") == "YES":
        rows.append("| prices include tax | | | | |\n")
    return "".join(rows)


def _conditions(restrictions: Mapping[str, Any]) -> Iterator[str]:
    for name, value in restrictions.items():
        yield f"{name} {', '.join(value) if isinstance(value, list) else value}"


if __name__ == "__main__":
    PAGE.write_text(with_examples(PAGE.read_text()))
