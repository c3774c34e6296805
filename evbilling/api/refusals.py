"""How the API says no: a stable word for programs and a sentence for people, whatever refused."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler


def refusal(problem: Exception, context: dict[str, Any]) -> Response | None:
    """Every refusal as {"code", "detail"}: a stable word for programs, a sentence for people."""
    response = exception_handler(problem, context)
    if response is None:
        return None
    if isinstance(problem, exceptions.APIException):
        code, detail = problem.get_codes(), problem.detail
    else:
        named: dict[type[Exception], exceptions.APIException] = {
            Http404: exceptions.NotFound(),
            PermissionDenied: exceptions.PermissionDenied(),
        }
        known = next(each for kind, each in named.items() if isinstance(problem, kind))
        code, detail = known.get_codes(), known.detail
    response.data = {"code": code, "detail": str(detail)}
    return response
