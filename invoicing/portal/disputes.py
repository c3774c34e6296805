"""Disputes for customers: a manager contests a session from its page or its invoice's, and reads the answer."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from contracts.queries import parties_of, role_in
from evbilling.access.acting import acting_user
from evbilling.access.scope import visible
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BillingError
from evbilling.shell.portal_frame import membership_of
from evbilling.shell.tables import Column, Table
from evbilling.shell.views import find_visible, portal_page
from invoicing.models import CLAIMS, BilledCharge, ChargeUse, Dispute, DisputeState, Invoice
from invoicing.operations.disputes import raise_dispute, withdraw_dispute
from invoicing.portal import may_contest, own_documents
from invoicing.queries.disputes import gross_of_session
from sessions.models import ChargingSession

TONES: dict[str, str] = {
    DisputeState.OPEN: "warning",
    DisputeState.ACCEPTED: "success",
    DisputeState.PARTLY: "success",
    DisputeState.REFUSED: "neutral",
    DisputeState.WITHDRAWN: "neutral",
}
MOST_SESSIONS = 500
"""Sessions offered in the form of an invoice; of a longer one the session's own page leads here."""


def own_disputes(request: HttpRequest) -> QuerySet[Dispute]:
    """Disputes of the companies for which the visitor acts; of staff too, no more than those."""
    mine = visible(Dispute.objects.filter(party__in=parties_of(request.user)), request.user)
    return mine.select_related("invoice__operator", "session", "credit_note")


def _may_contest(request: HttpRequest, found: Invoice) -> bool:
    return may_contest(found, role_in(request.user, found.party_id))


def _columns() -> Sequence[Column]:
    return [
        Column(
            "session",
            _("Session"),
            title=True,
            value=lambda row: row.session.provider_ref,
            href=lambda row: reverse("portal:dispute", args=[row.pk]),
        ),
        Column("invoice", pgettext_lazy("document", "Document"), value=lambda row: row.invoice.number, minor=True),
        Column(
            "raised_at",
            _("Since"),
            format="day",
            sort="raised_at",
            value=lambda row: local_date(row.raised_at, row.invoice.operator.zone),
        ),
        Column("contested_amount", _("Contested"), format="money", sort="contested_amount"),
        Column(
            "state",
            _("Status"),
            format="badge",
            value=lambda row: row.get_state_display(),
            tone=lambda row: TONES[row.state],
        ),
    ]


@never_cache
@require_safe
@portal_page
def disputes(request: HttpRequest) -> HttpResponse:
    """The company's disputes, the newest first."""
    table = Table(
        own_disputes(request).filter(party=membership_of(request).party),
        _columns(),
        request.GET,
        caption=_("Disputes"),
        default_sort="-raised_at",
        empty=_("Nothing is contested."),
    )
    return render(request, "portal/invoices/disputes.html", {"table": table})


@never_cache
@require_safe
@portal_page
def dispute(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """One dispute: what was said, what was answered, what was credited."""
    found = find_visible(own_disputes(request), request.user, pk=dispute_id)
    context: dict[str, Any] = {
        "dispute": found,
        "tone": TONES[found.state],
        "may_withdraw": found.state == DisputeState.OPEN and _may_contest(request, found.invoice),
    }
    return render(request, "portal/invoices/dispute.html", context)


@never_cache
@require_POST
@portal_page
def withdraw(request: HttpRequest, dispute_id: int) -> HttpResponse:
    """Take it back."""
    found = find_visible(own_disputes(request), request.user, pk=dispute_id)
    try:
        withdraw_dispute(dispute_id=found.pk, by=acting_user(request), at=timezone.now())
    except BillingError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, gettext("The dispute is withdrawn."))
    return redirect("portal:dispute", dispute_id=found.pk)


@never_cache
@require_safe
@portal_page
def contest_session(request: HttpRequest, pk: int) -> HttpResponse:
    """From a session's page to the form of the newest own invoice that bills it."""
    billed = BilledCharge.objects.filter(charge__session=pk, use=ChargeUse.BILLED).values("line__invoice")
    found = own_documents(request).filter(pk__in=billed, kind__in=CLAIMS).order_by("-pk").first()
    if found is None:
        messages.info(request, gettext("This session is on no invoice of yours yet; there is nothing to contest."))
        return redirect("portal:sessions")
    return redirect(f"{reverse('portal:contest', args=[found.number])}?session={pk}")


@never_cache
@require_http_methods(["GET", "POST"])
@portal_page
def contest(request: HttpRequest, number: str) -> HttpResponse:
    """The form: which session of the invoice, and what is wrong with it."""
    found = find_visible(own_documents(request), request.user, number=number)
    if not _may_contest(request, found):
        raise Http404
    chosen = request.POST.get("session") or request.GET.get("session", "")
    message, refusal = request.POST.get("message", ""), ""
    if request.method == "POST":
        try:
            made = raise_dispute(
                invoice_id=found.pk,
                session_id=int(chosen) if chosen.isdecimal() else 0,
                message=message,
                by=acting_user(request),
                at=timezone.now(),
            )
        except BillingError as error:
            refusal = error.message
        else:
            messages.success(request, gettext("We look into it; you find the answer here."))
            return redirect("portal:dispute", dispute_id=made.pk)
    one = _sessions_of(found).filter(pk=chosen).first() if chosen.isdecimal() else None
    context = {
        "invoice": found,
        "sessions": [] if one else _sessions_of(found)[:MOST_SESSIONS],
        "session": one,
        "amount": gross_of_session(found, one.pk) if one else None,
        "message": message,
        "refusal": refusal,
        "earlier": own_disputes(request).filter(invoice=found),
    }
    return render(request, "portal/invoices/contest.html", context, status=400 if refusal else 200)


def _sessions_of(found: Invoice) -> QuerySet[ChargingSession]:
    """The sessions that the invoice bills, the latest first."""
    billed = BilledCharge.objects.filter(line__invoice=found, use=ChargeUse.BILLED)
    return ChargingSession.objects.filter(pk__in=billed.values("charge__session")).order_by("-ended_at", "-pk")
