"""The users' pages in the workspace: through the operations, refusals in words."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evbilling.access.models import User
from evbilling.access.roles import Role, roles_of
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.outbox import OutboxMessage
from tests.access.people import staff

pytestmark = pytest.mark.django_db
USERS = "/admin/access/user/"


@pytest.fixture
def administrator(client: Client) -> User:
    user = staff("admin@operator.example", Role.ADMINISTRATOR)
    client.force_login(user)
    return user


def test_given_the_form_when_a_clerk_is_added_then_an_invitation_is_queued(client: Client, administrator: User) -> None:
    answer = client.post(
        f"{USERS}add/",
        {"email": "Nora@operator.example", "full_name": "Nora New", "language": "de", "roles": ["billing-clerk"]},
    )
    assert answer.status_code == 302
    user = User.objects.get(email="nora@operator.example")
    assert (roles_of(user), user.language, user.has_usable_password()) == ([Role.BILLING_CLERK], "de", False)
    assert OutboxMessage.objects.get().kind == "access.mail.invitation"
    assert AuditRecord.objects.filter(action="access.user.invite", by_id=administrator.pk).count() == 1


def test_given_an_address_with_a_user_when_added_then_the_form_says_so(client: Client, administrator: User) -> None:
    answer = client.post(f"{USERS}add/", {"email": "ADMIN@operator.example", "full_name": "", "language": "en"})
    assert "This address has a user." in answer.content.decode()
    assert User.objects.count() == 1


def test_given_the_form_when_roles_change_then_the_operations_leave_their_rows(
    client: Client, administrator: User
) -> None:
    user = staff()
    client.post(f"{USERS}{user.pk}/change/", {"full_name": "Clara C.", "language": "en", "roles": ["auditor"]})
    user = User.objects.get(pk=user.pk)
    assert (user.full_name, user.email, roles_of(user)) == ("Clara C.", "clerk@operator.example", [Role.AUDITOR])
    trail = AuditRecord.objects.filter(by_id=administrator.pk, object_id=str(user.pk)).order_by("pk")
    assert [each.action for each in trail] == [
        "access.user.change",
        "access.user.remove_role",
        "access.user.assign_role",
    ]


def test_given_oneself_when_roles_change_then_the_page_says_why_not(client: Client, administrator: User) -> None:
    page = f"{USERS}{administrator.pk}/change/"
    answer = client.post(page, {"full_name": "A", "language": "en", "roles": ["auditor"]}, follow=True)
    assert "You cannot change your own roles" in answer.content.decode()
    assert roles_of(User.objects.get(pk=administrator.pk)) == [Role.ADMINISTRATOR]
    assert User.objects.get(pk=administrator.pk).full_name == "Clara Clerk"


def test_given_the_dialog_when_a_factor_is_reset_then_a_reason_is_asked_for(
    client: Client, administrator: User
) -> None:
    user = staff()
    page = f"{USERS}{user.pk}/reset-factor/"
    client.post(page, {"_form_submitted": "on", "reason": ""})
    assert user.authenticator_set.count() == 2
    client.post(page, {"_form_submitted": "on", "reason": "phone lost"})
    assert user.authenticator_set.count() == 0
    assert AuditRecord.objects.get(action="access.user.reset_factor").reason == "phone lost"


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (staff, {"reset-factor", "deactivate"}),
        (lambda: staff(factor=False), {"deactivate"}),
        (lambda: User.objects.create_user("new@operator.example"), {"invite-again", "deactivate"}),
        (lambda: User.objects.create_user("off@operator.example", "x", is_active=False), {"reactivate"}),
        (lambda: User.objects.get(email="admin@operator.example"), set()),
    ],
)
def test_the_page_offers_only_what_can_be_done(client: Client, administrator: User, make, shown: set[str]) -> None:
    user = make()
    page = client.get(f"{USERS}{user.pk}/change/").content.decode()
    offers = ("invite-again", "reset-factor", "deactivate", "reactivate")
    assert {each for each in offers if f"{USERS}{user.pk}/{each}" in page} == shown
    assert "(&#x27;on" not in page


def test_given_a_link_when_it_is_opened_then_no_invitation_goes_out(client: Client, administrator: User) -> None:
    user = User.objects.create_user("new@operator.example")
    answer = client.get(f"{USERS}{user.pk}/invite-again/", headers={"hx-request": "true"})
    assert (answer.status_code, "csrfmiddlewaretoken" in answer.content.decode()) == (200, True)
    assert not OutboxMessage.objects.exists()
    assert not AuditRecord.objects.filter(action="access.user.invite_again").exists()


def test_given_the_dialog_when_confirmed_then_another_invitation_goes_out(client: Client, administrator: User) -> None:
    user = User.objects.create_user("new@operator.example")
    client.post(f"{USERS}{user.pk}/invite-again/", {"_form_submitted": "on"})
    assert OutboxMessage.objects.get().kind == "access.mail.invitation"
    assert AuditRecord.objects.get(action="access.user.invite_again").by_id == administrator.pk


@pytest.mark.parametrize("page", ["mfa/authenticator", "account/emailaddress", "axes/accessattempt", "auth/group"])
def test_no_page_goes_round_the_operations(client: Client, administrator: User, page: str) -> None:
    assert client.get(f"/admin/{page}/").status_code == 404


def test_given_the_dialog_when_a_leaver_is_switched_off_then_the_user_is_off(
    client: Client, administrator: User
) -> None:
    user = staff()
    client.post(f"{USERS}{user.pk}/deactivate/", {"_form_submitted": "on", "reason": "left"})
    assert not User.objects.get(pk=user.pk).is_active


@pytest.mark.parametrize(("role", "status"), [(Role.AUDITOR, 200), (Role.BILLING_CLERK, 403)])
def test_users_are_read_by_auditors_and_not_by_clerks(client: Client, role: Role, status: int) -> None:
    client.force_login(staff(role=role))
    assert client.get(USERS).status_code == status


def test_an_auditor_changes_no_user(client: Client) -> None:
    client.force_login(staff(role=Role.AUDITOR))
    user = staff("other@operator.example")
    answer = client.post(f"{USERS}{user.pk}/deactivate/", {"_form_submitted": "on", "reason": "left"})
    assert answer.status_code == 403
    assert client.post(f"{USERS}{user.pk}/change/", {"full_name": "X", "language": "en"}).status_code == 403
    assert User.objects.get(pk=user.pk).is_active


def test_no_page_deletes_a_user_or_shows_a_password(client: Client, administrator: User) -> None:
    page = client.get(f"{USERS}{administrator.pk}/change/").content.decode()
    assert administrator.password not in page
    assert 'type="password"' not in page
    assert client.post(f"{USERS}{administrator.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.count() == 1


def test_the_history_of_a_user_is_the_audit_trail(client: Client, administrator: User) -> None:
    user = staff()
    client.post(f"{USERS}{user.pk}/deactivate/", {"_form_submitted": "on", "reason": "left the company"})
    assert "left the company" in client.get(f"{USERS}{user.pk}/history/").content.decode()


def test_the_list_asks_the_database_as_often_for_many_users_as_for_one(
    client: Client, administrator: User, time_machine
) -> None:
    time_machine.move_to(timezone.now(), tick=False)  # every 20 seconds a page notes that its person is active
    client.get(USERS)  # counts the badges of the sidebar, once in thirty seconds

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(USERS).status_code == 200
        return len(captured)

    of_one = queries()
    for number in range(10):
        staff(f"clerk{number}@operator.example")
    assert queries() <= of_one <= 12
