"""What people do in the admin: draft, approve, lead a contract through its life; a refusal is a sentence, no more."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from contracts.models import Contract, ContractVersion, SponsoredVehicle, TariffAssignment, TokenAssignment
from contracts.operations.contracts import offer_contract
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.models import AuditRecord
from tests import factories as make
from tests.contracts.traces import actions, snapshot
from tests.contracts.world import sign_in

pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "True"}


@pytest.fixture
def manager() -> User:
    return make.make_user(Role.CONTRACT_MANAGER)


@pytest.fixture
def staff(client: Client, settings: Any, manager: User) -> Client:
    return sign_in(client, manager, settings)


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:contracts_{name}", args=args)


def said(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))  # type: ignore[attr-defined]


def tabs(staff: Client, contract: Contract) -> dict[str, Any]:
    """What the read-only tabs of a contract's page send along."""
    shown = staff.get(url("contract_change", contract.pk)).context["inline_admin_formsets"]
    return {
        f"{each.formset.prefix}-{name}": each.formset.initial_form_count()
        for each in shown
        for name in ("TOTAL_FORMS", "INITIAL_FORMS")
    }


def contract_fields(**more: Any) -> dict[str, Any]:
    return {
        "number": "K-100",
        "operator": make.make_operator().pk,
        "party": make.make_party().pk,
        "kind": "charging",
        "currency": "EUR",
        "zone": "Europe/Berlin",
        "starts_on": "2026-01-01",
        "purchase_order": "",
    } | more


class TestContracts:
    def test_a_contract_is_drafted_by_the_operation(self, staff: Client, manager: User) -> None:
        site = make.make_site()
        response = staff.post(url("contract_add"), contract_fields(sites=[site.pk]))
        contract = Contract.objects.get()
        assert response.status_code == 302
        assert (contract.state, contract.created_by, list(contract.sites.all())) == ("draft", manager, [site])
        assert actions() == ["contracts.contract.create"]

    @pytest.mark.parametrize(
        ("field", "value"), [("zone", "Mars/Base"), ("number", "K-1"), ("party", "999"), ("starts_on", "soon")]
    )
    def test_a_bad_value_comes_back_with_the_form(self, staff: Client, field: str, value: str) -> None:
        make.make_contract(number="K-1")
        fields = contract_fields(**{field: value})
        before = snapshot()
        response = staff.post(url("contract_add"), fields)
        assert response.status_code == 200
        assert field in response.context["adminform"].form.errors
        assert snapshot() == before

    def test_a_draft_is_corrected_and_its_history_says_so(self, staff: Client, manager: User) -> None:
        contract = make.make_contract(number="K-1")
        fields = contract_fields(operator=contract.operator_id, party=contract.party_id, purchase_order="PO 77")
        fields |= tabs(staff, contract)
        response = staff.post(url("contract_change", contract.pk), fields)
        contract.refresh_from_db()
        assert response.status_code == 302
        assert (contract.number, contract.purchase_order, contract.created_by) == ("K-100", "PO 77", manager)
        history = staff.get(url("contract_history", contract.pk)).content.decode()
        assert "Contract changed" in history
        assert "K-1 &rarr; K-100" in history

    def test_in_force_only_the_purchase_order_is_open(self, staff: Client) -> None:
        contract = make.make_contract_in_force()
        staff.post(
            url("contract_change", contract.pk),
            contract_fields(currency="USD", purchase_order="PO 8") | tabs(staff, contract),
        )
        changed = Contract.objects.get()
        assert (changed.purchase_order, changed.currency, changed.number) == ("PO 8", "EUR", contract.number)

    def test_the_whole_life_by_buttons(self, staff: Client) -> None:
        contract = make.make_contract()
        version = make.make_version(contract)
        states = []
        for step, more in (
            ("offer", {}),
            ("activate", {}),
            ("suspend", {"reason": "unpaid"}),
            ("resume", {"reason": "paid"}),
            ("end", {"ends_on": "2026-12-31", "reason": "moved", "early": "on"}),
        ):
            if step == "activate":
                for side in ("operator", "party"):
                    staff.post(url("contractversion_waive", version.pk), YES | {"side": side, "reason": "on paper"})
            response = staff.post(url(f"contract_{step}", contract.pk), YES | more)
            contract.refresh_from_db()
            states.append(contract.state)
            assert response["HX-Redirect"] == url("contract_change", contract.pk)
        assert states == ["offered", "active", "suspended", "active", "ended"]
        assert contract.ends_on == dt.date(2026, 12, 31)
        assert AuditRecord.objects.get(action="contracts.contract.suspend").reason == "unpaid"

    def test_a_link_alone_changes_nothing(self, staff: Client) -> None:
        contract = make.make_contract()
        make.make_version(contract)
        before = snapshot()
        response = staff.get(url("contract_offer", contract.pk))
        assert (response.status_code, snapshot()) == (200, before)
        assert b"Offer this contract" in response.content

    @pytest.mark.parametrize("step", ["suspend", "end", "withdraw"])
    def test_without_a_reason_the_dialog_stays(self, staff: Client, step: str) -> None:
        contract = make.make_contract_in_force()
        response = staff.post(url(f"contract_{step}", contract.pk), YES | {"reason": ""})
        contract.refresh_from_db()
        assert (response.status_code, contract.state) == (200, "active")

    def test_one_who_made_it_is_told_that_a_second_person_has_to(self, client: Client, settings: Any) -> None:
        contract = make.make_contract()
        make.make_version(contract)
        offer_contract(contract_id=contract.pk, by=make.maker(), at=make.AT)
        staff = sign_in(client, make.maker(), settings)
        response = staff.post(url("contract_activate", contract.pk), YES)
        contract.refresh_from_db()
        assert contract.state == "offered"
        assert "second person" in said(response)

    def test_a_step_that_is_over_is_refused_again_by_the_operation(self, staff: Client) -> None:
        contract = make.make_contract_in_force()
        response = staff.post(url("contract_activate", contract.pk), YES)
        assert "only an offered contract" in said(response)

    def test_only_open_steps_have_buttons(self, staff: Client) -> None:
        active = staff.get(url("contract_change", make.make_contract_in_force().pk)).content.decode()
        draft = staff.get(url("contract_change", make.make_contract().pk)).content.decode()
        assert ("/suspend/" in active, "/offer/" in active, "/activate/" in active) == (True, False, False)
        assert ("/suspend/" in draft, "/offer/" in draft, "/activate/" in draft) == (False, True, False)


class TestTerms:
    def test_new_terms_begin_as_a_copy(self, staff: Client) -> None:
        contract = make.make_contract_in_force(payment_terms_days=30)
        staff.post(url("contract_draft_terms", contract.pk), YES | {"valid_from": "2026-07-01"})
        version = contract.versions.get(number=2)
        assert (version.payment_terms_days, version.valid_from) == (30, dt.date(2026, 7, 1))
        assert version.tariff_assignments.count() == 1

    def save(self, staff: Client, version: ContractVersion, inlines: dict[str, Any], **more: Any) -> HttpResponse:
        fields = {
            "valid_from": version.valid_from,
            "notice_days": 30,
            "suspension_rule": "bill",
            "payment_terms_days": version.payment_terms_days,
            "price_basis": version.price_basis,
            "tax_treatment": version.tax_treatment,
            "group_lines_by": version.group_lines_by,
            "split_documents_by": version.split_documents_by,
            "terms_text": version.terms_text,
        }
        return staff.post(url("contractversion_change", version.pk), fields | inlines | more)  # type: ignore[return-value]

    def rows(self, *rows: dict[str, Any], initial: int) -> dict[str, Any]:
        prefix = "tariff_assignments"
        found: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
        found |= {"terms-TOTAL_FORMS": 0, "terms-INITIAL_FORMS": 0}
        for number, row in enumerate(rows):
            found |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
        return found

    def test_tariffs_are_added_changed_and_taken_out(self, staff: Client, manager: User) -> None:
        contract = make.make_contract()
        version = make.make_version(contract, approved=False)
        kept, other = version.tariff_assignments.get(), make.make_tariff(contract.operator)
        row = {"id": kept.pk, "version": version.pk, "tariff": kept.tariff_id, "priority": 3}
        new = {"id": "", "version": version.pk, "tariff": other.pk, "priority": 4, "min_power_w": 50000}
        response = self.save(staff, version, self.rows(row, new, initial=1), payment_terms_days=21)
        assert response.status_code == 302
        found = version.tariff_assignments.order_by("priority").values_list("tariff", "priority", "min_power_w")
        assert list(found) == [(kept.tariff_id, 3, None), (other.pk, 4, 50000)]
        version.refresh_from_db()
        assert (version.payment_terms_days, version.created_by) == (21, manager)
        last = version.tariff_assignments.get(priority=4)
        gone = {"id": last.pk, "version": version.pk, "tariff": other.pk, "priority": 4, "DELETE": "on"}
        self.save(staff, version, self.rows(gone, initial=1))
        assert version.tariff_assignments.count() == 1

    def test_a_refused_tariff_takes_the_whole_save_back(self, staff: Client) -> None:
        contract = make.make_contract()
        version = make.make_version(contract, approved=False)
        dollars = make.make_tariff(currency="USD", document=make.tariff_document(currency="USD"))
        before = snapshot()
        new = {"id": "", "version": version.pk, "tariff": dollars.pk, "priority": 4}
        response = self.save(staff, version, self.rows(new, initial=0), payment_terms_days=60)
        assert response.status_code == 200
        assert "EUR" in response.content.decode()
        assert response.context["adminform"].form["payment_terms_days"].value() == "60"  # type: ignore[attr-defined]
        assert snapshot() == before

    def test_a_hosts_percentage_is_set(self, staff: Client) -> None:
        version = make.make_version(make.make_contract("hosting"), approved=False, percent=Decimal(50))
        share = {
            "revenue_shares-TOTAL_FORMS": 1,
            "revenue_shares-INITIAL_FORMS": 1,
            "revenue_shares-0-id": version.revenue_shares.get().pk,
            "revenue_shares-0-version": version.pk,
            "revenue_shares-0-kind": "percent",
            "revenue_shares-0-percent_of_net": "62.5",
        }
        assert self.save(staff, version, share).status_code == 302
        version.refresh_from_db()
        assert version.revenue_shares.get().percent_of_net == Decimal("62.5")

    def test_terms_are_approved_by_a_button(self, staff: Client, manager: User) -> None:
        version = make.make_version(make.make_contract(), approved=False)
        response = staff.post(url("contractversion_approve", version.pk), YES)
        version.refresh_from_db()
        assert (version.state, version.approved_by) == ("approved", manager)
        assert "is approved" in said(response)

    def test_approved_terms_are_read_only(self, staff: Client) -> None:
        version = make.make_contract_in_force().versions.get()
        shown = staff.get(url("contractversion_change", version.pk)).content.decode()
        assert 'name="_save"' not in shown
        assert self.save(staff, version, self.rows(initial=0), payment_terms_days=90).status_code == 403


class TestJoining:
    def test_a_token_is_assigned_and_ended(self, staff: Client) -> None:
        contract, token = make.make_contract_in_force(), make.make_token()
        fields = {"contract": contract.pk, "token": token.pk, "valid_from": "2026-02-01"}
        assert staff.post(url("tokenassignment_add"), fields).status_code == 302
        assignment = TokenAssignment.objects.get()
        staff.post(url("tokenassignment_change", assignment.pk), {"valid_to": "2026-03-01"})
        assignment.refresh_from_db()
        assert (assignment.valid_from, assignment.valid_to) == (dt.date(2026, 2, 1), dt.date(2026, 3, 1))
        assert actions()[-2:] == ["contracts.token.assign", "contracts.token.end_assignment"]

    def test_a_refused_token_is_a_sentence_above_the_form(self, staff: Client) -> None:
        token = make.make_token()
        contract = make.make_contract_in_force(tokens=[token])
        fields = {"contract": contract.pk, "token": token.pk, "valid_from": "2026-02-01"}
        response = staff.post(url("tokenassignment_add"), fields)
        assert response.status_code == 200
        assert "pays for this token" in response.content.decode()
        assert TokenAssignment.objects.count() == 1

    def test_a_vehicle_is_sponsored(self, staff: Client) -> None:
        contract, vehicle = make.make_contract_in_force("sponsorship"), make.make_vehicle()
        fields = {"contract": contract.pk, "vehicle": vehicle.pk, "valid_from": "2026-02-01"}
        assert staff.post(url("sponsoredvehicle_add"), fields).status_code == 302
        assert SponsoredVehicle.objects.get().vehicle == vehicle
        assert f"?contract={contract.pk}" in staff.get(url("contract_add_vehicle", contract.pk))["Location"]


def test_given_one_operator_when_something_new_is_written_then_it_begins_with_its_currency(staff: Client) -> None:
    operator = make.make_contract().operator
    for name in ("tariff", "party", "contract"):
        form = staff.get(url(f"{name}_add")).context["adminform"].form
        assert form.initial["currency"] == operator.currency, name
        assert form.initial["operator"] == operator.pk, name


def test_given_days_or_power_in_the_wrong_order_then_the_field_says_so_in_words(staff: Client) -> None:
    contract, token = make.make_contract(), make.make_token()
    sent = {"contract": contract.pk, "token": token.pk, "valid_from": "2026-05-02", "valid_to": "2026-05-01"}
    form = staff.post(url("tokenassignment_add"), sent).context["adminform"].form
    assert form.errors["valid_to"] == [
        "1 May 2026 is not after 2 May 2026, the first day; give a later day, or leave it empty for no end."
    ]
    assert list(form.errors) == ["valid_to"]
    assert not TokenAssignment.objects.exists()
    band = TariffAssignment(min_power_w=50_000, max_power_w=100)
    with pytest.raises(ValidationError, match="100 W is not above 50000 W"):
        band.clean()


def test_given_a_token_joined_from_a_contracts_page_then_its_maker_is_back_there(staff: Client) -> None:
    contract, token = make.make_contract(), make.make_token()
    sent = {"contract": contract.pk, "token": token.pk, "valid_from": "2026-05-02"}
    assert staff.post(url("tokenassignment_add"), sent).url == url("contract_change", contract.pk)
