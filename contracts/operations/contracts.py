"""Every change of a contract's state, and how one is made and corrected while it is a draft."""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contracts.models import Contract, ContractState, ContractVersion, Site
from contracts.operations.guards import require_permission, require_person, require_reason, require_valid
from contracts.operations.versions import approve_version, change_version, draft_version, require_complete
from contracts.queries import version_on
from contracts.rules.lifecycle import Step, next_state
from evbilling.access.models import User
from evbilling.kernel import clock
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, MakerIsChecker, WrongState, require
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

_REFUSALS = {
    Step.OFFER: gettext_noop("Contract %(number)s is %(state)s; only a draft can be offered."),
    Step.WITHDRAW: gettext_noop("Contract %(number)s is %(state)s; only an offer can be withdrawn."),
    Step.ACTIVATE: gettext_noop("Contract %(number)s is %(state)s; only an offered contract can be activated."),
    Step.SUSPEND: gettext_noop("Contract %(number)s is %(state)s; only an active contract can be suspended."),
    Step.RESUME: gettext_noop("Contract %(number)s is %(state)s; only a suspended contract can be resumed."),
    Step.END: gettext_noop("Contract %(number)s is %(state)s; only an active or suspended contract can be ended."),
}


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
) -> Contract:
    """Draft a contract. `zone` is an IANA zone; no sites means all sites; terms follow with `draft_version`.

    Raises BadInput for a value that cannot be used, NotAllowed without the right.
    """
    with transaction.atomic():
        maker = require_person(by)
        require_permission(by, "add_contract")
        contract = Contract(
            operator_id=operator_id,
            party_id=party_id,
            kind=kind,
            number=number.strip(),
            currency=currency,
            zone=zone,
            starts_on=starts_on,
            purchase_order=purchase_order.strip(),
            created_by=maker,
            created_at=at,
        )
        clock.zone(zone)
        require_valid(contract)
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

    `values`: party_id, kind, number, currency, zone, starts_on, purchase_order. Of a contract that is in force only
    the purchase order may change. Raises WrongState for anything else, BadInput for a value that cannot be used.
    """
    allowed = {"operator_id", "party_id", "kind", "number", "currency", "zone", "starts_on", "purchase_order"}
    unknown = sorted(values.keys() - allowed)
    require(not unknown, BadInput("contract", ", ".join(unknown), _("This is not a field that can be changed.")))
    with transaction.atomic():
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
        if changes.keys() - {"purchase_order"}:
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
        contract.save()
        if "sites" in changes and site_ids is not None:
            contract.sites.set(_sites(site_ids))
        record_audit(action="contracts.contract.change", obj=contract, by=by, at=at, changes=changes)
    return contract


def offer_contract(*, contract_id: int, by: User | None, at: dt.datetime) -> Contract:
    """Offer a draft to its party. Raises WrongState unless it is a draft that has terms."""
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "offer_contract")
        state = _next(contract, Step.OFFER)
        require(
            ContractVersion.objects.filter(contract=contract).exists(),
            WrongState(_("Contract %(number)s has no terms yet; add a version first.") % {"number": contract.number}),
        )
        _move(contract, state, "contracts.contract.offer", by=by, at=at)
    return contract


def withdraw_offer(*, contract_id: int, reason: str, by: User | None, at: dt.datetime) -> Contract:
    """Take an offer back; the contract is a draft again. Raises WrongState unless it is offered."""
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "offer_contract")
        why = require_reason(reason)
        _move(contract, _next(contract, Step.WITHDRAW), "contracts.contract.withdraw", by=by, at=at, reason=why)
    return contract


def activate_contract(*, contract_id: int, by: User | None, at: dt.datetime) -> Contract:
    """Put an offered contract in force; a second person does so (I18).

    Raises MakerIsChecker for its maker; WrongState unless it is offered and has approved terms that hold on its first
    day and are complete: for charging a tariff with a released version, for hosting a revenue share, for a sponsorship
    its percentage.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        checker = require_person(by)
        require_permission(by, "activate_contract")
        state = _next(contract, Step.ACTIVATE)
        require(checker.pk != contract.created_by_id, MakerIsChecker(_("Contract %s") % contract.number))
        version = version_on(contract, contract.starts_on)
        if version is None:
            raise WrongState(
                _("Contract %(number)s has no approved terms for its first day, %(day)s; approve a version first.")
                % {"number": contract.number, "day": contract.starts_on}
            )
        require_complete(contract, version, prices_released=True)
        contract.activated_by, contract.activated_at = checker, at
        _move(contract, state, "contracts.contract.activate", by=by, at=at)
    return contract


def suspend_contract(*, contract_id: int, reason: str, by: User | None, at: dt.datetime) -> Contract:
    """Suspend an active contract; what is charged under it is still owed. Raises WrongState unless it is active."""
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "suspend_contract")
        why = require_reason(reason)
        _move(contract, _next(contract, Step.SUSPEND), "contracts.contract.suspend", by=by, at=at, reason=why)
    return contract


def resume_contract(*, contract_id: int, reason: str, by: User | None, at: dt.datetime) -> Contract:
    """Lift a suspension. Raises WrongState unless the contract is suspended."""
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "suspend_contract")
        why = require_reason(reason)
        _move(contract, _next(contract, Step.RESUME), "contracts.contract.resume", by=by, at=at, reason=why)
    return contract


def end_contract(*, contract_id: int, ends_on: dt.date, reason: str, by: User | None, at: dt.datetime) -> Contract:
    """End a contract; `ends_on` is the first local day on which it no longer holds, and may lie ahead.

    Raises WrongState unless it is active or suspended, BadInput for a day before its start or without a reason.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "end_contract")
        why = require_reason(reason)
        state = _next(contract, Step.END)
        require(
            ends_on >= contract.starts_on,
            BadInput(
                "ends_on",
                ends_on.isoformat(),
                _("The contract starts on %(day)s; choose that day or a later one.") % {"day": contract.starts_on},
            ),
        )
        contract.ends_on = ends_on
        _move(contract, state, "contracts.contract.end", by=by, at=at, reason=why, ends_on=ends_on)
    return contract


def _next(contract: Contract, step: Step) -> ContractState:
    return ContractState(next_state(contract.state, step, number=contract.number, refusal=_(_REFUSALS[step])))


def _move(
    contract: Contract,
    state: ContractState,
    action: str,
    *,
    by: User | None,
    at: dt.datetime,
    reason: str = "",
    **more: Any,
) -> None:
    before, contract.state = contract.state, state
    contract.save()
    record_audit(
        action=action, obj=contract, by=by, at=at, reason=reason, changes={"state": [before, str(state)], **more}
    )


def _sites(site_ids: Collection[int]) -> list[Site]:
    sites = list(Site.objects.filter(pk__in=site_ids))
    missing = sorted(set(site_ids) - {site.pk for site in sites})
    require(not missing, BadInput("sites", missing, _("There is no such site; choose one of the list.")))
    return sites
