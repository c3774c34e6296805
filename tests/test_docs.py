"""What the documents say is so: links lead somewhere, commands exist, tables are the code's, examples are executed."""

import argparse
import io
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.base import BaseCommand

from evbilling.access.roles import Role
from evbilling.demo import people
from evbilling.kernel.books import registered_checks
from evbilling.kernel.money import ROUNDING_RULE
from evbilling.kernel.strict_json import dumps, loads
from invoicing.operations.charts import chart_of
from sessions.rules.intake import OPTIONAL, REQUIRED

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted(path for path in ROOT.glob("*/README.md") if path.parent.name != ".venv"),
    *sorted(ROOT.glob("evbilling/*/README.md")),
]
MOST_PICTURE_BYTES = 2_000_000


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """The anchors that a code host makes of the headings of a page."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next one of its level or above."""
    level, text = re.match(r"(#+) (.*)", heading).groups()
    after = (ROOT / page).read_text().split(f"\n{level} {text}\n", 1)[1]
    return re.split(rf"(?m)^#{{1,{len(level)}}} ", after)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of the first table in a text, without its head."""
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"\w+:", target):
            continue
        path, _hash, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def test_every_page_of_the_documents_is_in_the_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#\s]+)\)", index.read_text())}
    assert [named(page) for page in (ROOT / "docs").rglob("*.md") if page != index and page not in linked] == []


def commands(page: Path) -> list[tuple[str, str]]:
    """`manage.py X ...` and `./run manage X ...` with the rest of their line, up to a comment."""
    return re.findall(r"(?:manage\.py|\./run manage) ([a-z]\w*)([^`#\n]*)", page.read_text())


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """All options of a command, those of its words (`bench month`) included."""
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for word in action.choices.values():
                yield from _options(word)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_command_named_exists_with_its_options(page: Path) -> None:
    known = get_commands()
    wrong = []
    for name, rest in commands(page):
        if name not in known:
            wrong.append(name)
            continue
        app = known[name]
        command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
        options = set(_options(command.create_parser("manage.py", name)))
        wrong += [f"{name} {option}" for option in re.findall(r"(?<!\S)--[a-z-]+", rest) if option not in options]
    assert wrong == []


def test_the_stable_commands_are_the_ones_that_the_readme_lists() -> None:
    ours = {path.stem for path in ROOT.glob("**/management/commands/[a-z]*.py") if ".venv" not in path.parts}
    assert {name for name, _rest in commands(ROOT / "README.md")} == ours


def test_the_logins_of_the_readme_are_the_demos() -> None:
    text = section("README.md", "## Logins of the demo")
    assert [tuple(row) for row in rows(text)] == [(person.email, person.place) for person in people.ALL]
    assert f"`{people.PASSWORD}`" in text


def test_the_roles_of_the_security_page_are_the_codes() -> None:
    assert [row[0] for row in rows(section("docs/security.md", "## Roles"))] == [str(role.label) for role in Role]


def test_the_checks_of_the_operating_page_are_the_registered_ones() -> None:
    listed = [row[0] for row in rows(section("docs/operate.md", "## Prove the books"))]
    assert listed == sorted({check.invariant for check in registered_checks()}, key=lambda name: int(name[1:]))


def test_the_chart_of_accounts_is_the_ledgers() -> None:
    listed = {row[0]: row[1] for row in rows(section("docs/accounting.md", "## Accounts"))}
    assert listed == {role.value: row.code for role, row in chart_of("plain").items()}


def journal_examples() -> list[tuple[str, list[list[str]]]]:
    """Heading and rows of each table of the journal entries."""
    text = section("docs/accounting.md", "## Journal entries")
    return [
        (f"{part.splitlines()[0]} {number}", rows(table))
        for part in text.split("\n### ")[1:]
        for number, table in enumerate(re.findall(r"(?:^\|.*\n)+", part, re.MULTILINE))
    ]


@pytest.mark.parametrize(
    "lines", [lines for _name, lines in journal_examples()], ids=[name for name, _ in journal_examples()]
)
def test_the_journal_examples_balance_on_accounts_of_the_chart(lines: list[list[str]]) -> None:
    assert {role for role, _debit, _credit in lines} <= {role.value for role in chart_of("plain")}
    assert sum(Decimal(debit or 0) - Decimal(credit or 0) for _role, debit, credit in lines) == 0


def test_the_accounting_page_names_the_rounding_rule_in_force() -> None:
    assert f"`{ROUNDING_RULE}`" in section("docs/accounting.md", "## Rounding")


def test_the_columns_of_a_profile_are_the_ones_that_are_read() -> None:
    listed = {
        name.strip(): row[1]
        for table in re.findall(r"(?:^\|.*\n)+", section("docs/integrate.md", "## Files of sessions"), re.MULTILINE)[1:]
        for row in rows(table)
        for name in row[0].split(",")
    }
    assert listed == dict.fromkeys(REQUIRED, "yes") | dict.fromkeys(OPTIONAL, "no")


PRICED = re.findall(
    r"```json\n(.*?)```\n\ngives\n\n```json\n(.*?)```", (ROOT / "docs" / "integrate.md").read_text(), re.DOTALL
)


@pytest.mark.parametrize(("request_text", "answer"), PRICED, ids=[loads(request)["id"] for request, _ in PRICED])
def test_the_examples_of_price_give_what_the_page_prints(request_text: str, answer: str, monkeypatch) -> None:
    line = " ".join(request_text.split())
    printed = io.StringIO()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(f"{line}\n".encode())))
    expected = loads(answer)
    if "error" in expected:
        with pytest.raises(SystemExit) as ended:
            call_command("price", stdout=printed)
        assert ended.value.code == 1
    else:
        call_command("price", stdout=printed)
    answered = printed.getvalue().replace("\N{NO-BREAK SPACE}", " ")  # sentences tie a figure to its unit
    assert dumps(loads(answered)) == dumps(expected)


def test_the_page_has_examples_of_a_session_a_record_and_a_refusal() -> None:
    assert [loads(request)["id"] for request, _answer in PRICED] == ["quote-1", "cdr-7", "bad"]


def test_the_pictures_are_small_and_all_shown() -> None:
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.png"))
    readme = (ROOT / "README.md").read_text()
    assert [named(picture) for picture in pictures if named(picture) not in readme] == []
    assert 0 < sum(picture.stat().st_size for picture in pictures) < MOST_PICTURE_BYTES
