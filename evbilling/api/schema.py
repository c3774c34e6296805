"""What the schema says of requests and answers. What it means stands in docs/integrate.md."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample

_DECIMAL = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "description": "A decimal number."}
_DECIMAL_OR_NULL = {**_DECIMAL, "nullable": True}
_ID = {"oneOf": [{"type": "string"}, {"type": "integer"}], "nullable": True}
_OBJECT = {"type": "object", "additionalProperties": True}

FINDING = {
    "type": "object",
    "required": ["code", "severity", "path", "message"],
    "properties": {
        "code": {"type": "string", "description": "Stable, for programs."},
        "severity": {"type": "string", "enum": ["error", "warning"]},
        "path": {"type": "string", "description": "Where, such as tariff.elements[2].restrictions.max_kwh."},
        "message": {"type": "string", "description": "A sentence in the language of the request."},
    },
}
_PRICING = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {**_ID, "description": "Given back."},
        "ocpi_version": {"type": "string", "enum": ["2.2", "2.2.1", "2.3.0"]},
        "tariff": {**_OBJECT, "description": "An OCPI Tariff."},
        "tariffs": {"type": "array", "maxItems": 50, "items": _OBJECT, "description": "Told apart by tariff_id."},
        "tariff_version": {"type": "integer", "description": "The id of a stored tariff version."},
        "session": {**_OBJECT, "description": "An OCPI Session, with time_zone."},
        "cdr": {**_OBJECT, "description": "An OCPI CDR; it is priced and compared with its own costs."},
        "time_zone": {"type": "string", "description": "IANA name, for a CDR.", "example": "Europe/Berlin"},
        "default_vat": {"type": "number", "minimum": 0, "maximum": 100, "description": "Percent."},
        "language": {"type": "string", "enum": ["en", "de"], "default": "en"},
    },
}
REQUEST = {"oneOf": [_PRICING, {"type": "array", "maxItems": 100, "items": _PRICING}]}
_LINE = {
    "type": "object",
    "required": ["dimension", "volume", "billed_volume", "unit_price", "because"],
    "properties": {
        "dimension": {"type": "string"},
        "volume": _DECIMAL,
        "billed_volume": _DECIMAL,
        "unit_price": _DECIMAL,
        "amount_excl_vat": _DECIMAL_OR_NULL,
        "vat_rate": _DECIMAL_OR_NULL,
        "amount_incl_vat": _DECIMAL_OR_NULL,
        "because": {**_OBJECT, "description": "Why: as data, and as a sentence in `text`."},
    },
}
_PRICE = {
    "type": "object",
    "required": ["id", "currency", "lines", "findings"],
    "properties": {
        "id": _ID,
        "ocpi_version": {"type": "string"},
        "currency": {"type": "string"},
        "total_excl_vat": _DECIMAL_OR_NULL,
        "total_incl_vat": _DECIMAL_OR_NULL,
        "total_excl_vat_exact": _DECIMAL_OR_NULL,
        "total_incl_vat_exact": _DECIMAL_OR_NULL,
        "provisional": {"type": "boolean"},
        "engine_version": {"type": "string"},
        "rounding": {"type": "string"},
        "lines": {"type": "array", "items": _LINE},
        "audit": {"type": "array", "items": _OBJECT, "description": "With a cdr: its costs beside ours."},
        "findings": {"type": "array", "items": FINDING},
    },
}
_NO_PRICE = {
    "type": "object",
    "required": ["id", "error", "findings"],
    "properties": {"id": _ID, "error": {"type": "string"}, "findings": {"type": "array", "items": FINDING}},
}
_ONE = {"oneOf": [_PRICE, _NO_PRICE]}
ANSWER = {"oneOf": [_PRICE, _NO_PRICE, {"type": "array", "items": _ONE}]}
_REFUSAL = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {"code": {"type": "string"}, "detail": {"type": "string"}},
}
REFUSALS: dict[int, Any] = dict.fromkeys((400, 401, 403, 413, 415, 429), _REFUSAL)
EXAMPLES = [
    OpenApiExample(
        "A session",
        request_only=True,
        value={
            "id": "quote-1",
            "ocpi_version": "2.2.1",
            "tariff": {
                "id": "WORK",
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
        },
    )
]


class TokenScheme(OpenApiAuthenticationExtension):
    """How the schema calls the tokens."""

    target_class = "evbilling.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """A bearer token in the header."""
        return {"type": "http", "scheme": "bearer"}
