"""Template tags of every face: formats, badges, icons, tables, form fields, figures."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from evbilling.kernel.clock import local_date
from evbilling.shell import formats
from evbilling.shell.icons import icon_svg
from evbilling.shell.tables import NO_VALUE, Table

register = template.Library()


@register.filter
def money(amount: Decimal | None, currency: str) -> str:
    """{{ invoice.total_amount|money:invoice.currency }}"""
    return NO_VALUE if amount is None else formats.format_money(amount, currency)


@register.filter
def unit_price(amount: Decimal | None, currency: str) -> str:
    """{{ tariff.price|unit_price:"EUR" }} keeps the decimals of a price per unit."""
    return NO_VALUE if amount is None else formats.format_unit_price(amount, currency)


@register.filter
def kwh(wh: int | None) -> str:
    """{{ session.energy_wh|kwh }}"""
    return NO_VALUE if wh is None else formats.format_kwh(wh)


@register.filter
def duration(seconds: int | None) -> str:
    """{{ session.duration_seconds|duration }}"""
    return NO_VALUE if seconds is None else formats.format_duration(seconds)


@register.filter
def day(value: dt.date | None, zone: str = "") -> str:
    """{{ invoice.due_on|day }}; {{ session.ended_at|day:site.zone }}: the day of an instant in a zone."""
    if isinstance(value, dt.datetime):
        value = local_date(value, zone or timezone.get_current_timezone_name())
    return NO_VALUE if value is None else formats.format_day(value)


@register.filter
def month(value: dt.date | None) -> str:
    """{{ period.start|month }}"""
    return NO_VALUE if value is None else formats.format_month(value)


@register.filter
def instant(at: dt.datetime | None, zone: str = "") -> str:
    """{{ session.ended_at|instant:contract.zone }} says the zone; the page's clock where none is given."""
    return NO_VALUE if at is None else formats.format_instant(at, zone or timezone.get_current_timezone_name())


@register.filter
def percent(rate: Decimal | None) -> str:
    """{{ line.vat_rate|percent }} of a rate such as 0.19."""
    return NO_VALUE if rate is None else formats.format_percent(rate)


@register.filter
def share(part: Decimal | None) -> str:
    """{{ row.share|share }}: a rate such as 0.0635 in a column of its like, always with two decimals: 6.35 %."""
    return NO_VALUE if part is None else f"{formats.format_number(part * 100, 2)}\N{NO-BREAK SPACE}%"


@register.simple_tag
def badge(label: Any, tone: str = "neutral") -> SafeString:
    """{% badge invoice.state_label "success" %}"""
    return format_html('<span class="badge badge-{}">{}</span>', tone, label)


@register.simple_tag
def icon(name: str) -> SafeString:
    """{% icon "bolt" %}: decorative, hidden from screen readers."""
    return icon_svg(name)


@register.inclusion_tag("portal/components/table.html")
def table(table: Table) -> dict[str, Any]:
    """{% table sessions %} of an evbilling.shell.tables.Table."""
    return {"table": table, "rows": list(table.body)}


@register.inclusion_tag("portal/components/stat.html")
def stat(label: Any, value: Any, hint: Any = "", tone: str = "", href: str = "") -> dict[str, Any]:
    """{% stat _("Cost") total hint=change tone="danger" href=url %}: one figure; every number opens."""
    return {"label": label, "value": value, "hint": hint, "tone": tone, "href": href}


@register.inclusion_tag("portal/components/field.html")
def field(bound: BoundField) -> dict[str, Any]:
    """{% field form.email %}: label, control, help and errors, tied together for screen readers."""
    widget = bound.field.widget
    return {
        "field": bound,
        "checkbox": isinstance(widget, CheckboxInput),
        "group": isinstance(widget, RadioSelect | CheckboxSelectMultiple),
    }


@register.filter
def open_for(actions: Sequence[Mapping[str, Any]], row: Any) -> list[Mapping[str, Any]]:
    """The buttons of a list that the row's state leaves open, as `WorkspaceAdmin` noted on the row; else each."""
    paths = getattr(row, "open_paths", None)
    return [each for each in actions if paths is None or each["raw_path"] in paths]
