"""Pages for paying: choose how to pay an invoice, come back from the hosted page, see what became of it."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from contracts.models import MembershipRole
from contracts.queries import role_in
from evbilling.access.acting import acting_user
from evbilling.kernel.errors import BillingError
from evbilling.shell.views import find_visible, portal_page
from invoicing.models import CLAIMS, Invoice, InvoiceState
from invoicing.queries.documents import open_amount
from payments.models import OPEN_STATES, Payment, PaymentState
from payments.operations.payments import refresh_payment, start_checkout, start_payment
from payments.operations.receipts import file_receipt
from payments.processors import Capability, available_processors
from payments.queries import payments_of, usable_methods

PAYERS = frozenset({MembershipRole.MANAGER, MembershipRole.PAYER})
STATE_TONES: dict[str, str] = {
    PaymentState.CREATED: "info",
    PaymentState.REQUIRES_ACTION: "warning",
    PaymentState.PROCESSING: "warning",
    PaymentState.AUTHORISED: "info",
    PaymentState.CAPTURED: "success",
    PaymentState.FAILED: "danger",
    PaymentState.CANCELLED: "neutral",
    PaymentState.UNKNOWN: "danger",
}
"""The badge of each state of a payment, the same in the workspace."""


def _invoice(request: HttpRequest, number: str) -> Invoice:
    return find_visible(Invoice.objects.filter(kind__in=CLAIMS, state=InvoiceState.ISSUED), request.user, number=number)


def _require_payer(request: HttpRequest, party_id: int) -> None:
    """Raises Http404 unless the visitor may pay for that company: its role counts, not that of the one chosen now."""
    if role_in(request.user, party_id) not in PAYERS:
        raise Http404("The visitor may not pay for this company.")


def _checkout_processor() -> str:
    return next(
        (code for code, found in available_processors().items() if Capability.CHECKOUT in found.capabilities), ""
    )


@never_cache
@require_http_methods(["GET", "POST"])
@portal_page
def pay_invoice(request: HttpRequest, number: str) -> HttpResponse:
    """How to pay one invoice: a saved method, the hosted page, or a transfer."""
    invoice = _invoice(request, number)
    _require_payer(request, invoice.party_id)
    if request.method == "POST":
        return _start(request, invoice)
    waiting = payments_of(invoice).filter(state__in=OPEN_STATES).first()
    context: dict[str, Any] = {
        "invoice": invoice,
        "open": open_amount(invoice),
        "methods": usable_methods(invoice.party),
        "checkout": bool(_checkout_processor()),
        "waiting": waiting,
        "operator": invoice.operator,
    }
    return render(request, "portal/payments/pay.html", context)


def _start(request: HttpRequest, invoice: Invoice) -> HttpResponse:
    choice = request.POST.get("method", "")
    now, user = timezone.now(), acting_user(request)
    try:
        if choice == "checkout":
            _payment, address = start_checkout(
                invoice_id=invoice.pk,
                processor=_checkout_processor(),
                return_address=lambda public_id: request.build_absolute_uri(
                    reverse("portal:payment_return", args=[public_id])
                ),
                by=user,
                at=now,
            )
            return redirect(address)
        method = find_visible(usable_methods(invoice.party), request.user, pk=choice)
        payment = start_payment(invoice_id=invoice.pk, method_id=method.pk, by=user, at=now)
    except BillingError as error:
        messages.error(request, error.message)
        return redirect("portal:invoice_pay", number=invoice.number)
    return redirect("portal:payment", public_id=payment.public_id)


@never_cache
@portal_page
def payment_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """What became of a payment; it looks again by itself while the outcome is open."""
    payment = find_visible(Payment.objects.select_related("invoice", "method"), request.user, public_id=public_id)
    context = {"payment": payment, "tone": STATE_TONES[payment.state], "is_open": payment.state in OPEN_STATES}
    template = "portal/payments/state.html" if "poll" in request.GET else "portal/payments/payment.html"
    return render(request, template, context)


@never_cache
@portal_page
def payment_return(request: HttpRequest, public_id: str) -> HttpResponse:
    """Back from the hosted page: ask the processor, then show the payment."""
    payment = find_visible(Payment.objects.all(), request.user, public_id=public_id)
    payment = refresh_payment(payment_id=payment.pk, at=timezone.now())
    if payment.state == PaymentState.CAPTURED:
        messages.success(request, _("Thank you. The payment has arrived."))
    return redirect("portal:payment", public_id=payment.public_id)


@require_POST
@portal_page
def receipt(request: HttpRequest, public_id: str) -> HttpResponse:
    """The receipt of money that has arrived: made the first time, then among the company's letters."""
    payment = find_visible(Payment.objects.all(), request.user, public_id=public_id)
    try:
        letter = file_receipt(payment_id=payment.pk, by=acting_user(request), at=timezone.now())
    except BillingError as error:
        messages.error(request, error.message)
        return redirect("portal:payment", public_id=payment.public_id)
    return redirect("portal:letter", letter_id=letter.pk)


@require_POST
@portal_page
def refresh(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask the processor again on the customer's wish."""
    payment = find_visible(Payment.objects.all(), request.user, public_id=public_id)
    _require_payer(request, payment.party_id)
    refresh_payment(payment_id=payment.pk, at=timezone.now())
    return redirect("portal:payment", public_id=payment.public_id)
