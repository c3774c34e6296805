"""Dunning in the workspace: what each role sees and may do; stops, promises, skips and escalations on their pages."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contracts.models import DunningPlan
from evbilling.access.roles import Role
from invoicing.models import DunningStep, DunningStop, Invoice, PaymentPromise
from tests.access.people import enrol
from tests.factories import make_member, make_operator, make_user
from tests.invoicing.dunning.world import dun, make_debtor, make_overdue, make_plan

pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "True"}
NOW = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 20th of November: five days after the due date."""
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def overdue() -> Invoice:
    contract = make_debtor()
    make_plan(contract.operator)
    return make_overdue(contract)


def sign_in(client: Client, role: Role) -> None:
    person = make_user(role=role)
    enrol(person)
    client.force_login(person)


def press(client: Client, model: str, name: str, pk: int, **data: Any) -> int:
    return client.post(reverse(f"admin:invoicing_{model}_{name}", args=[pk]), YES | data).status_code


def test_the_list_says_the_level_and_what_comes_next(client: Client, overdue: Invoice) -> None:
    sign_in(client, Role.BILLING_CLERK)
    dun(overdue.contract, 3)
    page = client.get(reverse("admin:invoicing_overduedocument_changelist")).content.decode()
    assert overdue.number in page
    assert "level 2" in page
    assert client.get(reverse("admin:invoicing_overduedocument_change", args=[overdue.pk])).status_code == 200


PAGES = ("overduedocument", "dunningstep", "dunningstop", "paymentpromise", "letter", "delivery", "deliveryevent")


@pytest.mark.parametrize(
    ("role", "status"),
    [(Role.BILLING_CLERK, 200), (Role.AUDITOR, 200), (Role.ADMINISTRATOR, 200), (Role.PAYMENTS_OFFICER, 200)],
)
def test_staff_read_the_pages(client: Client, overdue: Invoice, role: Role, status: int) -> None:
    sign_in(client, role)
    dun(overdue.contract, 3)
    found = [client.get(reverse(f"admin:invoicing_{model}_changelist")).status_code for model in PAGES]
    assert found == [status] * len(PAGES)


def test_customers_and_strangers_see_none_of_them(client: Client, overdue: Invoice) -> None:
    page = reverse("admin:invoicing_overduedocument_changelist")
    assert client.get(page).status_code == 302
    client.force_login(make_member(overdue.party))
    assert client.get(page).status_code in {302, 403, 404}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.PAYMENTS_OFFICER, Role.CONTRACT_MANAGER])
def test_who_may_not_decide_changes_nothing(client: Client, overdue: Invoice, role: Role) -> None:
    sign_in(client, role)
    press(client, "overduedocument", "skip", overdue.pk, reason="no")
    press(client, "overduedocument", "stop", overdue.pk, reason="no", what="party")
    press(client, "overduedocument", "promise", overdue.pk, amount="10", promised_on="2026-11-30")
    assert not DunningStep.objects.exists()
    assert not DunningStop.objects.exists()
    assert not PaymentPromise.objects.exists()


def test_a_clerk_notes_a_promise_a_stop_and_a_skip(client: Client, overdue: Invoice) -> None:
    sign_in(client, Role.BILLING_CLERK)
    press(client, "overduedocument", "promise", overdue.pk, amount="119.00", promised_on="2026-11-30", note="by phone")
    press(client, "overduedocument", "stop", overdue.pk, reason="Under talks", what="document", until="")
    press(client, "overduedocument", "skip", overdue.pk, reason="A good customer")
    assert PaymentPromise.objects.get().promised_on == dt.date(2026, 11, 30)
    assert (DunningStop.objects.get().invoice_id, DunningStop.objects.get().reason) == (overdue.pk, "Under talks")
    assert (DunningStep.objects.get().level, DunningStep.objects.get().skipped) == (1, "A good customer")


def test_a_clerk_lifts_a_stop_and_takes_up_an_escalation(client: Client, overdue: Invoice) -> None:
    sign_in(client, Role.BILLING_CLERK)
    press(client, "overduedocument", "stop", overdue.pk, reason="Under talks", what="party", until="")
    press(client, "dunningstop", "lift", DunningStop.objects.get().pk, reason="Talks failed")
    assert DunningStop.objects.get().lifted_at == NOW
    dun(overdue.contract, 30)
    last = DunningStep.objects.get(level=3)
    waiting = reverse("admin:invoicing_dunningstep_changelist") + "?todo=person"
    assert overdue.number in client.get(waiting).content.decode()
    press(client, "dunningstep", "handle", last.pk, reason="Called, pays in rates")
    last.refresh_from_db()
    assert last.handled_at == NOW


def plan_form(**levels: int) -> dict[str, Any]:
    rows: dict[str, Any] = {"levels-TOTAL_FORMS": len(levels), "levels-INITIAL_FORMS": 0}
    for number, days in enumerate(levels.values()):
        own = {"level": number + 1, "days_overdue": days, "action": "remind", "fee_amount": "0"}
        rows |= {f"levels-{number}-{name}": value for name, value in own.items()}
    return rows


@pytest.mark.parametrize(("days", "made"), [((3, 14), 1), ((14, 3), 0), ((5, 5), 0)])
def test_a_plan_is_made_where_its_levels_rise(client: Client, days: tuple[int, int], made: int) -> None:
    sign_in(client, Role.CONTRACT_MANAGER)
    operator = make_operator()
    form = {"operator": operator.pk, "name": "Ours", "currency": "EUR", "is_default": "on"}
    client.post(reverse("admin:contracts_dunningplan_add"), form | plan_form(first=days[0], second=days[1]))
    assert DunningPlan.objects.count() == made


def test_the_standard_plan_is_added_once(client: Client) -> None:
    sign_in(client, Role.CONTRACT_MANAGER)
    operator = make_operator()
    for _time in range(2):
        client.post(reverse("admin:contracts_dunningplan_add_standard"), YES | {"operator": operator.pk})
    plan = DunningPlan.objects.get()
    assert [(row.level, row.days_overdue, row.action) for row in plan.levels.all()] == [
        (1, 3, "remind"),
        (2, 14, "remind"),
        (3, 28, "escalate"),
    ]
    assert client.get(reverse("admin:contracts_dunningplan_changelist")).status_code == 200


def test_the_documents_page_shows_each_stop_that_holds_it_back(client: Client, overdue: Invoice) -> None:
    sign_in(client, Role.BILLING_CLERK)
    other = make_overdue(overdue.contract, "10.00")
    press(client, "overduedocument", "stop", overdue.pk, reason="Own talks", what="document", until="2026-12-24")
    press(client, "overduedocument", "stop", overdue.pk, reason="Holidays of all", what="party")
    own = client.get(reverse("admin:invoicing_overduedocument_change", args=[overdue.pk])).content.decode()
    assert "Own talks (until 24 Dec 2026)" in own
    assert "Holidays of all" in own
    for stop in DunningStop.objects.all():
        assert reverse("admin:invoicing_dunningstop_change", args=[stop.pk]) in own
    page = client.get(reverse("admin:invoicing_overduedocument_change", args=[other.pk])).content.decode()
    assert ("Own talks" in page, "Holidays of all" in page) == (False, True)
