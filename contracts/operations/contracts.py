"""A contract is made, and corrected while it is a draft; its life from then on is in the modules beside this one.

All of it can be imported from here: offers and activation (lifecycle), suspensions, its end.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Contract, ContractState, Site, VersionState
from contracts.operations.agreements import ask_for_document
from contracts.operations.ending import end_contract
from contracts.operations.grouping import lock_groups, require_group_fits
from contracts.operations.guards import require_permission, require_person, require_valid
from contracts.operations.lifecycle import activate_contract, offer_contract, withdraw_offer
from contracts.operations.suspending import resume_contract, suspend_contract
from contracts.operations.versions import approve_version, change_version, draft_version
from evbilling.access.models import User
from evbilling.kernel import clock
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.locks import lock

__all__ = [
    "activate_contract",
    "approve_version",
    "change_contract",
    "change_version",
    "create_contract",
    "draft_version",
    "end_contract",
    "offer_contract",
    "resume_contract",
    "suspend_contract",
    "withdraw_offer",
]

_ALWAYS_OPEN = {"purchase_order", "billing_group_id"}
"""What may change while a contract is in force: it decides on its documents, not on what is owed."""


def create_contract(
    *,
    operator_id: int,
    party_id: int,
    kind: str,
    number: str,
    currency: str,
    zone: str,
    starts_on: dt.date,
    by: User | None,
    at: dt.datetime,
    site_ids: Collection[int] = (),
    purchase_order: str = "",
    billing_group_id: int | None = None,
) -> Contract:
    """Draft a contract. `zone` is an IANA zone; no sites means all sites; terms follow with `draft_version`.

    Raises BadInput for a value that cannot be used, NotAllowed without the right.
    """
    with transaction.atomic():
        maker = require_person(by)
        require_permission(by, "add_contract")
        lock_groups(billing_group_id)
        contract = Contract(
            operator_id=operator_id,
            party_id=party_id,
            kind=kind,
            number=number.strip(),
            currency=currency,
            zone=zone,
            starts_on=starts_on,
            purchase_order=purchase_order.strip(),
            billing_group_id=billing_group_id,
            created_by=maker,
            created_at=at,
        )
        clock.zone(zone)
        require_valid(contract)
        require_group_fits(contract)
        sites = _sites(site_ids)
        contract.save()
        contract.sites.set(sites)
        record_audit(
            action="contracts.contract.create",
            obj=contract,
            by=by,
            at=at,
            changes={
                "party": str(contract.party),
                "kind": kind,
                "starts_on": starts_on,
                "sites": sorted(site.ref for site in sites),
            },
        )
    return contract


def change_contract(
    *,
    contract_id: int,
    by: User | None,
    at: dt.datetime,
    site_ids: Collection[int] | None = None,
    **values: Any,
) -> Contract:
    """Correct a draft; whoever changes it becomes its maker, so that nobody activates a change of his own (I18).

    `values`: party_id, kind, number, currency, zone, starts_on, purchase_order, billing_group_id. Of a contract that is
    in force only the purchase order and the billing group may change. Raises WrongState for anything else, BadInput for
    a value that cannot be used.
    """
    allowed = {"operator_id", "party_id", "kind", "number", "currency", "zone", "starts_on", *_ALWAYS_OPEN}
    unknown = sorted(values.keys() - allowed)
    require(not unknown, BadInput("contract", ", ".join(unknown), _("This is not a field that can be changed.")))
    with transaction.atomic():
        if "billing_group_id" in values:
            group_id = Contract.objects.filter(pk=contract_id).values_list("billing_group_id", flat=True).first()
            lock_groups(group_id, values["billing_group_id"])
        contract = lock(Contract, contract_id)
        maker = require_person(by)
        require_permission(by, "change_contract")
        changes = {name: [getattr(contract, name), new] for name, new in values.items()}
        changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        sites_before = sorted(contract.sites.values_list("pk", flat=True))
        if site_ids is not None and sorted(site_ids) != sites_before:
            changes["sites"] = [sites_before, sorted(site_ids)]
        if not changes:
            return contract
        if changes.keys() - _ALWAYS_OPEN:
            require(
                contract.state == ContractState.DRAFT,
                WrongState(
                    _("Contract %(number)s is %(state)s; only a draft can be corrected. Withdraw the offer first.")
                    % {"number": contract.number, "state": contract.get_state_display()}
                    if contract.state == ContractState.OFFERED
                    else _("Contract %(number)s is %(state)s; end it and make a new one, or make a new version.")
                    % {"number": contract.number, "state": contract.get_state_display()}
                ),
            )
            contract.created_by = maker
        for name, value in values.items():
            setattr(contract, name, value)
        clock.zone(contract.zone)
        require_valid(contract)
        require_group_fits(contract)
        contract.save()
        if "sites" in changes and site_ids is not None:
            contract.sites.set(_sites(site_ids))
        record_audit(action="contracts.contract.change", obj=contract, by=by, at=at, changes=changes)
        for version in contract.versions.filter(state=VersionState.APPROVED):
            ask_for_document(version, at=at)  # their document names what was just corrected
    return contract


def _sites(site_ids: Collection[int]) -> list[Site]:
    sites = list(Site.objects.filter(pk__in=site_ids))
    missing = sorted(set(site_ids) - {site.pk for site in sites})
    require(not missing, BadInput("sites", missing, _("There is no such site; choose one of the list.")))
    return sites
