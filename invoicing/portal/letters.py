"""Letters for customers: dunning notices, statements and receipts as they were sent."""

from collections.abc import Sequence

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contracts.queries import parties_of
from evbilling.access.scope import visible
from evbilling.shell.portal_frame import membership_of
from evbilling.shell.tables import Column, Table
from evbilling.shell.views import find_visible, portal_page
from invoicing.models import Letter
from invoicing.portal import archived_file


def own_letters(request: HttpRequest) -> QuerySet[Letter]:
    """Letters to the companies for which the visitor acts, without their bytes; of staff too, no more than those."""
    mine = visible(Letter.objects.filter(party__in=parties_of(request.user)), request.user)
    return mine.defer("content")


def _columns() -> Sequence[Column]:
    return [
        Column(
            "file_name",
            _("Letter"),
            title=True,
            value=lambda row: capfirst(row.get_kind_display()),
            href=lambda row: reverse("portal:letter", args=[row.pk]),
        ),
        Column("dated_on", _("Date"), format="day", sort="dated_on"),
        Column("file", _("File"), value=lambda row: row.file_name, minor=True),
    ]


@never_cache
@require_safe
@portal_page
def letters(request: HttpRequest) -> HttpResponse:
    """The company's letters, newest first."""
    table = Table(
        own_letters(request).filter(party=membership_of(request).party),
        _columns(),
        request.GET,
        caption=_("Letters"),
        default_sort="-dated_on",
        empty=_("No letter here."),
    )
    return render(request, "portal/invoices/letters.html", {"table": table})


@never_cache
@require_safe
@portal_page
def letter(request: HttpRequest, letter_id: int) -> HttpResponse:
    """The archived bytes as they were sent; `?show=1` opens a PDF in the browser instead of saving it."""
    found = find_visible(own_letters(request), request.user, pk=letter_id)
    return archived_file(found, show="show" in request.GET)
