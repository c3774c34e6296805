"""Free money of a payment held as a contract's security: the payments' side of deposits (I12)."""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Contract
from evbilling.access.models import User
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.shell.formats import format_money
from invoicing.models import Deposit
from invoicing.operations import deposits
from payments.models import Payment, PaymentState
from payments.operations.allocating import source_of
from payments.queries import unallocated_amount


def hold_payment(
    *, payment_id: int, contract_id: int, amount: Decimal, reason: str, by: User | None, at: dt.datetime
) -> Deposit:
    """Hold free money of a captured payment as the security of a contract of the same party.

    Raises WrongState for money not captured, of another party, operator or currency, BadInput for more than is free.
    """
    with transaction.atomic():
        payment = lock(Payment, payment_id)
        contract = lock(Contract, contract_id)
        require(
            payment.state == PaymentState.CAPTURED
            and (payment.party_id, payment.operator_id, payment.currency)
            == (contract.party_id, contract.operator_id, contract.currency),
            WrongState(
                _("%(payment)s cannot secure %(contract)s: not captured, or of another party, operator or currency.")
                % {"payment": payment, "contract": contract.number}
            ),
        )
        free = unallocated_amount(payment)
        has = _("%(payment)s has %(amount)s free.") % {
            "payment": payment,
            "amount": format_money(free, payment.currency),
        }
        require(0 < amount <= free, BadInput(_("amount"), amount, has))
        return deposits.take_deposit(
            contract_id=contract_id,
            source=source_of(payment),
            amount=amount,
            moved_on=local_date(at, payment.operator.zone),
            reason=reason,
            by=by,
            at=at,
        )


def free_payment(
    *, payment_id: int, contract_id: int, amount: Decimal, reason: str, by: User | None, at: dt.datetime
) -> Deposit:
    """Return held money to its payment, where it can settle invoices again. Raises DepositTooLow."""
    with transaction.atomic():
        payment = lock(Payment, payment_id)
        return deposits.return_deposit(
            contract_id=contract_id,
            source=source_of(payment),
            amount=amount,
            moved_on=local_date(at, payment.operator.zone),
            reason=reason,
            by=by,
            at=at,
        )
