"""Master data in the admin: each create, change and delete is on record with who, what, from and to (I19)."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from contracts.models import Contact, Party, Vehicle
from contracts.rules.identifiers import country_code, vat_id
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput
from evbilling.shell import admin as shell_admin
from tests import factories as make
from tests.contracts.traces import records
from tests.contracts.world import sign_in

pytestmark = pytest.mark.django_db
PREFIXES = ("contacts", "memberships", "cost_centres", "contracts")


@pytest.fixture
def manager() -> User:
    return make.make_user(Role.CONTRACT_MANAGER)


@pytest.fixture
def staff(client: Client, settings: Any, manager: User) -> Client:
    return sign_in(client, manager, settings)


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:contracts_{name}", args=args)


def party_fields(**more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "number": "C-1",
        "kind": "fleet_operator",
        "legal_name": "Rhine Fleet GmbH",
        "street": "Domplatz 1",
        "postal_code": "50667",
        "city": "Cologne",
        "country": "de",
        "vat_id": "DE 136 695 976",
        "is_business": "on",
        "tax_status": "registered",
        "language": "en",
        "currency": "EUR",
        "delivery_channel": "mail",
        "einvoice_format": "facturx",
    }
    for prefix in PREFIXES:
        fields |= {f"{prefix}-TOTAL_FORMS": 0, f"{prefix}-INITIAL_FORMS": 0}
    return fields | more


CONTACT = {
    "contacts-TOTAL_FORMS": 1,
    "contacts-0-name": "Ann",
    "contacts-0-email": "ann@example.com",
    "contacts-0-role": "accountant",
}


def test_only_a_file_of_its_own_goes_alone(staff: Client) -> None:
    before = AuditRecord.objects.count()
    response = staff.post(url("party_add"), party_fields(einvoice_alone="on", **CONTACT))
    assert "Only an XRechnung or a Peppol file can go alone." in response.content.decode()
    assert not Party.objects.exists()
    assert AuditRecord.objects.count() == before
    staff.post(url("party_add"), party_fields(**CONTACT | {"einvoice_alone": "on", "einvoice_format": "peppol"}))
    assert Party.objects.get().einvoice_alone


def test_a_new_party_and_its_contact_are_on_record(staff: Client, manager: User) -> None:
    response = staff.post(url("party_add"), party_fields(**CONTACT))
    party = Party.objects.get()
    created, contact = records()
    assert response.status_code == 302
    assert (party.country, party.vat_id) == ("DE", "DE136695976")
    assert (created.action, created.by_id, created.where) == ("contracts.party.create", manager.pk, "127.0.0.1")
    assert created.changes["legal_name"] == [None, "Rhine Fleet GmbH"]
    assert (contact.action, contact.object_id) == ("contracts.contact.create", str(party.pk))
    assert contact.changes["email"] == [None, "ann@example.com"]


def test_a_change_names_the_field_and_both_values(staff: Client) -> None:
    staff.post(url("party_add"), party_fields(**CONTACT))
    party, contact = Party.objects.get(), Contact.objects.get()
    rows = CONTACT | {"contacts-INITIAL_FORMS": 1, "contacts-0-id": contact.pk, "contacts-0-party": party.pk}
    staff.post(
        url("party_change", party.pk), party_fields(city="Bonn", **rows | {"contacts-0-email": "new@example.com"})
    )
    of_party, of_contact = records()[2:]
    assert (of_party.action, of_party.changes) == ("contracts.party.change", {"city": ["Cologne", "Bonn"]})
    assert of_contact.changes["email"] == ["ann@example.com", "new@example.com"]
    staff.post(url("party_change", party.pk), party_fields(city="Bonn", **rows | {"contacts-0-DELETE": "on"}))
    gone = records().last()
    assert gone is not None
    assert (gone.action, Contact.objects.count()) == ("contracts.contact.delete", 0)
    assert "ann" in str(gone.changes["contact"]).lower()


def test_saving_without_a_change_leaves_no_row(staff: Client) -> None:
    staff.post(url("party_add"), party_fields())
    staff.post(url("party_change", Party.objects.get().pk), party_fields(country="DE", vat_id="DE136695976"))
    assert records().count() == 1


def test_a_deletion_is_on_record_also_in_bulk(staff: Client) -> None:
    first, second, third = (make.make_vehicle() for _ in range(3))
    staff.post(url("vehicle_delete", first.pk), {"post": "yes"})
    many = {"action": "delete_selected", "_selected_action": [second.pk, third.pk], "post": "yes"}
    staff.post(url("vehicle_changelist"), many)
    assert Vehicle.objects.count() == 0
    deleted = records().filter(action="contracts.vehicle.delete")
    assert {record.object_label for record in deleted} == {first.label, second.label, third.label}


def test_the_record_and_the_change_stand_or_fall_together(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_values: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(shell_admin, "record_audit", fail)
    for path, data in (("party_add", party_fields()), ("party_add", party_fields(**CONTACT))):
        with pytest.raises(RuntimeError):
            staff.post(url(path), data)
    vehicle = make.make_vehicle()
    with pytest.raises(RuntimeError):
        staff.post(url("vehicle_delete", vehicle.pk), {"post": "yes"})
    assert (Party.objects.filter(number="C-1").count(), Vehicle.objects.count()) == (0, 1)
    assert not connection.needs_rollback


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("country", "XX", "ISO 3166"), ("vat_id", "DE123456789", "no VAT id of DE"), ("number", "", "required")],
)
def test_a_bad_identifier_comes_back_at_its_field(staff: Client, field: str, value: str, words: str) -> None:
    response = staff.post(url("party_add"), party_fields(**{field: value}))
    assert words in str(response.context["adminform"].form.errors[field])
    assert (Party.objects.count(), records().count()) == (0, 0)


@pytest.mark.parametrize(
    ("text", "country", "stored"),
    [
        ("DE 136 695 976", "DE", "DE136695976"),
        ("136695976", "DE", "136695976"),
        ("ATU13585627", "AT", "ATU13585627"),
        ("EL 094259216", "GR", "EL094259216"),
        ("", "DE", ""),
        ("12-3456789", "US", "12-3456789"),
    ],
)
def test_vat_ids_are_stored_in_one_spelling(text: str, country: str, stored: str) -> None:
    assert vat_id(text, country) == stored


@pytest.mark.parametrize("code", ["", "D", "DEU", "ZZ", "12"])
def test_a_country_has_an_iso_code(code: str) -> None:
    with pytest.raises(BadInput, match="ISO 3166"):
        country_code(code)
