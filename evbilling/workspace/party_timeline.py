"""One party in one line of time: what it charged, what it got, what it paid, and what was changed or noted."""

from itertools import groupby
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from contracts.models import Contract, Party
from evbilling.kernel.clock import local_date, month_of
from evbilling.kernel.models import AuditRecord
from evbilling.shell.changes import changes_of
from evbilling.workspace import lists
from evbilling.workspace.queries.timeline import Event, Kind, MonthOfSessions, timeline
from evbilling.workspace.words import action_text
from invoicing.admin.deliveries import TONES as MAIL_TONES
from invoicing.models import Delivery, Invoice
from invoicing.portal import STATE_TONES as DOCUMENT_TONES
from invoicing.queries.deliveries import Fate
from invoicing.queries.documents import PaymentState
from payments.models import Payment
from payments.portal import STATE_TONES as PAYMENT_TONES

PAGE = 60
KINDS = {
    Kind.SESSIONS: (gettext_lazy("Sessions"), "ev_station", "charging.view_chargingsession"),
    Kind.DOCUMENTS: (gettext_lazy("Documents"), "receipt_long", "invoicing.view_invoice"),
    Kind.MAILS: (gettext_lazy("Mails"), "forward_to_inbox", "invoicing.view_delivery"),
    Kind.PAYMENTS: (gettext_lazy("Payments"), "payments", "payments.view_payment"),
    Kind.CHANGES: (gettext_lazy("Changes and notes"), "history", "kernel.view_auditrecord"),
}
"""Each kind's name, symbol and the permission to read it."""


@require_GET
def party_timeline(request: HttpRequest, party_id: int) -> HttpResponse:
    """The page; `?show=` one kind alone."""
    party = get_object_or_404(Party, pk=party_id)
    allowed = [kind for kind, (_label, _icon, permission) in KINDS.items() if request.user.has_perm(permission)]
    shown = next((kind for kind in allowed if kind == request.GET.get("show")), None)
    contract = Contract.objects.filter(party=party).select_related("operator").order_by("-pk").first()
    zone = contract.zone if contract else timezone.get_current_timezone_name()
    today = local_date(timezone.now(), zone)
    events = [each for each in timeline(party, zone=zone, today=today, kind=shown) if each.kind in allowed]
    page = Paginator(events, PAGE).get_page(request.GET.get("p"))
    months = groupby(page, key=lambda event: month_of(local_date(event.at, zone)).start)
    context = admin.site.each_context(request) | {
        "title": _("Timeline"),
        "party": party,
        "opts": Party._meta,
        "zone": zone,
        "page": page,
        "months": [(month, [_shown(event, party, zone) for event in found]) for month, found in months],
        "kinds": [(kind, KINDS[kind][0], kind == shown) for kind in allowed],
        "shown": shown,
    }
    return render(request, "admin/party_timeline.html", context)


def _badge(event: Event) -> tuple[str, str] | None:
    """The state in the words and colours of its list."""
    row = event.row
    if isinstance(row, Invoice):
        return str(PaymentState(event.state).label), DOCUMENT_TONES[event.state]
    if isinstance(row, Delivery):
        return str(Fate(event.state).label), MAIL_TONES.get(event.state, "")
    if isinstance(row, Payment):
        return row.get_state_display(), PAYMENT_TONES[row.state]
    return None


def _shown(event: Event, party: Party, zone: str) -> dict[str, Any]:
    """The event with what the template cannot find by itself."""
    found: dict[str, Any] = {"at": event.at, "kind": event.kind.value, "icon": KINDS[event.kind][1], "row": event.row}
    found["state"] = _badge(event)
    if isinstance(event.row, MonthOfSessions):
        found["href"] = lists.sessions(period=event.row.period, zone=zone, party=party.pk)
    if isinstance(event.row, AuditRecord):
        found["text"] = action_text(event.row.action)
        model = Contract if event.row.object_type == Contract._meta.label else Party
        found["changes"] = list(changes_of(event.row, model))
    return found
