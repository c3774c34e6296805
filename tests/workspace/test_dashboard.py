"""The dashboard's figures are exact, open the lists that they count, and cost a fixed number of queries."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evbilling.access.roles import Role
from evbilling.kernel import outbox
from evbilling.kernel.clock import parse_month
from evbilling.kernel.models import OutboxMessage, OutboxState
from evbilling.workspace import lists
from evbilling.workspace.dashboard import dashboard
from evbilling.workspace.queries.month import first_and_last_end, month_figures, operator_sessions
from evbilling.workspace.queries.receivables import receivables
from invoicing.models import Delivery, DeliveryState
from invoicing.operations.book_checks import NIGHT, RUN, record_books_check
from sessions.models import ChargingSession, Hold, SessionPrice
from tests.factories import make_contract, make_operator, make_tariff_version, make_user, make_version
from tests.invoicing.month import AT, FIRST, OCTOBER, make_month, record
from tests.workspace.world import charge_now, closed_month, rows_in, shown, signed_in

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 20)


def waits(context: Any) -> dict[str, int]:
    return {str(item.label): item.count for item in [*context["waiting"], *context["clear"]]}


def test_a_house_without_an_operator_says_where_to_start(client: Client, settings: Any) -> None:
    page = signed_in(client, settings).get("/admin/")
    assert page.status_code == 200
    assert "Add the operator" in page.content.decode()


def test_the_months_figures_are_the_sessions_own(client: Client, settings: Any) -> None:
    month = make_month(sessions=5)
    month.close()
    sessions = operator_sessions(month.operator, only_one=True)
    found = month_figures(
        sessions, period=OCTOBER, zone=month.operator.zone, currency="EUR", last_day=dt.date(2026, 10, 31)
    )
    assert (found.total.sessions, found.total.energy_wh) == (10, 100_000)
    assert found.total.net == sum(SessionPrice.objects.values_list("net_amount", flat=True), Decimal(0))
    assert found.total.net == Decimal("45.00")
    assert sum(day.sessions for day in found.days.values()) == 10
    assert len(found.days) == 31
    assert found.before.sessions == 0
    assert not found.partial


def test_a_session_counts_on_the_local_day_of_its_end() -> None:
    month = make_month(sessions=0)
    late = dt.datetime(2026, 10, 9, 21, 30, tzinfo=dt.UTC)  # 23:30 in Berlin, ends at 00:30 on the 10th
    record([month.charge("alpha", 0, at=late)])
    sessions = operator_sessions(month.operator, only_one=True)
    found = month_figures(
        sessions, period=OCTOBER, zone="Europe/Berlin", currency="EUR", last_day=dt.date(2026, 10, 31)
    )
    assert [day.day for day, figures in found.days.items() if figures.sessions] == [10]


def test_a_month_whose_sessions_are_not_all_in_is_compared_with_the_same_days() -> None:
    month = make_month(sessions=0)
    september = dt.datetime(2026, 9, 1, 7, 0, tzinfo=dt.UTC)
    record([month.charge("alpha", day, at=september) for day in range(20)])
    record([month.charge("beta", day, at=FIRST.replace(day=1)) for day in range(3)])
    sessions = operator_sessions(month.operator, only_one=True)
    ends = first_and_last_end(sessions, "Europe/Berlin")
    assert ends == (dt.date(2026, 9, 1), dt.date(2026, 10, 3))
    found = month_figures(sessions, period=OCTOBER, zone="Europe/Berlin", currency="EUR", last_day=ends[1])
    assert found.partial
    assert (found.before_from, found.before_to) == (dt.date(2026, 9, 1), dt.date(2026, 9, 3))
    assert (found.total.sessions, found.before.sessions) == (3, 3)


def test_another_operators_sessions_are_not_counted() -> None:
    month, other = make_month(sessions=2), make_operator()
    sessions = operator_sessions(other, only_one=False)
    found = month_figures(
        sessions, period=OCTOBER, zone="Europe/Berlin", currency="EUR", last_day=dt.date(2026, 10, 31)
    )
    assert found.total.sessions == 0
    assert operator_sessions(month.operator, only_one=False).count() == 4


def test_what_is_open_today_and_was_open_before() -> None:
    month = closed_month()
    gross = sum((month.item(name).invoice.gross_amount for name in ("alpha", "beta", "sponsor")), Decimal(0))
    owed = receivables(month.operator, today=TODAY)
    assert owed.open_amount == gross - 10
    assert (owed.before_on, owed.before) == (dt.date(2026, 10, 31), Decimal("0.00"))
    assert owed.overdue_count == 3
    assert owed.overdue_amount == gross - 10
    december = receivables(month.operator, today=dt.date(2026, 12, 5))
    assert december.before == gross - 10


def test_the_dashboard_opens_in_the_month_of_the_latest_session(client: Client, settings: Any) -> None:
    make_month(sessions=2)
    context = shown(signed_in(client, settings))
    assert context["period"] == OCTOBER
    assert [figure.value for figure in context["figures"][:3]] == ["€18.00", "40\N{NO-BREAK SPACE}kWh", "4"]
    assert "ws-daily" in context["chart"]


@pytest.mark.parametrize("asked", ["2026-09", "nonsense", "2026-13"])
def test_another_month_is_chosen_in_the_address(client: Client, settings: Any, asked: str) -> None:
    make_month(sessions=2)
    context = shown(signed_in(client, settings), {"month": asked})
    assert context["period"] == (parse_month("2026-09") if asked == "2026-09" else OCTOBER)
    assert context["figures"][2].value == ("0" if asked == "2026-09" else "4")


def test_every_figure_opens_the_list_that_it_counts(client: Client, settings: Any) -> None:
    month = closed_month()
    record([month.charge("alpha", 7, kwh=0)])  # held
    make_contract(operator=month.operator)
    draft = make_contract(operator=month.operator)
    make_version(draft, approved=False)
    tariff = month.contracts["alpha"].versions.get().tariff_assignments.get().tariff
    make_tariff_version(tariff, None, AT, released=False)
    Delivery.objects.filter(pk=Delivery.objects.latest("pk").pk).update(state=DeliveryState.UNKNOWN)
    OutboxMessage.objects.filter(pk=OutboxMessage.objects.earliest("pk").pk).update(state=OutboxState.FAILED)
    record([month.charge("beta", 9)])
    SessionPrice.objects.filter(session__provider_ref="beta-9").delete()  # not priced yet
    client = signed_in(client, settings)
    context = shown(client)
    found = waits(context)
    assert found["Held sessions"] == Hold.objects.filter(state="open").values("session").distinct().count() == 1
    assert found["Sessions without a price"] == 1
    assert found["Mails that did not arrive"] == 1
    assert found["Background steps that failed"] == 1
    assert found["Terms to approve"] == 1
    assert found["Tariffs to release"] == 1
    assert found["Overdue invoices"] == receivables(month.operator, today=timezone.localdate()).overdue_count
    for item in [*context["waiting"], *context["clear"]]:
        assert rows_in(client, item.href) == item.count, item.label
    for figure in context["figures"][:3]:
        assert rows_in(client, figure.href) == int(context["figures"][2].value), figure.label
    assert rows_in(client, context["figures"][3].href) == 3


def test_each_age_opens_its_invoices(client: Client, settings: Any) -> None:
    month = closed_month()
    today = timezone.localdate()
    client = signed_in(client, settings)
    for bucket in receivables(month.operator, today=today).buckets:
        address = lists.invoices_by_age(bucket.from_days, bucket.to_days, today)
        assert rows_in(client, address) == bucket.count, (bucket.from_days, bucket.to_days)


def test_each_day_of_the_chart_opens_its_sessions(client: Client, settings: Any) -> None:
    make_month(sessions=2)
    client = signed_in(client, settings)
    chart = shown(client)["chart"]
    hrefs = [part.split('"')[0].replace("&amp;", "&") for part in chart.split('<a href="')[1:]]
    assert len(hrefs) == 31
    assert sum(rows_in(client, href) for href in hrefs) == 4


def test_what_charges_now_is_shown_with_its_price_so_far(client: Client, settings: Any) -> None:
    month = make_month(sessions=1)
    charge_now(month, started_at=timezone.now() - dt.timedelta(minutes=30))
    client = signed_in(client, settings)
    context = shown(client)
    (row,) = context["live"]
    assert (row.net, row.currency) == (Decimal("2.25"), "EUR")
    assert 1800 <= row.seconds < 1900
    fragment = client.get("/admin/charging-now/", {"poll": "1"})
    assert fragment.status_code == 200
    assert "€2.25" in fragment.content.decode()


def test_a_live_session_without_contract_is_shown_without_price(client: Client, settings: Any) -> None:
    month = make_month(sessions=1)
    session = charge_now(month, started_at=timezone.now())
    ChargingSession.objects.filter(pk=session.pk).update(contract=None, vehicle=None, site=None)
    assert [row.net for row in shown(signed_in(client, settings))["live"]] == [None]


def test_the_books_are_never_checked_clean_or_not(client: Client, settings: Any) -> None:
    month = make_month(sessions=1)
    client = signed_in(client, settings)
    assert shown(client)["books"] is None
    month.close()
    cache.clear()
    assert shown(client)["books"].record.cause == RUN
    record_books_check(cause=NIGHT, at=timezone.now() - dt.timedelta(days=3))
    assert shown(client)["books"].stale
    record_books_check(cause=NIGHT, at=timezone.now())
    books = shown(client)["books"]
    assert books.clean
    assert not books.stale
    assert shown(client)["run"]["standing"].done == len(month.contracts)


def test_figures_are_kept_for_thirty_seconds_only_where_they_are_costly(client: Client, settings: Any) -> None:
    month = make_month(sessions=2)
    client = signed_in(client, settings)
    shown(client)
    record([month.charge("alpha", 20), month.charge("alpha", 21, kwh=0)])
    context = shown(client)
    assert context["figures"][2].value == "4"
    assert waits(context)["Held sessions"] == 1
    cache.clear()
    assert shown(client)["figures"][2].value == "6"


def _data_queries() -> int:
    """Queries of the dashboard's data without anything kept from before; the person's rights are known already."""
    request = RequestFactory().get("/admin/")
    request.user = make_user(Role.ADMINISTRATOR)
    request.user.get_all_permissions()
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        dashboard(request, {})
    return len(captured)


def test_it_needs_twelve_queries_however_many_rows_there_are() -> None:
    month = closed_month()
    before = _data_queries()
    assert before <= 12
    record([month.charge("alpha", number, kwh=number % 3) for number in range(30, 70)])
    for number in range(30):
        outbox.add(kind="invoicing.delivery.send", key=f"k{number}", payload={}, at=AT)
    assert _data_queries() == before
    charge_now(month, started_at=timezone.now())
    with_one = _data_queries()
    charge_now(month, started_at=timezone.now())
    assert _data_queries() == with_one <= before + 5


def test_each_person_sees_what_the_role_may_see(client: Client, settings: Any) -> None:
    closed_month()
    nobody = make_user(None, email="bare@example.com")
    nobody.is_staff = True
    nobody.save()
    context = shown(signed_in(client, settings, nobody))
    assert context["waiting"] == context["clear"] == []
    assert not {"figures", "chart", "aging", "run", "entries", "live"} & set(context)
    for role in Role:
        context = shown(signed_in(client, settings, role))
        assert {"figures", "chart", "aging", "run", "entries", "live"} <= set(context), role
