"""POST /api/v1/pricing/quote: the answers of `manage.py price`, to those who may ask."""

import datetime as dt
import io
import re
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client

from contracts.models import TariffVersion
from evbilling.access.models import ApiToken, User
from evbilling.access.operations import deactivate_user, revoke_token
from evbilling.access.roles import Role
from evbilling.api.wire import MOST_BYTES
from evbilling.kernel.strict_json import dumps, loads
from tests.access.people import AT, customer, staff
from tests.api.callers import QUOTE, asked, quote, token_of
from tests.factories import make_contract_in_force, make_member, make_tariff, make_tariff_version

pytestmark = pytest.mark.django_db
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "integrate.md").read_text()


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def secret() -> str:
    return token_of(customer("app@company.example"))


def test_given_a_token_when_a_session_is_sent_then_it_is_priced(client: Client, secret: str) -> None:
    answer = quote(client, asked(), secret)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    priced = answer.json()
    assert (priced["id"], priced["total_excl_vat"], priced["total_incl_vat"]) == ("q", "18.00", "21.42")
    assert priced["lines"][0]["because"]["tariff_id"] == "T"


@pytest.mark.parametrize("request_text", re.findall(r"```json\n([^`]*)```\n\ngives", PAGE))
def test_the_answer_is_the_one_of_the_command(client: Client, secret: str, request_text: str, monkeypatch: Any) -> None:
    printed = io.StringIO()
    line = " ".join(request_text.split())
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(f"{line}\n".encode())))
    try:
        call_command("price", stdout=printed)
    except SystemExit as ended:
        assert ended.code == 1  # noqa: PT017 - a request without a price is one of the examples
    assert loads(quote(client, request_text, secret).content) == loads(printed.getvalue())


def test_given_a_list_then_the_answers_come_in_its_order_and_a_bad_one_stops_no_other(
    client: Client, secret: str
) -> None:
    answers = quote(client, [asked(id=1), 7, asked(id=2, tariff={}), asked(id=3)], secret).json()
    assert [answer["id"] for answer in answers] == [1, None, 2, 3]
    assert ["error" in answer for answer in answers] == [False, True, True, False]
    assert answers[3]["total_excl_vat"] == "18.00"
    assert quote(client, [], secret).json() == []


def test_given_a_price_that_no_binary_number_holds_then_it_is_exact(client: Client, secret: str) -> None:
    body = dumps(asked()).replace('"price": 1,', '"price": 0.1000000000000000055511151231257827,')
    priced = quote(client, body, secret).json()
    assert priced["total_excl_vat_exact"] == "1.8000000000000000999200722162640886"


def test_given_a_request_without_a_price_then_the_findings_name_code_and_path(client: Client, secret: str) -> None:
    wrong = asked()
    wrong["tariff"]["elements"][0]["restrictions"] = {"max_kw": 3}
    answer = quote(client, wrong, secret)
    assert answer.status_code == 200
    (finding,) = answer.json()["findings"]
    assert finding["code"] == "unknown_key"
    assert finding["path"] == "tariff.elements[0].restrictions.max_kw"
    assert "total_excl_vat" not in answer.json()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("", "not_a_request"),
        ("{", "bad_json"),
        ('{"id": 1, "id": 2}', "bad_json"),
        ('{"id": NaN}', "bad_json"),
        (b'{"id": "\xff"}', "bad_json"),
        ("[" * 5000, "bad_json"),
        ("3", "not_a_request"),
        ("null", "not_a_request"),
        ('"text"', "not_a_request"),
        ("[" + "{}," * 100 + "{}]", "too_many"),
    ],
)
def test_given_a_body_that_is_no_request_then_400_says_why(client: Client, secret: str, body: Any, code: str) -> None:
    answer = quote(client, body, secret)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["detail"]


def test_given_a_body_over_the_limit_then_413(client: Client, secret: str) -> None:
    answer = quote(client, " " * MOST_BYTES + "1", secret)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"])
def test_given_another_kind_of_body_then_415(client: Client, secret: str, kind: str) -> None:
    answer = client.post(QUOTE, "id=1", content_type=kind, headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_given_a_get_then_405_in_the_same_form(client: Client, secret: str) -> None:
    answer = client.get(QUOTE, headers={"Authorization": f"Bearer {secret}"})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_given_a_lone_surrogate_then_it_comes_back_as_an_escape(client: Client, secret: str) -> None:
    body = dumps(asked()).replace('"q"', '"\\ud800"')
    assert b'"id": "\\ud800"' in quote(client, body, secret).content


# Who may ask


def test_given_nobody_then_401_and_what_to_bring(client: Client) -> None:
    answer = quote(client, asked())
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Bearer evb_x_y", "bearer a b", "Bearer " + "x" * 500])
def test_given_a_header_that_is_no_token_then_401(client: Client, header: str) -> None:
    answer = client.post(QUOTE, "{}", content_type="application/json", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "authentication_failed")


def _revoked(user: User, secret: str) -> None:
    revoke_token(token_id=ApiToken.objects.get(user=user).pk, reason="lost", by=None, at=AT)


def _left(user: User, secret: str) -> None:
    deactivate_user(user_id=user.pk, reason="left", by=None, at=AT)


@pytest.mark.parametrize("end", [_revoked, _left])
def test_given_a_token_that_ended_then_401_with_the_same_words(client: Client, end: Any) -> None:
    user = customer("app@company.example")
    secret = token_of(user)
    assert quote(client, asked(), secret).status_code == 200
    end(user, secret)
    answer = quote(client, asked(), secret)
    assert answer.status_code == 401
    assert answer.json() == quote(client, asked(), "evb_00000000_unknown").json()


def test_given_an_expired_token_then_401(client: Client) -> None:
    secret = token_of(customer(), days=1)
    with time_machine.travel(AT + dt.timedelta(days=1), tick=False):
        assert quote(client, asked(), secret).status_code == 401


def test_given_a_staff_session_with_its_second_factor_then_it_is_priced(client: Client) -> None:
    client.force_login(staff())
    assert quote(client, asked()).json()["total_excl_vat"] == "18.00"


def test_given_staff_without_a_second_factor_then_the_session_opens_nothing(client: Client) -> None:
    client.force_login(staff(factor=False))
    answer = client.post(QUOTE, dumps(asked()), content_type="application/json", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")


def test_given_a_portal_session_then_it_is_priced(client: Client) -> None:
    client.force_login(customer())
    assert quote(client, asked()).json()["total_excl_vat"] == "18.00"


def test_given_a_session_without_the_token_against_forgery_then_403() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(customer())
    answer = quote(client, asked())
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_given_an_api_token_then_no_token_against_forgery_is_asked_for(secret: str) -> None:
    assert quote(Client(enforce_csrf_checks=True), asked(), secret).status_code == 200


def test_given_too_many_calls_then_429_says_when_to_come_back(client: Client, secret: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("rest_framework.throttling.ScopedRateThrottle.THROTTLE_RATES", {"quote": "2/min"})
    assert [quote(client, asked(), secret).status_code for _ in range(3)] == [200, 200, 429]
    answer = quote(client, asked(), secret)
    assert (answer.json()["code"], int(answer["Retry-After"]) > 0) == ("throttled", True)
    assert quote(client, asked(), token_of(customer("other@company.example"))).status_code == 200


# Stored tariff versions


def _stored(**fields: Any) -> TariffVersion:
    return make_tariff(**fields).versions.get()


def test_given_staff_when_a_stored_version_is_named_then_it_prices(client: Client) -> None:
    version = _stored()
    secret = token_of(staff())
    priced = quote(client, asked(tariff=None, ocpi_version=None, tariff_version=version.pk), secret).json()
    price = Decimal(version.document["elements"][0]["price_components"][0]["price"])
    assert Decimal(priced["lines"][0]["unit_price"]) == price
    assert priced["lines"][0]["because"]["tariff_id"] == version.document["id"]


def test_given_a_list_of_stored_versions_then_one_query_reads_them(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    secret, versions = token_of(staff()), [_stored() for _ in range(3)]
    body = [asked(tariff=None, tariff_version=version.pk) for version in versions] * 5
    quote(client, body[:1], secret)  # the first use of a token is noted
    with django_assert_max_num_queries(5):
        answers = quote(client, body, secret).json()
    assert ["error" in answer for answer in answers] == [False] * 15


def test_given_a_customer_then_own_released_versions_are_priced_and_no_others(client: Client) -> None:
    contract = make_contract_in_force()
    own = contract.versions.get().tariff_assignments.first().tariff.versions.get()
    draft = make_tariff_version(own.tariff, None, dt.datetime(2027, 1, 1, tzinfo=dt.UTC), released=False)
    secret = token_of(make_member(contract.party))
    body = [asked(tariff=None, tariff_version=pk) for pk in (own.pk, draft.pk, _stored().pk, 10**9)]
    answers = quote(client, body, secret).json()
    assert "error" not in answers[0]
    refusals = [answer["findings"] for answer in answers[1:]]
    assert [finding["code"] for (finding,) in refusals] == ["unknown_tariff"] * 3
    assert refusals[0] == refusals[2]


@pytest.mark.parametrize("wanted", [None, "1", True, 1.5, -1, 2**70, [], {}])
def test_given_no_id_of_a_version_then_the_finding_says_so(client: Client, secret: str, wanted: Any) -> None:
    text = dumps(asked(tariff=None) | {"tariff_version": 0}).replace(
        '"tariff_version": 0', f'"tariff_version": {"null" if wanted is None else str(wanted).lower()}'
    )
    answer = quote(client, text, secret)
    assert answer.status_code == 200
    assert [finding["code"] for finding in answer.json()["findings"]] == ["unknown_tariff"]


def test_given_a_stored_version_beside_a_tariff_or_another_ocpi_version_then_neither_is_guessed(
    client: Client,
) -> None:
    secret, version = token_of(staff(role=Role.AUDITOR)), _stored()
    both = quote(client, asked(tariff_version=version.pk), secret).json()
    other = quote(client, asked(tariff=None, ocpi_version="2.3.0", tariff_version=version.pk, language="de"), secret)
    assert [finding["code"] for finding in both["findings"]] == ["tariff_or_tariffs"]
    assert [finding["code"] for finding in other.json()["findings"]] == ["version_differs"]
