"""The steps of a contract's life that lead to its binding: offered, withdrawn, activated by a second person."""

import datetime as dt
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contracts.models import Contract, ContractState, ContractVersion, Side
from contracts.operations.agreements import ask_for_document
from contracts.operations.guards import require_permission, require_person, require_reason
from contracts.operations.offers import ask_for_mails
from contracts.operations.versions import require_complete
from contracts.queries import version_on
from contracts.queries.agreements import missing_sides
from contracts.queries.findings import findings_before_activation
from contracts.rules.lifecycle import Step, next_state
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import MakerIsChecker, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.shell.formats import format_day

_REFUSALS = {
    Step.OFFER: gettext_noop("Contract %(number)s is %(state)s; only a draft can be offered."),
    Step.WITHDRAW: gettext_noop("Contract %(number)s is %(state)s; only an offer can be withdrawn."),
    Step.ACTIVATE: gettext_noop("Contract %(number)s is %(state)s; only an offered contract can be activated."),
    Step.SUSPEND: gettext_noop("Contract %(number)s is %(state)s; only an active contract can be suspended."),
    Step.RESUME: gettext_noop("Contract %(number)s is %(state)s; only a suspended contract can be resumed."),
    Step.END: gettext_noop("Contract %(number)s is %(state)s; only an active or suspended contract can be ended."),
}


def offer_contract(*, contract_id: int, by: User | None, at: dt.datetime) -> Contract:
    """Offer a draft to its party: the document of its first terms goes to those who may sign, by mail with a link.

    Raises WrongState unless it is a draft with approved, complete terms and released prices for its first day.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "offer_contract")
        state = next_state_of(contract, Step.OFFER)
        version = first_terms(contract)
        require_complete(contract, version, prices_released=True)
        move(contract, state, "contracts.contract.offer", by=by, at=at)
        ask_for_document(version, at=at)
        ask_for_mails(version, at=at)
    return contract


def withdraw_offer(*, contract_id: int, reason: str, by: User | None, at: dt.datetime) -> Contract:
    """Take an offer back; the contract is a draft again. Raises WrongState unless it is offered."""
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "offer_contract")
        why = require_reason(reason)
        move(contract, next_state_of(contract, Step.WITHDRAW), "contracts.contract.withdraw", by=by, at=at, reason=why)
    return contract


def activate_contract(*, contract_id: int, by: User | None, at: dt.datetime) -> Contract:
    """Put an offered contract in force; a second person does so (I18).

    Raises MakerIsChecker for its maker; WrongState unless it is offered, has approved and complete terms for its first
    day whose document both sides acknowledged (or whose acknowledgement is waived), and nothing that
    `findings_before_activation` calls an error.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        checker = require_person(by)
        require_permission(by, "activate_contract")
        state = next_state_of(contract, Step.ACTIVATE)
        require(checker.pk != contract.created_by_id, MakerIsChecker(_("Contract %s") % contract.number))
        version = first_terms(contract)
        require_complete(contract, version, prices_released=True)
        _require_acknowledged(contract, version)
        _require_sound(contract)
        contract.activated_by, contract.activated_at = checker, at
        move(contract, state, "contracts.contract.activate", by=by, at=at)
    return contract


def first_terms(contract: Contract) -> ContractVersion:
    """The approved terms of a contract's first day. Raises WrongState where there are none."""
    version = version_on(contract, contract.starts_on)
    if version is None:
        raise WrongState(
            _("Contract %(number)s has no approved terms for its first day, %(day)s; approve a version first.")
            % {"number": contract.number, "day": format_day(contract.starts_on)}
        )
    return version


def next_state_of(contract: Contract, step: Step) -> ContractState:
    """The state that a step leads to. Raises WrongState, saying why, where it leads nowhere."""
    return ContractState(
        next_state(
            contract.state,
            step,
            number=contract.number,
            named=contract.get_state_display(),
            refusal=_(_REFUSALS[step]),
        )
    )


def move(
    contract: Contract,
    state: ContractState,
    action: str,
    *,
    by: User | None,
    at: dt.datetime,
    reason: str = "",
    **more: Any,
) -> None:
    """Change the state of a locked contract, with its row on the audit trail."""
    before, contract.state = contract.state, state
    contract.save()
    record_audit(
        action=action, obj=contract, by=by, at=at, reason=reason, changes={"state": [before, str(state)], **more}
    )


def _require_acknowledged(contract: Contract, version: ContractVersion) -> None:
    missing = missing_sides(version)
    who = {
        Side.OPERATOR: contract.operator.legal_name,
        Side.PARTY: contract.party.legal_name,
    }
    require(
        not missing,
        WrongState(
            _("The document of %(version)s is not acknowledged by %(who)s yet; get it, or waive it with a reason.")
            % {"version": version, "who": _(" and ").join(who[side] for side in missing)}
        ),
    )


def _require_sound(contract: Contract) -> None:
    errors = [each.text for each in findings_before_activation(contract) if each.is_error]
    require(not errors, WrongState(" ".join(errors)))
