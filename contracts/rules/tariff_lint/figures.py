"""Figures that deserve a second look: steps, taxes, precision, limits, prices out of the operator's ordinary."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from contracts.rules.tariff_form import PriceRow, TariffRows
from contracts.rules.tariff_lint.findings import Severity, TariffFinding
from contracts.rules.tariff_text import price_in_words, step_in_words
from evbilling.shell.formats import format_unit_price

LARGE_STEP = {"ENERGY": 1000, "TIME": 900, "PARKING_TIME": 900}
"""Wh or seconds above which a step is larger than usual: customers pay for much that they did not use."""
MOST_DECIMALS = 4
"""OCPI's type number has up to four decimals; a partner may cut the rest."""
TOLERANCE = Decimal("0.25")


@dataclass(frozen=True, slots=True)
class Band:
    """The lowest and highest price of one kind in the operator's released tariffs of a currency; free ones aside."""

    low: Decimal
    high: Decimal


def figure_findings(
    tariff: TariffRows, where: Sequence[str], currency: str, bands: Mapping[str, Band]
) -> Iterator[TariffFinding]:
    """All of them, row by row, then those of the whole tariff."""
    for index, row in enumerate(tariff.rows):
        for severity, code, name, message in (*_of_row(row, currency), *_out_of_band(row, currency, bands)):
            yield TariffFinding(severity, code, f"{where[index]}.{name}", message, index)
    yield from _taxes(tariff, where)
    yield from _limits(tariff, currency)
    if all(not row.price for row in tariff.rows) and tariff.min_price is None:
        yield TariffFinding(Severity.WARNING, "all_free", "elements", _("All prices are zero: every session is free."))


type _Remark = tuple[Severity, str, str, str]


def _of_row(row: PriceRow, currency: str) -> Iterator[_Remark]:
    largest = LARGE_STEP.get(row.dimension)
    if largest is not None and row.step_size > largest:
        yield (
            Severity.WARNING,
            "large_step",
            "step_size",
            _("Counted in steps of %(step)s; usual is %(usual)s at most.")
            % {"step": step_in_words(row.dimension, row.step_size), "usual": step_in_words(row.dimension, largest)},
        )
    exponent = row.price.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > MOST_DECIMALS:
        yield (
            Severity.WARNING,
            "too_precise",
            "price",
            _("%(price)s has more than four decimals, which OCPI does not carry to partners.")
            % {"price": format_unit_price(row.price, currency)},
        )
    conditions = row.conditions
    if conditions.day_of_week and "00:00" < (conditions.end_time or "00:00") <= (conditions.start_time or "00:00"):
        yield (
            Severity.WARNING,
            "over_midnight",
            "day_of_week",
            _("The window goes over midnight: its hours after midnight count for the weekday on which they fall."),
        )


def _out_of_band(row: PriceRow, currency: str, bands: Mapping[str, Band]) -> Iterator[_Remark]:
    band = bands.get(row.dimension)
    if band is None or not row.price or row.conditions.reservation:
        return
    if band.low * (1 - TOLERANCE) <= row.price <= band.high * (1 + TOLERANCE):
        return
    sentence = (
        _("%(price)s is far above what your released tariffs charge: %(usual)s.")
        if row.price > band.high
        else _("%(price)s is far below what your released tariffs charge: %(usual)s.")
    )
    yield (
        Severity.WARNING,
        "unusual_price",
        "price",
        sentence
        % {
            "price": price_in_words(row.dimension, row.price, currency),
            "usual": format_unit_price(band.low, currency)
            if band.low == band.high
            else _("%(low)s to %(high)s")
            % {"low": format_unit_price(band.low, currency), "high": format_unit_price(band.high, currency)},
        },
    )


def _taxes(tariff: TariffRows, where: Sequence[str]) -> Iterator[TariffFinding]:
    if tariff.tax_included == "N/A":
        return
    missing = [index for index, row in enumerate(tariff.rows) if row.vat is None and row.price]
    if tariff.tax_included == "YES":
        for index in missing:
            yield TariffFinding(
                Severity.ERROR,
                "tax_rate_missing",
                f"{where[index]}.vat",
                _("Price %(row)s includes tax; say the rate in percent, or no net price follows from it.")
                % {"row": index + 1},
                index,
            )
        return
    if not missing:
        return
    if len(missing) == len([row for row in tariff.rows if row.price]):
        yield TariffFinding(
            Severity.NOTE,
            "tax_missing",
            "elements",
            _("No tax is stated: the tax table of the site's country decides."),
        )
        return
    for index in missing:
        yield TariffFinding(
            Severity.WARNING,
            "tax_missing",
            f"{where[index]}.vat",
            _("Price %(row)s states no tax while others do: the tax table decides for it alone.") % {"row": index + 1},
            index,
        )


def _limits(tariff: TariffRows, currency: str) -> Iterator[TariffFinding]:
    for key, limit in (("min_price", tariff.min_price), ("max_price", tariff.max_price)):
        if limit is None:
            continue
        if limit.incl is not None:
            yield TariffFinding(
                Severity.NOTE,
                "limit_basis",
                key,
                _("The limit without tax binds contracts with net prices, the one with tax those with gross prices."),
            )
        elif limit.excl:
            yield TariffFinding(
                Severity.NOTE,
                "limit_net_only",
                key,
                _("The limit is stated without tax only: contracts with gross prices have none."),
            )
    if tariff.max_price is not None and tariff.max_price.excl == 0:
        yield TariffFinding(Severity.WARNING, "all_free", "max_price", _("The most is zero: every session is free."))
    highest = tariff.max_price.excl if tariff.max_price else None
    fee = max((row.price for row in tariff.rows if row.dimension == "FLAT"), default=Decimal(0))
    if highest and fee > highest:
        yield TariffFinding(
            Severity.WARNING,
            "fee_above_limit",
            "max_price",
            _("The fee of %(fee)s alone is more than the most that a session may cost, %(limit)s.")
            % {"fee": format_unit_price(fee, currency), "limit": format_unit_price(highest, currency)},
        )
