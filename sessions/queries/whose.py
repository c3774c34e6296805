"""Whose a session is that no contract pays for: its site tells, where an operator has a host there."""

from django.db.models import Exists, OuterRef, Q

from contracts.models import Contract, ContractKind, ContractState, Operator


def without_payer(operator: Operator) -> Q:
    """Sessions that no contract pays for and that may be the operator's.

    At a site of a hosting contract that was ever in force they are of the operators that have one there; at any other
    place nobody knows, so that they are under every operator and none is lost.
    """
    hosting = Contract.objects.filter(kind=ContractKind.HOSTING, sites=OuterRef("site")).exclude(
        state__in=[ContractState.DRAFT, ContractState.OFFERED]
    )
    return Q(contract__isnull=True) & (Q(Exists(hosting.filter(operator=operator))) | ~Q(Exists(hosting)))
