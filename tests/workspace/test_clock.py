"""By whose clock the staff read: the workspace stands in the operator's zone."""

import datetime as dt
import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from contracts.models import Operator, StationOutage, TariffVersion
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import history_of
from evbilling.workspace.middleware import OperatorsClock
from evbilling.workspace.words import action_text
from sessions.models import ChargingSession
from tests import factories as make
from tests.contracts.world import sign_in
from tests.invoicing.month import make_month

pytestmark = pytest.mark.django_db
NEW_YORK = "America/New_York"


def clock_of(user: Any, path: str = "/admin/") -> str:
    """The zone in which a page is drawn for somebody."""
    seen = []

    def page(_request: HttpRequest) -> HttpResponse:
        seen.append(timezone.get_current_timezone_name())
        return HttpResponse()

    cache.clear()
    request = RequestFactory().get(path)
    request.user = user
    OperatorsClock(page)(request)
    assert timezone.get_current_timezone_name() == "UTC", "the zone outlived the page"
    return seen[0]


@pytest.fixture
def clerk() -> User:
    return make.make_user(Role.BILLING_CLERK)


def test_staff_read_in_the_zone_of_the_one_operator(clerk: User) -> None:
    assert clock_of(clerk) == "UTC"
    make.make_operator(zone=NEW_YORK)
    assert clock_of(clerk) == NEW_YORK
    make.make_operator(zone=NEW_YORK)
    assert clock_of(clerk) == NEW_YORK


def test_with_operators_in_several_zones_the_settings_zone_holds(clerk: User) -> None:
    make.make_operator(zone=NEW_YORK)
    make.make_operator(zone="Europe/Berlin")
    assert clock_of(clerk) == "UTC"


def test_the_portal_and_the_api_have_no_clock_of_the_staff(clerk: User) -> None:
    make.make_operator(zone=NEW_YORK)
    assert [clock_of(clerk, path) for path in ("/", "/payments/1/", "/api/v1/sessions/")] == ["UTC"] * 3


def test_strangers_cost_no_query(django_assert_num_queries: Any) -> None:
    make.make_operator(zone=NEW_YORK)
    with django_assert_num_queries(0):
        assert clock_of(AnonymousUser()) == "UTC"


def test_a_page_of_the_workspace_and_its_history_say_the_operators_time(client: Client, settings: Any) -> None:
    tariff = make.make_tariff(make.make_operator(zone=NEW_YORK))
    version = TariffVersion.objects.get(tariff=tariff)
    sign_in(client, make.make_user(Role.ADMINISTRATOR), settings)
    for page in ("change", "history"):
        text = client.get(reverse(f"admin:contracts_tariffversion_{page}", args=[version.pk])).content.decode()
        assert "UTC" not in text, page
        assert re.search(r"\d\d:\d\d\sE[SD]T", text), page


def test_a_history_says_in_words_what_was_done(client: Client, settings: Any) -> None:
    version = TariffVersion.objects.get(tariff=make.make_tariff(make.make_operator()))
    sign_in(client, make.make_user(Role.ADMINISTRATOR), settings)
    text = client.get(reverse("admin:contracts_tariffversion_history", args=[version.pk])).content.decode()
    assert "contracts.tariffversion.release" not in text
    assert action_text(history_of(version).first().action) in text


def test_a_session_without_a_site_is_shown_in_the_operators_time(client: Client, settings: Any) -> None:
    # Given a session of which nobody knows where it was
    make_month(sessions=1)
    Operator.objects.update(zone=NEW_YORK)
    ChargingSession.objects.update(site=None)
    sign_in(client, make.make_user(Role.ADMINISTRATOR), settings)
    session = ChargingSession.objects.get(provider_ref="beta-0")

    # When staff read it, then its times are those of the workspace
    page = client.get(reverse("admin:charging_chargingsession_change", args=[session.pk])).content.decode()
    assert "05:00\N{NO-BREAK SPACE}EDT" in page
    assert not re.search(r"\d\d:\d\d\sUTC", page)


def test_a_time_typed_in_the_workspace_is_the_operators(client: Client, settings: Any) -> None:
    make.make_operator(zone=NEW_YORK)
    sign_in(client, make.make_user(Role.ADMINISTRATOR), settings)
    form = {
        "station": make.make_station().pk,
        "started_at_0": "2026-01-05",
        "started_at_1": "14:00:00",
        "ended_at_0": "",
        "ended_at_1": "",
        "cause": "Fuse",
    }
    assert client.post(reverse("admin:contracts_stationoutage_add"), form).status_code == 302
    assert StationOutage.objects.get().started_at == dt.datetime(2026, 1, 5, 19, tzinfo=dt.UTC)
