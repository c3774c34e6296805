"""JSON in and out of the API by the one strict reader and writer."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, status
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from evbilling.kernel.strict_json import BadJson, dumps, loads

MOST_BYTES = 2 * 1024 * 1024


class BodyTooLarge(exceptions.APIException):
    """The body is larger than is read."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"
    default_detail = _("The body is larger than 2 MB; send fewer requests at once.")


class NotJson(exceptions.ParseError):
    """The body is not JSON as this product reads it."""

    default_code = "bad_json"


class Unusable(exceptions.APIException):
    """JSON that is no request; `code` says why."""

    status_code = status.HTTP_400_BAD_REQUEST


class StrictJsonParser(BaseParser):
    """Numbers as Decimal, no key twice, no NaN, not more than MOST_BYTES (ARCHITECTURE, Money)."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Raises BodyTooLarge, NotJson."""
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise BodyTooLarge
        try:
            return loads(body)
        except BadJson as problem:
            raise NotJson(str(problem)) from problem


class ExactJsonRenderer(BaseRenderer):
    """Decimals leave as strings; a float raises."""

    media_type = "application/json"
    format = "json"
    charset = "utf-8"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """A lone surrogate is legal in JSON and not in UTF-8: it leaves as the escape it came as."""
        return b"" if data is None else dumps(data).encode("utf-8", "backslashreplace")
