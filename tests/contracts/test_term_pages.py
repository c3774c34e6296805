"""Terms in the workspace and the portal: chosen by kind, written in fields, shown in sentences; a draft alone opens."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import ContractTerm, ContractVersion
from contracts.operations.terms import add_term
from contracts.operations.versions import approve_version
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.shell.admin import page_of
from tests import factories as make
from tests.contracts.world import sign_in

pytestmark = pytest.mark.django_db
ADD = reverse("admin:contracts_contractterm_add")
FEE = {"amount": "49.90", "per": "contract"}

FORMS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "window_cap",
        {"dimension": "TIME", "start_time": "22:00", "end_time": "06:00", "max_amount": "8", "days": ["MONDAY"]},
        {"dimension": "TIME", "start_time": "22:00", "end_time": "06:00", "max_amount": "8", "days": ["MONDAY"]},
    ),
    ("base_fee", FEE, {"amount": "49.9", "per": "contract"}),
    ("included_energy", {"kwh": "100", "per": "vehicle"}, {"kwh": "100", "per": "vehicle"}),
    (
        "graduated_discount",
        {"from_kwh_1": "1000", "percent_1": "5", "from_kwh_2": "5000", "percent_2": "7.5"},
        {"tiers": [{"from_kwh": "1000", "percent": "5"}, {"from_kwh": "5000", "percent": "7.5"}]},
    ),
    (
        "minimum_commitment",
        {"amount": "", "kwh": "2000", "price_per_kwh": "0.10"},
        {"kwh": "2000", "price_per_kwh": "0.1"},
    ),
    ("overstay", {"price_per_minute": "0.10", "grace_minutes": "15"}, {"price_per_minute": "0.1", "grace_minutes": 15}),
    ("no_show", {"amount": "5"}, {"amount": "5", "grace_minutes": 0}),
    ("late_payment", {"eu_default": "on"}, {"eu_default": True}),
    ("failed_payment", {"amount": "7.50"}, {"amount": "7.5"}),
    ("early_termination", {"months_of_base_fee": "3"}, {"months_of_base_fee": 3}),
    (
        "uptime_promise",
        {"percent": "98", "per": "site", "credit_amount": "50"},
        {"percent": "98", "per": "site", "credit_amount": "50"},
    ),
]


@pytest.fixture
def manager() -> User:
    return make.make_user(Role.CONTRACT_MANAGER)


@pytest.fixture
def draft() -> ContractVersion:
    return make.make_version(make.make_contract(), approved=False)


def address(version: ContractVersion, kind: str = "") -> str:
    return f"{ADD}?version={version.pk}" + (f"&kind={kind}" if kind else "")


def test_given_a_draft_when_a_term_is_added_then_first_its_kind_is_chosen(
    client: Client, manager: User, draft: ContractVersion, settings: Any
) -> None:
    page = sign_in(client, manager, settings).get(address(draft)).content.decode()
    assert "Included energy" in page
    assert f"?version={draft.pk}&amp;kind=window_cap" in page
    add_term(version_id=draft.pk, kind="no_show", figures={"amount": "5"}, by=make.maker(), at=make.AT)
    assert "kind=no_show" not in client.get(address(draft)).content.decode()


@pytest.mark.parametrize("each", FORMS, ids=[each[0] for each in FORMS])
def test_given_the_fields_of_a_kind_when_sent_then_the_term_stands_and_the_page_says_it(
    client: Client, manager: User, draft: ContractVersion, settings: Any, each: tuple[str, dict[str, Any], Any]
) -> None:
    kind, fields, figures = each
    sign_in(client, manager, settings)
    assert client.get(address(draft, kind)).status_code == 200
    sent = client.post(address(draft, kind), fields, follow=True)
    row = ContractTerm.objects.get()
    assert (row.kind, row.figures) == (kind, figures)
    assert sent.redirect_chain == [(page_of(draft), 302)]
    assert row.sentence in sent.content.decode().replace("&#x27;", "'")
    draft.refresh_from_db()
    assert draft.created_by == manager  # whoever changes a draft last is its maker (I18)
    form = client.get(page_of(row)).context["adminform"].form
    assert client.post(page_of(row), {**_as_sent(form.initial), **fields}, follow=True).status_code == 200
    assert ContractTerm.objects.get().figures == figures


def _as_sent(initial: dict[str, Any]) -> dict[str, Any]:
    return {name: "on" if value is True else value for name, value in initial.items()}


def test_given_figures_that_cannot_be_used_when_sent_then_the_form_says_why_and_nothing_stands(
    client: Client, manager: User, draft: ContractVersion, settings: Any
) -> None:
    sign_in(client, manager, settings)
    page = client.post(address(draft, "minimum_commitment"), {"amount": "5", "kwh": "7"}).content.decode()
    assert "Fill in exactly one of" in page
    page = client.post(address(draft, "base_fee"), {"amount": "-5", "per": "contract"}).content.decode()
    assert "must be above 0" in page
    assert not ContractTerm.objects.exists()


def test_given_a_term_of_a_draft_when_changed_and_removed_then_the_version_follows(
    client: Client, manager: User, draft: ContractVersion, settings: Any
) -> None:
    row = add_term(version_id=draft.pk, kind="base_fee", figures=FEE, by=make.maker(), at=make.AT)
    sign_in(client, manager, settings)
    client.post(page_of(row), {"amount": "55", "per": "site"})
    row.refresh_from_db()
    assert row.figures == {"amount": "55", "per": "site"}
    client.post(reverse("admin:contracts_contractterm_delete", args=[row.pk]), {"post": "yes"})
    assert not ContractTerm.objects.exists()


def test_given_approved_terms_when_opened_then_they_are_read_alone(
    client: Client, manager: User, draft: ContractVersion, settings: Any
) -> None:
    row = add_term(version_id=draft.pk, kind="base_fee", figures=FEE, by=make.maker(), at=make.AT)
    approve_version(version_id=draft.pk, by=make.checker(), at=make.AT)
    sign_in(client, manager, settings)
    assert "The base fee is €49.90 a month." in client.get(page_of(row)).content.decode()
    assert client.post(page_of(row), {"amount": "55", "per": "site"}).status_code == 403
    assert client.get(address(draft, "base_fee")).status_code == 403
    assert (
        client.post(reverse("admin:contracts_contractterm_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    )
    row.refresh_from_db()
    assert row.figures == {"amount": "49.9", "per": "contract"}


@pytest.mark.parametrize("role", [Role.BILLING_CLERK, Role.AUDITOR])
def test_given_a_role_without_contracts_when_it_tries_then_it_is_refused(
    client: Client, draft: ContractVersion, settings: Any, role: Role
) -> None:
    row = add_term(version_id=draft.pk, kind="base_fee", figures=FEE, by=make.maker(), at=make.AT)
    sign_in(client, make.make_user(role), settings)
    assert client.get(address(draft)).status_code == 403
    assert client.post(address(draft, "no_show"), {"amount": "5"}).status_code == 403
    assert client.post(page_of(row), {"amount": "55", "per": "site"}).status_code == 403
    assert ContractTerm.objects.get().figures == {"amount": "49.9", "per": "contract"}


def test_given_nobody_signed_in_then_nothing_is_shown(client: Client, draft: ContractVersion) -> None:
    assert client.get(address(draft)).status_code == 302
    assert client.get(reverse("admin:invoicing_month_preview"), {"version": draft.pk}).status_code == 302


def test_given_a_contract_with_terms_when_its_party_looks_then_the_sentences_are_there_and_for_others_not(
    client: Client, settings: Any
) -> None:
    contract = make.make_contract_in_force(terms=[("base_fee", FEE)])
    page = reverse("portal:contract", args=[contract.number])
    sign_in(client, make.make_member(contract.party), settings)
    assert "The base fee is €49.90 a month." in client.get(page).content.decode()
    client.force_login(make.make_member(make.make_party()))
    assert client.get(page).status_code == 404


def test_given_a_zero_when_sent_then_it_counts_as_written_not_as_empty(
    client: Client, manager: User, draft: ContractVersion, settings: Any
) -> None:
    sign_in(client, manager, settings)
    page = client.post(address(draft, "included_energy"), {"kwh": "0", "per": "vehicle"}).content.decode()
    assert "&#x27;0&#x27; cannot be used" in page
    client.post(address(draft, "overstay"), {"price_per_minute": "0.10", "grace_minutes": "0"})
    assert ContractTerm.objects.get().figures == {"price_per_minute": "0.1", "grace_minutes": 0}
