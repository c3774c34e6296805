"""Which tax a line carries: category (EN 16931 BT-118), rate in percent, and the printed ground where none is charged.

The rate of a place is the most specific row of the table that holds on the day: its region, otherwise its country. A
rate that the tariff itself states wins over the table, for standard treatment alone. No rate found is an error, never
zero percent.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BillingError
from evbilling.shell.formats import format_day

NO_TAX = Decimal(0)


class Category(StrEnum):
    """EN 16931 VAT category codes in use."""

    STANDARD = "S"
    ZERO = "Z"
    REVERSE_CHARGE = "AE"
    EXEMPT = "E"
    OUTSIDE = "O"


class Treatment(StrEnum):
    """How a contract's supplies are taxed (ContractVersion.tax_treatment)."""

    STANDARD = "standard"
    REVERSE_CHARGE = "reverse_charge"
    EXEMPT = "exempt"


class HostStatus(StrEnum):
    """How a host stands towards tax when it supplies us (Party.tax_status)."""

    REGISTERED = "registered"
    EXEMPT_SMALL = "exempt_small"
    NOT_TAXABLE = "not_taxable"


class Ground(StrEnum):
    """Why no tax is charged; the document prints its text in the reader's language."""

    NONE = ""
    REVERSE_CHARGE = "reverse_charge"
    EXEMPT = "exempt"
    SMALL_BUSINESS = "small_business"
    NOT_TAXABLE = "not_taxable"
    COMPENSATION = "compensation"


class MissingTaxRate(BillingError):
    """No row of the tax table covers the place and the day."""

    code = "missing_tax_rate"

    def __init__(self, place: "Place", on: dt.date) -> None:
        where = f"{place.country} {place.region}".strip() or _("a site without a country")
        super().__init__(
            _("There is no tax rate for %(place)s on %(day)s. Add it to the tax rates, then bill again.")
            % {"place": where, "day": format_day(on)}
        )


class MissingCustomerTaxId(BillingError):
    """Reverse charge needs the customer's VAT id on the document (EN 16931 BR-AE-02)."""

    code = "missing_customer_tax_id"

    def __init__(self, party: str) -> None:
        super().__init__(_("%s is billed under reverse charge but has no VAT id. Enter it, then bill again.") % party)


class WrongCustomerTaxId(BillingError):
    """Reverse charge rests on a VAT id that its country's check digits refuse, or that no country can check."""

    code = "wrong_customer_tax_id"

    def __init__(self, party: str, vat_id: str) -> None:
        super().__init__(
            _(
                "%(party)s is billed under reverse charge, but %(vat_id)s is no valid VAT id. Correct it from the "
                "company's papers, or tax the contract, then bill again."
            )
            % {"party": party, "vat_id": vat_id}
        )


class DomesticReverseCharge(BillingError):
    """Reverse charge of Article 196 is for customers of other countries; the supply is in the customer's own."""

    code = "domestic_reverse_charge"

    def __init__(self, party: str, vat_id: str, country: str) -> None:
        super().__init__(
            _(
                "%(party)s is billed under reverse charge, but its VAT id %(vat_id)s is of %(country)s, where the "
                "supply is taxed. Tax the contract; or, where the law of %(country)s lets the customer owe the tax, "
                "write its ground into the party's ground of exemption. Then bill again."
            )
            % {"party": party, "vat_id": vat_id, "country": country}
        )


_GROUND_CODES = {
    Ground.REVERSE_CHARGE: "VATEX-EU-AE",
    Ground.NOT_TAXABLE: "VATEX-EU-O",
    Ground.COMPENSATION: "VATEX-EU-O",
}


def ground_code(ground: Ground, own: str) -> str:
    """The VATEX code of a ground: of an exemption the party's `own`, for the list has no general one."""
    return own if ground in {Ground.EXEMPT, Ground.SMALL_BUSINESS} else _GROUND_CODES.get(ground, "")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is supplied: ISO country and the region as the tax table names it (or empty)."""

    country: str
    region: str = ""


@dataclass(frozen=True, slots=True)
class RateRow:
    """One row of the tax table; `valid_to` is the first day on which it no longer holds."""

    place: Place
    percent: Decimal
    valid_from: dt.date
    valid_to: dt.date | None = None

    def holds_on(self, on: dt.date) -> bool:
        """Whether the row covers the day."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one line. Two lines with equal Tax share a row of the document's tax table."""

    category: Category
    percent: Decimal
    ground: Ground = Ground.NONE


@dataclass(frozen=True, slots=True)
class TaxTable:
    """All known rates. Where rows overlap, the one that began last holds."""

    rows: Iterable[RateRow] = ()
    _by_place: dict[tuple[str, str], list[RateRow]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_place: dict[tuple[str, str], list[RateRow]] = defaultdict(list)
        for row in self.rows:
            by_place[_key(row.place)].append(row)
        for rows in by_place.values():
            rows.sort(key=lambda row: row.valid_from, reverse=True)
        object.__setattr__(self, "_by_place", dict(by_place))

    def percent(self, place: Place, on: dt.date) -> Decimal:
        """The rate in percent at a place on a day. Raises MissingTaxRate."""
        for key in (_key(place), (_key(place)[0], "")):
            for row in self._by_place.get(key, ()):
                if row.holds_on(on):
                    return row.percent
        raise MissingTaxRate(place, on)


def _key(place: Place) -> tuple[str, str]:
    return place.country.strip().upper(), place.region.strip().casefold()


def _at_rate(percent: Decimal) -> Tax:
    return Tax(Category.STANDARD if percent else Category.ZERO, percent)


def supply_tax(treatment: Treatment, stated: Decimal | None, place: Place, on: dt.date, table: TaxTable) -> Tax:
    """The tax on what we supply to a customer; `stated` is the tariff's own rate in percent, if it has one.

    Raises MissingTaxRate.
    """
    if treatment is Treatment.REVERSE_CHARGE:
        return Tax(Category.REVERSE_CHARGE, NO_TAX, Ground.REVERSE_CHARGE)
    if treatment is Treatment.EXEMPT:
        return Tax(Category.EXEMPT, NO_TAX, Ground.EXEMPT)
    return _at_rate(table.percent(place, on) if stated is None else stated)


def host_tax(status: HostStatus, place: Place, on: dt.date, table: TaxTable) -> Tax:
    """The tax on what a host supplies to us (self-billed): his site's rate, or none with its ground.

    Raises MissingTaxRate.
    """
    if status is HostStatus.EXEMPT_SMALL:
        return Tax(Category.EXEMPT, NO_TAX, Ground.SMALL_BUSINESS)
    if status is HostStatus.NOT_TAXABLE:
        return Tax(Category.OUTSIDE, NO_TAX, Ground.NOT_TAXABLE)
    return _at_rate(table.percent(place, on))
