"""The schema and its page: there for who signed in, true to the answers, without any foreign script."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.access.people import customer, staff
from tests.api.callers import asked, quote, token_of

pytestmark = pytest.mark.django_db
SCHEMA, DOCS = "/api/v1/schema", "/api/v1/docs"


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a JSON value has the form that the schema promises: the keywords that it uses."""
    if value is None:
        return bool(schema.get("nullable"))
    if "oneOf" in schema:
        return any(_fits(value, each) for each in schema["oneOf"])
    kinds = {"string": str, "integer": int, "object": dict, "array": list, "boolean": bool}
    if type(value) is not kinds[schema["type"]]:
        return False
    if schema["type"] == "array":
        return all(_fits(each, schema["items"]) for each in value)
    if schema["type"] == "object":
        known = schema.get("properties", {})
        strange = value.keys() - known.keys() if known else set()
        missing = set(schema.get("required", ())) - value.keys()
        return not strange and not missing and all(_fits(value[key], known[key]) for key in known.keys() & value.keys())
    return "pattern" not in schema or re.search(schema["pattern"], value) is not None


def _schema(client: Client) -> dict[str, Any]:
    answer = client.get(SCHEMA, headers={"Authorization": f"Bearer {token_of(customer('s@company.example'))}"})
    assert answer.status_code == 200
    return answer.json()


def test_given_nobody_then_the_schema_asks_for_a_token_and_the_page_for_a_sign_in(client: Client) -> None:
    assert client.get(SCHEMA).status_code == 401
    assert client.get(DOCS)["Location"] == f"/accounts/login/?next={DOCS}"


def test_the_schema_names_the_quote_its_statuses_and_its_tokens(client: Client) -> None:
    schema = _schema(client)
    operation = schema["paths"]["/api/v1/pricing/quote"]["post"]
    assert set(operation["responses"]) == {"200", "400", "401", "403", "413", "415", "429"}
    assert schema["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
    assert {"token": []} in operation["security"]


@pytest.mark.parametrize(
    "body",
    [
        asked(),
        asked(tariff={}),
        [asked(), 3],
        asked(tariff=None, tariff_version=1),
        {
            "ocpi_version": "2.2.1",
            "cdr": {
                **asked()["session"],
                "currency": "EUR",
                "tariffs": [asked()["tariff"]],
                "total_cost": {"excl_vat": 18},
            },
        },
    ],
)
def test_every_answer_has_the_form_that_the_schema_promises(client: Client, body: Any) -> None:
    responses = _schema(client)["paths"]["/api/v1/pricing/quote"]["post"]["responses"]
    secret = token_of(customer())
    answer = quote(client, body, secret)
    assert answer.status_code == 200
    assert _fits(answer.json(), responses["200"]["content"]["application/json"]["schema"])
    assert _fits(quote(client, "{", secret).json(), responses["400"]["content"]["application/json"]["schema"])
    assert not _fits({"id": 1}, responses["200"]["content"]["application/json"]["schema"])


@pytest.mark.parametrize("person", [customer, staff])
def test_the_page_shows_fields_and_an_example_under_the_strict_policy(client: Client, person: Any) -> None:
    client.force_login(person())
    answer = client.get(DOCS)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "unsafe" not in answer["Content-Security-Policy"]
    for text in ("/api/v1/pricing/quote", "default_vat", "tariff_version", "Authorization: Bearer"):
        assert text in page
    assert re.findall(r"<script(?! src=)", page) == []


def test_the_call_that_the_integration_page_prints_gives_the_prices_that_it_states(client: Client) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "integrate.md").read_text()
    call = re.search(r"```sh\ncurl http://127\.0\.0\.1:8000(\S+).*?-d '(.*?)'\n```\n\n(.*?)\n\n?-", page, re.DOTALL)
    address, body, promise = call.groups()
    answer = client.post(
        address,
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token_of(customer())}"},
    )
    stated = dict(re.findall(r'`"(\w+)": "([\d.]+)"`', promise))
    assert len(stated) == 2
    assert {key: answer.json()[key] for key in stated} == stated
