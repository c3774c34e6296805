"""What the lines of monthly terms say on a document, in the active language: a text, and the because in a sentence."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contracts.rules.terms.monthly import kwh_text
from evbilling.kernel.clock import Period
from evbilling.kernel.money import quantise
from evbilling.shell.formats import format_money, format_month, format_percent, format_unit_price


def line_text(term: str, month: Period, *, late: bool = False) -> str:
    """What the line is for: "Included energy, October 2026"."""
    words = {
        "included_energy": _("Included energy, %(month)s"),
        "graduated_discount": _("Graduated discount, %(month)s"),
        "volume_discount": _("Volume discount, %(month)s"),
        "base_fee": _("Base fee, %(month)s"),
        "minimum_commitment": _("Shortfall of the minimum commitment, %(month)s"),
    }
    text = words[term] % {"month": format_month(month.start)}
    return _("%(text)s, after late sessions") % {"text": text} if late else text


def because_text(term: str, because: Mapping[str, Any], currency: str) -> str:
    """How it was reckoned, from the data that the line keeps."""
    reckoned = {
        "included_energy": _included,
        "graduated_discount": _tiers,
        "volume_discount": _tiers,
        "base_fee": _fee,
        "minimum_commitment": _promise,
    }[term](because, currency)
    if because.get("before") is not None:
        reckoned = _("%(reckoned)s The month comes to %(total)s, %(before)s of it stood on earlier documents.") % {
            "reckoned": reckoned,
            "total": _money(because["total"], currency),
            "before": _money(because["before"], currency),
        }
    if Decimal(because.get("left", 0)) > 0:
        reckoned = _("%(reckoned)s Another %(left)s follow on the next document.") % {
            "reckoned": reckoned,
            "left": _money(because["left"], currency),
        }
    return reckoned


def _money(amount: Any, currency: str) -> str:
    return format_money(quantise(Decimal(amount), currency), currency)


def _kwh(value: Any) -> str:
    return kwh_text(Decimal(value))


def _included(because: Mapping[str, Any], currency: str) -> str:
    values = {"used": _kwh(because["used_kwh"]), "kwh": _kwh(because["included_kwh"])}
    if because["per"] == "vehicle":
        count = int(because["vehicles"])
        sentence = ngettext(
            "%(count)s vehicle used %(used)s of %(kwh)s included: their energy charges are taken off.",
            "%(count)s vehicles used %(used)s of %(kwh)s included for each: their energy charges are taken off.",
            count,
        )
        return sentence % (values | {"count": count})
    return _("%(used)s of %(kwh)s included were used: their energy charges are taken off.") % values


def _tiers(because: Mapping[str, Any], currency: str) -> str:
    if not because["tiers"]:
        return _("%(energy)s in the month: no tier is reached.") % {"energy": _kwh(because["kwh"])}
    parts = [
        _("%(percent)s on %(base)s of energy charges from %(energy)s on")
        % {
            "percent": format_percent(Decimal(tier["percent"]) / 100),
            "base": _money(tier["energy_net"], currency),
            "energy": _kwh(tier["from_kwh"]),
        }
        for tier in because["tiers"]
    ]
    return _("%(energy)s in the month: %(tiers)s.") % {"energy": _kwh(because["kwh"]), "tiers": "; ".join(parts)}


def _fee(because: Mapping[str, Any], currency: str) -> str:
    amount, count = _money(because["amount"], currency), int(because["count"])
    if because["per"] == "vehicle":
        said = ngettext("%(count)s vehicle at %(amount)s", "%(count)s vehicles at %(amount)s each", count)
        said %= {"count": count, "amount": amount}
    elif because["per"] == "site":
        said = ngettext("%(count)s site at %(amount)s", "%(count)s sites at %(amount)s each", count)
        said %= {"count": count, "amount": amount}
    else:
        said = _("%(amount)s a month") % {"amount": amount}
    return _("%(said)s%(days)s.") % {"said": said, "days": _days(because)}


def _promise(because: Mapping[str, Any], currency: str) -> str:
    if "promised_amount" in because:
        return _("%(promised)s promised%(days)s, %(owed)s charged.") % {
            "promised": _money(because["promised_amount"], currency),
            "days": _days(because),
            "owed": _money(because["owed_amount"], currency),
        }
    return _("%(promised)s promised%(days)s, %(used)s taken: %(missing)s missing at %(price)s per kWh.") % {
        "promised": _kwh(because["promised_kwh"]),
        "days": _days(because),
        "used": _kwh(because["kwh"]),
        "missing": _kwh(because["missing_kwh"]),
        "price": format_unit_price(Decimal(because["price_per_kwh"]), currency),
    }


def _days(because: Mapping[str, Any]) -> str:
    """Said only where the contract holds in part of the month."""
    days, of = int(because["days"]), int(because["month_days"])
    return "" if days == of else _(", %(days)s of %(of)s days") % {"days": days, "of": of}
