"""What the pages of this app share: energy and prices in one width, days of sessions."""

import datetime as dt
from typing import Any
from zoneinfo import available_timezones

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.utils import parse_date_str

from evbilling.kernel.clock import start_of_day
from evbilling.shell.admin import money
from evbilling.shell.formats import format_kwh, format_money
from sessions.models import ChargingSession, SessionPrice


def kwh(watt_hours: int) -> SafeString:
    """Energy, right-aligned under its heading."""
    return format_html('<span class="num">{}</span>', format_kwh(watt_hours))


def price_of(session: ChargingSession) -> SafeString:
    """The session's frozen price, if it has one, in its contract's price basis."""
    price = getattr(session, "price", None)
    return money(price.amount, price.currency) if price else money(None, "")


def price_text(price: SessionPrice) -> str:
    """A price in words, which say where it includes tax."""
    amount = format_money(price.amount, price.currency)
    return gettext("%(amount)s with tax") % {"amount": amount} if price.includes_tax else amount


def zone_of(session: ChargingSession) -> str:
    """The zone in which people read the session's times: the site's, without one the workspace's."""
    return session.site.zone if session.site else get_current_timezone_name()


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
