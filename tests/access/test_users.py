"""Users: one per address, no password of others' making, sessions that end."""

import datetime as dt

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client, RequestFactory

from evbilling.access.models import PasswordHistory, User
from evbilling.access.operations import (
    assign_role,
    deactivate_unused_users,
    deactivate_user,
    invite_again,
    invite_user,
    reactivate_user,
    remove_role,
    reset_second_factor,
)
from evbilling.access.roles import Role, roles_of
from evbilling.access.tasks import switch_off_unused_users
from evbilling.kernel import outbox
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, NotAllowed, WrongState
from evbilling.kernel.outbox import OutboxMessage
from tests.access.people import AT, PASSWORD, customer, staff

pytestmark = pytest.mark.django_db


def actions() -> list[str]:
    return list(AuditRecord.objects.order_by("pk").values_list("action", flat=True))


def test_given_an_address_in_capitals_when_a_user_is_made_then_it_is_kept_in_small_letters() -> None:
    user = User.objects.create_user("Anna@Company.EXAMPLE")
    assert user.email == "anna@company.example"
    assert not user.has_usable_password()
    assert (user.is_staff, user.is_superuser) == (False, False)


def test_given_a_user_when_another_has_the_address_in_capitals_then_the_database_refuses() -> None:
    customer("anna@company.example")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email="ANNA@company.example")])
    assert User.objects.count() == 1


def test_given_no_address_when_a_user_is_made_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="email address"):
        User.objects.create_user("")


def test_given_a_user_when_the_address_is_typed_in_capitals_then_the_password_still_fits() -> None:
    user = customer()
    request = RequestFactory().post("/accounts/login/")
    assert authenticate(request, email="FLEET@company.example", password=PASSWORD) == user


@pytest.mark.parametrize(
    ("email", "full_name", "initials", "short"),
    [
        ("a.b@c.example", "", "AB", "a.b"),
        ("x@c.example", "Jana Maria Petersen", "JP", "Jana"),
        ("x@c.d", "Cher", "C", "Cher"),
    ],
)
def test_names_fall_back_to_the_address(email: str, full_name: str, initials: str, short: str) -> None:
    user = User(email=email, full_name=full_name)
    assert (user.initials, user.get_short_name()) == (initials, short)


def test_given_an_administrator_when_a_clerk_is_invited_then_a_mail_with_a_link_goes_out_and_no_password_exists(
    django_capture_on_commit_callbacks,
) -> None:
    administrator = staff("admin@operator.example", Role.ADMINISTRATOR)
    with django_capture_on_commit_callbacks(execute=True):
        user = invite_user(
            email=" New@Operator.example ",
            full_name="Nora New",
            language="en",
            roles=[Role.BILLING_CLERK, Role.AUDITOR],
            by=administrator,
            at=AT,
        )
    assert user.email == "new@operator.example"
    assert user.is_staff
    assert roles_of(user) == [Role.BILLING_CLERK, Role.AUDITOR]
    assert not user.has_usable_password()
    assert "access.user.invite" in actions()
    (message,) = mail.outbox
    assert message.to == ["new@operator.example"]
    assert message.subject == "Your access to evbilling"
    link = next(line for line in message.body.splitlines() if "/accounts/password/reset/key/" in line)
    answer = Client().get(link.removeprefix("http://127.0.0.1:8000"), follow=True)
    assert answer.status_code == 200
    assert b'name="password1"' in answer.content


def test_given_an_address_with_a_user_when_invited_then_it_is_refused_and_nothing_changes() -> None:
    customer("anna@company.example")
    with pytest.raises(BadInput, match=r"anna@company\.example"):
        invite_user(email="Anna@company.example", full_name="", language="en", by=None, at=AT)
    assert User.objects.count() == 1
    assert actions() == []
    assert not OutboxMessage.objects.exists()


def test_given_a_clerk_when_inviting_with_a_role_then_it_is_refused_and_nobody_is_made() -> None:
    clerk = staff()
    before = actions()
    with pytest.raises(NotAllowed):
        invite_user(email="x@y.example", full_name="", language="en", roles=[Role.AUDITOR], by=clerk, at=AT)
    assert not User.objects.filter(email="x@y.example").exists()
    assert actions() == before
    assert not OutboxMessage.objects.exists()


def test_given_a_user_with_a_password_when_invited_again_then_it_is_refused() -> None:
    user = customer()
    with pytest.raises(WrongState, match="has a password"):
        invite_again(user_id=user.pk, by=None, at=AT)
    assert not OutboxMessage.objects.exists()


def test_given_a_deactivated_user_when_the_invitation_is_sent_then_the_step_fails_for_a_person_to_see() -> None:
    user = invite_user(email="x@y.example", full_name="", language="en", by=None, at=AT)
    deactivate_user(user_id=user.pk, reason="left before the start", by=None, at=AT)
    outbox.drain(at=AT)
    assert OutboxMessage.objects.get().state == "failed"
    assert mail.outbox == []


def test_given_a_leaver_when_switched_off_and_on_again_then_the_old_session_stays_ended(client: Client) -> None:
    user = customer()
    client.force_login(user)
    assert client.get("/accounts/password/change/").status_code == 200
    deactivate_user(user_id=user.pk, reason="left", by=None, at=AT)
    assert client.get("/accounts/password/change/").status_code == 302
    reactivate_user(user_id=user.pk, reason="came back", by=None, at=AT)
    client.force_login(User.objects.get(pk=user.pk))
    assert client.get("/accounts/password/change/").status_code == 200
    assert [each for each in actions() if "activate" in each] == ["access.user.deactivate", "access.user.reactivate"]


def test_given_an_open_session_when_the_user_is_switched_off_and_on_then_that_session_is_gone(client: Client) -> None:
    user = customer()
    client.force_login(user)
    deactivate_user(user_id=user.pk, reason="left", by=None, at=AT)
    reactivate_user(user_id=user.pk, reason="came back", by=None, at=AT)
    assert client.get("/accounts/password/change/").status_code == 302


def test_given_an_administrator_when_switching_oneself_off_then_it_is_refused() -> None:
    administrator = staff("admin@operator.example", Role.ADMINISTRATOR)
    with pytest.raises(NotAllowed, match="own user"):
        deactivate_user(user_id=administrator.pk, reason="holiday", by=administrator, at=AT)
    assert User.objects.get(pk=administrator.pk).is_active


def test_given_no_reason_when_a_factor_is_reset_then_it_is_refused_and_kept() -> None:
    user = staff()
    with pytest.raises(BadInput, match="reason"):
        reset_second_factor(user_id=user.pk, reason=" ", by=None, at=AT)
    assert user.authenticator_set.count() == 2


def test_given_a_lost_phone_when_an_administrator_resets_then_factors_and_sessions_end_with_the_reason(
    client: Client,
) -> None:
    administrator = staff("admin@operator.example", Role.ADMINISTRATOR)
    user = staff()
    client.force_login(user)
    reset_second_factor(user_id=user.pk, reason="phone lost", by=administrator, at=AT)
    assert not user.authenticator_set.exists()
    assert client.get("/accounts/2fa/").status_code == 302
    record = AuditRecord.objects.get(action="access.user.reset_factor")
    assert (record.by_id, record.reason) == (administrator.pk, "phone lost")
    assert record.changes == {"factors": ["recovery_codes", "totp"]}


def test_given_the_last_administrator_when_the_role_is_taken_then_it_is_refused() -> None:
    administrator = staff("admin@operator.example", Role.ADMINISTRATOR)
    with pytest.raises(WrongState, match="last administrator"):
        remove_role(user_id=administrator.pk, role=Role.ADMINISTRATOR, by=None, at=AT)
    assert roles_of(User.objects.get(pk=administrator.pk)) == [Role.ADMINISTRATOR]


def test_given_one_role_when_it_is_taken_then_the_user_leaves_the_staff() -> None:
    user = staff(factor=False)
    remove_role(user_id=user.pk, role=Role.BILLING_CLERK, by=None, at=AT)
    assert not User.objects.get(pk=user.pk).is_staff
    assert AuditRecord.objects.get(action="access.user.remove_role").changes == {"roles": [["billing-clerk"], []]}


def test_given_an_administrator_when_changing_own_roles_then_it_is_refused() -> None:
    administrator = staff("admin@operator.example", Role.ADMINISTRATOR)
    with pytest.raises(NotAllowed, match="own roles"):
        assign_role(user_id=administrator.pk, role=Role.PAYMENTS_OFFICER, by=administrator, at=AT)
    assert roles_of(User.objects.get(pk=administrator.pk)) == [Role.ADMINISTRATOR]


def test_given_ninety_days_without_access_when_swept_then_only_those_users_are_switched_off() -> None:
    old, new, never = customer("old@c.example"), customer("new@c.example"), customer("never@c.example")
    User.objects.filter(pk=old.pk).update(last_access_at=AT.replace(month=8, day=1))
    User.objects.filter(pk=new.pk).update(last_access_at=AT.replace(month=11, day=1))
    User.objects.filter(pk=never.pk).update(last_access_at=None, date_joined=AT.replace(month=7))
    assert deactivate_unused_users(by=None, at=AT) == [old, never]
    assert set(User.objects.filter(is_active=True)) == {new}
    assert AuditRecord.objects.get(action="access.user.deactivate_unused").members == [old.pk, never.pk]


def test_given_a_user_unused_for_90_days_when_the_daily_task_runs_then_the_user_is_off(time_machine) -> None:
    time_machine.move_to(AT, tick=False)
    old, new = customer("old@company.example"), customer("new@company.example")
    User.objects.filter(pk=old.pk).update(last_access_at=AT - dt.timedelta(days=90, seconds=1))
    User.objects.filter(pk=new.pk).update(last_access_at=AT - dt.timedelta(days=90))
    switch_off_unused_users()
    assert set(User.objects.filter(is_active=True)) == {new}


def test_given_five_passwords_when_the_last_four_are_tried_again_then_they_are_refused_and_the_first_is_not() -> None:
    user = customer()
    chosen = [f"{word} tall mountain trees" for word in ("first", "second", "third", "fourth")]
    for password in chosen:
        user.set_password(password)
        user.save()
    for password in chosen:
        with pytest.raises(ValidationError, match="last 4"):
            validate_password(password, user)
    validate_password(PASSWORD, user)
    assert PasswordHistory.objects.filter(user=user).count() == 4


def test_given_a_password_when_stored_then_the_history_holds_hashes_only() -> None:
    user = customer()
    assert PasswordHistory.objects.get(user=user).encoded == user.password
    assert PASSWORD not in user.password
