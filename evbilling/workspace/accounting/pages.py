"""Reports on a page and as files; the filters stand in the address, so that a view can be kept and sent."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from contracts.models import Operator
from evbilling.kernel.clock import Period, local_date, month_of, parse_month
from evbilling.kernel.errors import BillingError
from evbilling.shell.formats import format_day, format_money, format_number, format_percent
from evbilling.workspace.accounting.catalogue import CHOICES
from invoicing.models import Account, JournalEntry
from invoicing.queries.accounting import files, ledger
from invoicing.queries.accounting.report import Column, Report, Row, Section, Value

MOST_SHOWN = 500
"""Rows of a table on a page; files hold all."""
TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
MAKERS = {"csv": files.as_csv, "xlsx": files.as_xlsx}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for, with what was left out filled in."""

    operators: Sequence[Operator]
    operator: Operator | None
    first: Period
    last: Period
    currency: str
    currencies: Sequence[str]

    @property
    def period(self) -> Period:
        """The months chosen, as one period."""
        return Period(self.first.start, self.last.end)

    def query(self, **changes: str) -> str:
        """The query string of this view, with changes."""
        values = {
            "operator": str(self.operator.pk) if self.operator else "",
            "from": self.first.code,
            "to": self.last.code,
            "currency": self.currency,
        } | changes
        return urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class ShownCell:
    """A cell as text; numbers stand right."""

    text: str
    numeric: bool
    href: str = ""


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A table as the template draws it."""

    section: Section
    heads: Sequence[Column]
    rows: Sequence[tuple[bool, Sequence[ShownCell]]]
    totals: Sequence[ShownCell]
    hidden: int


def filters_of(request: HttpRequest) -> Filters:
    """From the address: operator, from, to (YYYY-MM), currency. By default the last month that has a booking."""
    operators = list(Operator.objects.order_by("legal_name"))
    operator = next((each for each in operators if str(each.pk) == request.GET.get("operator")), None)
    operator = operator or (operators[0] if operators else None)
    currencies: list[str] = []
    latest: dt.date | None = None
    if operator is not None:
        entries = JournalEntry.objects.filter(operator=operator).order_by()
        currencies = sorted(entries.values_list("currency", flat=True).distinct())
        latest = entries.order_by("-booked_on").values_list("booked_on", flat=True).first()
    zone = operator.zone if operator else timezone.get_current_timezone_name()
    standard = month_of(latest or local_date(timezone.now(), zone))
    first = _month(request.GET.get("from", ""), standard)
    last = _month(request.GET.get("to", ""), max(first, standard) if "from" not in request.GET else first)
    currency = request.GET.get("currency", "")
    return Filters(operators, operator, first, max(first, last), currency if currency in currencies else "", currencies)


def _month(text: str, standard: Period) -> Period:
    try:
        return parse_month(text)
    except BillingError:
        return standard


@require_GET
def report_page(request: HttpRequest, name: str) -> HttpResponse:
    """One report, or with ?format=csv or xlsx its file."""
    filters = filters_of(request)
    report = _report(request, name, filters) if filters.operator else None
    kind = request.GET.get("format", "")
    if report is not None and kind in MAKERS:
        response = HttpResponse(MAKERS[kind](report), content_type=TYPES[kind])
        response["Content-Disposition"] = f'attachment; filename="{report.name}_{filters.period.code}.{kind}"'.replace(
            "/", "_"
        )
        return response
    account = {"account": request.GET["account"]} if name == "account" and "account" in request.GET else {}
    context: dict[str, Any] = admin.site.each_context(request) | {
        "title": str(report.title) if report else _("Accounting"),
        "name": name,
        "tabs": tabs(filters, name),
        "filters": filters,
        "by_day": name in CHOICES and CHOICES[name].by_day,
        "about": CHOICES[name].about if name in CHOICES else "",
        "report": report,
        "sections": [shown(section, filters) for section in report.sections] if report else [],
        "account": account.get("account", ""),
        "downloads": [(kind.upper(), "?" + filters.query(format=kind, **account)) for kind in MAKERS],
    }
    return render(request, "admin/accounting/report.html", context)


def _report(request: HttpRequest, name: str, filters: Filters) -> Report:
    if name == "account":
        wanted = request.GET.get("account", "")
        found = Account.objects.filter(operator=filters.operator, pk=wanted if wanted.isdecimal() else 0)
        account = found.select_related("operator").first()
        if account is None:
            raise Http404(_("There is no such account."))
        return ledger.account_sheet(account, filters.period, filters.currency)
    if name not in CHOICES or filters.operator is None:
        raise Http404(_("There is no such report."))
    return CHOICES[name].make(filters.operator, filters.period, filters.currency)


def tabs(filters: Filters, current: str) -> list[tuple[str, str, bool]]:
    """(title, address, whether it is the one shown) of every page of accounting."""
    query = filters.query()
    found = [
        (str(choice.title), f"{reverse('admin:accounting_report', args=[choice.name])}?{query}", choice.name == current)
        for choice in CHOICES.values()
    ]
    for name, title in (("months", _("Months")), ("exports", _("Exports"))):
        found.append((title, f"{reverse(f'admin:accounting_{name}')}?{query}", name == current))
    return found


def shown(section: Section, filters: Filters) -> ShownSection:
    """The texts of a table; the first column links to what a row is about."""
    rows = [
        (
            row.strong,
            [
                _cell(value, column, section.currency, _address(row, filters) if index == 0 else "")
                for index, (value, column) in enumerate(zip(row.cells, section.columns, strict=True))
            ],
        )
        for row in section.rows[:MOST_SHOWN]
    ]
    totals = [
        _cell(value, column, section.currency)
        for value, column in zip(section.totals or (), section.columns, strict=False)
    ]
    return ShownSection(section, section.columns, rows, totals, max(0, len(section.rows) - MOST_SHOWN))


def _cell(value: Value, column: Column, currency: str, href: str = "") -> ShownCell:
    if isinstance(value, Decimal):
        return ShownCell(_figure(value, column, currency), True, href)
    if isinstance(value, dt.date):
        return ShownCell(format_day(value), False, href)
    return ShownCell("" if value is None else str(value), column.numeric, href)


def _figure(value: Decimal, column: Column, currency: str) -> str:
    if column.kind == "money":
        return format_money(value, currency)
    return format_percent(value / 100) if column.kind == "percent" else format_number(value, 3)


def _address(row: Row, filters: Filters) -> str:
    if row.about is None:
        return ""
    kind, pk = row.about
    if kind == "account":
        return f"{reverse('admin:accounting_report', args=['account'])}?{filters.query(account=str(pk))}"
    names = {"party": "contracts_party", "invoice": "invoicing_invoice", "journalentry": "invoicing_journalentry"}
    return reverse(f"admin:{names[kind]}_change", args=[pk])
