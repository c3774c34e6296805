"""Which reports there are, and what each needs from the address."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator, Party
from evbilling.kernel.clock import Period
from evbilling.kernel.money import ZERO
from invoicing.models import AccountRole
from invoicing.queries.accounting import ledger, open_items, revenue, tax
from invoicing.queries.accounting.reconciliation import DIFFERENCES, Comparison, party_balances
from invoicing.queries.accounting.report import Column, Report, Row, Section, Text, summed
from payments import queries as payments

Maker = Callable[[Operator, Period, str], Report]
SUMMARY = (
    Column("account", _("account")),
    Column("against", _("against")),
    Column("ledger", _("ledger"), "money"),
    Column("other", _("documents and payments"), "money"),
    Column("difference", _("difference"), "money", adds=True),
)
AGAINST: dict[AccountRole, Text] = {
    AccountRole.RECEIVABLE: _("open claims less unused credit notes"),
    AccountRole.SPONSOR_RECEIVABLE: _("open claims on sponsors less unused credit notes"),
    AccountRole.HOST_PAYABLE: _("settlements to pay less credits on them"),
    AccountRole.CUSTOMER_CREDIT: _("payments that settle nothing, less deposits"),
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One report. `by_day` reports tell the standing at the end of the last month chosen."""

    name: str
    title: Text | Promise
    about: Text | Promise
    make: Maker
    by_day: bool = False


def reconciliation(operator: Operator, period: Period, currency: str) -> Report:
    """Ledger = documents = payments, as the books stand now; every difference is listed with its party.

    Revenue and tax of a period are compared in their own reports.
    """
    found = [*party_balances(operator), *payments.credit_balances(operator)]
    if currency:
        found = [each for each in found if each.currency == currency]
    sections: list[Section] = []
    findings: list[Text] = []
    for code in sorted({each.currency for each in found}):
        of_code = [each for each in found if each.currency == code]
        rows = [_summary(role, [each for each in of_code if each.role == role]) for role in AGAINST]
        sections.append(Section(_("Balances"), code, SUMMARY, rows, totals=summed(SUMMARY, rows, _("Total"))))
        wrong = [each for each in of_code if each.difference]
        if wrong:
            sections.append(_differences(operator, code, wrong))
            count = {"count": len(wrong), "currency": code}
            findings.append(_("%(count)s balances in %(currency)s differ; see the table below.") % count)
    return Report("reconciliation", _("Reconciliation"), period.code, sections, findings)


def _summary(role: AccountRole, found: list[Comparison]) -> Row:
    left = sum((each.ledger for each in found), ZERO)
    right = sum((each.documents for each in found), ZERO)
    return Row((str(role.label), str(AGAINST[role]), left, right, left - right))


def _differences(operator: Operator, code: str, wrong: list[Comparison]) -> Section:
    names = Party.objects.in_bulk({each.party_id for each in wrong})
    rows = [
        Row(
            (f"{names.get(each.party_id, '')} {each.role.label}", each.ledger, each.documents, each.difference),
            ("party", each.party_id) if each.party_id in names else None,
        )
        for each in wrong
    ]
    return Section(_("Differences by party"), code, DIFFERENCES, rows, totals=summed(DIFFERENCES, rows, _("Total")))


CHOICES: dict[str, Choice] = {
    each.name: each
    for each in (
        Choice("journal", _("Journal"), _("Every booking with its accounts."), ledger.journal),
        Choice(
            "trial-balance",
            _("Trial balance"),
            _("Opening, movement and closing of each account."),
            ledger.trial_balance,
        ),
        Choice(
            "open-items",
            _("Open items"),
            _("Claims by age and party, unused credit notes, settlements to pay."),
            lambda operator, period, currency: open_items.open_items(operator, on=period.last_day, currency=currency),
            by_day=True,
        ),
        Choice("tax", _("Tax summary"), _("By month, country, category and rate."), tax.tax_summary),
        Choice(
            "revenue", _("Revenue"), _("By kind, site and tariff, and how it leads to the accounts."), revenue.revenue
        ),
        Choice(
            "deferred",
            _("Deferred amounts"),
            _("Advance payments, deposits and credit of customers."),
            lambda operator, period, currency: open_items.deferred(operator, on=period.last_day, currency=currency),
            by_day=True,
        ),
        Choice("reconciliation", _("Reconciliation"), _("Ledger = documents = payments."), reconciliation),
    )
}
"""The reports in the order of the tabs; the account sheet is opened from the trial balance."""
