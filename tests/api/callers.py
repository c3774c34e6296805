"""Who calls the API in the tests, and what a request looks like."""

import copy
from typing import Any

from django.test import Client

from evbilling.access.models import User
from evbilling.access.operations import create_token
from evbilling.kernel.strict_json import dumps
from tests.access.people import AT

QUOTE = "/api/v1/pricing/quote"
REQUEST: dict[str, Any] = {
    "id": "q",
    "ocpi_version": "2.2.1",
    "tariff": {
        "id": "T",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 1, "vat": 19, "step_size": 1}]}],
    },
    "session": {
        "time_zone": "Europe/Berlin",
        "start_date_time": "2026-10-05T06:00:00Z",
        "end_date_time": "2026-10-05T07:00:00Z",
        "charging_periods": [
            {"start_date_time": "2026-10-05T06:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 18}]}
        ],
    },
}


def asked(**changes: Any) -> dict[str, Any]:
    """The request with other values; None leaves a key out."""
    changed = copy.deepcopy(REQUEST) | changes
    return {key: value for key, value in changed.items() if value is not None}


def token_of(user: User, *, days: int = 366) -> str:
    """The secret of a new token of the user."""
    return create_token(user_id=user.pk, name="test", days=days, by=None, at=AT)[1]


def quote(client: Client, body: Any, secret: str | None = None, **headers: str) -> Any:
    """What the quote answers; `body` is text as it is, anything else as JSON."""
    text = body if isinstance(body, str | bytes) else dumps(body)
    if secret is not None:
        headers["Authorization"] = f"Bearer {secret}"
    return client.post(QUOTE, text, content_type="application/json", headers=headers)
