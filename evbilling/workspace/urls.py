"""The admin's addresses with the pages that belong to no model: the party timeline and the live table."""

from collections.abc import Callable

from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path

from evbilling.workspace import dashboard, party_account, party_timeline
from evbilling.workspace.accounting import months, pages
from invoicing.admin import month_preview
from sessions.admin import simulator, what_if


def _page(view: Callable[..., HttpResponseBase], permission: str) -> Callable[..., HttpResponseBase]:
    """For signed-in staff with the permission; 403 for other staff."""
    return admin.site.admin_view(permission_required(permission, raise_exception=True)(view))


def _accounting() -> list[URLPattern]:
    """Reports, months and exports of the ledger."""
    reads = "invoicing.view_journalentry"
    return [
        path("accounting/months/", _page(months.months_page, reads), name="accounting_months"),
        path("accounting/months/close/", _page(months.close_month, "invoicing.close_period"), name="accounting_close"),
        path("accounting/exports/", _page(months.exports_page, reads), name="accounting_exports"),
        path("accounting/exports/file/", _page(months.export, "invoicing.export_books"), name="accounting_export"),
        path("accounting/<slug:name>/", _page(pages.report_page, reads), name="accounting_report"),
    ]


def admin_urls() -> tuple[list[URLPattern | URLResolver], str, str]:
    """For `path("admin/", admin_urls())`: ours first, because the admin's last pattern catches everything."""
    own = [
        path("charging-now/", _page(dashboard.charging_now, "charging.view_chargingsession"), name="charging_now"),
        path(
            "party/<int:party_id>/timeline/",
            _page(party_timeline.party_timeline, "contracts.view_party"),
            name="party_timeline",
        ),
        path(
            "party/<int:party_id>/account/",
            _page(party_account.party_account, "invoicing.view_invoice"),
            name="party_account",
        ),
        path("simulator/", _page(simulator.page, "charging.view_chargingsession"), name="charging_simulator"),
        path("month-preview/", _page(month_preview.page, "invoicing.view_invoice"), name="invoicing_month_preview"),
        path("what-if/", _page(what_if.page, "charging.view_sessionprice"), name="charging_what_if"),
    ]
    return [*own, *_accounting(), *admin.site.get_urls()], "admin", admin.site.name
