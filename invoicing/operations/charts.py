"""Charts of accounts: data files that an operator's books begin with, and the rows that are the operator's own."""

import csv
import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Chart, Operator
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import WrongState, require
from evbilling.kernel.locks import lock
from invoicing.models import Account, AccountRole, AccountRule
from invoicing.operations.guards import require_right

FOLDER = Path(__file__).resolve().parents[1] / "charts"


@dataclass(frozen=True, slots=True)
class ChartRow:
    """One row of a chart's file. Without a category it is the role's account, else one for a tax category and rate."""

    role: AccountRole
    category: str
    rate: Decimal | None
    automatic: bool
    code: str
    name: str


@cache
def chart_rows(chart: str) -> tuple[ChartRow, ...]:
    """The rows of a chart (contracts.models.Chart), in the order of its file; see invoicing/charts/README.md."""
    with (FOLDER / f"{Chart(chart).value}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            ChartRow(
                role=AccountRole(row["role"]),
                category=row["category"],
                rate=Decimal(row["rate"]) if row["rate"] else None,
                automatic=row["automatic"] == "yes",
                code=row["code"],
                name=row["name"],
            )
            for row in csv.DictReader(file, delimiter=";")
        )


def chart_of(chart: str) -> dict[AccountRole, ChartRow]:
    """The account of each role in a chart; every role has one."""
    return {row.role: row for row in chart_rows(chart) if not row.category}


def ensure_chart(operator: Operator) -> dict[str, Account]:
    """The operator's accounts by role; those that are missing are made from its chart, with their accounts by rate.

    Where a number of the chart is taken by another role of this operator (changed by hand), the missing role gets the
    number with a letter behind, for a person to change.
    """
    accounts = {account.role: account for account in Account.objects.filter(operator=operator)}
    missing = [row for row in chart_of(operator.chart).values() if row.role.value not in accounts]
    if missing:
        taken = {account.code for account in accounts.values()}
        Account.objects.bulk_create(
            [
                Account(
                    operator=operator,
                    role=row.role,
                    code=row.code if row.code not in taken else f"{row.code}x",
                    name=row.name or str(row.role.label),
                )
                for row in missing
            ],
            ignore_conflicts=True,
        )
        accounts = {account.role: account for account in Account.objects.filter(operator=operator)}
        _make_rules(operator, {row.role.value: accounts[row.role] for row in missing})
    return accounts


def take_chart(*, operator_id: int, by: User | None, at: dt.datetime) -> Operator:
    """Give all accounts the codes and names of the operator's chart, with its accounts by tax rate.

    Only before the first booking. Raises NotAllowed, WrongState where something is booked, NotFound.
    """
    require_right(by, "change_account")
    with transaction.atomic():
        operator = lock(Operator, operator_id)
        booked = Account.objects.filter(operator=operator, lines__isnull=False)
        require(
            not booked.exists(),
            WrongState(
                _("%(operator)s has bookings; its accounts stay. Enter other numbers as accounts by tax rate.")
                % {"operator": operator}
            ),
        )
        before = {account.role: account.code for account in Account.objects.filter(operator=operator)}
        Account.objects.filter(operator=operator).delete()
        accounts = ensure_chart(operator)
        record_audit(
            action="invoicing.ledger.chart",
            obj=operator,
            by=by,
            at=at,
            changes={
                "chart": operator.chart,
                "accounts": {role: [before.get(role), account.code] for role, account in sorted(accounts.items())},
            },
        )
    return operator


def _make_rules(operator: Operator, accounts: dict[str, Account]) -> None:
    AccountRule.objects.bulk_create(
        [
            AccountRule(
                account=accounts[row.role.value],
                tax_category=row.category,
                tax_rate=row.rate,
                code=row.code,
                name=row.name,
                automatic=row.automatic,
            )
            for row in chart_rows(operator.chart)
            if row.category and row.role.value in accounts
        ],
        ignore_conflicts=True,
    )
