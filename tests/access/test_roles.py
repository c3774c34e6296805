"""What each role may do, and that its group says the same."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from evbilling.access.roles import Role, grant_role_permissions
from tests.access.people import staff

AREAS = ["contracts", "charging", "invoicing", "payments"]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.CONTRACT_MANAGER, {"contracts"}),
        (Role.BILLING_CLERK, {"charging", "invoicing"}),
        (Role.PAYMENTS_OFFICER, {"payments"}),
        (Role.AUDITOR, set()),
        (Role.ADMINISTRATOR, set(AREAS)),
    ],
)
def test_each_role_changes_its_own_areas_and_reads_all(role: Role, may: set[str]) -> None:
    assert {area for area in AREAS if role.allows(f"{area}.change_anything")} == may
    assert all(role.allows(f"{area}.view_anything") for area in AREAS)


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("invoicing.run_billing", {Role.BILLING_CLERK, Role.ADMINISTRATOR}),
        ("contracts.activate_contract", {Role.CONTRACT_MANAGER, Role.ADMINISTRATOR}),
        ("payments.refund", {Role.PAYMENTS_OFFICER, Role.ADMINISTRATOR}),
        ("access.change_user", {Role.ADMINISTRATOR}),
        ("access.view_user", {Role.AUDITOR, Role.ADMINISTRATOR}),
        ("kernel.view_auditrecord", set(Role)),
    ],
)
def test_custom_permissions_fall_to_their_area(permission: str, roles: set[Role]) -> None:
    assert {role for role in Role if role.allows(permission)} == roles


@pytest.mark.django_db
def test_given_a_migrated_database_then_each_group_holds_exactly_what_its_role_allows() -> None:
    existing = {
        f"{each.content_type.app_label}.{each.codename}" for each in Permission.objects.select_related("content_type")
    }
    for role in Role:
        held = {
            f"{each.content_type.app_label}.{each.codename}"
            for each in Group.objects.get(name=role.value).permissions.select_related("content_type")
        }
        assert held == {permission for permission in existing if role.allows(permission)}


@pytest.mark.django_db
def test_given_a_permission_added_by_hand_when_migrated_again_then_it_is_gone() -> None:
    group = Group.objects.get(name=Role.AUDITOR.value)
    extra = Permission.objects.get(codename="change_user", content_type__app_label="access")
    group.permissions.add(extra)
    grant_role_permissions(apps.get_app_config("access"))
    assert extra not in group.permissions.all()


@pytest.mark.django_db
def test_given_an_auditor_then_no_permission_changes_anything() -> None:
    held = staff(role=Role.AUDITOR).get_all_permissions()
    assert held
    assert {permission for permission in held if not permission.split(".")[1].startswith("view_")} == set()
