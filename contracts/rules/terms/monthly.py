"""Terms of the month: they never alter a session charge, but stand on the document as allowances and charges."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from contracts.rules.terms.reading import Figures, label, text
from evbilling.kernel.errors import BadInput, require
from evbilling.shell.formats import format_money, format_number, format_percent, format_unit_price

FEE_UNITS = ("contract", "vehicle", "site")
ENERGY_UNITS = ("contract", "vehicle")


@dataclass(frozen=True, slots=True)
class BaseFee:
    """So much a month for the contract, each active vehicle or each site; by days where the contract holds in part."""

    amount: Decimal
    per: str

    @classmethod
    def read(cls, figures: Figures) -> "BaseFee":
        """From its figures. Raises BadInput."""
        return cls(figures.amount("amount"), figures.choice("per", FEE_UNITS))

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return {"amount": text(self.amount), "per": self.per}

    def describe(self, currency: str) -> str:
        """In a sentence."""
        words = {
            "contract": _("The base fee is %(amount)s a month."),
            "vehicle": _("The base fee is %(amount)s a month for each vehicle."),
            "site": _("The base fee is %(amount)s a month for each site."),
        }
        return words[self.per] % {"amount": format_money(self.amount, currency)}


@dataclass(frozen=True, slots=True)
class IncludedEnergy:
    """The first kWh of a month cost nothing, for the contract or for each vehicle."""

    kwh: Decimal
    per: str

    @classmethod
    def read(cls, figures: Figures) -> "IncludedEnergy":
        """From its figures. Raises BadInput."""
        return cls(figures.amount("kwh"), figures.choice("per", ENERGY_UNITS))

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return {"kwh": text(self.kwh), "per": self.per}

    def describe(self, currency: str) -> str:
        """In a sentence."""
        words = {
            "contract": _("The first %(energy)s of a month are included."),
            "vehicle": _("The first %(energy)s of a month are included for each vehicle."),
        }
        return words[self.per] % {"energy": kwh_text(self.kwh)}


@dataclass(frozen=True, slots=True)
class Tier:
    """From so many kWh of the month on, so many percent."""

    from_kwh: Decimal
    percent: Decimal


def _tiers(figures: Figures) -> tuple[Tier, ...]:
    found: list[Tier] = []
    for row in figures.rows("tiers"):
        tier = Tier(row.from_zero("from_kwh"), row.percent("percent"))
        row.done()
        require(
            not found or found[-1].from_kwh < tier.from_kwh,
            BadInput(label("from_kwh"), text(tier.from_kwh), _("Each tier must begin above the one before it.")),
        )
        found.append(tier)
    return tuple(found)


def _tiers_text(tiers: tuple[Tier, ...]) -> str:
    return "; ".join(
        _("from %(energy)s %(percent)s")
        % {"energy": kwh_text(tier.from_kwh), "percent": format_percent(tier.percent / 100)}
        for tier in tiers
    )


def _tier_figures(tiers: tuple[Tier, ...]) -> dict[str, Any]:
    return {"tiers": [{"from_kwh": text(tier.from_kwh), "percent": text(tier.percent)} for tier in tiers]}


@dataclass(frozen=True, slots=True)
class GraduatedDiscount:
    """The kWh inside each tier get that tier's discount; those below the first get none."""

    tiers: tuple[Tier, ...]

    @classmethod
    def read(cls, figures: Figures) -> "GraduatedDiscount":
        """From its figures. Raises BadInput."""
        return cls(_tiers(figures))

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return _tier_figures(self.tiers)

    def describe(self, currency: str) -> str:
        """In a sentence."""
        tiers = _tiers_text(self.tiers)
        return _("Discount on the kWh of the month inside each tier: %(tiers)s.") % {"tiers": tiers}


@dataclass(frozen=True, slots=True)
class VolumeDiscount:
    """The tier that the month's kWh reach gives its discount to the whole month."""

    tiers: tuple[Tier, ...]

    @classmethod
    def read(cls, figures: Figures) -> "VolumeDiscount":
        """From its figures. Raises BadInput."""
        return cls(_tiers(figures))

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        return _tier_figures(self.tiers)

    def describe(self, currency: str) -> str:
        """In a sentence."""
        tiers = _tiers_text(self.tiers)
        return _("Discount on the whole month by the kWh reached: %(tiers)s.") % {"tiers": tiers}


@dataclass(frozen=True, slots=True)
class MinimumCommitment:
    """What the month's charges, or its kWh, fall short of the promise is charged: `amount`, or `kwh` at a price."""

    amount: Decimal | None
    kwh: Decimal | None
    price_per_kwh: Decimal | None

    @classmethod
    def read(cls, figures: Figures) -> "MinimumCommitment":
        """From its figures. Raises BadInput."""
        promised = figures.exactly_one("amount", "kwh")
        priced = figures.has("price_per_kwh")
        found = cls(
            figures.amount_or_none("amount"), figures.amount_or_none("kwh"), figures.amount_or_none("price_per_kwh")
        )
        require(
            priced == (promised == "kwh"),
            BadInput(
                label("price_per_kwh"),
                "" if found.price_per_kwh is None else text(found.price_per_kwh),
                _("Promised kWh need a price for each missing one; a promised amount has none."),
            ),
        )
        return found

    def to_figures(self) -> dict[str, Any]:
        """As they are stored."""
        stored = {"amount": self.amount, "kwh": self.kwh, "price_per_kwh": self.price_per_kwh}
        return {name: text(value) for name, value in stored.items() if value is not None}

    def describe(self, currency: str) -> str:
        """In a sentence."""
        if self.amount is not None:
            return _("At least %(amount)s net are owed a month; what the charges fall short is charged.") % {
                "amount": format_money(self.amount, currency)
            }
        return _("At least %(energy)s are promised a month; each missing kWh costs %(price)s.") % {
            "energy": kwh_text(self.kwh or Decimal(0)),
            "price": format_unit_price(self.price_per_kwh or Decimal(0), currency),
        }


def kwh_text(value: Decimal) -> str:
    """1,000 kWh with as many decimals as there are."""
    exponent = value.normalize().as_tuple().exponent
    digits = max(0, -exponent) if isinstance(exponent, int) else 0
    return f"{format_number(value, digits)}\N{NO-BREAK SPACE}kWh"
