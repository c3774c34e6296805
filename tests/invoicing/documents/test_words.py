"""Every word of the documents and their mails has its German."""

import re
from gettext import GNUTranslations
from pathlib import Path

from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = ROOT / "invoicing" / "locale" / "de" / "LC_MESSAGES"
IN_PYTHON = re.compile(r'\b(pgettext|gettext|ngettext)\(\s*"((?:[^"\\]|\\.)*)"(?:,\s*"((?:[^"\\]|\\.)*)")?')
IN_TEMPLATE = re.compile(r'{% translate "([^"]*)" context "([^"]*)" %}')


def words_in_use():
    for name in ("annex", "first_page", "mail", "sheet", "words"):
        path = ROOT / "invoicing" / "documents" / f"{name}.py"
        for function, first, second in IN_PYTHON.findall(path.read_text()):
            yield (second, first) if function == "pgettext" else (first, None)
    for folder in ("documents", "emails"):
        for path in sorted((ROOT / "templates" / folder).glob("document.*")):
            yield from IN_TEMPLATE.findall(path.read_text())


def test_given_any_word_in_use_then_the_german_catalogue_has_it():
    catalogue = read_po((CATALOGUE / "django.po").open("rb"), locale="de")
    words = list(words_in_use())
    assert len(words) > 60
    missing = [word for word in words if not (found := catalogue.get(*word)) or not found.string]
    assert missing == []


def test_given_the_catalogue_then_its_compiled_form_is_current():
    compiled = GNUTranslations((CATALOGUE / "django.mo").open("rb"))
    source = read_po((CATALOGUE / "django.po").open("rb"), locale="de")
    for message in source:
        if isinstance(message.id, tuple):
            assert tuple(compiled.ngettext(*message.id, number) for number in (1, 2)) == message.string
        elif message.id and message.context:
            assert compiled.pgettext(message.context, message.id) == message.string
        elif message.id:
            assert compiled.gettext(message.id) == message.string
