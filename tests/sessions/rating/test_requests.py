"""Requests as JSON: the answer's form, the audit of a charge record, the sentences, the command's exit codes."""

import io
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command

from evbilling.kernel.strict_json import loads
from sessions.rules.rating import (
    ENGINE_VERSION,
    ROUNDING_RULE,
    because_sentence,
    cached_tariff,
    make_period,
    make_session,
    parse_tariff,
    price_request,
    rate,
)
from sessions.rules.rating.zone import EPOCH, moment
from tests.sessions.rating.build import component, element, period, price, session, tariff

START, END = "2026-03-02T10:00:00Z", "2026-03-02T11:00:00Z"
DOCUMENT = tariff(element(component("FLAT", "0.50", vat="20"), component("ENERGY", "0.25", vat="10", step=100)))


def cdr(**fields: Any) -> dict[str, Any]:
    stated = session(START, END, period(START, ENERGY="20.45"), id="R1", currency="EUR", tariffs=[DOCUMENT])
    return stated | fields


def ask(**fields: Any) -> dict[str, Any]:
    return price_request({"id": "q", "ocpi_version": "2.2.1"} | fields)


def found(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(finding["code"], finding["path"]) for finding in answer["findings"]]


def test_given_a_session_when_asked_then_the_answer_has_totals_rounded_and_exact_and_lines_with_because() -> None:
    answer = ask(tariff=DOCUMENT, session=session(START, END, period(START, ENERGY="20.45")))

    assert (answer["id"], answer["ocpi_version"], answer["currency"]) == ("q", "2.2.1", "EUR")
    assert (answer["total_excl_vat"], answer["total_incl_vat"]) == (Decimal("5.63"), Decimal("6.24"))
    assert (answer["total_excl_vat_exact"], answer["total_incl_vat_exact"]) == (Decimal("5.625"), Decimal("6.2375"))
    assert (answer["engine_version"], answer["rounding"]) == (ENGINE_VERSION, ROUNDING_RULE)
    assert answer["lines"][1] == {
        "dimension": "ENERGY",
        "volume": Decimal("20.45"),
        "billed_volume": Decimal("20.5"),
        "unit_price": Decimal("0.25"),
        "amount_excl_vat": Decimal("5.125"),
        "vat_rate": Decimal(10),
        "amount_incl_vat": Decimal("5.6375"),
        "because": {
            "tariff_id": "T",
            "element": 0,
            "component": 1,
            "restrictions": {},
            "reservation": None,
            "step_size": 100,
            "step_applied": True,
            "apportioned": False,
            "tax_included": False,
            "text": "Energy: 20.45\xa0kWh, billed as 20.5\xa0kWh in steps of 0.1\xa0kWh, at €0.25 per kWh"
            " (tariff T, element 1).",
        },
    }
    assert answer["findings"] == []


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"tariff": DOCUMENT}, "session_or_cdr", "session"),
        ({"tariff": DOCUMENT, "session": {}, "cdr": {}}, "session_or_cdr", "session"),
        ({"session": session(START, END, period(START, ENERGY="1"))}, "no_tariff", "tariff"),
        ({"tariff": DOCUMENT, "tariffs": [DOCUMENT], "cdr": cdr()}, "tariff_or_tariffs", "tariffs"),
        ({"tariffs": [DOCUMENT, DOCUMENT], "cdr": cdr()}, "duplicate_tariff", "tariffs[1].id"),
        ({"cdr": cdr(currency="CHF")}, "currency_differs", "cdr.currency"),
        ({"cdr": cdr(), "ocpi_version": "2.1.1"}, "unknown_version", "ocpi_version"),
        ({"cdr": cdr(), "default_vat": Decimal(-1)}, "negative", "default_vat"),
        ({"cdr": cdr(), "colour": 1}, "unknown_key", "colour"),
        ({"cdr": cdr(), "time_zone": "Mars/Base"}, "unknown_zone", "time_zone"),
    ],
)
def test_given_a_request_that_cannot_be_priced_when_asked_then_it_has_an_error_and_no_total(
    fields: dict[str, Any], code: str, path: str
) -> None:
    answer = ask(**fields)

    assert answer.keys() == {"id", "error", "findings"}
    assert (code, path) in found(answer)
    assert answer["error"]


def test_given_a_record_that_agrees_when_audited_then_every_difference_is_zero() -> None:
    stated = {"excl_vat": Decimal("5.63"), "incl_vat": Decimal("6.24")}

    answer = ask(cdr=cdr(total_cost=stated, total_energy_cost={"excl_vat": Decimal("5.125")}))

    assert [(row["dimension"], row["difference_excl_vat"]) for row in answer["audit"]] == [("TOTAL", 0), ("ENERGY", 0)]
    assert answer["findings"] == []


def test_given_a_record_that_differs_when_audited_then_it_says_where_and_by_how_much() -> None:
    stated = {"excl_vat": Decimal("5.73"), "incl_vat": Decimal("6.24")}

    answer = ask(cdr=cdr(total_cost=stated, total_fixed_cost={"excl_vat": Decimal("0.60")}))

    assert [(row["dimension"], row["difference_excl_vat"]) for row in answer["audit"]] == [
        ("TOTAL", Decimal("0.105")),
        ("FLAT", Decimal("0.10")),
    ]
    assert found(answer) == [("cost_differs", "cdr.total_cost"), ("cost_differs", "cdr.total_fixed_cost")]


def test_given_a_record_of_2_3_0_when_audited_then_its_taxes_are_added() -> None:
    stated = {"before_taxes": Decimal("5.63"), "taxes": [{"name": "VAT", "amount": Decimal("0.61")}]}

    answer = ask(cdr=cdr(total_cost=stated), ocpi_version="2.3.0")

    assert [(row["stated_incl_vat"], row["difference_incl_vat"]) for row in answer["audit"]] == [(Decimal("6.24"), 0)]


def test_given_a_credit_record_when_audited_then_it_is_not_compared_and_it_says_so() -> None:
    answer = ask(cdr=cdr(credit=True, total_cost={"excl_vat": Decimal("-5.63")}))

    assert answer["audit"] == []
    assert found(answer) == [("credit_record", "cdr.credit")]


def test_given_a_record_with_a_vendor_field_when_priced_then_it_is_a_warning_only() -> None:
    answer = ask(cdr=cdr(vendor_note="x"))

    assert answer["total_excl_vat"] == Decimal("5.63")
    assert found(answer) == [("unknown_key", "cdr.vendor_note")]


def test_given_a_line_when_explained_in_german_then_numbers_have_a_comma() -> None:
    result = price(
        tariff(element(component("TIME", "6", vat="19", step=300), start_time="08:00")),
        session(START, None, period(START, 21, TIME="0.35")),
    )

    assert because_sentence(result.lines[0], "EUR", "de").replace("\xa0", " ") == (
        "Ladezeit ab 08:00: 21 min, berechnet als 25 min in Schritten von 5 min, zu 6,00 € je Stunde"
        " (Tarif T, Element 1)."
    )


def test_given_a_limit_when_explained_then_the_sentence_names_limit_and_amount() -> None:
    document = tariff(element(component("ENERGY", "1", vat="10")), max_price={"excl_vat": Decimal(10)})
    result = price(document, session(START, None, period(START, 60, ENERGY="12.5")))

    assert because_sentence(result.lines[1], "EUR") == "The maximum price of €10.00 takes off €2.50 (tariff T)."


def test_given_everyday_units_when_a_session_is_built_then_it_prices_like_its_document() -> None:
    start, end = EPOCH.replace(year=2026), EPOCH.replace(year=2026, hour=1)
    built = make_session(
        (make_period(start, end, energy_wh=20_450, charging_seconds=3600),), start=start, end=end, time_zone="UTC"
    )
    parsed, _ = parse_tariff(DOCUMENT, "2.2.1")
    assert parsed is not None

    assert rate(built, parsed, ocpi_version="2.2.1").total_excl_vat == Decimal("5.63")
    assert moment(built.start) == start


def test_given_an_equal_document_when_compiled_again_then_the_compiled_tariff_is_reused() -> None:
    first, _ = cached_tariff(tariff(element(component("ENERGY", "0.77"))), "2.2.1")
    second, _ = cached_tariff(tariff(element(component("ENERGY", "0.77"))), "2.2.1")
    other, _ = cached_tariff(tariff(element(component("ENERGY", "0.770"))), "2.2.1")

    assert first is second
    assert other is not first


def run(monkeypatch: pytest.MonkeyPatch, raw: bytes) -> tuple[int, list[Any]]:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
    out = io.StringIO()
    code = 0
    try:
        call_command("price", stdout=out)
    except SystemExit as stop:
        code = int(str(stop.code))
    return code, [loads(line) for line in out.getvalue().splitlines()]


def test_given_lines_that_are_no_json_when_piped_then_each_is_answered_and_the_exit_code_is_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, answers = run(monkeypatch, b'{"id": "a"}\n\nnot json\n{"id": "b", "id": "c"}\n{"id": "\\ud800"}\n\xff\n')

    assert code == 1
    assert [answer["id"] for answer in answers] == ["a", None, None, "\ud800", None]
    assert [answer["findings"][0]["code"] for answer in answers] == [
        "missing", "bad_json", "bad_json", "missing", "bad_json",
    ]  # fmt: skip


def test_given_no_lines_when_piped_then_nothing_is_written_and_the_exit_code_is_0(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert run(monkeypatch, b"") == (0, [])
