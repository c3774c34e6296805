"""Where the mail provider reports what became of mails: authenticated by the secret it was given, refused otherwise."""

import json
from hashlib import sha256
from importlib import import_module
from typing import Any

from anymail.exceptions import AnymailError, AnymailWebhookValidationFailure
from anymail.webhooks.base import AnymailCoreWebhookView
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from evbilling.kernel.mailers import PROVIDERS
from invoicing.models import DeliveryEventKind
from invoicing.operations.mail_events import record_mail_event

_KINDS = {
    "delivered": DeliveryEventKind.DELIVERED,
    "opened": DeliveryEventKind.OPENED,
    "clicked": DeliveryEventKind.OPENED,
    "bounced": DeliveryEventKind.BOUNCED,
    "failed": DeliveryEventKind.REJECTED,
    "rejected": DeliveryEventKind.REJECTED,
    "complained": DeliveryEventKind.COMPLAINED,
}
"""django-anymail's words for events; what is not named here is kept as "other"."""


@csrf_exempt
@require_http_methods(["POST", "HEAD"])
def mail_events(request: HttpRequest, provider: str) -> HttpResponse:
    """Keep the events of one report. 404 without a secret or for another provider than the one that sends our mails."""
    if provider != settings.MAIL_PROVIDER or provider not in PROVIDERS or not settings.ANYMAIL["WEBHOOK_SECRET"]:
        raise Http404("No mail provider reports here.")
    view = _reader(provider)
    try:
        view.run_validators(request)
    except (AnymailWebhookValidationFailure, ImproperlyConfigured):
        return HttpResponseForbidden()
    if request.method == "HEAD":
        return HttpResponse()
    try:
        events = view.parse_events(request)
    except (AnymailError, ImproperlyConfigured, ValueError, LookupError, TypeError, AttributeError):
        return HttpResponseBadRequest()
    for event in events:
        _keep(provider, event)
    return HttpResponse()


def _reader(provider: str) -> AnymailCoreWebhookView:
    """django-anymail's view of the provider's reports, for its checks and its reading alone."""
    module = import_module(f"anymail.webhooks.{provider}")
    name = next(each for each in vars(module) if each.endswith("TrackingWebhookView"))
    view: AnymailCoreWebhookView = getattr(module, name)()
    return view


def _keep(provider: str, event: Any) -> None:
    message_id = str(event.message_id or "")
    named = str((event.metadata or {}).get("delivery", ""))
    record_mail_event(
        provider=provider,
        event_ref=_event_ref(event),
        kind=_KINDS.get(event.event_type, DeliveryEventKind.OTHER),
        message_refs=(named, message_id, f"<{message_id.strip('<>')}>"),
        recipient=str(event.recipient or ""),
        detail=str(event.description or event.mta_response or event.reject_reason or ""),
        occurred_at=event.timestamp,
        at=timezone.now(),
    )


def _event_ref(event: Any) -> str:
    """The provider's id of the event; where it gives none, the digest of what it said, which a replay repeats."""
    if event.event_id:
        return f"{event.event_type}:{event.event_id}"
    said = event.esp_event
    plain = said.dict() if hasattr(said, "dict") else said
    return sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()
