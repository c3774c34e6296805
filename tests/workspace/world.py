"""A house with something in every list: a month closed and mailed, a payment, holds, live sessions."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.test import Client

from evbilling.access.models import User
from evbilling.access.roles import Role
from payments.models import Payment
from payments.operations.transfers import record_transfer
from sessions.models import ChargingSession, SessionSource, SessionState
from tests.factories import make_user
from tests.invoicing.month import ISSUED_ON, LATER, Month, make_month

HOUR = dt.timedelta(hours=1)


def closed_month(sessions: int = 4) -> Month:
    """October 2026, issued, drawn and mailed; alpha paid 10 euros of its invoice."""
    month = make_month(sessions)
    month.close()
    invoice = month.item("alpha").invoice
    record_transfer(
        operator_id=month.operator.pk,
        party_id=invoice.party_id,
        amount=Decimal("10.00"),
        currency="EUR",
        received_on=ISSUED_ON,
        payer_reference=invoice.number,
        invoice_id=invoice.pk,
        by=make_user(Role.PAYMENTS_OFFICER),
        at=LATER,
    )
    assert Payment.objects.count() == 1
    return month


def charge_now(month: Month, *, started_at: dt.datetime, energy_wh: int = 5_000) -> ChargingSession:
    """A session that runs, at the host's site."""
    token = month.tokens["alpha"]
    return ChargingSession.objects.create(
        source=SessionSource.OCPI,
        source_label="live",
        provider_ref=f"LIVE-{ChargingSession.objects.count()}",
        content_hash="-",
        state=SessionState.ACTIVE,
        token_ref=token.ref,
        station_ref=month.stations[0].ref,
        token=token,
        vehicle=token.vehicle,
        contract=month.contracts["alpha"],
        site=month.site,
        station=month.stations[0],
        connector=month.stations[0].connectors.get(),
        started_at=started_at,
        energy_wh=energy_wh,
        periods=[
            {"start_at": started_at.isoformat(), "energy_wh": energy_wh, "charging_s": 1800, "parking_s": 0},
        ],
        received_at=started_at,
    )


def signed_in(client: Client, settings: Any, who: Role | User = Role.ADMINISTRATOR) -> Client:
    """A client of a person past the second factor, which tests/access proves."""
    settings.DEMO_RELAXES_SECOND_FACTOR = True
    client.force_login(who if isinstance(who, User) else make_user(who))
    return client


def shown(client: Client, query: Mapping[str, str] | None = None) -> Any:
    """What the dashboard shows: the context of its template."""
    response = client.get("/admin/", query or {})
    assert response.status_code == 200
    return response.context_data


def rows_in(client: Client, address: str) -> int:
    """How many rows the list at an address holds."""
    response = client.get(address)
    assert response.status_code == 200, (address, response.status_code, response.headers.get("Location"))
    return int(response.context_data["cl"].queryset.count())
