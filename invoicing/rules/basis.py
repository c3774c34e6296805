"""The basis of prices: with tax (consumers) or without, and what an amount of one basis is in the other. Pure.

A document adds up one basis. What was priced in the other one comes in here: a sponsor whose contract is net pays part
of a session that was priced with tax, or the other way round; and a price that includes a tax which its payer does not
owe (reverse charge, exempt) is billed at its net.

    on a document without tax in its prices     the charge's net; of a price with tax round(gross / (1 + rate))
    on a document with tax in its prices        the charge's gross where its tax is the one that the document charges,
                                                else round(net x (1 + the document's rate))
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from evbilling.kernel.money import quantise
from invoicing.rules.tax import Tax


@dataclass(frozen=True, slots=True)
class Charged:
    """A session charge as it stands: `gross` where its price includes tax, at the rate (percent) that was stated."""

    net: Decimal
    gross: Decimal | None
    stated: Decimal | None


def billed_amount(charge: Charged, tax: Tax, currency: str, *, with_tax: bool) -> Decimal:
    """What a document bills for a charge in its own basis, rounded once; `tax` is the one that it charges there."""
    if not with_tax:
        return quantise(charge.net, currency)
    if charge.gross is not None and (charge.stated or Decimal(0)) == tax.percent:
        return quantise(charge.gross, currency)
    return quantise(Fraction(charge.net) * (1 + Fraction(tax.percent) / 100), currency)
