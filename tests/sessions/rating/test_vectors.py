"""Every worked example of the OCPI specification, as a request and through the command."""

import io
import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from evbilling.kernel.strict_json import loads
from sessions.rules.rating import price_request

VECTORS = Path(__file__).parents[2] / "vectors"
SPECS = {"2.2": 4, "2.2.1": 36, "2.3.0": 38}


def _cases() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for version, count in SPECS.items():
        cases = loads((VECTORS / f"ocpi-spec-{version}" / "cases.json").read_bytes())["cases"]
        assert len(cases) == count
        found += [(version, case) for case in cases]
    return found


CASES = _cases()


def _document(version: str, name: str) -> Any:
    return loads((VECTORS / f"ocpi-spec-{version}" / name).read_bytes())


def request_of(version: str, case: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {"id": case["id"], "ocpi_version": version}
    if "cdr" in case["session"]:
        return request | {"cdr": _document(version, case["session"]["cdr"])}
    stated = case.get("tariff_inline") or _document(version, case["tariff"])
    return request | {"tariff": stated, "session": case["session"]}


def assert_expected(case: dict[str, Any], answer: dict[str, Any]) -> None:
    assert "error" not in answer, answer
    expected = case["expected"]
    for ours, names in (
        ("total_excl_vat", ("total_excl_vat", "before_taxes")),
        ("total_incl_vat", ("total_incl_vat", "after_taxes")),
    ):
        printed = next((expected[name] for name in names if expected.get(name) is not None), None)
        if printed is not None:
            assert as_printed(answer[f"{ours}_exact"], printed) == Decimal(printed)
            cents = Decimal(answer[f"{ours}_exact"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert Decimal(answer[ours]) == cents
    for stated in expected.get("lines", []):
        [(dimension, figure)] = stated.items()
        assert_line(dimension, figure, answer["lines"])


def assert_line(dimension: str, figure: Any, lines: list[dict[str, Any]]) -> None:
    """One of the answer's lines has the figures: net and gross, net alone, or minutes or kWh billed."""
    kind, _, unit = dimension.rpartition("_") if dimension.endswith(("_minutes", "_kwh")) else (dimension, "", "")
    own = [line for line in lines if line["dimension"] == kind]
    if unit == "minutes":
        assert Decimal(figure) in [(Decimal(line["billed_volume"]) * 60).quantize(Decimal("0.0001")) for line in own]
    elif unit == "kwh":
        assert Decimal(figure) in [Decimal(line["billed_volume"]) for line in own]
    else:
        net, gross = figure if isinstance(figure, list) else (figure, None)
        matching = [line for line in own if as_printed(line["amount_excl_vat"], net) == Decimal(net)]
        assert matching
        if gross is not None:
            assert Decimal(gross) in [as_printed(line["amount_incl_vat"], gross) for line in matching]


def as_printed(amount: Decimal | str, printed: str) -> Decimal:
    return Decimal(amount).quantize(Decimal(printed), ROUND_HALF_UP)


@pytest.mark.parametrize(("version", "case"), CASES, ids=[f"{version}-{case['id']}" for version, case in CASES])
def test_given_a_worked_example_when_priced_then_the_printed_figures_come_out(
    version: str, case: dict[str, Any]
) -> None:
    assert_expected(case, price_request(request_of(version, case)))


def test_given_all_worked_examples_when_piped_through_the_command_then_each_line_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = "\n".join(json.dumps(request_of(version, case), default=float) for version, case in CASES)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw.encode())))
    out = io.StringIO()

    call_command("price", stdout=out)

    answers = [loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == len(CASES)
    for (_, case), answer in zip(CASES, answers, strict=True):
        assert answer["id"] == case["id"]
        assert_expected(case, answer)


def test_given_the_two_text_versions_when_the_same_session_is_priced_then_the_version_decides() -> None:
    case = next(case for version, case in CASES if (version, case["id"]) == ("2.2", "t14_switch_1"))
    request = request_of("2.2", case)

    old, new = price_request(request), price_request(request | {"ocpi_version": "2.2.1"})

    assert (old["total_excl_vat_exact"], new["total_excl_vat_exact"]) == (
        Decimal("0.383333333333333333"),
        Decimal("0.55"),
    )


def test_given_the_withdrawn_example_when_priced_as_2_2_1_then_durations_count_from_the_session_start() -> None:
    case = next(case for version, case in CASES if case["id"] == "t07_first_hour_kwh_free")

    answer = price_request(request_of("2.2", case) | {"ocpi_version": "2.2.1"})

    assert answer["total_excl_vat_exact"] == Decimal("10.05")
