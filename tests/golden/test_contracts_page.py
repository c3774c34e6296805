"""docs/contracts.md: its sentences are the terms', its tables the lines of documents that the worked months issue."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from contracts.models import Contract
from contracts.rules.shares import share_sentence, sponsor_sentence
from contracts.rules.terms import describe, parse
from sessions.rules.pricing import numbers_from_text
from sessions.rules.rating import price_request
from tests.golden.contracts import GOLDEN, Golden
from tests.golden.months import AT, World, close_month, document_of, make_world, record

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "contracts.md").read_text()
EXAMPLES = {"A fleet operator": 28, "An EV manufacturer": 24, "A property owner": 26, "An EV driver": 27}


def section(heading: str) -> str:
    """The text below a heading of the page, its lines joined so that a sentence is in one piece."""
    text: str = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return text


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table in a text, without its head."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]] for table in found]


def in_one_line(text: str) -> str:
    """A text with every kind and number of spaces as one."""
    return " ".join(text.split())


def golden_of(heading: str) -> Golden:
    return next(golden for golden in GOLDEN if golden.name.startswith(f"{EXAMPLES[heading]}-"))


def billed(contract: Contract | None) -> list[list[str]]:
    """The lines of a contract's document of March, as the page shows them."""
    invoice = document_of(contract)
    lines = [[in_one_line(line.text), f"{line.net_amount:.2f}"] for line in invoice.lines.order_by("position")]
    return [*lines, ["VAT", f"{invoice.tax_amount:.2f}"], ["To pay", f"{invoice.gross_amount:.2f}"]]


def sentences(world: World, golden: Golden) -> list[str]:
    """What the example's contracts say, in the words of the contract document."""
    said = [describe(parse(term["kind"], term["figures"]), "EUR") for term in golden.facts.get("terms", ())]
    if world.sponsor is not None:
        said.append(sponsor_sentence(world.sponsor.versions.get().sponsorship.terms, "EUR"))
    if world.host is not None:
        said += [share_sentence(share.terms, "EUR") for share in world.host.versions.get().revenue_shares.all()]
    return [in_one_line(sentence) for sentence in said]


@pytest.mark.django_db
@pytest.mark.parametrize("heading", EXAMPLES)
def test_the_worked_example_of_a_party_says_and_bills_what_its_month_does(
    heading: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: AT + dt.timedelta(hours=1))
    golden = golden_of(heading)
    world = make_world(golden)
    record(world, golden)

    close_month(world)

    told = in_one_line(section(heading))
    assert [sentence for sentence in sentences(world, golden) if f"- {sentence}" not in told] == []
    payers = [payer for payer in (world.host or world.sponsor, world.contract) if payer is not None]
    shown = tables(section(heading))
    assert shown == [billed(payer) for payer in payers[: len(shown)]]


def test_the_roaming_partners_record_differs_as_the_page_says() -> None:
    golden = next(golden for golden in GOLDEN if golden.name.startswith("10-"))
    (session,) = golden.sessions
    stated = golden.as_ocpi(session)
    cdr: dict[str, Any] = {
        "id": "CDR-1",
        "currency": "EUR",
        "start_date_time": stated["start_date_time"],
        "end_date_time": stated["end_date_time"],
        "charging_periods": [
            {name: value for name, value in period.items() if name != "minutes"}
            for period in stated["charging_periods"]
        ],
        "tariffs": numbers_from_text(golden.facts["tariffs"]),
        # 7 kWh at 0.40, 10 kWh at 0.30, and 0.50: rounded up under each tariff
        "total_cost": {"excl_vat": Decimal("6.30")},
        "total_energy_cost": {"excl_vat": Decimal("5.80")},
        "total_energy": Decimal("15.7"),
    }

    answer = price_request({"id": "1", "ocpi_version": "2.2.1", "time_zone": "Europe/Berlin", "cdr": cdr})

    assert "error" not in answer
    assert [
        [row["field"], *(f"{row[name]:.2f}" for name in ("stated_excl_vat", "ours_excl_vat", "difference_excl_vat"))]
        for row in answer["audit"]
    ] == tables(section("A roaming partner"))[0]
