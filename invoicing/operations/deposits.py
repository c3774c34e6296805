"""Deposits: free money of a customer's payment held as security, and returned to be free again.

A deposit is no payment for a supply: it bears no tax and is no revenue. Taking one moves money in the ledger from the
party's unallocated credit to deposits held; returning it, as at the end of the contract, moves it back, where it can
be allocated to open invoices like any other credit.
"""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import Contract
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.errors import BadInput, BillingError, require
from evbilling.kernel.locks import lock
from evbilling.kernel.money import require_minor
from evbilling.kernel.steps import step
from evbilling.shell.formats import format_minor
from invoicing.models import AccountRole, Deposit, DepositKind
from invoicing.operations.guards import require_right
from invoicing.operations.ledger import post_journal
from invoicing.queries.deposits import held_amount


class DepositTooLow(BillingError):
    """More would be returned than is held."""

    code = "deposit_too_low"

    def __init__(self, contract: Contract, amount: Decimal, held: Decimal) -> None:
        super().__init__(
            _("%(amount)s %(currency)s cannot be returned: %(held)s of this payment is held for %(contract)s.")
            % {
                "amount": format_minor(amount, contract.currency),
                "currency": contract.currency,
                "held": format_minor(held, contract.currency),
                "contract": contract.number,
            }
        )


def take_deposit(
    *,
    contract_id: int,
    source: str,
    amount: Decimal,
    moved_on: dt.date,
    reason: str,
    by: User | None,
    at: dt.datetime,
) -> Deposit:
    """Hold free money of `source` ("payment:<public id>") as a contract's security.

    The caller makes sure that the money is free and the contract's party's (payments/operations/deposits.py). Raises
    NotAllowed, NotFound, BadInput, PeriodClosed, MoneyError.
    """
    return _move(contract_id, DepositKind.HELD, source, amount, moved_on=moved_on, reason=reason, by=by, at=at)


def return_deposit(
    *,
    contract_id: int,
    source: str,
    amount: Decimal,
    moved_on: dt.date,
    reason: str,
    by: User | None,
    at: dt.datetime,
) -> Deposit:
    """Return held money to the payment that it came from: it is the party's credit again.

    Raises NotAllowed, NotFound, BadInput, DepositTooLow, PeriodClosed, MoneyError.
    """
    return _move(contract_id, DepositKind.RETURNED, source, amount, moved_on=moved_on, reason=reason, by=by, at=at)


def _move(
    contract_id: int,
    kind: DepositKind,
    source: str,
    amount: Decimal,
    *,
    moved_on: dt.date,
    reason: str,
    by: User | None,
    at: dt.datetime,
) -> Deposit:
    require_right(by, "move_deposit")
    require_words(_("reason"), reason, _("Say why the money is moved."))
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        amount = require_minor(amount, contract.currency)
        require(amount > 0, BadInput(_("amount"), amount, _("Move more than zero.")))
        if kind == DepositKind.RETURNED:
            held = held_amount(contract, source)
            require(amount <= held, DepositTooLow(contract, amount, held))
        deposit = Deposit.objects.create(
            contract=contract,
            source=source,
            kind=kind,
            amount=amount,
            currency=contract.currency,
            moved_on=moved_on,
            reason=reason.strip()[:300],
            moved_by=by,
            moved_at=at,
        )
        moved = amount if kind == DepositKind.HELD else -amount
        with override(contract.operator.language):
            text = f"{deposit.get_kind_display()}: {contract.number}, {contract.party.legal_name}"
        step("invoicing.deposit.written")
        post_journal(
            operator=contract.operator,
            source=f"deposit:{deposit.pk}",
            booked_on=moved_on,
            text=text,
            currency=contract.currency,
            lines=[
                (AccountRole.CUSTOMER_CREDIT, contract.party, moved),
                (AccountRole.DEPOSIT_HELD, contract.party, -moved),
            ],
            at=at,
        )
        record_audit(
            action="invoicing.deposit.take" if kind == DepositKind.HELD else "invoicing.deposit.return",
            obj=contract,
            by=by,
            at=at,
            reason=reason.strip(),
            changes={"deposit": deposit.pk, "source": source, "amount": amount},
        )
    return deposit
