"""What hosts earn and sponsors pay: the kinds of revenue share and sponsorship, their figures, and the words for them.

A host's share is said per site; one that names the site beats the one for all sites. A sponsor pays `percent` of the
net price of what it covers: of every session, of the first kWh of each vehicle in a month, or until its budget is used.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BadInput, require
from evbilling.shell.formats import format_money, format_number, format_percent, format_unit_price

WHOLE = Decimal(100)
MOST_RENT = Decimal(10_000_000)
MOST_PER_KWH = Decimal(1_000)
MOST_KWH = Decimal(1_000_000)
MOST_BUDGET = Decimal(100_000_000)


class Share(StrEnum):
    """The kinds of revenue share (contracts.models.ShareKind)."""

    PERCENT = "percent"
    PER_KWH = "per_kwh"
    FIXED_RENT = "fixed_rent"
    GREATER_OF = "greater_of"
    COST = "cost"


class Sponsor(StrEnum):
    """The kinds of sponsorship (contracts.models.SponsorKind)."""

    PERCENT = "percent"
    FIRST_KWH = "first_kwh"
    BUDGET = "budget"


class BudgetSpan(StrEnum):
    """What a sponsor's budget is for (contracts.models.BudgetPeriod)."""

    MONTH = "month"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class ShareTerms:
    """What a host earns at a site. `percent` 60 for 60 %, `per_kwh` and `rent` (a month) in the contract's currency.

    Figures that the kind does not use are None.
    """

    kind: Share
    percent: Decimal | None = None
    per_kwh: Decimal | None = None
    rent: Decimal | None = None

    @property
    def is_monthly(self) -> bool:
        """Whether it is reckoned on the totals of a calendar month, not on each billed session."""
        return self.kind in {Share.FIXED_RENT, Share.GREATER_OF, Share.COST}


@dataclass(frozen=True, slots=True)
class SponsorTerms:
    """What a sponsor pays: `percent` of the net price, within its limit where it has one.

    `limit_wh`: energy per vehicle and calendar month. `budget`: amount in the contract's currency for `span`; a person
    is told when `alert_percent` of it is used.
    """

    kind: Sponsor
    percent: Decimal
    limit_wh: int | None = None
    budget: Decimal | None = None
    span: BudgetSpan | None = None
    alert_percent: Decimal | None = None

    @property
    def is_limited(self) -> bool:
        """Whether what one session gets depends on the sessions before it."""
        return self.kind != Sponsor.PERCENT


def _figure(name: str, value: Decimal | None, most: Decimal, *, least: Decimal | None = None) -> Decimal:
    if value is None or not Decimal(value).is_finite():
        raise BadInput(name, value, _("This kind needs it; give a number."))
    low = Decimal(0) if least is None else least
    require(
        low <= value <= most,
        BadInput(name, value, _("Give a number from %(low)s to %(high)s.") % {"low": low, "high": most}),
    )
    return value


def _unused(**figures: object) -> None:
    for name, value in figures.items():
        require(value in {None, ""}, BadInput(name, value, _("This kind does not use it; leave it empty.")))


def share_terms(kind: str, percent: Decimal | None, per_kwh: Decimal | None, rent: Decimal | None) -> ShareTerms:
    """A revenue share from its figures. Raises BadInput naming the field that is missing, too much or out of range."""
    require(kind in set(Share), BadInput("kind", kind, _("Choose one of: %s.") % ", ".join(Share)))
    found = ShareTerms(Share(kind), percent, per_kwh, rent)
    if found.kind in {Share.PERCENT, Share.GREATER_OF}:
        _figure("percent_of_net", percent, WHOLE)
    else:
        _unused(percent_of_net=percent)
    if found.kind in {Share.PER_KWH, Share.COST} or (found.kind == Share.GREATER_OF and per_kwh is not None):
        _figure("per_kwh_amount", per_kwh, MOST_PER_KWH)
    else:
        _unused(per_kwh_amount=per_kwh)
    if found.kind in {Share.FIXED_RENT, Share.GREATER_OF}:
        _figure("rent_amount", rent, MOST_RENT)
    else:
        _unused(rent_amount=rent)
    return found


def sponsor_terms(
    kind: str,
    percent: Decimal | None,
    *,
    kwh_per_month: Decimal | None = None,
    budget: Decimal | None = None,
    span: str = "",
    alert_percent: Decimal | None = None,
) -> SponsorTerms:
    """A sponsorship from its figures. Raises BadInput naming the field that is missing, too much or out of range."""
    require(kind in set(Sponsor), BadInput("kind", kind, _("Choose one of: %s.") % ", ".join(Sponsor)))
    known = Sponsor(kind)
    share = _figure("percent", percent, WHOLE, least=Decimal("0.01"))
    if known == Sponsor.FIRST_KWH:
        kwh = _figure("kwh_per_month", kwh_per_month, MOST_KWH, least=Decimal("0.001"))
        require(
            kwh * 1000 == int(kwh * 1000),
            BadInput("kwh_per_month", kwh_per_month, _("Give at most three decimals: whole watt-hours.")),
        )
    else:
        _unused(kwh_per_month=kwh_per_month)
    if known == Sponsor.BUDGET:
        _figure("budget_amount", budget, MOST_BUDGET, least=Decimal("0.01"))
        require(
            span in set(BudgetSpan), BadInput("budget_period", span, _("Choose one of: %s.") % ", ".join(BudgetSpan))
        )
        if alert_percent is not None:
            _figure("alert_percent", alert_percent, WHOLE, least=Decimal(1))
    else:
        _unused(budget_amount=budget, budget_period=span, alert_percent=alert_percent)
    return SponsorTerms(
        kind=known,
        percent=share,
        limit_wh=None if kwh_per_month is None else int(kwh_per_month * 1000),
        budget=budget,
        span=BudgetSpan(span) if span else None,
        alert_percent=alert_percent,
    )


def share_at[S](shares: Iterable[tuple[int | None, S]], site_id: int | None) -> S | None:
    """Of (site, share) pairs the one for a site: one that names it beats the one for all sites; None where none is."""
    by_site = dict(shares)
    return by_site.get(site_id) if site_id in by_site else by_site.get(None)


def share_sentence(terms: ShareTerms, currency: str, site: str = "") -> str:
    """What the host earns, in one sentence; `site` empty: at each site of the contract."""
    where = site or _("each site")
    figures = {
        "where": where,
        "percent": format_percent((terms.percent or Decimal(0)) / 100),
        "price": format_unit_price(terms.per_kwh or Decimal(0), currency),
        "rent": format_money(terms.rent or Decimal(0), currency),
    }
    if terms.kind == Share.PERCENT:
        words = _("%(percent)s of the net charging revenue at %(where)s.")
    elif terms.kind == Share.PER_KWH:
        words = _("%(price)s for each kWh charged and billed at %(where)s.")
    elif terms.kind == Share.FIXED_RENT:
        words = _("A rent of %(rent)s a month for %(where)s, by the day where a month is not whole.")
    elif terms.kind == Share.COST:
        words = _("%(price)s for each kWh that was metered at %(where)s, also of sessions that nobody pays for.")
    elif terms.per_kwh is None:
        words = _("At %(where)s the greater of %(percent)s of the month's net charging revenue and a rent of %(rent)s.")
    else:
        words = _(
            "At %(where)s the greatest of %(percent)s of the month's net charging revenue, %(price)s for each kWh "
            "charged and billed, and a rent of %(rent)s."
        )
    return words % figures


def sponsor_sentence(terms: SponsorTerms, currency: str) -> str:
    """What the sponsor pays, in one sentence."""
    figures = {
        "percent": format_percent(terms.percent / 100),
        "kwh": format_number(Decimal(terms.limit_wh or 0) / 1000, 0 if (terms.limit_wh or 0) % 1000 == 0 else 3),
        "budget": format_money(terms.budget or Decimal(0), currency),
    }
    if terms.kind == Sponsor.PERCENT:
        words = _("The sponsor pays %(percent)s of the net price of each session of a sponsored vehicle.")
    elif terms.kind == Sponsor.FIRST_KWH:
        words = _(
            "The sponsor pays %(percent)s of the net price of the first %(kwh)s kWh that each sponsored vehicle "
            "charges in a month; a session across the limit counts in proportion to its kWh."
        )
    elif terms.span == BudgetSpan.MONTH:
        words = _(
            "The sponsor pays %(percent)s of the net price of each session of a sponsored vehicle until %(budget)s "
            "are used in a month."
        )
    else:
        words = _(
            "The sponsor pays %(percent)s of the net price of each session of a sponsored vehicle until %(budget)s "
            "are used in all."
        )
    return words % figures


def share_in_short(terms: ShareTerms, currency: str) -> str:
    """The same in a few words, for a list."""
    parts = []
    if terms.percent is not None:
        parts.append(_("%s of net revenue") % format_percent(terms.percent / 100))
    if terms.per_kwh is not None:
        words = _("%s a metered kWh") if terms.kind == Share.COST else _("%s a kWh")
        parts.append(words % format_unit_price(terms.per_kwh, currency))
    if terms.rent is not None:
        parts.append(_("%s rent a month") % format_money(terms.rent, currency))
    return (" " + _("or") + " ").join(parts)


def sponsor_in_short(terms: SponsorTerms, currency: str) -> str:
    """The same in a few words, for a list."""
    short = _("sponsor pays %s") % format_percent(terms.percent / 100)
    if terms.limit_wh is not None:
        kwh = format_number(Decimal(terms.limit_wh) / 1000, 0 if terms.limit_wh % 1000 == 0 else 3)
        return short + ", " + _("first %s kWh a month") % kwh
    if terms.budget is not None:
        amount = format_money(terms.budget, currency)
        words = _("up to %s a month") if terms.span == BudgetSpan.MONTH else _("up to %s")
        return short + ", " + words % amount
    return short
