"""`manage.py bill`: the month close for scripts, with figures as JSON and exit codes."""

import io
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from contracts.models import Contact
from evbilling.kernel.commands import FINDINGS, USAGE
from evbilling.kernel.strict_json import loads
from invoicing.models import BillingRun, Invoice, TaxRate
from tests.factories import make_operator
from tests.invoicing.month import FIRST, LATER, Month, make_month, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def month(db: None) -> Month:
    return make_month()


@pytest.fixture(autouse=True)
def _in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: LATER)


def bill(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the command."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("bill", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        return int(end.code), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def figures(*arguments: str) -> dict[str, Any]:
    code, out, _ = bill(*arguments, "--json")
    return loads(out) | {"code": code}


def test_it_bills_the_whole_month_in_this_process(month: Month, mailoutbox: list[Any]) -> None:
    run_figures = figures("--period", "2026-10", "--inline", "--issued-on", "2026-11-02")
    run = BillingRun.objects.get()
    assert run_figures == {
        "run": {"id": run.pk, "period": "2026-10", "state": "finished", "issued_on": "2026-11-02"},
        "counts": {
            "total": 5, "pending": 0, "drafted": 0, "issued": 4, "skipped": 1, "following": 0, "failed": 0,
            "documents": 4, "fee_notes": 0, "penalties": 0,
        },
        "mails": {"queued": 0, "sending": 0, "sent": 4, "failed": 0, "unknown": 0},
        "failures": [],
        "completeness": {
            "sessions_in": 8, "billed": 8, "held": 0, "excluded": 0, "late": 0, "waiting": 0, "missing": 0,
            "carried": 0,
        },
        "code": 0,
    }  # fmt: skip
    assert len(mailoutbox) == 4


def test_a_second_time_it_says_the_same_and_does_nothing(month: Month, mailoutbox: list[Any]) -> None:
    first = figures("--period", "2026-10", "--inline")
    assert figures("--period", "2026-10", "--inline") == first
    assert len(mailoutbox) == 4


def test_drafts_only(month: Month) -> None:
    found = figures("--period", "2026-10", "--inline", "--no-issue")
    assert (found["counts"]["drafted"], found["counts"]["issued"], found["code"]) == (3, 0, 0)
    assert not Invoice.objects.exclude(number=None).exists()


@pytest.mark.django_db(transaction=True)
def test_it_waits_for_the_workers() -> None:
    """The tests' worker is this process: each task runs when it is sent, after its transaction."""
    make_month()
    found = figures("--period", "2026-10", "--wait")
    assert (found["counts"]["issued"], found["run"]["state"]) == (4, "finished")


def test_what_needs_a_person_is_exit_code_1(month: Month) -> None:
    Contact.objects.filter(email="books@beta.example").delete()
    found = figures("--period", "2026-10", "--inline")
    assert (found["code"], found["mails"]["failed"], found["failures"]) == (FINDINGS, 1, [])


def test_the_cause_of_a_failure_is_told(month: Month) -> None:
    TaxRate.objects.all().delete()
    found = figures("--period", "2026-10", "--inline")
    assert found["code"] == FINDINGS
    assert [failure["contract"] for failure in found["failures"]] == [
        month.contracts["alpha"].number, month.contracts["beta"].number
    ]  # fmt: skip
    assert found["failures"][0]["cause"].startswith("There is no tax rate for DE")


def test_for_people_it_prints_lines(month: Month) -> None:
    code, out, err = bill("--period", "2026-10", "--inline")
    assert code == 0
    assert "counts        issued        4" in out
    assert "completeness  sessions_in   8" in out
    assert "4 issued, 4 drawn, 4 sent" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--period", "2026-13"), "Write the month as YYYY-MM"),
        (("--period", "2026-11"), "The month is not over yet"),
        (("--period", "2026-10", "--operator", "0"), "Name one with --operator ID"),
    ],
)
def test_a_refusal_is_one_sentence_and_exit_code_2(month: Month, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = bill(*arguments, "--inline")
    assert (code, out) == (USAGE, "")
    assert says in err
    assert not BillingRun.objects.exists()


def test_with_several_operators_one_is_named(month: Month) -> None:
    other = make_operator()
    assert bill("--period", "2026-10", "--inline")[0] == USAGE
    found = figures("--period", "2026-10", "--inline", "--operator", str(other.pk))
    assert (found["code"], found["counts"]["total"]) == (0, 0)


def test_catching_up_bills_each_missed_month(month: Month) -> None:
    record([month.charge("beta", 90, at=FIRST.replace(month=9, day=1))])
    report = figures("--catch-up", "--inline", "--issued-on", "2026-11-02")
    assert [each["run"]["period"] for each in report["months"]] == ["2026-09", "2026-10"]
    assert [each["counts"]["issued"] for each in report["months"]] == [2, 4]  # beta and its host; then all
    assert figures("--catch-up", "--inline") == {"months": [], "code": 0}


def test_a_month_and_catching_up_exclude_each_other(month: Month) -> None:
    with pytest.raises(CommandError, match="not allowed with"):
        call_command("bill", "--catch-up", "--period", "2026-10")
    assert not BillingRun.objects.exists()


def test_over_the_limit_it_waits_for_a_person_and_says_so(month: Month) -> None:
    month.operator.run_limit_amount = Decimal(1)
    month.operator.save()
    code, out, err = bill("--period", "2026-10", "--inline", "--json")
    assert (code, loads(out)["run"]["state"], Invoice.objects.count()) == (FINDINGS, "asked", 0)
    assert "waits for a second person" in err
