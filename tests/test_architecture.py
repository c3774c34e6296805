"""The plan of the house, held by tests: layers, foreign keys, pure rules, sizes, packages, lock files, commands."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from django.apps import AppConfig, apps
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("contracts", "evbilling", "invoicing", "payments", "sessions", "tests")
MOST_LINES = 400
# Each app's floor; a foreign key points to the same floor or below. Other people's apps lie under all of ours.
FLOORS = {
    "evbilling.kernel": 1,
    "evbilling.access": 2,
    "evbilling.shell": 2,
    "contracts": 3,
    "sessions": 4,
    "invoicing": 5,
    "payments": 6,
    "evbilling.workspace": 7,
    "evbilling.portal": 7,
    "evbilling.api": 7,
    "evbilling.demo": 7,
}
LOCK_FILES = ("requirements.txt", "requirements-test.txt", "requirements-servers.txt")


def sources(*packages: str) -> list[Path]:
    """Our own Python files, migrations apart."""
    found = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def canonical(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def imports(path: Path, *, typing_too: bool = True) -> Iterator[str]:
    """Every imported name, dotted and in full: `from django.db import models` gives django.db.models."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    blocks = [node for node in nodes if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"]
    for_types = {inner for block in blocks for inner in ast.walk(block)}
    for node in nodes:
        if node in for_types and not typing_too:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(app: AppConfig) -> int:
    return FLOORS[app.name] if app.name.split(".")[0] in PACKAGES else 0


def test_imports_go_one_way_down(capsys: pytest.CaptureFixture[str]) -> None:
    code = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert code == 0, capsys.readouterr().out


def test_foreign_keys_go_one_way_down() -> None:
    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models(include_auto_created=True)
        if floor(model._meta.app_config)
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model is not None
        if floor(field.related_model._meta.app_config) > floor(model._meta.app_config)
    ]
    assert upward == []


def test_rules_are_pure() -> None:
    impure = re.compile(
        r"django\.(db|conf|utils\.timezone|apps|http|core)\b|time\.|random\.|os\.|environ\b"
        r"|.*\.(models|operations|queries|tasks)\b|evbilling\.kernel\.(audit|outbox|locks|tasks)\b"
    )
    found = [
        f"{name_of(path)} imports {name}"
        for path in sources(*PACKAGES)
        if "rules" in path.relative_to(ROOT).parts
        and path.parts[-1] != "conftest.py"
        and PACKAGES[-1] not in path.parts
        for name in imports(path)
        if impure.match(name)
    ]
    assert found == []


def test_no_business_news_travels_by_signal() -> None:
    found = [
        f"{name_of(path)} imports {name}"
        for path in sources(*PACKAGES)
        for name in imports(path)
        if name.startswith("django.db.models.signals.") and name != "django.db.models.signals.post_migrate"
        if "tests" not in path.relative_to(ROOT).parts
    ]
    assert found == []


def test_only_settings_read_the_environment() -> None:
    allowed = {"evbilling/settings.py", "evbilling/celery.py", "evbilling/wsgi.py"}
    found = [
        f"{name_of(path)} reads {node.attr}"
        for path in sources(*PACKAGES[:-1])
        if name_of(path) not in allowed
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        if isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr in {"environ", "getenv"}
    ]
    assert found == []


def test_files_stay_readable() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in sources(*PACKAGES)}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_folders_of_tests_are_packages() -> None:
    """Else tests/sessions would be imported as `sessions` and hide the app."""
    folders = {path.parent for path in sources("tests")}
    assert sorted(name_of(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_no_package_hides_in_another_place() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    top = {name.split("/")[0] for name in tracked if name.endswith(".py") and "/" in name}
    assert top <= set(PACKAGES)


@pytest.mark.parametrize(("packages", "groups"), [(PACKAGES[:-1], ()), (("tests",), ("test",))])
def test_what_we_import_is_declared(packages: tuple[str, ...], groups: tuple[str, ...]) -> None:
    """A package that only comes with another one may go with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [
        *project["project"]["dependencies"],
        *(line for name in groups for line in project["dependency-groups"][name]),
    ]
    declared = {canonical(re.match(r"[\w-]+", line)[0]) for line in lines}
    installed = packages_distributions()
    names = {name for path in sources(*packages) for name in imports(path, typing_too=False)}
    modules = {name.split(".")[0] for name in names} - sys.stdlib_module_names
    undeclared = {
        module: installed.get(module, ["not installed"])
        for module in modules - set(PACKAGES)
        if not {canonical(name) for name in installed.get(module, [])} & declared
    }
    assert undeclared == {}


@pytest.mark.parametrize("name", LOCK_FILES)
def test_lock_files_name_no_host_and_no_path(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "--hash=sha256:" in text
    assert re.findall(r"(?im)^.*(?:://|index-url|find-links|file:|@ |/work|/home|/tmp).*$", text) == []


def test_lock_files_hold_the_same_versions() -> None:
    pins = [set(re.findall(r"(?m)^([\w.-]+==[\w.]+)", (ROOT / name).read_text())) for name in LOCK_FILES[:2]]
    assert pins[0]
    assert pins[0] - pins[1] == set()


def test_every_command_that_the_documents_name_exists() -> None:
    known = set(re.findall(r"(?m)^(\w+)(?: \| [\w| -]+)?\)", (ROOT / "run").read_text().split("case $command in")[1]))
    texts = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    named = {
        command: name_of(path) for path in texts for command in re.findall(r"\./run (?!COMMAND)(\w+)", path.read_text())
    }
    assert {"demo", "test"} <= named.keys()
    assert {command: where for command, where in named.items() if command not in known} == {}
