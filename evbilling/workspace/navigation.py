"""The workspace's sidebar: what a person works with, in the order of the working day, with what waits as badges."""

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from evbilling.workspace import counts

BADGE_SECONDS = 30

ENVIRONMENTS = {
    "demo": (_("Demo"), "warning"),
    "staging": (_("Staging"), "info"),
}


def environment_badge(request: HttpRequest) -> list[Any] | None:
    """Says on every page that this is not the live system, or that mails do not reach the customers."""
    if settings.MAIL_REDIRECT_TO:
        return [_("Mails go to %(address)s") % {"address": settings.MAIL_REDIRECT_TO}, "danger"]
    found = ENVIRONMENTS.get(settings.MODE)
    return list(found) if found else None


def _can_view(model: str) -> Callable[[HttpRequest], bool]:
    app_label, name = model.lower().split(".")
    return lambda request: request.user.has_perm(f"{app_label}.view_{name}")


def _list_of(model: str, title: Any, icon: str, *, badge: str = "", query: str = "") -> dict[str, Any] | None:
    found = apps.get_model(model)
    if not admin.site.is_registered(found):
        return None
    item: dict[str, Any] = {
        "title": title,
        "icon": icon,
        "link": reverse(f"admin:{found._meta.app_label}_{found._meta.model_name}_changelist") + query,
        "permission": _can_view(model),
    }
    if badge:
        item["badge"] = badge
    return item


def _group(title: Any, *items: dict[str, Any] | None, collapsible: bool = False) -> dict[str, Any]:
    return {
        "title": title,
        "separator": True,
        "collapsible": collapsible,
        "items": [item for item in items if item is not None],
    }


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """All groups; Unfold leaves out what the person may not see."""
    here = "evbilling.workspace.navigation."
    return [
        _group(
            _("Today"),
            {"title": _("Dashboard"), "icon": "dashboard", "link": reverse("admin:index")},
            _list_of("charging.ChargingSession", _("Charging sessions"), "ev_station"),
            _list_of(
                "charging.Hold",
                _("Held sessions"),
                "front_hand",
                badge=here + "holds_badge",
                query="?state__exact=open",
            ),
            {
                "title": _("Month close"),
                "icon": "event_available",
                "link": reverse("admin:month_close"),
                "permission": lambda request: request.user.has_perm("invoicing.view_billingrun"),
            },
        ),
        _group(
            _("Customers"),
            _list_of("contracts.Party", _("Parties"), "groups"),
            _list_of("contracts.Contract", _("Contracts"), "contract"),
            _list_of("contracts.BillingGroup", _("Billing groups"), "folder_shared"),
            _list_of("contracts.Tariff", _("Tariffs"), "sell"),
            {
                "title": _("Price simulator"),
                "icon": "calculate",
                "link": reverse("admin:charging_simulator"),
                "permission": _can_view("charging.ChargingSession"),
            },
            {
                "title": _("What if"),
                "icon": "difference",
                "link": reverse("admin:charging_what_if"),
                "permission": _can_view("charging.SessionPrice"),
            },
            _list_of("contracts.Site", _("Sites"), "location_on"),
            _list_of("contracts.StationOutage", _("Outages"), "power_off"),
            _list_of("contracts.Vehicle", _("Vehicles"), "directions_car"),
            _list_of("contracts.Token", _("Charge cards"), "badge"),
        ),
        _group(
            _("Money"),
            _list_of("invoicing.Invoice", _("Invoices"), "receipt_long", badge=here + "overdue_badge"),
            _list_of("invoicing.OverdueDocument", _("Dunning"), "notification_important"),
            _list_of(
                "invoicing.DunningStep",
                _("Handed over"),
                "support_agent",
                badge=here + "escalations_badge",
                query="?todo=person",
            ),
            _list_of("invoicing.Dispute", _("Disputes"), "contact_support", badge=here + "disputes_badge"),
            _list_of(
                "invoicing.Correction", _("Corrections"), "published_with_changes", badge=here + "corrections_badge"
            ),
            _list_of("invoicing.Penalty", _("Penalties"), "gavel", badge=here + "waivers_badge"),
            _list_of("payments.Payment", _("Payments"), "payments"),
            _list_of("payments.Refund", _("Refunds"), "undo"),
            _list_of("invoicing.Deposit", _("Deposits"), "lock"),
            _list_of("invoicing.Delivery", _("Mails to accountants"), "forward_to_inbox", badge=here + "mails_badge"),
            _list_of("invoicing.Letter", _("Letters"), "drafts"),
            _list_of("invoicing.JournalEntry", _("Journal"), "menu_book"),
            {
                "title": _("Accounting"),
                "icon": "account_balance_wallet",
                "link": reverse("admin:accounting_report", args=["trial-balance"]),
                "permission": _can_view("invoicing.JournalEntry"),
            },
            {
                "title": _("Months of the ledger"),
                "icon": "lock_clock",
                "link": reverse("admin:accounting_months"),
                "permission": _can_view("invoicing.JournalEntry"),
            },
            _list_of("invoicing.BooksCheck", _("Checks of the books"), "fact_check"),
        ),
        _group(
            _("Set-up"),
            _list_of("contracts.Operator", _("Operator"), "domain"),
            _list_of("charging.ImportProfile", _("Import profiles"), "table_view"),
            _list_of("charging.ImportBatch", _("Imports"), "upload_file"),
            _list_of("contracts.DunningPlan", _("Dunning plans"), "stairs"),
            _list_of("invoicing.TaxRate", _("Tax rates"), "percent"),
            _list_of("invoicing.ExchangeRate", _("Exchange rates"), "currency_exchange"),
            _list_of("invoicing.ReferenceRate", _("Reference rates"), "trending_up"),
            _list_of("invoicing.NumberSeries", _("Number series"), "tag"),
            _list_of("invoicing.Account", _("Accounts"), "account_balance"),
            _list_of("invoicing.DatevSettings", _("DATEV settings"), "settings_input_component"),
            _list_of("invoicing.PersonalAccount", _("Personal accounts"), "contact_mail"),
            _list_of("payments.PaymentMethod", _("Payment methods"), "credit_card"),
            collapsible=True,
        ),
        _group(
            _("System"),
            _list_of("access.User", _("Users"), "person"),
            _list_of("access.ApiToken", _("API tokens"), "key"),
            _list_of("kernel.OutboxMessage", _("Background steps"), "sync", badge=here + "steps_badge"),
            _list_of("kernel.AuditRecord", _("Audit trail"), "history"),
            collapsible=True,
        ),
    ]


def _badge(name: str, count: Callable[[], int]) -> str:
    found = cache.get_or_set(f"badge.{name}", count, BADGE_SECONDS)
    return str(found) if found else ""


def holds_badge(request: HttpRequest) -> str:
    """Held sessions."""
    return _badge("holds", counts.held_sessions)


def overdue_badge(request: HttpRequest) -> str:
    """Overdue invoices."""
    return _badge("overdue", counts.overdue_invoices)


def waivers_badge(request: HttpRequest) -> str:
    """Penalties whose waiver waits for a second person."""
    return _badge("waivers", counts.asked_waivers)


def disputes_badge(request: HttpRequest) -> str:
    """Disputes without an answer."""
    return _badge("disputes", counts.open_disputes)


def corrections_badge(request: HttpRequest) -> str:
    """Corrections that wait for a second person."""
    return _badge("corrections", counts.asked_corrections)


def escalations_badge(request: HttpRequest) -> str:
    """Overdue documents that wait for a person."""
    return _badge("escalations", counts.escalations)


def mails_badge(request: HttpRequest) -> str:
    """Mails that need a person."""
    return _badge("mails", counts.mails_needing_a_person)


def steps_badge(request: HttpRequest) -> str:
    """Background steps that need a person."""
    return _badge("steps", counts.steps_needing_a_person)
