"""What the pages of this app share: figures in one width, rows that only operations write."""

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import available_timezones

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone_name
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.utils import parse_date_str

from evbilling.kernel.clock import start_of_day
from evbilling.shell.admin import WorkspaceAdmin
from evbilling.shell.formats import format_kwh, format_money
from sessions.models import ChargingSession


def kwh(watt_hours: int) -> SafeString:
    """Energy, right-aligned under its heading."""
    return format_html('<span class="num">{}</span>', format_kwh(watt_hours))


def money(amount: Decimal | None, currency: str) -> SafeString:
    """An amount with its currency, right-aligned; a dash where there is none."""
    text = "\N{EN DASH}" if amount is None else format_money(amount, currency)
    return format_html('<span class="money">{}</span>', text)


def price_of(session: ChargingSession) -> SafeString:
    """The session's frozen price, if it has one."""
    price = getattr(session, "price", None)
    return money(price.net_amount, price.currency) if price else money(None, "")


def zone_of(session: ChargingSession) -> str:
    """The zone in which people read the session's times: the site's."""
    return session.site.zone if session.site else "UTC"


def link_to(row: Model | None) -> SafeString | str:
    """The row's name with a link to its page."""
    if row is None:
        return "\N{EN DASH}"
    meta = row._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])
    return format_html('<a class="underline" href="{}">{}</a>', url, row)


class DayRangeFilter(RangeDateFilter):
    """Instants from one day to another, both included, in the zone of the workspace.

    An address may name another zone beside the days (`ended_at_zone`), as the dashboard's figures do.
    """

    def __init__(  # noqa: PLR0917 - as Django calls it
        self, field: Any, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any, field_path: str
    ) -> None:
        given = params.pop(f"{field_path}_zone", None)
        super().__init__(field, request, params, model, model_admin, field_path)
        self.zone = given[-1] if given and given[-1] in available_timezones() else get_current_timezone_name()

    def expected_parameters(self) -> list[str | None]:
        """The days and their zone."""
        return [*super().expected_parameters(), f"{self.parameter_name}_zone"]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrowed by the days given; what is no day is passed over."""
        for name, lookup, days in (("from", "gte", 0), ("to", "lt", 1)):
            day = parse_date_str(str(self.used_parameters.get(f"{self.parameter_name}_{name}") or ""))
            if day is not None:
                limit = start_of_day(day + dt.timedelta(days=days), self.zone)
                queryset = queryset.filter(**{f"{self.parameter_name}__{lookup}": limit})
        return queryset


class WrittenByOperations(WorkspaceAdmin):
    """Rows that people look at; operations alone write them."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody adds them by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits them."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes them."""
        return False
