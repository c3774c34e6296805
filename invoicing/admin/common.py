"""What the pages of this app share: figures in one width, links, lists inside other pages."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline

from evbilling.shell.formats import format_money
from invoicing.queries.documents import PaymentState

PAYMENT_TONES = {
    PaymentState.DRAFT.value: "",
    PaymentState.OPEN.value: "info",
    PaymentState.PARTLY_PAID.value: "warning",
    PaymentState.PAID.value: "success",
    PaymentState.OVERDUE.value: "danger",
    PaymentState.CREDITED.value: "",
}
"""The badge of each state of payment."""


def money(amount: Decimal | None, currency: str) -> SafeString:
    """An amount with its currency, right-aligned; a dash where there is none."""
    text = "\N{EN DASH}" if amount is None else format_money(amount, currency)
    return format_html('<span class="money">{}</span>', text)


def link_to(row: Model | None) -> SafeString | str:
    """The row's name with a link to its page."""
    if row is None:
        return "\N{EN DASH}"
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a class="underline" href="{}">{}</a>', url, row)


def right(codename: str) -> Callable[..., bool]:
    """A has_..._permission method of an admin page: whether the person has this permission of the app."""

    def check(self: Any, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(f"invoicing.{codename}"))

    return check


class ListInline(TabularInline):
    """Rows shown in a tab of another row's page; nothing is edited here."""

    extra = 0
    tab = True
    per_page = 50
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows come from operations."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are read here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows stay."""
        return False
