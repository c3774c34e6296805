"""The lock after six wrong tries: thirty minutes by address, whether a user has it or not (PCI DSS 8.3.4)."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def tried_address(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """The address that a try was made for, in one spelling; allauth names it email, Django username, the form login."""
    given = credentials or {}
    address = given.get("email") or given.get("username") or given.get("login")
    if not address and request is not None:
        address = request.POST.get(settings.AXES_USERNAME_FORM_FIELD)
    return str(address or "").strip().lower()


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """The answer to a locked address. It is the same whether a user has the address or not."""
    minutes = round(settings.AXES_COOLOFF_TIME * 60)
    answer = render(request, "account/locked.html", {"minutes": minutes}, status=HTTPStatus.TOO_MANY_REQUESTS)
    answer["Retry-After"] = str(minutes * 60)
    return answer
