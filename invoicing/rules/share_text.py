"""What a line of a settlement says: its arithmetic in words, in the active language."""

import datetime as dt
from decimal import Decimal

from django.utils.translation import gettext as _

from contracts.rules.shares import Share, ShareTerms
from evbilling.shell.formats import format_kwh, format_money, format_month, format_percent, format_unit_price
from invoicing.rules.sharing import MonthTotals, ShareBase, part_of_net, rent_for


def session_text(terms: ShareTerms, base: ShareBase, currency: str) -> str:
    """The arithmetic of a share per session in words."""
    if terms.kind == Share.PER_KWH:
        return _("%(energy)s charged and billed at %(price)s a kWh") % {
            "energy": format_kwh(base.paid_wh, 3),
            "price": format_unit_price(terms.per_kwh or Decimal(0), currency),
        }
    return _("%(percent)s of %(base)s net charging revenue") % {
        "percent": format_percent((terms.percent or Decimal(0)) / 100),
        "base": format_money(base.net, currency),
    }


def month_text(
    terms: ShareTerms, month: dt.date, totals: MonthTotals, *, due: Decimal, before: Decimal, currency: str
) -> str:
    """The arithmetic of a month in words; what was settled of it before comes last."""
    named = format_month(month)
    if terms.kind == Share.COST:
        text = _("%(month)s: %(energy)s metered at %(price)s a kWh") % {
            "month": named,
            "energy": format_kwh(totals.energy_wh, 3),
            "price": format_unit_price(terms.per_kwh or Decimal(0), currency),
        }
    elif terms.kind == Share.FIXED_RENT:
        text = _("%(month)s: rent") % {"month": named} + _of_days(terms, totals, currency)
    else:
        rent = rent_for(terms.rent or Decimal(0), totals.days, totals.month_days, currency)
        parts = [
            _("%(percent)s of %(base)s net charging revenue = %(part)s")
            % {
                "percent": format_percent((terms.percent or Decimal(0)) / 100),
                "base": format_money(totals.net, currency),
                "part": format_money(part_of_net(terms.percent or Decimal(0), totals.net, currency), currency),
            }
        ]
        if terms.per_kwh is not None:
            parts.append(
                _("%(energy)s at %(price)s a kWh")
                % {
                    "energy": format_kwh(totals.energy_wh, 3),
                    "price": format_unit_price(terms.per_kwh, currency),
                }
            )
        parts.append(_("rent %(rent)s") % {"rent": format_money(rent, currency)} + _of_days(terms, totals, currency))
        text = _("%(month)s: the greatest of %(parts)s") % {"month": named, "parts": "; ".join(parts)}
    if before:
        text += "; " + _("%(due)s less %(before)s settled before") % {
            "due": format_money(due, currency),
            "before": format_money(before, currency),
        }
    return text


def _of_days(terms: ShareTerms, totals: MonthTotals, currency: str) -> str:
    if totals.days == totals.month_days:
        return ""
    return ", " + _("%(days)s of %(month_days)s days of %(rent)s") % {
        "days": totals.days,
        "month_days": totals.month_days,
        "rent": format_money(terms.rent or Decimal(0), currency),
    }
