"""The month close page: what it says before, while and after a run, and what its buttons do."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from contracts.models import Contact
from evbilling.access.roles import Role
from invoicing.models import BillingRun, Delivery, Document, RunState, TaxRate
from invoicing.operations import runs
from invoicing.queries.month_checks import Concern
from tests.access.people import staff
from tests.factories import make_contract_in_force, make_tariff, tariff_document
from tests.invoicing.month import AT, LATER, Month, make_month

pytestmark = pytest.mark.django_db
PAGE = "admin:month_close"


@pytest.fixture
def month(db: None) -> Month:
    return make_month()


@pytest.fixture
def clerk(client: Client) -> Client:
    client.force_login(staff())
    return client


@pytest.fixture(autouse=True)
def _in_november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: LATER)


def page(client: Client, **query: str) -> Any:
    response = client.get(reverse(PAGE), {"period": "2026-10"} | query)
    assert response.status_code == 200
    return response


def go(client: Client, month: Month, **values: str) -> Any:
    fields = {"operator": str(month.operator.pk), "period": "2026-10", "issued_on": "2026-11-02"} | values
    return client.post(reverse("admin:month_close_start"), fields, follow=True)


def test_it_opens_on_the_month_that_ended_last(clerk: Client, month: Month) -> None:
    assert clerk.get(reverse(PAGE)).context["period"].code == "2026-10"


def test_it_opens_on_the_month_whose_drafts_wait(client: Client, month: Month, monkeypatch: pytest.MonkeyPatch) -> None:
    month.close(issue=False)
    monkeypatch.setattr(timezone, "now", lambda: LATER + dt.timedelta(days=365))
    client.force_login(staff())
    assert client.get(reverse(PAGE)).context["period"].code == "2026-10"


def test_before_a_run_it_says_what_the_run_would_bill(clerk: Client, month: Month) -> None:
    response = page(clerk)
    plan = response.context["plan"]
    assert plan.contracts == {"charging": 3, "sponsorship": 1, "hosting": 1}
    assert (plan.sessions, plan.energy_wh, plan.unrated, plan.held) == (8, 80_000, 0, 0)
    assert {currency: str(net) for currency, net in plan.net.items()} == {"EUR": "36.00"}
    assert b"Bill and issue" in response.content


def test_before_a_run_its_fees_and_settlements_stand_beside_the_prices(clerk: Client, month: Month) -> None:
    fee = ("base_fee", {"amount": "49.90", "per": "contract"})
    make_contract_in_force(
        operator=month.operator, tariff=make_tariff(month.operator, tariff_document(vat=None)), terms=[fee]
    )
    words = " ".join(strip_tags(page(clerk).content.decode()).split())
    assert "Sessions€36.00Base fees and minimum commitments€49.90 Billed to customers and sponsors€85.90" in words
    assert "Settled with property owners€10.80" in words


def test_its_checks_name_what_is_missing(clerk: Client, month: Month) -> None:
    Contact.objects.filter(email="books@beta.example").delete()
    TaxRate.objects.all().delete()
    found = {check.concern.value: check for check, _ in page(clerk).context["checks"] if check.count}
    assert found.keys() == {"no_accountant", "no_tax_rate"}
    assert found["no_accountant"].names == (str(month.contracts["beta"].party),)
    assert found["no_tax_rate"].count == 2


def test_a_month_without_concerns_is_fine(clerk: Client, month: Month) -> None:
    assert [check.count for check, _ in page(clerk).context["checks"]] == [0] * len(Concern)


def test_go_bills_the_month_and_ends_complete(
    clerk: Client, month: Month, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = go(clerk, month, issue="on")
    run = BillingRun.objects.get()
    assert (run.state, run.created_by.email) == (RunState.FINISHED, "clerk@operator.example")
    assert response.context["progress"].issued == 4
    fates = {row["label"]: row["tally"].sessions for row in response.context["fates"]}
    others = ("carried over", "held", "excluded", "late", "not billed yet", "in no list")
    assert fates == {"billed": 8} | dict.fromkeys(others, 0)


def test_drafts_only_issues_nothing(clerk: Client, month: Month) -> None:
    response = go(clerk, month)
    assert (response.context["progress"].drafted, response.context["progress"].issued) == (3, 0)
    assert b"Issue the drafts" in response.content


def test_drafts_that_stand_are_said_with_what_follows_when_they_are_issued(clerk: Client, month: Month) -> None:
    # Given a month of which nothing is drafted yet
    before = page(clerk)
    assert (before.context["plan"].drafts, before.context["plan"].drafted) == (0, {})
    assert b"One property owner is settled when the documents are issued." in before.content

    # When its documents are drafted and none is issued
    go(clerk, month)
    html = page(clerk).content.decode()
    plan = page(clerk).context["plan"]

    # Then the plan says that they stand, what they come to, and that the host follows
    assert (plan.sessions, plan.drafts) == (0, 3)
    assert {currency: str(net) for currency, net in plan.drafted.items()} == {"EUR": "36.00"}
    assert "3 drafts of the month stand; issuing gives them their numbers and mails them." in html
    assert "payment=draft&amp;period_from_from=2026-10-01&amp;period_from_to=2026-10-31" in html
    assert "One property owner is settled when the documents are issued." in html

    # And of the run only who did not charge has nothing to bill
    progress = page(clerk).context["progress"]
    assert (progress.drafted, progress.following, progress.skipped) == (3, 1, 1)
    assert "settled when issued" in html

    # When they are issued, then nothing stands and nothing follows
    go(clerk, month, issue="on")
    after = page(clerk)
    assert (after.context["plan"].drafts, after.context["progress"].following) == (0, 0)
    assert b"is settled when the documents are issued" not in after.content


def test_drafts_of_another_month_are_not_counted(clerk: Client, month: Month) -> None:
    month.close(issue=False)
    assert page(clerk, period="2026-09").context["plan"].drafts == 0


def test_a_refusal_is_shown_and_nothing_starts(clerk: Client, month: Month) -> None:
    response = go(clerk, month, period="2026-11")
    assert b"The month is not over yet" in response.content
    assert not BillingRun.objects.exists()


def test_a_date_that_is_none_is_refused(clerk: Client, month: Month) -> None:
    response = go(clerk, month, issued_on="soon")
    assert b"written as YYYY-MM-DD" in response.content
    assert not BillingRun.objects.exists()


def test_while_it_runs_it_asks_for_its_progress_again(clerk: Client, month: Month) -> None:
    run = month.start()
    runs.process_items(run_id=run.pk, item_ids=runs.next_items(run_id=run.pk)[:1], at=AT)
    address = reverse("admin:month_close_progress", args=[run.pk])
    fragment = clerk.get(address, {"poll": "1"}, headers={"HX-Request": "true"})
    assert f'hx-get="{address}?poll=1" hx-trigger="every 2s"' in fragment.content.decode()
    assert "1 of 5 contracts" in fragment.content.decode()
    assert "HX-Refresh" not in fragment.headers


def test_when_all_is_done_it_stops_asking_and_shows_the_end(clerk: Client, month: Month) -> None:
    run = month.close()
    fragment = clerk.get(reverse("admin:month_close_progress", args=[run.pk]))
    assert "hx-trigger" not in fragment.content.decode()
    assert fragment.headers["HX-Refresh"] == "true"


def test_pause_and_resume(clerk: Client, month: Month) -> None:
    run = month.start()
    clerk.post(reverse("admin:month_close_pause", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == RunState.PAUSED
    clerk.post(reverse("admin:month_close_resume", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == RunState.FINISHED  # the tests' worker is this process


def test_failed_contracts_are_named_and_tried_again(clerk: Client, month: Month) -> None:
    TaxRate.objects.all().delete()
    response = go(clerk, month, issue="on")
    assert month.contracts["beta"].number in response.content.decode()
    assert "There is no tax rate for DE" in response.content.decode()
    TaxRate.objects.create(country="DE", percent=19, valid_from=dt.date(2020, 1, 1))
    clerk.post(reverse("admin:month_close_retry", args=[BillingRun.objects.get().pk]))
    assert month.item("beta").state == "issued"


@pytest.mark.parametrize(
    ("role", "sees", "may"),
    [
        (Role.BILLING_CLERK, 200, 302),
        (Role.ADMINISTRATOR, 200, 302),
        (Role.AUDITOR, 200, 403),
        (Role.CONTRACT_MANAGER, 200, 403),
    ],
)
def test_who_may_see_and_who_may_run(client: Client, month: Month, role: Role, sees: int, may: int) -> None:
    client.force_login(staff(role=role))
    assert client.get(reverse(PAGE)).status_code == sees
    fields = {"operator": month.operator.pk, "period": "2026-10", "issued_on": "2026-11-02"}
    assert client.post(reverse("admin:month_close_start"), fields).status_code == may
    assert BillingRun.objects.exists() == (may == 302)


def test_the_page_needs_the_same_queries_for_any_number_of_contracts(
    clerk: Client, month: Month, django_assert_max_num_queries: Any
) -> None:
    month.close()
    page(clerk)
    with django_assert_max_num_queries(45):
        page(clerk)


def test_a_delivery_is_sent_again_from_its_page(clerk: Client, month: Month, mailoutbox: list[Any]) -> None:
    month.close()
    delivery = Delivery.objects.get(invoice=month.item("beta").invoice)
    address = reverse("admin:invoicing_delivery_change", args=[delivery.pk])
    assert clerk.get(address).status_code == 200
    answer = {"_form_submitted": "on", "reason": "asked for it"}
    clerk.post(reverse("admin:invoicing_delivery_send_again", args=[delivery.pk]), answer)
    assert list(Delivery.objects.filter(invoice=delivery.invoice).values_list("intent", flat=True)) == [2, 1]
    assert Document.objects.filter(invoice=delivery.invoice).count() == 1


@pytest.mark.parametrize("name", ["billingrun", "billingrunitem", "delivery"])
def test_the_lists_open(clerk: Client, month: Month, name: str) -> None:
    month.close()
    assert clerk.get(reverse(f"admin:invoicing_{name}_changelist")).status_code == 200


def test_failed_contracts_are_tried_again_from_the_list(clerk: Client, month: Month) -> None:
    TaxRate.objects.all().delete()
    month.close()
    TaxRate.objects.create(country="DE", percent=19, valid_from=dt.date(2020, 1, 1))
    chosen = {"action": "try_again", "_selected_action": [month.item("beta").pk, month.item("idle").pk]}
    clerk.post(reverse("admin:invoicing_billingrunitem_changelist"), chosen)
    assert (month.item("beta").state, month.item("alpha").state) == ("issued", "failed")
