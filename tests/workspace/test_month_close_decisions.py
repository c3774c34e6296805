"""The month close page where a person decides: outliers, missed months, second person, reports that are kept."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.clock import parse_month
from invoicing.documents.letters import run_report
from invoicing.models import BillingRun, Invoice, Letter, LetterKind, RunState
from invoicing.queries.completeness import Fate, tallies
from invoicing.queries.month_outlook import missed_months, outliers
from sessions.models import ChargingSession
from tests.access.people import staff
from tests.invoicing.month import FIRST, LATER, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db
SEPTEMBER = parse_month("2026-09")


@pytest.fixture
def month(db: None) -> Month:
    return make_month()


@pytest.fixture(autouse=True)
def _in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: LATER)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client) -> Any:
    return client.get(reverse("admin:month_close"), {"period": "2026-10"})


def asked(month: Month, client: Client) -> BillingRun:
    """A run over the limit, started by whoever is signed in."""
    month.operator.run_limit_amount = Decimal(20)
    month.operator.save()
    fields = {"operator": str(month.operator.pk), "period": "2026-10", "issued_on": "2026-11-02", "issue": "on"}
    client.post(reverse("admin:month_close_start"), fields)
    return BillingRun.objects.get()


def decide(client: Client, run: BillingRun, **fields: str) -> str:
    response = client.post(reverse("admin:month_close_decide", args=[run.pk]), fields, follow=True)
    return response.content.decode()


def test_over_the_limit_the_page_says_that_a_second_person_is_needed(month: Month) -> None:
    client = signed_in(staff())
    run = asked(month, client)
    html = page(client).content.decode()
    assert (run.state, Invoice.objects.count()) == (RunState.ASKED, 0)
    assert "It would bill €36.00 net and waits for a second person (from €20.00)." in html
    assert "Who started it cannot approve it." in html
    assert 'name="approve"' not in html


def test_the_second_person_approves_and_the_month_is_billed(
    month: Month, django_capture_on_commit_callbacks: Any
) -> None:
    run = asked(month, signed_in(staff()))
    second = signed_in(staff("second@operator.example"))
    assert 'name="approve"' in page(second).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        decide(second, run, approve="on")
    run.refresh_from_db()
    assert (run.state, Invoice.objects.count()) == (RunState.FINISHED, 4)


def test_who_started_it_is_refused_also_by_hand(month: Month) -> None:
    client = signed_in(staff())
    run = asked(month, client)
    assert "a second person has to approve it" in decide(client, run, approve="on")
    run.refresh_from_db()
    assert (run.state, Invoice.objects.count()) == (RunState.ASKED, 0)


def test_declining_needs_a_reason_and_leaves_nothing(month: Month) -> None:
    run = asked(month, signed_in(staff()))
    second = signed_in(staff("second@operator.example"))
    assert "Say why the month close is declined." in decide(second, run, decline="on", reason="")
    assert "is declined" in decide(second, run, decline="on", reason="The tariff of alpha is wrong")
    run.refresh_from_db()
    assert (run.state, Invoice.objects.count()) == (RunState.DECLINED, 0)


@pytest.mark.parametrize("role", [Role.CONTRACT_MANAGER, Role.PAYMENTS_OFFICER, Role.AUDITOR])
def test_other_roles_decide_nothing(month: Month, role: Role) -> None:
    run = asked(month, signed_in(staff()))
    response = signed_in(staff("other@operator.example", role)).post(
        reverse("admin:month_close_decide", args=[run.pk]), {"approve": "on"}
    )
    run.refresh_from_db()
    assert (response.status_code, run.state) == (403, RunState.ASKED)


def test_a_contract_far_from_its_month_before_stands_out(month: Month) -> None:
    # 500 kWh at 0.45 on the last of September, 80 kWh in October: 225.00 against 18.00 (beta) after 207.00 less
    record([month.charge("beta", 90, kwh=500, at=FIRST.replace(month=9, day=1))])
    found = outliers(month.operator, OCTOBER, most=10)
    assert [(each.contract.number, each.now, each.before, each.change) for each in found] == [
        (month.contracts["beta"].number, Decimal("18.00"), Decimal("225.00"), Decimal("-0.92"))
    ]
    assert "(-92\N{NO-BREAK SPACE}%)" in page(signed_in(staff())).content.decode()
    assert outliers(month.operator, OCTOBER, most=0) == []


def test_a_small_difference_does_not_stand_out(month: Month) -> None:
    record([month.charge("beta", 90, kwh=200, at=FIRST.replace(month=9, day=1))])  # 90.00 - 18.00 < 100
    assert outliers(month.operator, OCTOBER, most=10) == []


def test_months_that_nobody_billed_are_named_oldest_first(month: Month) -> None:
    record([month.charge("beta", 90, kwh=10, at=FIRST.replace(month=9, day=1))])
    assert missed_months(month.operator, at=LATER) == [SEPTEMBER, OCTOBER]
    html = page(signed_in(staff())).content.decode()
    assert "period=2026-09" in html
    month.close()
    assert missed_months(month.operator, at=LATER) == [SEPTEMBER]


def test_of_many_months_that_nobody_billed_the_oldest_is_named_however_long_ago(month: Month) -> None:
    years_later = LATER.replace(year=2029)
    missed = missed_months(month.operator, at=years_later)
    assert (missed[0], len(missed)) == (OCTOBER, 37)
    record([month.charge("beta", 90, kwh=10, at=FIRST.replace(month=9, day=1))])
    assert missed_months(month.operator, at=years_later)[0] == SEPTEMBER


def test_a_finished_run_keeps_its_report_as_pdf_and_csv(month: Month) -> None:
    run = month.close()
    kept = {letter.content_type: letter for letter in Letter.objects.filter(kind=LetterKind.RUN_REPORT)}
    assert bytes(kept["application/pdf"].content).startswith(b"%PDF")
    rows = list(csv.reader(io.StringIO(bytes(kept["text/csv"].content).decode("utf-8-sig"))))
    assert len(rows) == 1 + 8
    assert {row[-2] for row in rows[1:]} == {"billed"}
    assert sum(Decimal(row[4]) for row in rows[1:]) == Decimal("80.000")
    assert sum(Decimal(row[5]) for row in rows[1:]) == Decimal("36.00")
    assert f"completeness-{run}-1.pdf" in page(signed_in(staff())).content.decode()


def test_the_list_of_the_report_names_every_session_of_a_month_of_many_pages(
    month: Month, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_report, "PAGE", 3)
    run = month.close()
    rows = list(csv.reader(io.StringIO(run_report.sessions_csv(run).decode("utf-8-sig"))))
    assert sorted(row[0] for row in rows[1:]) == sorted(ChargingSession.objects.values_list("provider_ref", flat=True))


def test_starting_again_without_anything_new_keeps_no_second_report(month: Month) -> None:
    month.close()
    month.close(at=LATER)
    assert Letter.objects.filter(kind=LetterKind.RUN_REPORT).count() == 2


def test_the_parts_of_the_report_add_up_to_the_sessions(month: Month) -> None:
    month.close()
    record([month.charge("alpha", 24)], at=LATER)  # arrives after its contract was billed: late
    found = tallies(month.operator, OCTOBER)
    assert (found[Fate.BILLED].sessions, found[Fate.LATE].sessions) == (8, 1)
    whole = [found[fate] for fate in Fate]
    assert sum(each.energy_wh for each in whole) == 90_000
    assert (found[Fate.BILLED].net, found[Fate.LATE].net) == ({"EUR": Decimal("36.00")}, {"EUR": Decimal("4.50")})
