"""The gates in front of every view: second factor, session limits, lock, content security policy, sign-in."""

import datetime as dt
import re

import pytest
import time_machine
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from tests.access.people import PASSWORD, customer, enrol, staff

pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 11, 20, 8, 0, tzinfo=dt.UTC)
LOGIN = "/accounts/login/"
USERS = "/admin/access/user/"


def admin_addresses() -> list[str]:
    """Every admin page that needs no object: index, lists and forms of all registered models."""
    pages = [reverse("admin:index"), reverse("admin:password_change")]
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        pages += [reverse(f"admin:{name}_changelist"), reverse(f"admin:{name}_add")]
        pages.append(reverse(f"admin:{name}_change", args=[1]))
    return pages


def code_for(secret: str) -> str:
    """What the authenticator app shows now."""
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def sign_in(client: Client, email: str, password: str = PASSWORD, **data: str):
    return client.post(LOGIN, {"login": email, "password": password, **data})


# --- Second factor ------------------------------------------------------------------------------------------------


def test_given_staff_without_a_factor_then_every_admin_page_leads_to_its_enrolment(client: Client) -> None:
    client.force_login(staff(role=Role.ADMINISTRATOR, factor=False))
    pages = admin_addresses()
    assert len(pages) > 3
    assert {page: client.get(page).headers.get("Location") for page in pages} == dict.fromkeys(pages, "/accounts/2fa/")
    assert client.post(f"{USERS}add/", {"email": "x@y.example"}).headers["Location"] == "/accounts/2fa/"
    assert not User.objects.filter(email="x@y.example").exists()


def test_given_staff_without_a_factor_then_a_script_gets_a_sentence_and_a_fragment_a_way(client: Client) -> None:
    client.force_login(staff(factor=False))
    answer = client.get(USERS, headers={"accept": "application/json"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "not_allowed"
    assert client.get(USERS, headers={"hx-request": "true"}).headers["HX-Redirect"] == "/accounts/2fa/"


@pytest.mark.parametrize("page", ["/accounts/2fa/", "/accounts/reauthenticate/", "/accounts/logout/"])
def test_given_staff_without_a_factor_then_the_enrolment_and_the_way_out_are_open(client: Client, page: str) -> None:
    client.force_login(staff(factor=False))
    assert client.get(page).status_code == 200


@pytest.mark.parametrize("page", ["/accounts/password/change/", "/accounts/email/", "/accounts/2fa/recovery-codes/"])
def test_given_staff_without_a_factor_then_other_account_pages_are_closed(client: Client, page: str) -> None:
    client.force_login(staff(factor=False))
    assert client.get(page).headers["Location"] == "/accounts/2fa/"


def test_given_recovery_codes_alone_then_they_are_no_second_factor(client: Client) -> None:
    user = staff()
    user.authenticator_set.filter(type="totp").delete()
    client.force_login(user)
    assert client.get(USERS).headers["Location"] == "/accounts/2fa/"


def test_given_staff_with_a_factor_then_the_admin_opens(client: Client) -> None:
    client.force_login(staff(role=Role.ADMINISTRATOR))
    assert client.get(USERS).status_code == 200


def test_given_a_customer_without_a_factor_then_nothing_is_forced(client: Client) -> None:
    client.force_login(customer())
    assert client.get("/accounts/password/change/").status_code == 200


def test_given_a_customer_then_the_admin_is_refused(client: Client) -> None:
    client.force_login(customer())
    assert client.get(USERS, follow=True).status_code == 403


def test_given_a_demo_that_relaxes_the_factor_then_staff_pass_and_the_page_says_so(client: Client, settings) -> None:
    settings.DEMO_RELAXES_SECOND_FACTOR = True
    client.force_login(staff(role=Role.ADMINISTRATOR, factor=False))
    assert client.get(USERS).status_code == 200
    assert "without a second factor" in client.get("/accounts/password/change/").content.decode()


def test_given_staff_then_signing_in_asks_for_the_code_before_anything_opens(client: Client) -> None:
    user = staff(role=Role.ADMINISTRATOR, factor=False)
    secret = enrol(user)
    assert sign_in(client, user.email).headers["Location"] == "/accounts/2fa/authenticate/"
    assert client.get(USERS).status_code == 302
    answer = client.post("/accounts/2fa/authenticate/", {"code": code_for(secret)})
    assert answer.headers["Location"] == "/admin/"
    assert client.get(USERS).status_code == 200


def test_given_a_new_member_of_staff_then_the_factor_is_enrolled_after_the_password_once_more(
    client: Client, django_capture_on_commit_callbacks
) -> None:
    user = staff(role=Role.ADMINISTRATOR, factor=False)
    sign_in(client, user.email)
    page = "/accounts/2fa/totp/activate/"
    assert client.get(page).headers["Location"].startswith("/accounts/reauthenticate/")
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    answer = client.get(page)
    assert 'src="data:image/svg+xml;base64,' in answer.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(page, {"code": code_for(answer.context["form"].secret)})
    assert client.get(USERS).status_code == 200
    assert AuditRecord.objects.filter(action="access.user.add_factor", by_id=user.pk).exists()


# --- Session limits -----------------------------------------------------------------------------------------------


def opened(client: Client, user: User, clock: time_machine.Traveller) -> None:
    clock.move_to(START)
    client.force_login(user)
    assert client.get(USERS).status_code == 200


def test_given_staff_when_idle_for_fifteen_minutes_then_the_session_ends_and_says_why(client: Client) -> None:
    with time_machine.travel(START, tick=False) as clock:
        opened(client, staff(role=Role.ADMINISTRATOR), clock)
        clock.shift(dt.timedelta(minutes=14, seconds=59))
        assert client.get(USERS).status_code == 200
        clock.shift(dt.timedelta(minutes=15))
        answer = client.get(f"{USERS}?q=anna")
        assert answer.headers["Location"] == f"{LOGIN}?next={USERS}%3Fq%3Danna&ended=idle"
        assert "signed out after a time without activity" in client.get(answer.headers["Location"]).content.decode()
        assert not Session.objects.exists()


def test_given_a_page_that_polls_then_polling_does_not_keep_the_session_alive(client: Client) -> None:
    with time_machine.travel(START, tick=False) as clock:
        opened(client, staff(role=Role.ADMINISTRATOR), clock)
        for _minute in range(14):
            clock.shift(dt.timedelta(minutes=1))
            assert client.get("/accounts/2fa/?poll=1", headers={"hx-request": "true"}).status_code == 200
        clock.shift(dt.timedelta(minutes=1))
        answer = client.get("/accounts/2fa/?poll=1", headers={"hx-request": "true"})
        assert answer.headers["HX-Redirect"] == f"{LOGIN}?ended=idle"


def test_given_staff_who_never_rest_then_the_session_ends_after_eight_hours(client: Client) -> None:
    with time_machine.travel(START, tick=False) as clock:
        opened(client, staff(role=Role.ADMINISTRATOR), clock)
        for _step in range(47):
            clock.shift(dt.timedelta(minutes=10))
            assert client.get(USERS).status_code == 200
        clock.shift(dt.timedelta(minutes=10))
        assert client.get(USERS).headers["Location"].endswith("&ended=absolute")


def test_given_a_customer_when_idle_for_an_hour_then_the_session_goes_on(client: Client) -> None:
    with time_machine.travel(START, tick=False) as clock:
        client.force_login(customer())
        clock.shift(dt.timedelta(hours=1, seconds=1))
        assert client.get("/accounts/password/change/").status_code == 200
        assert User.objects.get().last_access_at == START + dt.timedelta(hours=1, seconds=1)


# --- Lock ---------------------------------------------------------------------------------------------------------


def test_given_six_wrong_tries_then_the_right_password_is_refused_for_thirty_minutes(client: Client) -> None:
    user = customer()
    with time_machine.travel(START, tick=False) as clock:
        answers = [sign_in(client, user.email, "wrong password").status_code for _try in range(6)]
        assert answers == [200] * 5 + [429]
        clock.shift(dt.timedelta(minutes=29))
        assert sign_in(Client(), "FLEET@company.example").status_code == 429
        clock.shift(dt.timedelta(minutes=2))
        assert sign_in(Client(), user.email).headers["Location"] == "/"


def test_given_an_unknown_address_then_the_lock_reads_the_same(client: Client) -> None:
    known, unknown = customer().email, "nobody@company.example"
    pages = {}
    for address in (known, unknown):
        for _try in range(6):
            answer = sign_in(Client(), address, "wrong password")
        page = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
        pages[address] = (answer.status_code, answer.headers["Retry-After"], page)
    assert pages[known] == pages[unknown]
    assert pages[known][:2] == (429, "1800")
    assert known not in pages[known][2]


def test_given_one_locked_address_then_another_still_signs_in(client: Client) -> None:
    for _try in range(6):
        sign_in(client, "locked@company.example", "wrong password")
    assert sign_in(Client(), customer().email).headers["Location"] == "/"


# --- Sign-in ------------------------------------------------------------------------------------------------------


def test_sign_ins_refusals_and_sign_outs_are_in_the_audit_trail(client: Client) -> None:
    user = customer()
    sign_in(client, user.email, "wrong password")
    sign_in(client, user.email)
    client.post("/accounts/logout/")
    trail = list(AuditRecord.objects.order_by("pk").values_list("action", "result", "by_id", "where", "changes"))
    assert trail == [
        ("access.user.sign_in", "refused", None, "127.0.0.1", {"address": user.email}),
        ("access.user.sign_in", "ok", user.pk, "127.0.0.1", {}),
        ("access.user.sign_out", "ok", user.pk, "127.0.0.1", {}),
    ]


def test_given_a_next_address_elsewhere_then_the_sign_in_does_not_follow_it(client: Client) -> None:
    answer = sign_in(client, customer().email, next="https://evil.example/")
    assert answer.headers["Location"] == "/"


def test_the_admin_has_no_sign_in_of_its_own(client: Client) -> None:
    answer = client.get("/admin/login/?next=/admin/access/user/")
    assert answer.headers["Location"] == f"{LOGIN}?next=%2Fadmin%2Faccess%2Fuser%2F"


def test_nobody_changes_the_own_address(client: Client) -> None:
    user = customer()
    client.force_login(user)
    client.post("/accounts/email/", {"action_add": "", "email": "other@company.example"})
    assert not user.emailaddress_set.exists()
    assert User.objects.get().email == "fleet@company.example"


def test_nobody_signs_up_alone(client: Client) -> None:
    answer = client.post("/accounts/signup/", {"email": "x@y.example", "password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 200
    assert not User.objects.exists()


# --- Content security policy --------------------------------------------------------------------------------------


def test_the_admin_alone_may_evaluate_scripts(client: Client) -> None:
    client.force_login(staff(role=Role.ADMINISTRATOR))
    inside = client.get(USERS).headers["Content-Security-Policy"]
    outside = client.get(LOGIN).headers["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in inside
    assert "style-src 'self' 'unsafe-inline'" in inside
    assert "unsafe" not in outside
    for policy in (inside, outside):
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "object-src 'none'" in policy


@pytest.mark.parametrize("page", [LOGIN, "/accounts/password/reset/", "/no-such-page/", "/adminless/"])
def test_pages_outside_the_admin_are_strict_and_hold_no_inline_script_or_style(client: Client, page: str) -> None:
    answer = client.get(page)
    text = answer.content.decode()
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick=" not in text


def test_pages_of_signed_in_users_are_not_stored(client: Client) -> None:
    client.force_login(customer())
    assert "no-store" in client.get("/accounts/password/change/").headers["Cache-Control"]


def test_given_a_form_of_another_site_then_our_page_says_what_to_do_and_nothing_is_done(client: Client) -> None:
    user = customer()
    answer = Client(enforce_csrf_checks=True).post(LOGIN, {"login": user.email, "password": PASSWORD})
    assert answer.status_code == 403
    assert "load the page anew" in answer.content.decode()
    assert "<style" not in answer.content.decode(), "the policy refuses what is inline"
    assert not Session.objects.exists()
