"""The terms of a contract: drafted by one person, approved by a second one, frozen from then on."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contracts.models import (
    Contract,
    ContractKind,
    ContractState,
    ContractTerm,
    ContractVersion,
    DocumentSplit,
    LineGrouping,
    PriceBasis,
    RevenueShare,
    Sponsorship,
    SuspensionRule,
    TariffAssignment,
    TariffState,
    TariffVersion,
    TaxTreatment,
    VersionState,
)
from contracts.operations.agreements import ask_for_document
from contracts.operations.grouping import require_group_fits, require_shape
from contracts.operations.guards import require_permission, require_person, require_valid
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import start_of_day
from evbilling.kernel.errors import BadInput, MakerIsChecker, NotFound, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.shell.formats import format_day

TERMS = (
    "payment_terms_days",
    "price_basis",
    "tax_treatment",
    "group_lines_by",
    "split_documents_by",
    "minimum_invoice_amount",
    "notice_days",
    "minimum_term_until",
    "suspension_rule",
    "dunning_plan_id",
    "terms_text",
)
"""What a version itself says, beside its first day; a new one begins with those of the latest."""


def draft_version(
    *,
    contract_id: int,
    valid_from: dt.date,
    by: User | None,
    at: dt.datetime,
    payment_terms_days: int = 14,
    price_basis: str = PriceBasis.NET,
    tax_treatment: str = TaxTreatment.STANDARD,
    group_lines_by: str = LineGrouping.COST_CENTRE,
    split_documents_by: str = DocumentSplit.NONE,
    minimum_invoice_amount: Decimal | None = None,
    notice_days: int = 30,
    minimum_term_until: dt.date | None = None,
    suspension_rule: str = SuspensionRule.BILL,
    dunning_plan_id: int | None = None,
    terms_text: str = "",
    copy_from: int | None = None,
) -> ContractVersion:
    """Draft terms that hold from a local day on. `copy_from` takes what hangs on another version.

    Raises WrongState for an ended contract, BadInput for a value that cannot be used, NotAllowed without the right.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        maker = require_person(by)
        require_permission(by, "add_contractversion")
        require_open(contract)
        last = ContractVersion.objects.filter(contract=contract).aggregate(last=Max("number"))["last"] or 0
        version = ContractVersion(
            contract=contract,
            number=last + 1,
            valid_from=valid_from,
            payment_terms_days=payment_terms_days,
            price_basis=price_basis,
            tax_treatment=tax_treatment,
            group_lines_by=group_lines_by,
            split_documents_by=split_documents_by,
            minimum_invoice_amount=minimum_invoice_amount,
            notice_days=notice_days,
            minimum_term_until=minimum_term_until,
            suspension_rule=suspension_rule,
            dunning_plan_id=dunning_plan_id,
            terms_text=terms_text,
            created_by=maker,
            created_at=at,
        )
        require_valid(version)
        require_own_plan(version)
        require_shape(version)
        version.save()
        if copy_from is not None:
            _copy_terms(contract, copy_from, version)
        record_audit(
            action="contracts.version.draft",
            obj=version,
            by=by,
            at=at,
            changes={"valid_from": valid_from, "payment_terms_days": payment_terms_days, "copy_from": copy_from},
        )
    return version


def change_version(*, version_id: int, by: User | None, at: dt.datetime, **values: Any) -> ContractVersion:
    """Correct a draft; whoever changes it becomes its maker (I18).

    `values`: valid_from and what TERMS names. Raises WrongState once the version is approved, BadInput for a value that
    cannot be used.
    """
    unknown = sorted(values.keys() - {"valid_from", *TERMS})
    require(not unknown, BadInput("version", ", ".join(unknown), _("This is not a field that can be changed.")))
    with transaction.atomic():
        version = lock_draft(version_id, by)
        changes = {name: [getattr(version, name), new] for name, new in values.items()}
        changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        if not changes:
            return version
        for name, value in values.items():
            setattr(version, name, value)
        version.created_by = require_person(by)
        require_valid(version)
        require_own_plan(version)
        require_shape(version)
        version.save()
        record_audit(action="contracts.version.change", obj=version, by=by, at=at, changes=changes)
    return version


def approve_version(*, version_id: int, by: User | None, at: dt.datetime) -> ContractVersion:
    """Approve terms made by another person; they hold from `valid_from` until the next approved version begins (I6).

    Raises MakerIsChecker for their maker; WrongState when they are approved already, lack what their kind of contract
    needs, have another price basis than approved ones, or another approved version begins on the same day. From here on
    the database refuses any change.
    """
    with transaction.atomic():
        version = _lock_version(version_id)
        contract = version.contract
        checker = require_person(by)
        require_permission(by, "approve_contractversion")
        require(version.state == VersionState.DRAFT, WrongState(_("%s is approved already.") % version))
        require_open(contract)
        require(checker.pk != version.created_by_id, MakerIsChecker(_("Version %s") % version))
        same_day = ContractVersion.objects.filter(
            contract=contract, state=VersionState.APPROVED, valid_from=version.valid_from
        ).first()
        require(
            same_day is None,
            WrongState(
                _("%(other)s begins on %(day)s too; choose another first day.")
                % {"other": same_day, "day": format_day(version.valid_from)}
            ),
        )
        _require_same_basis(contract, version)
        require_shape(version)
        in_force = contract.state in {ContractState.ACTIVE, ContractState.SUSPENDED}
        require_complete(contract, version, prices_released=in_force)
        version.state = VersionState.APPROVED
        version.approved_by, version.approved_at = checker, at
        version.save(update_fields=["state", "approved_by", "approved_at"])
        require_group_fits(contract)
        record_audit(
            action="contracts.version.approve", obj=version, by=by, at=at, changes={"state": ["draft", "approved"]}
        )
        ask_for_document(version, at=at)
    return version


def require_own_plan(version: ContractVersion) -> None:
    """A dunning plan is of the contract's operator and currency: its fees are amounts. Raises BadInput."""
    plan, contract = version.dunning_plan, version.contract
    if plan is None:
        return
    fits = plan.operator_id == contract.operator_id and plan.currency == contract.currency
    advice = _("Choose a plan of %(operator)s in %(currency)s.")
    values = {"operator": contract.operator, "currency": contract.currency}
    require(fits, BadInput(_("dunning plan"), str(plan), advice % values))


def lock_draft(version_id: int, by: User | None) -> ContractVersion:
    """Lock the contract, then the version whose terms are to change. Raises WrongState once they are approved."""
    version = _lock_version(version_id)
    require_person(by)
    require_permission(by, "change_contractversion")
    require(
        version.state == VersionState.DRAFT,
        WrongState(_("%s is approved and frozen; make a new version of the contract.") % version),
    )
    return version


def touched(version: ContractVersion, by: User | None) -> None:
    """Whoever changed the terms last is their maker and cannot approve them (I18)."""
    person = require_person(by)
    if version.created_by_id != person.pk:
        version.created_by = person
        version.save(update_fields=["created_by"])


def require_complete(contract: Contract, version: ContractVersion, *, prices_released: bool) -> None:
    """Raise WrongState unless the version has what its kind of contract needs.

    `prices_released`: the assigned tariffs must have a released version on the day from which both hold.
    """
    if contract.kind == ContractKind.HOSTING:
        _require_shares(contract, version)
    elif contract.kind == ContractKind.SPONSORSHIP:
        require(
            Sponsorship.objects.filter(version=version).exists(),
            WrongState(_("%s does not say what the sponsor pays; set the percentage first.") % version),
        )
    else:
        _require_tariffs(contract, version, prices_released)


def _require_same_basis(contract: Contract, version: ContractVersion) -> None:
    """A contract keeps its price basis: sessions, monthly terms and documents of its months add up in one alone."""
    require(
        contract.kind != ContractKind.HOSTING or version.price_basis == PriceBasis.NET,
        WrongState(_("%s settles a host; its amounts are without tax. Choose prices without tax.") % version),
    )
    others = ContractVersion.objects.filter(contract=contract, state=VersionState.APPROVED)
    other = others.exclude(price_basis=version.price_basis).first()
    require(
        other is None,
        WrongState(
            _(
                "%(other)s is approved with another price basis than %(version)s. Within a contract all prices are "
                "with tax, or all without: end it and make a new contract for the other basis."
            )
            % {"other": other, "version": version}
        ),
    )


def _require_shares(contract: Contract, version: ContractVersion) -> None:
    """A share for all sites, or one for each site that the contract names."""
    sites = set(RevenueShare.objects.filter(version=version).values_list("site_id", flat=True))
    require(sites, WrongState(_("%s has no revenue share; say first what the host earns.") % version))
    if None in sites:
        return
    named = contract.sites.all()
    left = named.exclude(pk__in=sites).first()
    require(
        named.exists() and left is None,
        WrongState(
            _("%(version)s does not say what the host earns at %(site)s; add a share for it, or one for all sites.")
            % {"version": version, "site": left or _("further sites")}
        ),
    )


def _require_tariffs(contract: Contract, version: ContractVersion, prices_released: bool) -> None:
    assigned = list(TariffAssignment.objects.filter(version=version).select_related("tariff"))
    require(assigned, WrongState(_("%s has no tariff; assign one first.") % version))
    if not prices_released:
        return
    first = start_of_day(max(contract.starts_on, version.valid_from), contract.zone)
    released = set(
        TariffVersion.objects.filter(
            tariff__in={each.tariff_id for each in assigned}, state=TariffState.RELEASED, valid_from__lte=first
        ).values_list("tariff_id", flat=True)
    )
    for each in assigned:
        require(
            each.tariff_id in released,
            WrongState(
                _("Tariff %(code)s has no released prices on the first day of %(version)s; release a version of it.")
                % {"code": each.tariff.code, "version": version}
            ),
        )


def _lock_version(version_id: int) -> ContractVersion:
    contract_id = ContractVersion.objects.filter(pk=version_id).values_list("contract_id", flat=True).first()
    if contract_id is None:
        raise NotFound(_("There is no contract version with the id %s.") % version_id)
    contract = lock(Contract, contract_id)
    version = lock(ContractVersion, version_id)
    version.contract = contract
    return version


def require_open(contract: Contract) -> None:
    require(
        contract.state != ContractState.ENDED,
        WrongState(_("Contract %s has ended; its terms cannot change any more.") % contract.number),
    )


def _copy_terms(contract: Contract, source_id: int, version: ContractVersion) -> None:
    source = ContractVersion.objects.filter(pk=source_id, contract=contract).first()
    if source is None:
        raise BadInput("copy_from", source_id, _("Choose a version of the same contract."))
    for model in (TariffAssignment, ContractTerm, RevenueShare, Sponsorship):
        for term in model.objects.filter(version=source):
            term.pk, term.version = None, version
            term.save(force_insert=True)
