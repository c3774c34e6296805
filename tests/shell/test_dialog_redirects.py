"""A dialog that is done opens its target; htmx must not follow a redirect into the dialog."""

import pytest
from django.http import HttpResponse, HttpResponseRedirect
from django.test import RequestFactory

from evbilling.shell.middleware import DialogRedirects


def answer(named: bool, htmx: bool) -> HttpResponse:
    response = HttpResponseRedirect("/there/")
    if named:
        response["HX-Redirect"] = "/there/"
    request = RequestFactory().post("/", headers={"hx-request": "true"} if htmx else {})
    return DialogRedirects(lambda _request: response)(request)  # type: ignore[return-value]


def test_htmx_gets_its_target_with_status_200() -> None:
    found = answer(named=True, htmx=True)
    assert (found.status_code, found["HX-Redirect"], found.has_header("Location")) == (200, "/there/", False)


@pytest.mark.parametrize(("named", "htmx"), [(True, False), (False, True), (False, False)])
def test_any_other_redirect_stays_one(named: bool, htmx: bool) -> None:
    found = answer(named, htmx)
    assert (found.status_code, found["Location"]) == (302, "/there/")
