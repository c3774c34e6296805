"""The workspace's pages of sessions: found, explained, decided, imported; and who may do what."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from sessions.models import ChargingSession, Hold, HoldState, ImportBatch, ImportProfile, SessionPrice
from sessions.operations.charges import split_charges
from sessions.operations.holds import release_hold
from tests.factories import make_user
from tests.sessions.made import (
    AT,
    HEADINGS,
    HOUR,
    START,
    World,
    line,
    make_profile,
    make_session,
    make_world,
    record,
    reported,
    session_of,
)

LIST = "admin:charging_chargingsession_changelist"


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture(autouse=True)
def _second_factor_given(settings: Any) -> None:
    settings.DEMO_RELAXES_SECOND_FACTOR = True


def signed_in(role: Role | None = Role.BILLING_CLERK, user: User | None = None) -> Client:
    client = Client()
    client.force_login(user or make_user(role), backend="django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, name: str, *args: Any, **params: Any) -> str:
    response = client.get(reverse(name, args=args), params)
    assert response.status_code == 200, response
    return plain(response)


def because(reason: str) -> dict[str, str]:
    """A dialog's answer."""
    return {"reason": reason, "_form_submitted": "on"}


def plain(response: Any) -> str:
    """The page with ordinary spaces."""
    return response.content.decode().replace("\N{NO-BREAK SPACE}", " ")


def test_the_list_shows_energy_price_and_status(world: World) -> None:
    make_session(world)
    text = page(signed_in(), LIST)
    assert "10.00 kWh" in text
    assert "€4.50" in text
    assert "Ready to bill".lower() in text.lower()
    assert "GMT+1" in text or "CET" in text or "Berlin" in text


@pytest.mark.parametrize(
    ("status", "found"),
    [
        ("", "ABCD"),
        ("held", "B"),
        ("priced", "A"),
        ("charged", "C"),
        ("excluded", "D"),
        ("unrated", ""),
        ("running", ""),
    ],
)
def test_the_status_filter_leaves_those_of_the_status(world: World, status: str, found: str) -> None:
    record(
        reported(world, "SESSION-A"),
        reported(world, "SESSION-B", started_at=START + 2 * HOUR, energy_wh=0),
        reported(world, "SESSION-C", started_at=START + 4 * HOUR),
        reported(world, "SESSION-D", started_at=START + 6 * HOUR, energy_wh=0),
    )
    split_charges([session_of("SESSION-C").pk], at=AT)
    Hold.objects.filter(session__provider_ref="SESSION-D").update(
        state=HoldState.REJECTED, resolved_at=AT, resolution="no"
    )
    text = page(signed_in(), LIST, **({"status": status} if status else {}))
    assert [letter for letter in "ABCD" if f"SESSION-{letter}" in text] == list(found)


@pytest.mark.parametrize("term", ["FIND", "TOKEN", "M-EV"])
def test_search_finds_reference_token_and_vehicle(world: World, term: str) -> None:
    make_session(world, "FIND-ME")
    make_session(world, "OTHER", started_at=START + 5 * HOUR, token_ref="UNKNOWN")
    text = page(signed_in(), LIST, q=term)
    assert "FIND-ME" in text
    assert "OTHER" not in text


def test_the_date_range_leaves_what_ended_in_it(world: World) -> None:
    make_session(world, "EARLY")
    make_session(world, "LATER", started_at=START + 72 * HOUR)
    text = page(signed_in(), LIST, ended_at_from="2026-01-15", ended_at_to="2026-01-17")
    assert "LATER" in text
    assert "EARLY" not in text


@pytest.mark.parametrize("name", ["chargingsession", "hold", "importbatch", "importprofile"])
def test_a_list_needs_at_most_twelve_queries_however_long(world: World, time_machine: Any, name: str) -> None:
    time_machine.move_to(timezone.now(), tick=False)  # every 20 seconds a page notes that its person is active
    client = signed_in()
    make_profile()
    page(client, f"admin:charging_{name}_changelist")  # fills the caches of the sidebar
    counts = []
    for size in (1, 30):
        starts = [START + (number + size) * 24 * HOUR for number in range(size)]
        record(*[reported(world, str(at), started_at=at, energy_wh=at.day % 2 * 1000) for at in starts])
        with CaptureQueriesContext(connection) as queries:
            page(client, f"admin:charging_{name}_changelist")
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[1] <= 12


def test_the_page_explains_the_price_line_by_line_and_the_holds(world: World) -> None:
    session = make_session(world, energy_wh=0)
    release_hold(hold_id=Hold.objects.get().pk, reason="Only parked", by=None, at=AT)
    record(reported(world, energy_wh=10_000), at=AT + HOUR)
    client = signed_in()
    with CaptureQueriesContext(connection) as queries:
        text = page(client, "admin:charging_chargingsession_change", session_of().pk)
    assert "Energy: 10 kWh at" in text
    assert "€4.50" in text
    assert "Revision 1" in text
    assert "(&#x27;priced" not in text
    assert len(queries) <= 20
    before = page(client, "admin:charging_chargingsession_change", session.pk)
    assert "No energy was drawn." in before
    assert "Only parked" in before


def test_a_page_that_is_not_there_redirects(world: World) -> None:
    response = signed_in().get(reverse("admin:charging_chargingsession_change", args=[999]))
    assert response.status_code == 302


def test_a_clerk_prices_again_with_a_reason(world: World) -> None:
    session = make_session(world)
    old = session.price.pk
    url = reverse("admin:charging_chargingsession_price_again", args=[session.pk])
    signed_in().post(url, because("Tariff corrected"))
    assert SessionPrice.objects.get().pk != old
    assert AuditRecord.objects.get(action="charging.session.rerate").reason == "Tariff corrected"


def test_row_actions_release_and_reject(world: World) -> None:
    record(reported(world, "A", energy_wh=0), reported(world, "B", energy_wh=0, started_at=START + 3 * HOUR))
    first, second = Hold.objects.order_by("session__provider_ref")
    client = signed_in()
    client.post(reverse("admin:charging_hold_release", args=[first.pk]), because("Only parked"))
    client.post(reverse("admin:charging_hold_reject", args=[second.pk]), because("Empty"))
    assert list(Hold.objects.order_by("pk").values_list("state", "resolution")) == [
        ("released", "Only parked"),
        ("rejected", "Empty"),
    ]


def test_a_decision_without_a_reason_asks_again(world: World) -> None:
    make_session(world, energy_wh=0)
    response = signed_in().post(reverse("admin:charging_hold_release", args=[Hold.objects.get().pk]), because(""))
    assert response.status_code == 200
    assert Hold.objects.get().state == HoldState.OPEN


def test_bulk_states_the_counts_asks_why_and_tells_what_became_of_each(world: World) -> None:
    record(
        reported(world, "A", energy_wh=0),
        reported(world, "B", token_ref="GONE", started_at=START + 3 * HOUR, energy_wh=5_000),
    )
    client, url = signed_in(), reverse("admin:charging_hold_changelist")
    chosen = {"action": "release_selected", "_selected_action": list(Hold.objects.values_list("pk", flat=True))}
    asked = plain(client.post(url, chosen))
    assert "2 open holds" in asked
    assert "5.00 kWh" in asked
    assert Hold.objects.filter(state=HoldState.OPEN).count() == 2
    told = plain(client.post(url, chosen | {"reason": "Checked with the site"}))
    assert "A: done" in told
    assert "B: Session B stays held." in told
    assert dict(Hold.objects.values_list("session__provider_ref", "state")) == {"A": "released", "B": "open"}


def upload(client: Client, profile: ImportProfile, text: str) -> Any:
    file = SimpleUploadedFile("january.csv", text.encode(), "text/csv")
    return client.post(reverse("admin:charging_importbatch_add"), {"profile": profile.pk, "file": file})


def carried(text: str) -> str:
    start = text.index('name="carried" value="') + len('name="carried" value="')
    return text[start : text.index('"', start)]


def test_an_import_is_looked_at_then_confirmed(world: World) -> None:
    profile, client = make_profile(), signed_in()
    preview = upload(client, profile, HEADINGS + line(world) + "S2,\n").content.decode()
    assert "2 rows: 1 added, 0 revised, 0 unchanged, 1 refused." in preview
    assert "card is empty; every session needs it." in preview
    assert not ChargingSession.objects.exists()
    assert not ImportBatch.objects.exists()
    response = client.post(reverse("admin:charging_importbatch_add"), {"carried": carried(preview)})
    batch = ImportBatch.objects.get()
    assert response["Location"] == reverse("admin:charging_importbatch_change", args=[batch.pk])
    assert (batch.added, batch.refused, batch.file_name) == (1, 1, "january.csv")
    assert "card is empty" in page(client, "admin:charging_importbatch_change", batch.pk)


def test_a_file_that_is_refused_whole_says_why(world: World) -> None:
    text = upload(signed_in(), make_profile(), "id,card\n").content.decode()
    assert "headings" in text
    assert not ImportBatch.objects.exists()


def test_what_another_person_looked_at_is_not_imported(world: World) -> None:
    preview = upload(signed_in(), make_profile(), HEADINGS + line(world)).content.decode()
    answer = signed_in().post(reverse("admin:charging_importbatch_add"), {"carried": carried(preview)})
    assert "choose the file again" in answer.content.decode()
    assert not ChargingSession.objects.exists()


def test_a_profile_is_made_by_naming_columns(world: World) -> None:
    values = {
        "name": "Depot",
        "code": "depot",
        "source_label": "depot",
        "max_hours": 12,
        "delimiter": ";",
        "encoding": "cp1252",
        "decimal_mark": ",",
        "energy_unit": "kWh",
        "zone": "Europe/Berlin",
        "instant_format": "%d.%m.%Y %H:%M",
        "year_offset": 0,
        "further": "Fahrer, Notiz",
        "column_provider_ref": "Nr",
        "column_token_ref": "Karte",
        "column_station_ref": "Säule",
        "column_started_at": "Beginn",
        "column_ended_at": "Ende",
        "column_energy": "kWh",
    }
    client, url = signed_in(), reverse("admin:charging_importprofile_add")
    client.post(url, values)
    profile = ImportProfile.objects.get()
    assert profile.columns["station_ref"] == "Säule"
    assert profile.extra_columns == ["Fahrer", "Notiz"]
    assert AuditRecord.objects.filter(action="charging.importprofile.create").count() == 1
    client.post(url, values | {"code": "other", "zone": "Berlin"})
    client.post(url, values | {"code": "other", "encoding": "nope"})
    client.post(url, values | {"code": "other", "column_energy": ""})
    assert ImportProfile.objects.count() == 1
    assert 'value="Säule"' in page(client, "admin:charging_importprofile_change", profile.pk)


# Role -> what it may: see the lists, decide holds, import, make profiles, price again.
MATRIX = {
    Role.BILLING_CLERK: (True, True, True, True, True),
    Role.ADMINISTRATOR: (True, True, True, True, True),
    Role.CONTRACT_MANAGER: (True, False, True, False, False),
    Role.PAYMENTS_OFFICER: (True, False, False, False, False),
    Role.AUDITOR: (True, False, False, False, False),
}


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_it_should(world: World, role: Role) -> None:
    sees, decides, imports, profiles, prices = MATRIX[role]
    priced = make_session(world)
    record(reported(world, "S2", energy_wh=0, started_at=START + 5 * HOUR))
    hold = Hold.objects.get()
    client = signed_in(role)
    for name in ("chargingsession", "hold", "importbatch", "importprofile"):
        assert (client.get(reverse(f"admin:charging_{name}_changelist")).status_code == 200) is sees
    assert (client.get(reverse("admin:charging_importbatch_add")).status_code == 200) is imports
    assert (client.get(reverse("admin:charging_importprofile_add")).status_code == 200) is profiles
    old = priced.price.pk
    client.post(reverse("admin:charging_chargingsession_price_again", args=[priced.pk]), because("x"))
    assert (SessionPrice.objects.get(session=priced).pk != old) is prices
    client.post(reverse("admin:charging_hold_release", args=[hold.pk]), because("x"))
    hold.refresh_from_db()
    assert (hold.state == HoldState.RELEASED) is decides
    assert client.post(reverse("admin:charging_chargingsession_delete", args=[priced.pk])).status_code == 403
    assert client.get(reverse("admin:charging_chargingsession_add")).status_code == 403


def test_strangers_reach_no_page_of_the_workspace(world: World) -> None:
    for client in (Client(), signed_in(None)):
        for name in ("chargingsession", "hold", "importbatch", "importprofile"):
            assert client.get(reverse(f"admin:charging_{name}_changelist")).status_code == 302


def test_text_of_a_source_is_shown_as_text(world: World) -> None:
    make_session(world, "<script>alert(1)</script>", token_ref="<b>")
    text = page(signed_in(), LIST)
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text
