"""What holds for every page of the workspace: a link alone changes nothing, no page shows a Python value."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from evbilling.access.acting import acting_user
from evbilling.access.models import User
from evbilling.access.operations.tokens import create_token
from evbilling.access.roles import Role
from evbilling.shell.admin import PALETTE_HITS, WorkspaceAdmin, page_of
from invoicing.models import TaxRate
from invoicing.operations.penalties import assess_failed_payment
from payments.operations.payments import start_payment
from sessions.operations.imports import import_file
from tests.contracts.world import one_of_everything, sign_in
from tests.factories import make_contract_in_force, make_party, make_user
from tests.payments.world import AT, make_issued_invoice, make_method
from tests.sessions.made import HEADINGS, line, make_profile, make_session, make_world
from tests.shell.rows import rows_of_long_stories

CHANGES_NOTHING = {
    "account",
    "add_term",
    "credit_in_part",
    "add_token",
    "add_vehicle",
    "check_einvoice",
    "download",
    "draft_prices",
    "einvoice_xml",
    "month_preview",
    "open_month_close",
    "open_pdf",
    "preview",
    "simulate",
    "timeline",
    "what_if",
}
"""Buttons without a dialog: they open a page or a file."""


def buttons(page: ModelAdmin) -> set[str]:
    groups = (page.actions_list, page.actions_detail, page.actions_row, page.actions_submit_line)
    return {name for group in groups for name in page._extract_action_names(group)}


def without_a_dialog(page: ModelAdmin) -> set[str]:
    return {name for name in buttons(page) if getattr(getattr(page, name), "dialog", None) is None}


def test_every_button_that_changes_something_has_a_dialog_and_so_a_token_against_forgery() -> None:
    pages = list(admin.site._registry.values())
    assert set().union(*map(without_a_dialog, pages)) == CHANGES_NOTHING
    assert sum(len(buttons(page)) for page in pages) > len(CHANGES_NOTHING)


def test_every_page_stands_on_the_shared_base() -> None:
    assert [page for page in admin.site._registry.values() if not isinstance(page, WorkspaceAdmin)] == []


def test_nobody_acts_without_having_signed_in() -> None:
    request = RequestFactory().post("/")
    request.user = AnonymousUser()
    with pytest.raises(PermissionDenied):
        acting_user(request)


def rows() -> list[Model]:
    """Up to three rows of every list."""
    request = RequestFactory().get("/admin/")
    request.user = User(is_staff=True, is_superuser=True)
    return [row for page in admin.site._registry.values() for row in page.get_queryset(request).order_by("pk")[:3]]


@pytest.mark.django_db
def test_no_page_of_a_row_shows_a_python_value(client: Client, settings: Any) -> None:
    one_of_everything()
    terms = [("failed_payment", {"amount": "3.50"})]
    invoice = make_issued_invoice(contract=make_contract_in_force(terms=terms))
    payment = start_payment(invoice_id=invoice.pk, method_id=make_method(invoice.party).pk, by=None, at=AT)
    assess_failed_payment(invoice_id=invoice.pk, payment_ref="PAY-1", failure="declined", by=None, at=AT)
    TaxRate.objects.create(country="DE", percent=19, valid_from="2020-01-01")
    world = make_world()
    session = make_session(world, energy_wh=900_000)
    text = HEADINGS + line(world, "S2") + "S3,?,?,?,?,?,?\n"
    import_file(profile_id=make_profile().pk, file_name="january.csv", content=text.encode(), by=make_user(), at=AT)
    administrator = make_user(Role.ADMINISTRATOR)
    rows_of_long_stories(invoice, payment, session, administrator)
    create_token(user_id=administrator.pk, name="Partner", days=30, by=administrator, at=AT)
    sign_in(client, administrator, settings)
    seen = set()
    for row in rows():
        answer = client.get(page_of(row))
        assert answer.status_code == 200, row
        text = answer.content.decode()
        assert "(&#x27;" not in text, f"{type(row).__name__} shows a tuple"
        assert "&lt;span" not in text, f"{type(row).__name__} shows markup"
        seen.add(row._meta.model_name)
    missing = {model._meta.model_name for model in admin.site._registry} - seen
    assert missing == set()


@pytest.mark.django_db
@pytest.mark.parametrize("junk", ["abc", "9" * 23, "0"])
def test_buttons_of_a_row_that_is_not_there_lead_to_the_start_page(client: Client, settings: Any, junk: str) -> None:
    sign_in(client, make_user(Role.ADMINISTRATOR), settings)
    tried = 0
    for page in admin.site._registry.values():
        for button in {each.path: each for each in (*page._get_base_actions_detail(), *page._get_base_actions_row())}:
            address = f"{reverse(f'admin:{page.opts.app_label}_{page.opts.model_name}_changelist')}{junk}/{button}/"
            for answer in (client.get(address), client.post(address, {"_form_submitted": "True", "reason": "why"})):
                assert (answer.status_code, answer.headers["Location"]) == (302, reverse("admin:index")), address
                tried += 1
    assert tried > 50


@pytest.mark.django_db
def test_an_address_of_a_row_that_cannot_be_leads_to_the_start_page(client: Client, settings: Any) -> None:
    sign_in(client, make_user(Role.ADMINISTRATOR), settings)
    for page in (each for each in admin.site._registry.values() if isinstance(each, WorkspaceAdmin)):
        address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist") + "abc/change/"
        answer = client.get(address)
        assert (answer.status_code, answer.headers.get("Location")) == (302, reverse("admin:index")), address


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("model", "query"),
    [
        ("invoicing_invoice", "party__id__exact"),
        ("charging_chargingsession", "contract__party__id__exact"),
        ("invoicing_account", "id__in"),
    ],
)
def test_a_list_whose_address_names_a_number_beyond_the_database_answers(
    client: Client, settings: Any, model: str, query: str
) -> None:
    sign_in(client, make_user(Role.ADMINISTRATOR), settings)
    answer = client.get(reverse(f"admin:{model}_changelist"), {query: "9" * 23}, follow=True)
    assert answer.status_code == 200
    said = "A number in the address is too large" in answer.content.decode()
    assert said == (connection.vendor == "sqlite")


@pytest.mark.django_db
def test_given_many_rows_that_match_when_searched_by_the_palette_then_few_of_each_list_are_read(
    client: Client, settings: Any
) -> None:
    parties = [make_party(legal_name=f"Zebra {number}") for number in range(PALETTE_HITS + 2)]
    sign_in(client, make_user(Role.ADMINISTRATOR), settings)
    page = client.get(reverse("admin:search"), {"s": "Zebra"}).content.decode()
    assert len({party.pk for party in parties if page_of(party) in page}) == PALETTE_HITS
    everything = client.get(reverse("admin:contracts_party_changelist"), {"q": "Zebra"}).content.decode()
    assert all(page_of(party) in everything for party in parties)
