"""API tokens: shown once, kept as a fingerprint, ended by time, by a person, and with their user."""

import datetime as dt
import re

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from evbilling.access import operations
from evbilling.access.models import ApiToken, TokenState, User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, NotAllowed, WrongState
from tests.access.people import AT, customer, staff

pytestmark = pytest.mark.django_db
TOKENS = "/admin/access/apitoken/"
DAY = dt.timedelta(days=1)


def make(user: User | None = None, *, days: int = 30) -> tuple[ApiToken, str]:
    return operations.create_token(user_id=(user or customer()).pk, name="Fleet app", days=days, by=None, at=AT)


def test_given_a_new_token_then_only_its_fingerprint_is_kept() -> None:
    token, secret = make()
    assert re.fullmatch(r"evb_[0-9a-f]{8}_[\w-]{43}", secret)
    assert [secret in str(value) for value in ApiToken.objects.values_list().get()] == [False] * 9
    assert (token.state_at(AT), token.expires_at) == (TokenState.UNUSED, AT + 30 * DAY)
    trail = AuditRecord.objects.get(action="access.token.create")
    assert secret not in str(trail.changes)


def test_given_a_live_token_when_its_secret_comes_then_it_is_recognised_and_its_use_noted_once_an_hour() -> None:
    token, secret = make()
    minutes = [dt.timedelta(minutes=number) for number in (0, 30, 61)]
    for after in minutes:
        assert operations.recognise_token(secret=secret, at=AT + after) == token
    token.refresh_from_db()
    assert token.last_used_at == AT + minutes[2]
    assert token.user.last_access_at == AT + minutes[2]
    assert token.state_at(AT + DAY) is TokenState.ACTIVE
    operations.recognise_token(secret=secret, at=AT + dt.timedelta(minutes=90))
    token.refresh_from_db()
    assert token.last_used_at == AT + minutes[2]


@pytest.mark.parametrize(
    "spoil", [lambda s: s[:-1], lambda s: s + "x", lambda s: s.split("_")[0], lambda s: "", str.upper]
)
def test_given_another_secret_then_nothing_is_recognised(spoil) -> None:
    _token, secret = make()
    assert operations.recognise_token(secret=spoil(secret), at=AT) is None


def test_given_an_expired_token_then_it_opens_nothing_from_that_instant_on() -> None:
    token, secret = make(days=1)
    assert operations.recognise_token(secret=secret, at=AT + DAY - dt.timedelta(seconds=1)) == token
    assert operations.recognise_token(secret=secret, at=AT + DAY) is None
    assert token.state_at(AT + DAY) is TokenState.EXPIRED


def test_given_a_revoked_token_then_it_opens_nothing_and_is_not_revoked_twice() -> None:
    token, secret = make()
    with pytest.raises(BadInput, match="Say why"):
        operations.revoke_token(token_id=token.pk, reason=" ", by=None, at=AT)
    assert operations.recognise_token(secret=secret, at=AT) == token
    revoked = operations.revoke_token(token_id=token.pk, reason="laptop lost", by=None, at=AT)
    assert operations.recognise_token(secret=secret, at=AT) is None
    assert revoked.state_at(AT) is TokenState.REVOKED
    assert AuditRecord.objects.get(action="access.token.revoke").reason == "laptop lost"
    with pytest.raises(WrongState):
        operations.revoke_token(token_id=token.pk, reason="again", by=None, at=AT + DAY)
    token.refresh_from_db()
    assert token.revoked_at == AT


def test_given_a_leaver_then_the_tokens_end_for_good_with_the_sessions() -> None:
    token, secret = make()
    operations.deactivate_user(user_id=token.user_id, reason="left", by=None, at=AT)
    assert operations.recognise_token(secret=secret, at=AT) is None
    operations.reactivate_user(user_id=token.user_id, reason="back", by=None, at=AT)
    assert operations.recognise_token(secret=secret, at=AT) is None


def test_given_a_user_unused_for_90_days_then_the_tokens_end_too() -> None:
    token, secret = make(days=366)
    User.objects.filter(pk=token.user_id).update(date_joined=AT)
    operations.deactivate_unused_users(by=None, at=AT + 91 * DAY)
    token.refresh_from_db()
    assert token.revoked_at == AT + 91 * DAY
    assert operations.recognise_token(secret=secret, at=AT + 91 * DAY) is None


@pytest.mark.parametrize(("name", "days"), [(" ", 30), ("App", 0), ("App", 367)])
def test_given_a_token_without_name_or_end_then_there_is_none(name: str, days: int) -> None:
    with pytest.raises(BadInput):
        operations.create_token(user_id=customer().pk, name=name, days=days, by=None, at=AT)
    assert not ApiToken.objects.exists()


def test_given_a_clerk_then_he_makes_and_revokes_none() -> None:
    token, _secret = make()
    clerk = staff()
    with pytest.raises(NotAllowed):
        operations.create_token(user_id=clerk.pk, name="Mine", days=1, by=clerk, at=AT)
    with pytest.raises(NotAllowed):
        operations.revoke_token(token_id=token.pk, reason="no", by=clerk, at=AT)
    assert ApiToken.objects.get().revoked_at is None


def test_given_a_user_who_is_off_then_there_is_no_token() -> None:
    user = customer()
    operations.deactivate_user(user_id=user.pk, reason="left", by=None, at=AT)
    with pytest.raises(WrongState, match="switched off"):
        make(user)
    assert not ApiToken.objects.exists()


def test_the_database_refuses_a_token_that_never_lives() -> None:
    token, _secret = make()
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.filter(pk=token.pk).update(expires_at=token.created_at)


def test_given_the_form_then_the_secret_is_shown_once_and_works(client: Client) -> None:
    client.force_login(staff("admin@operator.example", Role.ADMINISTRATOR))
    user = customer()
    answer = client.post(f"{TOKENS}add/", {"user": user.pk, "name": "Fleet app", "days": 30})
    assert answer.status_code == 200
    secret = answer.context_data["secret"]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    token = operations.recognise_token(secret=secret, at=ApiToken.objects.get().created_at)
    assert token is not None
    assert token.user == user
    page = client.get(f"{TOKENS}{token.pk}/change/").content.decode()
    assert token.prefix in page
    assert secret not in page
    assert token.digest not in page


def test_given_two_users_of_one_name_then_the_form_tells_them_apart(client: Client) -> None:
    client.force_login(staff("admin@operator.example", Role.ADMINISTRATOR))
    for number in (1, 2):
        User.objects.filter(pk=customer(f"fleet{number}@customer.example").pk).update(full_name="Fleet manager")
    page = client.get(f"{TOKENS}add/").content.decode()
    assert page.count("Fleet manager &lt;fleet1@customer.example&gt;") == 1
    assert page.count("Fleet manager &lt;fleet2@customer.example&gt;") == 1


def test_given_the_dialog_then_the_token_is_revoked_with_a_reason(client: Client) -> None:
    client.force_login(staff("admin@operator.example", Role.ADMINISTRATOR))
    token, _secret = make()
    page = f"{TOKENS}{token.pk}/revoke/"
    client.get(page)
    client.post(page, {"_form_submitted": "on", "reason": ""})
    token.refresh_from_db()
    assert token.revoked_at is None
    client.post(page, {"_form_submitted": "on", "reason": "laptop lost"})
    token.refresh_from_db()
    assert token.revoked_at is not None


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_given_another_role_then_no_token_is_made(client: Client, role: Role) -> None:
    client.force_login(staff(role=role))
    user = customer()
    assert client.post(f"{TOKENS}add/", {"user": user.pk, "name": "x", "days": 1}).status_code == 403
    assert not ApiToken.objects.exists()
