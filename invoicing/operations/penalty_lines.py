"""Penalties as lines of the month's invoice: fees taxed as their place is, missed uptime as a credit.

A credit lowers the taxable base of a rate, never below zero: what does not fit is carried to the next document, as a
penalty of its own with the same because.
"""

import datetime as dt
from decimal import Decimal

from django.db.models import F
from django.utils.translation import gettext as _

from evbilling.kernel.money import ZERO
from invoicing.models import LineKind, Penalty, PenaltyKind
from invoicing.operations.tax_ids import require_tax_id
from invoicing.operations.writing import Drafting, NewLine, net_and_gross
from invoicing.queries.penalties import INVOICE_KINDS, billable_penalties, sentence_of
from invoicing.queries.taxes import fee_country, fee_place
from invoicing.rules.tax import Place, Tax, Treatment, supply_tax
from sessions.rules.rating.conditions import Tongue


def penalty_lines(drafting: Drafting) -> list[NewLine]:
    """A line for each penalty that the invoice bills. Raises MissingTaxRate, MissingCustomerTaxId."""
    penalties = billable_penalties(drafting.contract, INVOICE_KINDS, drafting.period.end)
    return [line_of(penalty, _tax(drafting, penalty), with_tax=drafting.with_tax) for penalty in penalties]


def line_of(penalty: Penalty, tax: Tax, *, with_tax: bool = False) -> NewLine:
    """The line that bills a penalty, with its because; of missed uptime what it takes off.

    `with_tax`: its amount includes tax, as all amounts of a contract whose prices do.
    """
    credit = penalty.kind == PenaltyKind.UPTIME
    amount = -penalty.amount if credit else penalty.amount
    net, gross = net_and_gross(amount, tax, penalty.currency, with_tax=with_tax)
    return NewLine(
        kind=LineKind.UPTIME_CREDIT if credit else LineKind.PENALTY,
        group="",
        text=line_text(penalty),
        tax=tax,
        net=net,
        gross=gross,
        because={**penalty.because, "sentence": sentence_of(penalty, penalty.contract.party.language)},
        penalty_id=penalty.pk,
    )


def uptime_lines(drafting: Drafting) -> list[NewLine]:
    """Credits for missed uptime, each at the rate of its site where the document has it, else at its largest rate."""
    charged = drafting.charged()
    found = []
    for penalty in billable_penalties(drafting.contract, [PenaltyKind.UPTIME], drafting.period.end):
        room = {tax: amount for tax, amount in charged.items() if amount > ZERO}
        if not room:
            break
        own = _tax(drafting, penalty) if penalty.site is not None else None
        tax = own if own in room else max(room, key=lambda each: (room[each], each.percent, each.category))
        amount = min(penalty.amount, room[tax])
        if amount < penalty.amount:
            _carry(penalty, amount)
        charged[tax] -= amount
        found.append(line_of(penalty, tax, with_tax=drafting.with_tax))
    return found


def _carry(penalty: Penalty, taken: Decimal) -> None:
    """Leave the part of a credit that this document cannot take for the next one: two rows that add up to it."""
    root = penalty.source.partition(":rest:")[0]
    parts = Penalty.objects.filter(source__startswith=f"{root}:rest:").count()
    rest = Penalty.objects.get(pk=penalty.pk)
    rest.pk, rest.source, rest.amount = None, f"{root}:rest:{parts + 1}", penalty.amount - taken
    Penalty.objects.filter(pk=penalty.pk).update(amount=F("amount") - rest.amount)
    rest.save(force_insert=True)
    penalty.amount = taken


def _tax(drafting: Drafting, penalty: Penalty) -> Tax:
    """The rate of the site on the day; what has no site is taxed as other fees of the contract are."""
    contract, site = drafting.contract, penalty.site
    place = fee_place(contract) if site is None else Place(site.country, site.region)
    treatment = Treatment(penalty.contract_version.tax_treatment)
    require_tax_id(treatment, contract, fee_country(contract) if site is None else site.country)
    return supply_tax(treatment, None, place, penalty.occurred_on, drafting.table)


def line_text(penalty: Penalty) -> str:
    """What the line of a penalty says, in the active language, its days as the rest of the document shows them."""
    about = {
        PenaltyKind.OVERSTAY: _("Overstay on %(day)s, session %(about)s"),
        PenaltyKind.NO_SHOW: _("Reservation not used on %(day)s, session %(about)s"),
        PenaltyKind.EARLY_TERMINATION: _("Early termination of contract %(contract)s"),
        PenaltyKind.UPTIME: _("Credit for missed uptime: %(unit)s"),
        PenaltyKind.LATE_FEE: _("Late payment of %(document)s, flat amount"),
        PenaltyKind.INTEREST: _("Interest on %(document)s, %(day)s to %(last)s"),
        PenaltyKind.DUNNING_FEE: _("Reminder of %(document)s on %(day)s, fee"),
        PenaltyKind.FAILED_PAYMENT: _("Failed payment of %(document)s on %(day)s"),
    }[PenaltyKind(penalty.kind)]
    tongue = Tongue(penalty.contract.party.language, penalty.currency)
    text = about % {
        "day": tongue.day(penalty.period_from.isoformat()),
        "last": tongue.day((penalty.period_to - dt.timedelta(days=1)).isoformat()),
        "about": penalty.session,
        "contract": penalty.contract.number,
        "unit": penalty.because.get("unit", ""),
        "document": penalty.invoice,
    }
    return text[:300]
