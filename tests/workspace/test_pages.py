"""The workspace as one: addresses resolve, each role sees its part, badges count, search finds, lists stay fast."""

import datetime as dt
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.formats import date_format

from contracts.models import Party
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.models import AuditRecord, OutboxMessage
from evbilling.workspace import counts
from evbilling.workspace.navigation import navigation
from evbilling.workspace.search import search
from evbilling.workspace.words import ACTIONS, STEPS, action_text, step_text
from invoicing.models import DeliveryState, Invoice, JournalEntry
from payments.models import Payment, PaymentState
from sessions.models import ChargingSession, Hold
from tests.factories import make_user
from tests.invoicing.month import make_month, record
from tests.workspace.world import closed_month, signed_in

pytestmark = pytest.mark.django_db
OURS = {"contracts", "charging", "invoicing", "payments", "access", "kernel"}
ROOT = Path(__file__).resolve().parents[2]


def items(client: Client) -> dict[str, str]:
    """Title and address of what the sidebar offers."""
    groups = client.get("/admin/").context_data["sidebar_navigation"]
    return {str(item["title"]): item["link"] for group in groups for item in group["items"] if item["has_permission"]}


def test_every_item_of_the_sidebar_opens_for_an_administrator(client: Client, settings: Any) -> None:
    closed_month()
    client = signed_in(client, settings)
    found = items(client)
    expected = ["Dashboard", "Charging sessions", "Held sessions", "Month close", "Parties", "Contracts", "Tariffs"]
    expected += ["Sites", "Vehicles", "Charge cards", "Invoices", "Payments", "Mails to accountants", "Journal"]
    assert set(expected) <= set(found)
    assert {"Users", "Background steps", "Audit trail", "Operator", "Tax rates"} <= set(found)
    for title, address in found.items():
        assert client.get(address).status_code == 200, title


def test_the_window_of_a_list_is_named_after_what_it_lists(client: Client, settings: Any) -> None:
    client = signed_in(client, settings)
    titles = {
        model: re.search(r"<title>\s*(.*?) \|", client.get(_pages(model)["changelist"]).content.decode(), re.DOTALL)
        for model in admin.site._registry
        if model._meta.app_label in OURS
    }
    named = {model._meta.label: found[1] for model, found in titles.items() if found}
    assert {label for label, title in named.items() if title.startswith("Select")} == set()
    assert (named["invoicing.Invoice"], named["contracts.Party"]) == ("Invoices", "Parties")


def test_no_item_is_lost_because_its_page_is_not_registered() -> None:
    request = RequestFactory().get("/admin/")
    request.user = make_user(Role.ADMINISTRATOR)
    titles = [str(item["title"]) for group in navigation(request) for item in group["items"]]
    source = inspect.getsource(navigation)
    assert len(titles) == len(set(titles)) == source.count("_list_of(") + source.count('"title":')


@pytest.mark.parametrize("role", list(Role))
def test_each_role_sees_its_groups(client: Client, settings: Any, role: Role) -> None:
    closed_month()
    found = items(signed_in(client, settings, role))
    assert {"Dashboard", "Charging sessions", "Parties", "Invoices", "Journal", "Audit trail"} <= set(found)
    assert ("Users" in found) == (role in {Role.AUDITOR, Role.ADMINISTRATOR})
    for title, address in found.items():
        assert client.get(address).status_code == 200, title


def test_staff_without_a_role_see_the_dashboard_alone(client: Client, settings: Any) -> None:
    closed_month()
    bare = make_user(None)
    bare.is_staff = True
    bare.save()
    client = signed_in(client, settings, bare)
    assert list(items(client)) == ["Dashboard"]
    party = Party.objects.first()
    for address in (
        reverse("admin:charging_now"),
        reverse("admin:party_timeline", args=[party.pk]),
        reverse("admin:month_close"),
        reverse("admin:kernel_auditrecord_changelist"),
    ):
        assert client.get(address).status_code == 403, address


def test_customers_and_strangers_are_sent_to_sign_in(client: Client, settings: Any) -> None:
    month = closed_month()
    party = month.contracts["alpha"].party
    addresses = ["/admin/", "/admin/charging-now/", reverse("admin:party_timeline", args=[party.pk])]
    for user in (None, make_user(None)):
        if user is not None:
            signed_in(client, settings, user)
        assert [client.get(address).status_code for address in addresses] == [302, 302, 302]


def _pages(model: Any) -> dict[str, str]:
    """The addresses of a model's pages that are there, the page of a row for the first one that its list holds."""
    request = RequestFactory().get("/admin/")
    request.user = User(is_staff=True, is_superuser=True)
    opts, row = model._meta, admin.site._registry[model].get_queryset(request).first()
    found = {}
    for page, args in (("changelist", []), ("add", []), ("change", [row.pk] if row else []), ("delete", [1])):
        try:
            found[page] = reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)
        except NoReverseMatch:
            continue
    return found


MODELS = [model for model in admin.site._registry if model._meta.app_label in OURS]


def test_the_auditor_reads_every_list_and_page_and_changes_nothing(
    client: Client, settings: Any, time_machine: Any
) -> None:
    time_machine.move_to(dt.datetime(2027, 1, 15, 12, tzinfo=dt.UTC))  # the documents of October are overdue
    month = closed_month()
    record([month.charge("alpha", 7, kwh=0)])
    client = signed_in(client, settings, Role.AUDITOR)
    before = [model._default_manager.count() for model in MODELS]
    for model in MODELS:
        pages = _pages(model)
        assert client.get(pages["changelist"]).status_code == 200, model
        if "change" in pages:
            assert client.get(pages["change"]).status_code == 200, model
            assert client.post(pages["change"], {"_save": "1"}).status_code == 403, model
        assert client.get(pages["add"]).status_code == 403, model
        assert client.post(pages["add"], {}).status_code == 403, model
        assert client.post(pages["delete"], {"post": "yes"}).status_code in {302, 403}, model
    assert [model._default_manager.count() for model in MODELS] == before


def test_what_the_product_writes_nobody_adds_changes_or_deletes(client: Client, settings: Any) -> None:
    month = closed_month()
    record([month.charge("alpha", 7, kwh=0)])
    client = signed_in(client, settings)
    for model in (ChargingSession, Hold, Invoice, JournalEntry, Payment, OutboxMessage, AuditRecord):
        pages = _pages(model)
        assert client.get(pages["change"]).status_code == 200, model
        assert client.post(pages["change"], {"_save": "1"}).status_code == 403, model
        assert client.get(pages["add"]).status_code == 403, model


def test_badges_count_what_needs_a_person(client: Client, settings: Any) -> None:
    month = closed_month()
    record([month.charge("alpha", 7, kwh=0), month.charge("alpha", 8, kwh=0)])
    invoice = month.item("alpha").invoice
    invoice.deliveries.update(state=DeliveryState.FAILED)
    client = signed_in(client, settings)
    groups = client.get("/admin/").context_data["sidebar_navigation"]
    badges = {str(item["title"]): item.get("badge") for group in groups for item in group["items"]}
    shown = {title: badge() if callable(badge) else badge for title, badge in badges.items()}
    assert counts.held_sessions() == 2
    assert counts.mails_needing_a_person() == 1
    assert counts.steps_needing_a_person() == 0
    page = client.get("/admin/").content.decode()
    assert shown["Dashboard"] is None
    assert re.search(r"Held sessions\s*</span>\s*<[^>]+>\s*2\s*<", page)
    assert re.search(r"Mails to accountants\s*</span>\s*<[^>]+>\s*1\s*<", page)
    assert not re.search(r"Background steps\s*</span>\s*<span[^>]*>\s*\d", page)


def test_a_badge_is_counted_once_in_thirty_seconds(client: Client, settings: Any) -> None:
    month = make_month(sessions=1)
    client = signed_in(client, settings)
    client.get("/admin/contracts/party/")
    record([month.charge("alpha", 7, kwh=0)])
    assert cache.get("badge.holds") == 0
    cache.clear()
    client.get("/admin/contracts/party/")
    assert cache.get("badge.holds") == 1


def _found(user: Any, term: str) -> set[str]:
    request = RequestFactory().get("/admin/search/")
    request.user = user
    return {result.link for result in search(request, term)}


def test_search_finds_by_each_key() -> None:
    month = closed_month()
    alpha, token = month.contracts["alpha"], month.tokens["alpha"]
    party, vehicle, invoice = alpha.party, token.vehicle, month.item("alpha").invoice
    Party.objects.filter(pk=party.pk).update(vat_id="DE811569869", iban="DE02120300000000202051")
    vehicle.plate, vehicle.vin = "M-EV 77", "WVWZZZ1JZXW000077"
    vehicle.save()
    payment, session = Payment.objects.get(), ChargingSession.objects.get(provider_ref="alpha-1")
    user = make_user(Role.AUDITOR)
    terms = {
        invoice.number: invoice,
        invoice.number[-6:]: invoice,
        party.legal_name[:9].lower(): party,
        party.number: party,
        "DE8115": party,
        "02051": party,
        alpha.number: alpha,
        vehicle.label: vehicle,
        "m-ev 77": vehicle,
        "WVWZZZ1J": vehicle,
        token.ref: token,
        "alpha-1": session,
        payment.public_id[:12]: payment,
    }
    for term, row in terms.items():
        opts = row._meta
        address = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
        assert address in _found(user, term), term


def test_search_finds_nothing_by_one_letter_or_without_the_right() -> None:
    month = closed_month()
    number = month.item("alpha").invoice.number
    auditor, bare = make_user(Role.AUDITOR), make_user(None)
    assert _found(auditor, number)
    assert _found(auditor, number[0]) == set()
    assert _found(bare, number) == set()


def test_search_answers_in_the_palette(client: Client, settings: Any) -> None:
    month = closed_month()
    number = month.item("alpha").invoice.number
    page = signed_in(client, settings).get(
        "/admin/search/", {"s": number, "extended": "1"}, headers={"HX-Request": "true"}
    )
    assert page.status_code == 200
    assert number in page.content.decode()


def _query_counts(client: Client) -> dict[str, int]:
    found = {}
    for model in MODELS:
        address = _pages(model)["changelist"]
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        found[model._meta.label] = len(captured)
    return found


def test_lists_need_at_most_twelve_queries_and_no_more_for_more_rows(
    client: Client, settings: Any, time_machine: Any
) -> None:
    time_machine.move_to(timezone.now(), tick=False)  # every 20 seconds a page notes that its person is active
    # badges are kept for 30 seconds: in this process's clock, which stands, not in that of a server
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    month = closed_month(sessions=2)
    client = signed_in(client, settings)
    before = _query_counts(client)
    record([month.charge(name, number, kwh=number % 3) for name in ("alpha", "beta") for number in range(30, 40)])
    for _number in range(6):
        make_user(Role.AUDITOR)
        closed_month_again()
    after = _query_counts(client)
    assert {label: (before[label], count) for label, count in after.items() if count > before[label]} == {}
    assert {label: count for label, count in after.items() if count > 12} == {}


def closed_month_again() -> None:
    """One more contract, party, token, document and payment."""
    from tests.payments.world import make_issued_invoice, make_method  # noqa: PLC0415 - heavier world, here alone

    invoice = make_issued_invoice()
    Payment.objects.create(
        public_id=f"PAY-{invoice.pk}",
        operator=invoice.operator,
        party=invoice.party,
        invoice=invoice,
        method=make_method(invoice.party),
        processor="sandbox",
        amount=invoice.gross_amount,
        currency=invoice.currency,
        state=PaymentState.UNKNOWN,
        created_at=invoice.issued_at,
    )


def test_the_timeline_tells_everything_once_and_the_latest_first(client: Client, settings: Any) -> None:
    month = closed_month()
    party, invoice = month.contracts["alpha"].party, month.item("alpha").invoice
    Party.objects.filter(pk=party.pk).update(note="Pays by transfer.")
    client = signed_in(client, settings)
    address = reverse("admin:party_timeline", args=[party.pk])
    page = client.get(address)
    text = page.content.decode()
    assert page.status_code == 200
    for told in (
        invoice.number,
        "4 sessions",
        f"Mail with {invoice.number}",
        "Contract activated",
        "Pays by transfer.",
    ):
        assert told in text, told
    events = [event for _month, found in page.context["months"] for event in found]
    assert [event["at"] for event in events] == sorted((event["at"] for event in events), reverse=True)
    assert {event["kind"] for event in events} == {"sessions", "documents", "mails", "payments", "changes"}
    mails = client.get(address, {"show": "mails"})
    assert {event["kind"] for _month, found in mails.context["months"] for event in found} == {"mails"}


def test_the_timeline_links_to_the_partys_sessions_of_the_month(client: Client, settings: Any) -> None:
    month = closed_month()
    client = signed_in(client, settings)
    page = client.get(reverse("admin:party_timeline", args=[month.contracts["alpha"].party_id]), {"show": "sessions"})
    ((_first, (event,)),) = page.context["months"]
    listed = client.get(event["href"])
    assert listed.status_code == 200
    assert listed.context_data["cl"].queryset.count() == 4


def test_the_timeline_of_another_party_holds_nothing_of_this_one(client: Client, settings: Any) -> None:
    month = closed_month()
    client = signed_in(client, settings)
    text = client.get(reverse("admin:party_timeline", args=[month.contracts["beta"].party_id])).content.decode()
    assert month.item("alpha").invoice.number not in text
    assert client.get(reverse("admin:party_timeline", args=[999_999])).status_code == 404


def test_the_timeline_needs_a_fixed_number_of_queries(client: Client, settings: Any, time_machine: Any) -> None:
    time_machine.move_to(timezone.now(), tick=False)  # every 20 seconds a page notes that its person is active
    month = closed_month()
    client = signed_in(client, settings)
    address = reverse("admin:party_timeline", args=[month.contracts["alpha"].party_id])

    def queries() -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        return len(captured)

    before = queries()
    for _number in range(3):
        month.item("alpha").invoice.deliveries.create(
            intent=10 + _number, recipients=["a@example.com"], created_at=month.item("alpha").invoice.issued_at
        )
    assert queries() == before <= 14


def test_the_party_page_leads_to_its_timeline(client: Client, settings: Any) -> None:
    month = make_month(sessions=0)
    party = month.contracts["alpha"].party
    client = signed_in(client, settings)
    page = client.get(reverse("admin:contracts_party_change", args=[party.pk]))
    assert reverse("admin:contracts_party_timeline", args=[party.pk]) in page.content.decode()
    led = client.get(reverse("admin:contracts_party_timeline", args=[party.pk]))
    assert led.headers["Location"] == reverse("admin:party_timeline", args=[party.pk])


def test_every_action_and_step_that_the_code_names_has_words() -> None:
    source = "\n".join(
        path.read_text()
        for app in ("contracts", "sessions", "invoicing", "payments", "evbilling/access", "evbilling/kernel")
        for path in (ROOT / app).rglob("*.py")
    )
    named = set(re.findall(r'action="([a-z_.]+)"', source))
    named |= set(re.findall(r'_(?:record|move|factor)\(\s*"([a-z]+\.[a-z_]+\.[a-z_]+)"', source))
    named -= {"store_true"}
    assert len(named) > 40
    assert sorted(name for name in named if action_text(name) == name) == []
    steps = set(re.findall(r'handles\(\s*"([a-z_.]+)"', source)) | set(re.findall(r'_STEP = "([a-z_.]+)"', source))
    assert sorted(step for step in steps if step_text(step) == step) == []
    assert set(STEPS) == steps
    assert {f"payments.payment.{state}" for state in PaymentState.values} <= set(ACTIONS)


def test_master_data_saved_by_a_form_is_told_in_words() -> None:
    assert action_text("contracts.site.change") == "Site changed"
    assert action_text("contracts.nothing.change") == "contracts.nothing.change"
    assert action_text("something.else") == "something.else"


def test_dates_say_day_before_month_and_times_their_zone() -> None:
    at = dt.datetime(2026, 11, 22, 14, 5, tzinfo=dt.UTC)
    with translation.override("en"):
        assert date_format(at.date()) == "22 Nov 2026"
        assert date_format(at, "DATETIME_FORMAT") == "22 Nov 2026, 14:05 UTC"
    with translation.override("de"):
        assert date_format(at.date()) == "22.11.2026"
        assert date_format(at, "DATETIME_FORMAT") == "22.11.2026, 14:05 UTC"
