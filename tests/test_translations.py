"""Every sentence a person may read has its German: found in the sources, translated, compiled, and shown.

No GNU gettext is needed: Python sources are read by their syntax tree, templates by Django's own `templatize`.
How a sentence gets its German: CONTRIBUTING.md, Languages.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from django.contrib import admin
from django.contrib.admin.utils import flatten, flatten_fieldsets
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
APPS = ("contracts", "evbilling", "invoicing", "payments", "sessions")
# What the arguments of a gettext function are: s the sentence, p its plural, c its context.
ARGUMENTS = {
    "_": "s",
    "gettext": "s",
    "gettext_lazy": "s",
    "gettext_noop": "s",
    "ngettext": "sp",
    "ngettext_lazy": "sp",
    "pgettext": "cs",
    "pgettext_lazy": "cs",
    "npgettext": "csp",
    "npgettext_lazy": "csp",
}
LITERAL = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
TEMPLATE_CALL = re.compile(rf"\b(_|n?p?gettext)\(\s*({LITERAL}(?:\s*,\s*{LITERAL})*)", re.DOTALL)
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd%]")
# A context and a sentence: how a catalogue finds a message.
Key = tuple[str | None, str]


def calls_in_python(path: Path) -> Iterator[tuple[str, list[str], int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [each.value for each in node.args[: len(ARGUMENTS.get(name, ""))] if isinstance(each, ast.Constant)]
        if texts and len(texts) == len(ARGUMENTS[name]):
            yield name, texts, node.lineno


def calls_in_template(path: Path) -> Iterator[tuple[str, list[str], int]]:
    source = templatize(path.read_text(), origin=str(path))
    for call in TEMPLATE_CALL.finditer(source):
        yield call[1], list(ast.literal_eval(f"({call[2]},)")), source.count("\n", 0, call.start()) + 1


@cache
def sentences() -> dict[Key, tuple[str | None, str]]:
    """Every marked sentence with its plural, if it has one, and the first place that says it."""
    found: dict[Key, tuple[str | None, str]] = {}
    for folder in (*APPS, "templates"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in {".py", ".html", ".txt"}:
                continue
            calls = calls_in_python(path) if path.suffix == ".py" else calls_in_template(path)
            for name, texts, line in calls:
                said = dict(zip(ARGUMENTS[name], texts, strict=True))
                key = (said.get("c"), said["s"])
                if key not in found or said.get("p"):
                    found[key] = (said.get("p"), f"{path.relative_to(ROOT)}:{line}")
    return found


@cache
def catalogue(app: str) -> Catalog:
    with (ROOT / app / "locale" / "de" / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale="de", abort_invalid=True)


def test_given_a_field_that_the_workspace_shows_then_its_name_is_marked():
    unmarked = []
    for model, screen in admin.site._registry.items():
        if model.__module__.split(".")[0] not in APPS:
            continue
        shown = {*flatten([*screen.list_display, *screen.readonly_fields, *(screen.fields or ())])}
        shown |= {*flatten_fieldsets(screen.fieldsets or ())}
        for field in model._meta.concrete_fields:
            own = hasattr(screen, field.name)  # a column of the screen's own, with its own heading
            if field.name in shown and not own and not isinstance(field.verbose_name, Promise | type(None)):
                unmarked.append(f"{model._meta.label}.{field.name}")
    assert unmarked == []


NAMES = ("help_text", "verbose_name", "verbose_name_plural")


def unmarked_names(path: Path) -> Iterator[str]:
    """Names and helps of fields and models that are plain text: as arguments, or in a Meta."""
    for node in ast.walk(ast.parse(path.read_text())):
        said = [(each.arg, each.value) for each in node.keywords] if isinstance(node, ast.Call) else []
        if isinstance(node, ast.ClassDef):
            assigned = [each for each in node.body if isinstance(each, ast.Assign)]
            said = [(getattr(target, "id", ""), each.value) for each in assigned for target in each.targets]
        for name, value in said:
            if name in NAMES and isinstance(value, ast.Constant | ast.JoinedStr | ast.BinOp):
                yield f"{path.relative_to(ROOT)}:{value.lineno}: {name}"


def test_given_a_field_or_model_then_its_name_and_help_are_marked():
    sources = [path for app in APPS for path in (ROOT / app).rglob("*.py") if path.parent.name != "migrations"]
    assert [place for path in sorted(sources) for place in unmarked_names(path)] == []


def messages(app: str) -> list[Message]:
    return [message for message in catalogue(app) if message.id]


def forms(message: Message) -> list[tuple[str, str]]:
    """Each sentence with its German: one pair, or two where it counts something."""
    if isinstance(message.id, tuple):
        return list(zip(message.id, message.string, strict=True))
    return [(message.id, message.string)]


def key_of(message: Message) -> Key:
    return message.context, forms(message)[0][0]


def test_given_every_marked_sentence_then_a_catalogue_has_its_german():
    translated = {key_of(message): message for app in APPS for message in messages(app)}
    said = sentences()
    assert len(said) > 1200
    missing = [f"{place}: {key[1]}" for key, (_, place) in said.items() if key not in translated]
    assert missing == []
    uncounted = [
        f"{place}: {key[1]}"
        for key, (plural, place) in said.items()
        if plural and translated[key].id != (key[1], plural)
    ]
    assert uncounted == []


@pytest.mark.parametrize("app", APPS)
def test_given_a_catalogue_then_nothing_in_it_is_empty_fuzzy_or_no_longer_said(app):
    said = sentences()
    assert [message.id for message in messages(app) if message.fuzzy or not all(t for _, t in forms(message))] == []
    assert [key_of(message) for message in messages(app) if key_of(message) not in said] == []
    assert not catalogue(app).obsolete


@pytest.mark.parametrize("app", APPS)
def test_given_a_sentence_with_placeholders_then_its_german_has_the_same(app):
    pairs = [pair for message in messages(app) for pair in forms(message)]
    wrong = [
        english
        for english, german in pairs
        if sorted(PLACEHOLDER.findall(english)) != sorted(PLACEHOLDER.findall(german))
    ]
    assert wrong == []


@pytest.mark.parametrize("app", APPS)
def test_given_a_catalogue_then_its_compiled_form_says_the_same(app):
    with (ROOT / app / "locale" / "de" / "LC_MESSAGES" / "django.mo").open("rb") as file:
        compiled = GNUTranslations(file)
    stored = {key: text for key, text in compiled._catalog.items() if key}
    expected = {}
    for message in messages(app):
        context, sentence = key_of(message)
        name = f"{context}\x04{sentence}" if context else sentence
        if isinstance(message.id, tuple):
            expected |= {(name, form): german for form, (_, german) in enumerate(forms(message))}
        else:
            expected[name] = message.string
    assert stored == expected


@pytest.mark.parametrize("app", APPS)
def test_given_a_word_that_another_package_translates_too_then_a_german_page_shows_ours(app):
    """Where it fails, name the word in evbilling/workspace/theme_words.py: the frame's catalogue stands before all."""
    shown_otherwise = []
    with translation.override("de"):
        for message in messages(app):
            if isinstance(message.id, tuple):
                shown = [translation.npgettext(message.context or "", *message.id, count) for count in (1, 2)]
                if not message.context:
                    shown = [translation.ngettext(*message.id, count) for count in (1, 2)]
            elif message.context:
                shown = [translation.pgettext(message.context, message.id)]
            else:
                shown = [translation.gettext(message.id)]
            if shown != [german for _, german in forms(message)]:
                shown_otherwise.append((message.id, shown))
    assert shown_otherwise == []
