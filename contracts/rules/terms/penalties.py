"""Penalties: what is due when somebody does not keep to the contract, and what the operator owes for missed uptime."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contracts.rules.terms.reading import Figures, label, text
from evbilling.kernel.errors import BadInput, require
from evbilling.shell.formats import format_money, format_percent, format_unit_price

UPTIME_UNITS = ("station", "site")
_WEEK_MINUTES = 7 * 24 * 60


def _texts(**figures: Decimal | int | str | bool | None) -> dict[str, Any]:
    """Figures as they are stored; what is left out is not stored."""
    return {
        name: text(value) if isinstance(value, Decimal) else value
        for name, value in figures.items()
        if value is not None and value is not False
    }


@dataclass(frozen=True, slots=True)
class Overstay:
    """Each minute after the end of charging and the grace costs `price_per_minute`, up to the caps."""

    price_per_minute: Decimal
    grace_minutes: int
    session_cap: Decimal | None
    day_cap: Decimal | None

    @classmethod
    def read(cls, figures: Figures) -> "Overstay":
        """From its figures. Raises BadInput."""
        return cls(
            figures.amount("price_per_minute"),
            figures.whole("grace_minutes", low=0, high=_WEEK_MINUTES, missing=0),
            figures.amount_or_none("session_cap"),
            figures.amount_or_none("day_cap"),
        )

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return _texts(
            price_per_minute=self.price_per_minute,
            grace_minutes=self.grace_minutes,
            session_cap=self.session_cap,
            day_cap=self.day_cap,
        )

    def describe(self, currency: str) -> str:
        """In a sentence."""
        said = _("Staying after charging has ended costs %(price)s a minute, from %(grace)s after the end on") % {
            "price": format_unit_price(self.price_per_minute, currency),
            "grace": minutes_text(self.grace_minutes),
        }
        if self.session_cap is not None:
            said = _("%(said)s, at most %(amount)s a session") % {
                "said": said,
                "amount": format_money(self.session_cap, currency),
            }
        if self.day_cap is not None:
            said = _("%(said)s, at most %(amount)s a day") % {
                "said": said,
                "amount": format_money(self.day_cap, currency),
            }
        return f"{said}."


@dataclass(frozen=True, slots=True)
class NoShow:
    """A reservation that nobody uses costs an amount, where the driver does not come within the grace."""

    amount: Decimal
    grace_minutes: int

    @classmethod
    def read(cls, figures: Figures) -> "NoShow":
        """From its figures. Raises BadInput."""
        return cls(figures.amount("amount"), figures.whole("grace_minutes", low=0, high=_WEEK_MINUTES, missing=0))

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return _texts(amount=self.amount, grace_minutes=self.grace_minutes)

    def describe(self, currency: str) -> str:
        """In a sentence."""
        return _("A reservation that is not used costs %(amount)s, after %(grace)s of grace.") % {
            "amount": format_money(self.amount, currency),
            "grace": minutes_text(self.grace_minutes),
        }


@dataclass(frozen=True, slots=True)
class LatePayment:
    """Interest from the day after due, and a flat amount once; `eu_default` takes both from Directive 2011/7/EU
    (business debtors): the reference rate and 8 points, and its flat amount."""

    yearly_percent: Decimal | None
    eu_default: bool
    flat_amount: Decimal | None

    @classmethod
    def read(cls, figures: Figures) -> "LatePayment":
        """From its figures. Raises BadInput."""
        found = cls(
            figures.percent_or_none("yearly_percent"),
            figures.flag("eu_default"),
            figures.amount_or_none("flat_amount"),
        )
        require(
            not (found.eu_default and found.yearly_percent is not None),
            BadInput(
                label("yearly_percent"),
                found.yearly_percent,
                _("Take either the statutory default or a rate of your own."),
            ),
        )
        require(
            found.eu_default or found.yearly_percent is not None or found.flat_amount is not None,
            BadInput(label("yearly_percent"), "", _("Say what late payment costs: interest, a flat amount, or both.")),
        )
        return found

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return _texts(yearly_percent=self.yearly_percent, eu_default=self.eu_default, flat_amount=self.flat_amount)

    def describe(self, currency: str) -> str:
        """In a sentence."""
        parts = []
        if self.eu_default:
            parts.append(_("interest of 8 points above the reference rate a year (Directive 2011/7/EU)"))
        if self.yearly_percent is not None:
            parts.append(_("interest of %(percent)s a year") % {"percent": format_percent(self.yearly_percent / 100)})
        if self.flat_amount is not None:
            parts.append(
                _("a flat amount of %(amount)s a document") % {"amount": format_money(self.flat_amount, currency)}
            )
        elif self.eu_default:
            parts.append(_("the statutory flat amount a document"))
        return _("Paying late costs %(what)s, from the day after the due date on.") % {"what": _(" and ").join(parts)}


@dataclass(frozen=True, slots=True)
class FailedPayment:
    """A payment that the customer's bank or card returns costs an amount."""

    amount: Decimal

    @classmethod
    def read(cls, figures: Figures) -> "FailedPayment":
        """From its figures. Raises BadInput."""
        return cls(figures.amount("amount"))

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return _texts(amount=self.amount)

    def describe(self, currency: str) -> str:
        """In a sentence."""
        return _("A payment that fails or is returned costs %(amount)s.") % {
            "amount": format_money(self.amount, currency)
        }


@dataclass(frozen=True, slots=True)
class EarlyTermination:
    """Ending before the minimum term costs an amount, months of base fee, or a part of the remaining commitment."""

    amount: Decimal | None
    months_of_base_fee: int | None
    remaining_commitment_percent: Decimal | None

    @classmethod
    def read(cls, figures: Figures) -> "EarlyTermination":
        """From its figures. Raises BadInput."""
        figures.exactly_one("amount", "months_of_base_fee", "remaining_commitment_percent")
        return cls(
            figures.amount_or_none("amount"),
            figures.whole("months_of_base_fee", low=1, high=120, missing=0) or None,
            figures.percent_or_none("remaining_commitment_percent"),
        )

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return _texts(
            amount=self.amount,
            months_of_base_fee=self.months_of_base_fee,
            remaining_commitment_percent=self.remaining_commitment_percent,
        )

    def describe(self, currency: str) -> str:
        """In a sentence."""
        if self.amount is not None:
            what = format_money(self.amount, currency)
        elif self.months_of_base_fee is not None:
            what = ngettext("%(count)s month of base fee", "%(count)s months of base fee", self.months_of_base_fee) % {
                "count": self.months_of_base_fee
            }
        else:
            what = _("%(percent)s of what is committed until then") % {
                "percent": format_percent((self.remaining_commitment_percent or Decimal(0)) / 100)
            }
        return _("Ending the contract before its minimum term costs %(what)s.") % {"what": what}


@dataclass(frozen=True, slots=True)
class UptimePromise:
    """The operator's own promise: so many percent of the month's time in service, for each station or a site's
    stations together. What is missed is credited: percent of the month's charges for each point, or an amount."""

    percent: Decimal
    per: str
    credit_percent_per_point: Decimal | None
    credit_amount: Decimal | None
    cap_percent: Decimal | None

    @classmethod
    def read(cls, figures: Figures) -> "UptimePromise":
        """From its figures. Raises BadInput."""
        figures.exactly_one("credit_percent_per_point", "credit_amount")
        return cls(
            figures.percent("percent"),
            figures.choice("per", UPTIME_UNITS),
            figures.percent_or_none("credit_percent_per_point"),
            figures.amount_or_none("credit_amount"),
            figures.percent_or_none("cap_percent"),
        )

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return _texts(
            percent=self.percent,
            per=self.per,
            credit_percent_per_point=self.credit_percent_per_point,
            credit_amount=self.credit_amount,
            cap_percent=self.cap_percent,
        )

    def describe(self, currency: str) -> str:
        """In a sentence."""
        words = {
            "station": _("The operator promises that each station works %(percent)s of the month's time"),
            "site": _("The operator promises that the stations of a site work %(percent)s of the month's time"),
        }
        said = words[self.per] % {"percent": format_percent(self.percent / 100)}
        if self.credit_amount is not None:
            said = _("%(said)s; in a month in which it does not, %(amount)s are credited") % {
                "said": said,
                "amount": format_money(self.credit_amount, currency),
            }
        else:
            said = _("%(said)s; each point missed is credited with %(percent)s of the month's charges there") % {
                "said": said,
                "percent": format_percent((self.credit_percent_per_point or Decimal(0)) / 100),
            }
        if self.cap_percent is not None:
            said = _("%(said)s, at most %(percent)s of them") % {
                "said": said,
                "percent": format_percent(self.cap_percent / 100),
            }
        return f"{said}."


def minutes_text(minutes: int) -> str:
    """15 minutes."""
    return ngettext("%(count)s minute", "%(count)s minutes", minutes) % {"count": minutes}
