"""Findings are said in English and German: same codes and paths, no sentence missing, no value lost."""

import ast
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from sessions.rules import rating
from sessions.rules.rating import price_request
from sessions.rules.rating.findings import Finding, error
from sessions.rules.rating.wording import FINDINGS, NAMED, Named

SOURCES = sorted(Path(rating.__file__).parent.glob("*.py"))


def fields(text: str) -> set[str]:
    return {name for _text, name, _spec, _conversion in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("wording", FINDINGS["en"])
def test_every_sentence_has_its_german_with_the_same_values(wording: str) -> None:
    english, german = FINDINGS["en"][wording], FINDINGS["de"][wording]
    assert fields(english) == fields(german)
    assert english != german
    assert german.endswith((".", "?"))


def test_both_languages_say_the_same_and_nothing_that_is_never_said() -> None:
    said = {
        node.value
        for path in SOURCES
        if path.name != "wording.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert FINDINGS["en"].keys() == FINDINGS["de"].keys()
    assert FINDINGS["en"].keys() - said == set()
    assert set(NAMED["de"]) == set(NAMED["en"]) == set(Named)


def _asked(language: str, **changes: Any) -> dict[str, Any]:
    return price_request(
        {
            "ocpi_version": "2.2.1",
            "language": language,
            "tariff": {"id": "T", "currency": "EUR", "elements": []},
            "session": {"start_date_time": "2026-10-05T06:00:00Z", "charging_periods": {}},
        }
        | changes
    )


@pytest.mark.parametrize(
    ("language", "first"),
    [
        ("en", "charging_periods must be a list, found an object."),
        ("en-GB", "charging_periods must be a list, found an object."),
        ("fr", "charging_periods must be a list, found an object."),
        ("de", "charging_periods muss eine Liste sein, gefunden wurde: ein Objekt."),
        ("de-AT", "charging_periods muss eine Liste sein, gefunden wurde: ein Objekt."),
    ],
)
def test_given_a_language_then_findings_and_error_are_in_it(language: str, first: str) -> None:
    answer = _asked(language)
    assert answer["findings"][0]["message"] == first
    assert answer["error"] == f"session.charging_periods: {first}"


def test_given_another_language_then_codes_paths_and_severities_are_the_same() -> None:
    def bones(answer: dict[str, Any]) -> list[tuple[str, ...]]:
        return [(each["code"], each["severity"], each["path"]) for each in answer["findings"]]

    wrong = {"max_kwhh": 1, "session": {"x": True, "reservation": 3, "time_zone": "Mars"}, "default_vat": -1}
    english, german = _asked("en", **wrong), _asked("de", **wrong)
    assert len(bones(english)) > 5
    assert bones(english) == bones(german)
    assert all(a["message"] != b["message"] for a, b in zip(english["findings"], german["findings"], strict=True))


def test_a_text_that_reads_like_our_own_word_is_quoted_as_it_came() -> None:
    assert error("not_a_text", "x", name="x", value="an object").said("de").endswith("an object.")
    assert error("not_a_text", "x", name="x", value=Named.OBJECT).said("de").endswith("ein Objekt.")


def test_braces_in_a_value_stay_what_they_are() -> None:
    assert "{0} {name.__class__}" in error("not_a_text", "x", name="x", value="{0} {name.__class__}").message


def test_a_finding_is_data_and_its_message_english() -> None:
    finding = error("missing", "tariff.id", name="id")
    assert finding == Finding("missing", "error", "tariff.id", "missing", (("name", "id"),))
    assert finding.as_dict() == {
        "code": "missing",
        "severity": "error",
        "path": "tariff.id",
        "message": "The field id is required.",
    }
