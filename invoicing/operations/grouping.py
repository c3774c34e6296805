"""Contracts that share one invoice a month: locked together, and stopped together by the one that cannot be billed."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

from contracts.models import BillingGroup, Contract
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BillingError, NotFound
from evbilling.kernel.locks import lock, lock_all
from invoicing.queries.shapes import members_of


class GroupBlocked(BillingError):
    """A contract of a billing group cannot be billed, so none of the group is: other groups go on (I17)."""

    code = "group_blocked"

    def __init__(self, group: BillingGroup, contract: Contract, cause: BillingError) -> None:
        super().__init__(
            _("The invoice of the billing group %(group)s waits for contract %(contract)s: %(cause)s")
            % {"group": group, "contract": contract.number, "cause": cause.message}
        )


def lock_members(*, contract_id: int, period: Period) -> list[Contract]:
    """Lock the contracts whose month is one document with this one's, by number; of a group its own row first.

    Whoever bills, rates or assesses for a document takes these locks before any other of its contracts. Raises
    NotFound.
    """
    contract = Contract.objects.select_related("billing_group").filter(pk=contract_id).first()
    if contract is None:
        raise NotFound(_("There is no contract with the id %(id)s.") % {"id": contract_id})
    if contract.billing_group_id is None:
        return [lock(Contract, contract_id)]
    lock(BillingGroup, contract.billing_group_id)
    members = members_of(contract, period)
    lock_all(Contract, [member.pk for member in members])
    return members


@contextmanager
def as_member(contract: Contract) -> Iterator[None]:
    """Whatever stops a contract of a group names the contract on the items of them all (GroupBlocked)."""
    try:
        yield
    except GroupBlocked:
        raise
    except BillingError as cause:
        if contract.billing_group is None:
            raise
        raise GroupBlocked(contract.billing_group, contract, cause) from cause
