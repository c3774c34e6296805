"""POST /api/v1/pricing/quote: the answers of `manage.py price` over HTTP."""

from collections.abc import Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contracts.models import TariffVersion
from evbilling.access.scope import visible
from evbilling.api.schema import ANSWER, EXAMPLES, REFUSALS, REQUEST
from evbilling.api.wire import Unusable
from sessions.rules.pricing import numbers_from_text
from sessions.rules.rating import price_request

MOST_REQUESTS = 100
VERSION = "tariff_version"


class Quote(APIView):
    """Prices sessions and charge records; stores nothing."""

    throttle_scope = "quote"

    @extend_schema(
        operation_id="pricing_quote",
        summary="Price charging sessions or charge records",
        description=(
            "One request, or a list of up to 100, answered in order. Each answer has a price, or `error` with the "
            "`findings` that say why not: the status is 200 whenever the body could be read. Numbers come in as JSON "
            "numbers, amounts leave as strings. Instead of `tariff`, `tariff_version` may name a stored version that "
            "the caller may see. Nothing is stored."
        ),
        tags=["pricing"],
        request={"application/json": REQUEST},
        responses={200: ANSWER, **REFUSALS},
        examples=EXAMPLES,
    )
    def post(self, request: Request) -> Response:
        """The answer to each request, in order."""
        body = request.data if request.stream is not None else None
        if isinstance(body, Mapping):
            return Response(_answers([body], request.user)[0])
        if not isinstance(body, list):
            raise Unusable(_("Send one request as a JSON object, or a list of them."), code="not_a_request")
        if len(body) > MOST_REQUESTS:
            message = _("Send at most %(most)s requests at once; these are %(sent)s.")
            raise Unusable(message % {"most": MOST_REQUESTS, "sent": len(body)}, code="too_many")
        return Response(_answers(body, request.user))


def _answers(requests: list[Any], user: Any) -> list[dict[str, Any]]:
    """Price each request, stored tariff versions put in their place with one query."""
    named = {
        each[VERSION]
        for each in requests
        if isinstance(each, Mapping) and type(each.get(VERSION)) is int and 0 < each[VERSION] < 2**63
    }
    stored = visible(TariffVersion.objects.all(), user).in_bulk(named) if named else {}
    return [_answer(each, stored) for each in requests]


def _answer(request: Any, stored: Mapping[int, TariffVersion]) -> dict[str, Any]:
    if not isinstance(request, Mapping) or VERSION not in request:
        return price_request(request)
    with translation.override("de" if str(request.get("language")).startswith("de") else "en"):
        return _under_stored(request, stored)


def _under_stored(request: Mapping[str, Any], stored: Mapping[int, TariffVersion]) -> dict[str, Any]:
    wanted = request[VERSION]
    version = stored.get(wanted) if type(wanted) is int else None
    problem = ("", "", "")
    if version is None:
        problem = ("unknown_tariff", VERSION, _("There is no tariff version with this id that you may use."))
    elif "tariff" in request or "tariffs" in request:
        problem = ("tariff_or_tariffs", VERSION, _("Give either a tariff or the id of a stored version."))
    elif request.get("ocpi_version", version.ocpi_version) != version.ocpi_version:
        message = _("The stored version is of OCPI %(version)s; leave ocpi_version out.")
        problem = ("version_differs", "ocpi_version", message % {"version": version.ocpi_version})
    if version is None or problem[0]:
        code, path, message = problem
        finding = {"code": code, "severity": "error", "path": path, "message": message}
        return {"id": _id_of(request), "error": f"{path}: {message}", "findings": [finding]}
    others = {key: value for key, value in request.items() if key != VERSION}
    tariff = numbers_from_text(version.document)
    return price_request({**others, "ocpi_version": version.ocpi_version, "tariff": tariff})


def _id_of(request: Mapping[str, Any]) -> str | int | None:
    given = request.get("id")
    return given if isinstance(given, str) or type(given) is int else None
