"""Redirects that a dialog can follow."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase


class DialogRedirects:
    """A browser follows a redirect unseen by htmx, which would swap a whole page into the dialog.

    An answer to htmx that names its target in HX-Redirect therefore goes out with status 200: htmx leaves the dialog
    and opens the target. Without htmx the same answer stays a redirect.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if request.headers.get("HX-Request") and "HX-Redirect" in response and 300 <= response.status_code < 400:
            response.status_code = 200
            del response["Location"]
        return response
