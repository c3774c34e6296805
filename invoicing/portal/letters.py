"""Letters for customers: dunning notices, statements and receipts as they were sent."""

import datetime as dt
from collections.abc import Sequence

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from contracts.queries import parties_of
from evbilling.access.scope import visible
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BillingError
from evbilling.shell.portal_frame import membership_of
from evbilling.shell.tables import Column, Table
from evbilling.shell.views import file_response, find_visible, portal_page
from invoicing.models import Letter
from invoicing.operations.statements import draw_statement, read_statement
from invoicing.portal import archived_file
from invoicing.queries.statements import Statement, currencies_of, days_of_account, statement_csv


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
    party = membership_of(request).party
    table = Table(
        own_letters(request).filter(party=party),
        _columns(),
        request.GET,
        caption=_("Letters"),
        default_sort="-dated_on",
        empty=_("No letter here."),
    )
    contract = party.contracts.select_related("operator").order_by("-pk").first()
    today = local_date(timezone.now(), contract.operator.zone if contract else timezone.get_current_timezone_name())
    first, last = today.replace(month=1, day=1), today
    if contract:
        first, last = days_of_account(contract.operator, party, today=today)
    context = {"table": table, "first": first, "last": last}
    return render(request, "portal/invoices/letters.html", context)


@never_cache
@require_safe
@portal_page
def statement(request: HttpRequest) -> HttpResponse:
    """The company's own account between two days, as PDF, or as CSV with `?file=csv`. 404 where it has none."""
    party = membership_of(request).party
    contract = party.contracts.select_related("operator").order_by("-pk").first()
    if contract is None:
        raise Http404("The company has no contract.")
    operator = contract.operator
    currency = request.GET.get("currency") or next(iter(currencies_of(operator, party)), party.currency)
    try:
        found = read_statement(
            operator_id=operator.pk,
            party_id=party.pk,
            currency=currency,
            first=dt.date.fromisoformat(request.GET.get("from", "")),
            last=dt.date.fromisoformat(request.GET.get("to", "")),
            at=timezone.now(),
        )
    except ValueError:
        messages.error(request, _("Choose both days of the statement."))
        return redirect("portal:letters")
    except BillingError as refusal:
        messages.error(request, refusal.message)
        return redirect("portal:letters")
    return statement_file(found, as_csv=request.GET.get("file") == "csv", show=False)


def statement_file(found: Statement, *, as_csv: bool, show: bool) -> HttpResponse:
    """A statement as CSV or PDF, drawn now; a PDF stands in the browser's window where it is asked for."""
    content = statement_csv(found) if as_csv else draw_statement(found)
    name = f"{found.party.number}_{found.first}_{found.last}.{'csv' if as_csv else 'pdf'}"
    return file_response(content, "text/csv" if as_csv else "application/pdf", name, show=show)


@never_cache
@require_safe
@portal_page
def letter(request: HttpRequest, letter_id: int) -> HttpResponse:
    """The archived bytes as they were sent; `?show=1` opens a PDF in the browser instead of saving it."""
    found = find_visible(own_letters(request), request.user, pk=letter_id)
    return archived_file(found, show="show" in request.GET)
