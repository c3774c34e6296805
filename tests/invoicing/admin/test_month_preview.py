"""The month preview: the same figures as the bill, under terms that may still be a draft; it writes nothing."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contracts.models import ContractVersion
from contracts.operations.terms import add_term
from contracts.operations.versions import draft_version
from evbilling.access.roles import Role
from invoicing.models import Invoice
from invoicing.operations.drafting import draft_invoice
from invoicing.queries.month_preview import month_preview
from sessions.models import SessionCharge
from tests.contracts.world import sign_in
from tests.factories import (
    make_contract_in_force,
    make_tariff,
    make_token,
    make_user,
    make_vehicle,
    maker,
    tariff_document,
)
from tests.invoicing.month import AT, OCTOBER, Month, make_month, record

pytestmark = pytest.mark.django_db
D = Decimal
PAGE = reverse("admin:invoicing_month_preview")
TERMS: list[tuple[str, dict[str, Any]]] = [
    ("included_energy", {"kwh": "15", "per": "contract"}),
    ("volume_discount", {"tiers": [{"from_kwh": "0", "percent": "10"}]}),
    ("base_fee", {"amount": "49.90", "per": "contract"}),
    ("minimum_commitment", {"amount": "100"}),
]


@pytest.fixture
def month() -> Month:
    return make_month(sessions=0)


def fleet(month: Month, terms: list[tuple[str, dict[str, Any]]]) -> ContractVersion:
    token = make_token(make_vehicle())
    month.tokens["fleet"] = token
    contract = make_contract_in_force(
        operator=month.operator,
        tariff=make_tariff(month.operator, tariff_document(vat=None)),
        tokens=[token],
        terms=terms,
    )
    record([month.charge("fleet", number) for number in range(4)])
    return contract.versions.get()


def test_given_the_terms_in_force_when_previewed_then_the_month_comes_to_what_is_billed(month: Month) -> None:
    version = fleet(month, TERMS)
    found = month_preview(version, OCTOBER)
    assert [(row.text, row.net) for row in found.rows] == [
        ("Included energy, October 2026", D("-6.75")),
        ("Volume discount, October 2026", D("-1.13")),
        ("Base fee, October 2026", D("49.90")),
        ("Shortfall of the minimum commitment, October 2026", D("39.98")),
    ]
    assert (found.sessions, found.energy_wh, found.billed, found.charged) == (4, 40_000, D("18.00"), D("18.00"))
    assert not SessionCharge.objects.exists()
    invoice = draft_invoice(contract_id=version.contract_id, period=OCTOBER, at=AT)
    assert invoice is not None
    assert found.net == invoice.net_amount == D("100.00")


def test_given_a_draft_with_a_cap_when_previewed_then_its_sessions_are_priced_under_it(month: Month) -> None:
    contract = fleet(month, []).contract
    draft = draft_version(
        contract_id=contract.pk,
        valid_from=OCTOBER.end,
        copy_from=contract.versions.get().pk,
        by=maker(),
        at=AT,
    )
    cap = {"dimension": "ENERGY", "start_time": "00:00", "end_time": "00:00", "max_amount": "3"}
    add_term(version_id=draft.pk, kind="window_cap", figures=cap, by=maker(), at=AT)
    found = month_preview(draft, OCTOBER)
    assert [(row.text, row.net) for row in found.rows] == [("Caps in a time window", D("-6.0"))]  # 4 x 4.50 to 3.00
    assert (found.billed, found.charged, found.net) == (D("18.00"), D("12.00"), D("12.00"))


def test_given_the_page_when_opened_then_it_shows_the_last_month_and_writes_nothing(
    client: Client, month: Month, settings: Any
) -> None:
    version = fleet(month, TERMS)
    sign_in(client, make_user(Role.CONTRACT_MANAGER), settings)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(PAGE, {"version": version.pk}).content.decode()
    assert 'value="2026-10"' in page
    assert "€100.00" in page
    assert "15\N{NO-BREAK SPACE}kWh of 15\N{NO-BREAK SPACE}kWh included were used" in page
    assert not [each["sql"] for each in queries if each["sql"].startswith(("INSERT", "DELETE"))]
    assert not Invoice.objects.exists()
    assert "Write the month as YYYY-MM" in client.get(PAGE, {"version": version.pk, "month": "x"}).content.decode()
    assert client.get(PAGE, {"version": "x"}).status_code == 404
    assert client.post(PAGE, {"version": version.pk}).status_code == 405


def test_given_a_portal_user_or_nobody_when_asked_then_there_is_no_preview(
    client: Client, month: Month, settings: Any
) -> None:
    version = fleet(month, TERMS)
    assert client.get(PAGE, {"version": version.pk}).status_code == 302
    sign_in(client, make_user(None), settings)
    assert client.get(PAGE, {"version": version.pk}).status_code in {302, 403}
