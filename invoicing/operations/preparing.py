"""What happens to a contract's month before it is drafted: its sessions are rated, its penalties assessed."""

import datetime as dt

from contracts.models import Contract, ContractKind
from evbilling.access.models import User
from evbilling.kernel.clock import Period
from evbilling.kernel.steps import step
from invoicing.models import InvoiceKind
from invoicing.operations.grouping import as_member, lock_members
from invoicing.operations.penalties import assess_penalties
from invoicing.queries.charges import live_documents
from sessions.operations.rating import rate_sessions
from sessions.queries import unrated_sessions


def prepare_month(*, contract: Contract, period: Period, by: User | None, at: dt.datetime) -> None:
    """Rate what of a contract ended before the period's end, and assess its penalties; of a billing group that has no
    document yet those of all its contracts, because they share it. Must run in the transaction that drafts.

    Raises GroupBlocked naming the contract that cannot be prepared.
    """
    members = [contract]
    if contract.billing_group_id is not None:
        together = lock_members(contract_id=contract.pk, period=period)
        if not live_documents(contract, period, InvoiceKind.INVOICE).exists():
            members = together
    for member in members:
        with as_member(member):
            if member.kind == ContractKind.CHARGING:
                unrated = unrated_sessions(member, period.instants(member.zone)[1])
                rate_sessions(list(unrated.values_list("pk", flat=True)), at=at)
            step("invoicing.run.rated")
            assess_penalties(contract_id=member.pk, period=period, by=by, at=at)
