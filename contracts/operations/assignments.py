"""What hangs on a contract: its tariffs (terms, frozen with their version), its tokens and vehicles.

Revenue shares and sponsorships are set in contracts/operations/shares.py.
"""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import (
    Contract,
    ContractKind,
    ContractVersion,
    CostCentre,
    SponsoredVehicle,
    Tariff,
    TariffAssignment,
    Token,
    TokenAssignment,
    Vehicle,
)
from contracts.operations.guards import require_permission, require_valid
from contracts.operations.versions import lock_draft, require_open, touched
from contracts.queries import PAYING_KINDS
from contracts.rules.matching import Days
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, NotFound, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.shell.formats import format_day


def assign_tariff(
    *,
    version_id: int,
    tariff_id: int,
    by: User | None,
    at: dt.datetime,
    site_id: int | None = None,
    min_power_w: int | None = None,
    max_power_w: int | None = None,
    priority: int = 0,
) -> TariffAssignment:
    """Let a tariff price the sessions under a draft of terms, at one site or power band (watts) or everywhere.

    Raises WrongState for approved terms or a contract that is not charged for; BadInput for another currency or
    operator, a priority that stands already, or an empty power band.
    """
    with transaction.atomic():
        version = lock_draft(version_id, by)
        contract = version.contract
        require(contract.kind in PAYING_KINDS, wrong_kind(version, _("a tariff")))
        tariff = _found(Tariff, tariff_id)
        require(
            tariff.currency == contract.currency and tariff.operator_id == contract.operator_id,
            BadInput(
                "tariff",
                tariff.code,
                _("Choose a tariff of the same operator in %(currency)s, the contract's currency.")
                % {"currency": contract.currency},
            ),
        )
        assignment = TariffAssignment(
            version=version,
            tariff=tariff,
            site_id=site_id,
            min_power_w=min_power_w,
            max_power_w=max_power_w,
            priority=priority,
        )
        require_valid(assignment)
        assignment.save()
        touched(version, by)
        record_audit(
            action="contracts.version.assign_tariff",
            obj=version,
            by=by,
            at=at,
            changes={
                "tariff": tariff.code,
                "site": site_id,
                "power_w": [min_power_w, max_power_w],
                "priority": priority,
            },
        )
    return assignment


def unassign_tariff(*, assignment_id: int, by: User | None, at: dt.datetime) -> None:
    """Take a tariff out of a draft of terms. Raises WrongState once the terms are approved."""
    with transaction.atomic():
        assignment = _found(TariffAssignment, assignment_id)
        version = lock_draft(assignment.version_id, by)
        tariff = assignment.tariff
        assignment.delete()
        touched(version, by)
        record_audit(
            action="contracts.version.unassign_tariff", obj=version, by=by, at=at, changes={"tariff": tariff.code}
        )


def assign_token(
    *,
    token_id: int,
    contract_id: int,
    valid_from: dt.date,
    by: User | None,
    at: dt.datetime,
    cost_centre_id: int | None = None,
    valid_to: dt.date | None = None,
) -> TokenAssignment:
    """Let a contract pay for a token from a local day on; `valid_to` is the first day on which it no longer does.

    Raises WrongState for an ended contract or one that pays for no sessions; BadInput for a cost centre of another
    party, or days on which the contract pays for the token already.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "add_tokenassignment")
        require_open(contract)
        require(
            contract.kind in PAYING_KINDS,
            WrongState(
                _("Contract %(number)s is of the kind %(kind)s; only charging contracts pay for tokens.")
                % {"number": contract.number, "kind": contract.get_kind_display()}
            ),
        )
        token = _found(Token, token_id)
        if cost_centre_id is not None:
            centre = _found(CostCentre, cost_centre_id)
            require(
                centre.party_id == contract.party_id,
                BadInput("cost_centre", str(centre), _("Choose a cost centre of the contract's party.")),
            )
        assignment = TokenAssignment(
            token=token, contract=contract, cost_centre_id=cost_centre_id, valid_from=valid_from, valid_to=valid_to
        )
        require_valid(assignment)
        others = TokenAssignment.objects.filter(token=token, contract=contract)
        for other in others:
            require(
                not Days(valid_from, valid_to).overlaps(Days(other.valid_from, other.valid_to)),
                BadInput(
                    "valid_from",
                    valid_from,
                    _("Contract %(number)s pays for this token from %(day)s already; end that first.")
                    % {"number": contract.number, "day": format_day(other.valid_from)},
                ),
            )
        assignment.save()
        record_audit(
            action="contracts.token.assign",
            obj=token,
            by=by,
            at=at,
            changes={"contract": contract.number, "cost_centre": cost_centre_id, "days": [valid_from, valid_to]},
        )
    return assignment


def end_token_assignment(*, assignment_id: int, valid_to: dt.date, by: User | None, at: dt.datetime) -> TokenAssignment:
    """Say from which local day on the contract no longer pays for the token. Raises BadInput unless it lies after
    the first day."""
    with transaction.atomic():
        assignment = lock(TokenAssignment, assignment_id)
        require_permission(by, "change_tokenassignment")
        before, assignment.valid_to = assignment.valid_to, valid_to
        require_valid(assignment)
        assignment.save(update_fields=["valid_to"])
        record_audit(
            action="contracts.token.end_assignment",
            obj=assignment.token,
            by=by,
            at=at,
            changes={"contract": assignment.contract.number, "valid_to": [before, valid_to]},
        )
    return assignment


def sponsor_vehicle(
    *,
    contract_id: int,
    vehicle_id: int,
    valid_from: dt.date,
    by: User | None,
    at: dt.datetime,
    valid_to: dt.date | None = None,
) -> SponsoredVehicle:
    """Put a vehicle under a sponsorship from a local day on; `valid_to` is the first day without.

    A vehicle has one sponsor at a time, so that its sessions split in one way only. Raises WrongState for an ended
    contract or another kind, BadInput for days on which the vehicle is sponsored already.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "add_sponsoredvehicle")
        require_open(contract)
        require(
            contract.kind == ContractKind.SPONSORSHIP,
            WrongState(
                _("Contract %(number)s is of the kind %(kind)s; only a sponsorship has sponsored vehicles.")
                % {"number": contract.number, "kind": contract.get_kind_display()}
            ),
        )
        vehicle = lock(Vehicle, vehicle_id)
        sponsored = SponsoredVehicle(contract=contract, vehicle=vehicle, valid_from=valid_from, valid_to=valid_to)
        require_valid(sponsored)
        for other in SponsoredVehicle.objects.filter(vehicle=vehicle).select_related("contract"):
            last = min(filter(None, [other.valid_to, other.contract.ends_on]), default=None)
            require(
                not Days(valid_from, valid_to).overlaps(Days(other.valid_from, last)),
                BadInput(
                    "valid_from",
                    valid_from,
                    _("%(vehicle)s is sponsored under %(number)s from %(day)s already; end that first.")
                    % {"vehicle": vehicle, "number": other.contract.number, "day": format_day(other.valid_from)},
                ),
            )
        sponsored.save()
        record_audit(
            action="contracts.vehicle.sponsor",
            obj=vehicle,
            by=by,
            at=at,
            changes={"contract": contract.number, "days": [valid_from, valid_to]},
        )
    return sponsored


def end_sponsored_vehicle(
    *, sponsored_id: int, valid_to: dt.date, by: User | None, at: dt.datetime
) -> SponsoredVehicle:
    """Say from which local day on a vehicle is no longer sponsored. Raises BadInput unless it lies after the first."""
    with transaction.atomic():
        sponsored = lock(SponsoredVehicle, sponsored_id)
        require_permission(by, "change_sponsoredvehicle")
        before, sponsored.valid_to = sponsored.valid_to, valid_to
        require_valid(sponsored)
        sponsored.save(update_fields=["valid_to"])
        record_audit(
            action="contracts.vehicle.end_sponsorship",
            obj=sponsored.vehicle,
            by=by,
            at=at,
            changes={"contract": sponsored.contract.number, "valid_to": [before, valid_to]},
        )
    return sponsored


def _found[M: (Tariff, TariffAssignment, Token, CostCentre)](model: type[M], pk: int) -> M:
    row = model._base_manager.filter(pk=pk).first()
    if row is None:
        raise NotFound(_("There is no %(what)s with the id %(id)s.") % {"what": model._meta.verbose_name, "id": pk})
    return row


def wrong_kind(version: ContractVersion, what: str) -> WrongState:
    """Why a term has no place in a contract of this kind."""
    return WrongState(
        _("%(version)s belongs to a contract of the kind %(kind)s, which has no place for %(what)s.")
        % {"version": version, "kind": version.contract.get_kind_display(), "what": what}
    )
