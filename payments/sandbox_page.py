"""The sandbox's hosted payment page: it plays the processor's own website, so it knows no user and no invoice."""

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from payments.models import SandboxCharge, SandboxState
from payments.operations.events import receive_event
from payments.processors.sandbox import SandboxProcessor, decide

OUTCOMES = ("approve", "decline", "delayed")


def _own_path(address: str) -> str:
    """The way back within this site: the sandbox lives here, whatever name the visitor reached it by."""
    return urlsplit(address).path


@never_cache
@require_http_methods(["GET", "POST"])
def sandbox_checkout(request: HttpRequest, ref: str) -> HttpResponse:
    """Approve, decline or delay a test payment. 404 where the sandbox is off."""
    if not settings.SANDBOX_PROCESSOR:
        raise Http404("The sandbox processor is off.")
    charge = get_object_or_404(SandboxCharge, ref=ref)
    if request.method == "POST" and charge.state == SandboxState.OPEN:
        outcome = request.POST.get("outcome", "")
        if outcome not in OUTCOMES:
            return render(request, "portal/payments/sandbox.html", {"charge": charge}, status=400)
        decide(charge, outcome)
        receive_event(
            processor=SandboxProcessor.code,
            event_ref=f"evt_{uuid.uuid4().hex}",
            object_ref=charge.ref,
            body={"type": f"payment.{charge.state}"},
            at=timezone.now(),
        )
        return redirect(_own_path(charge.return_url))
    return render(request, "portal/payments/sandbox.html", {"charge": charge, "back": _own_path(charge.return_url)})
