"""Shapes of documents: which contracts share one invoice a month, and whose month is split over several."""

from decimal import Decimal

from django.utils.translation import gettext as _

from contracts.models import BillingGroup, Contract, ContractKind, ContractVersion, DocumentSplit, VersionState
from evbilling.kernel.errors import BadInput, refuse, require
from evbilling.kernel.locks import lock_all
from evbilling.kernel.money import require_minor

GROUPED_KINDS = (ContractKind.CHARGING, ContractKind.SPONSORSHIP)
"""Contracts that may share an invoice: customers among themselves, sponsors among themselves."""


def lock_groups(*group_ids: int | None) -> None:
    """Lock billing groups before any of their contracts: the order of everyone who bills them."""
    lock_all(BillingGroup, [pk for pk in group_ids if pk is not None])


def require_group_fits(contract: Contract) -> None:
    """The contracts of a group share what one document has once: party, operator, currency, zone, kind, price basis.

    Raises BadInput naming what differs.
    """
    group = contract.billing_group
    if group is None:
        return
    names = {"party": _("party"), "operator": _("operator"), "currency": _("currency"), "zone": _("time zone")}
    for field, name in names.items():
        values = {"what": name, "theirs": getattr(group, field), "own": getattr(contract, field)}
        differs = _("The %(what)s of the group is %(theirs)s, that of the contract %(own)s.") % values
        require(values["theirs"] == values["own"], BadInput(_("billing group"), str(group), differs))
    kinds = _("Customers share an invoice among themselves, sponsors among themselves; no host does.")
    others = Contract.objects.filter(billing_group=group).exclude(pk=contract.pk)
    fits = contract.kind in GROUPED_KINDS and not others.exclude(kind=contract.kind).exists()
    require(fits, BadInput(_("billing group"), str(group), kinds))
    versions = ContractVersion.objects.filter(contract=contract)
    split = versions.exclude(split_documents_by=DocumentSplit.NONE).first()
    if split is not None:
        refuse(_split_and_grouped(group, split))
    approved = ContractVersion.objects.filter(state=VersionState.APPROVED)
    own_bases = set(approved.filter(contract=contract).values_list("price_basis", flat=True))
    bases = set(approved.filter(contract__in=others).values_list("price_basis", flat=True))
    mixed = _("In a group all prices include tax, or none do; those of the contract differ from the others'.")
    require(len(own_bases | bases) <= 1, BadInput(_("billing group"), str(group), mixed))


def require_shape(version: ContractVersion) -> None:
    """A month is split for customers alone, and not where their contracts share an invoice; the smallest invoice is an
    amount of the contract's currency that customers and sponsors may be billed. Raises BadInput, MoneyError.
    """
    contract = version.contract
    if version.split_documents_by != DocumentSplit.NONE:
        if contract.billing_group is not None:
            refuse(_split_and_grouped(contract.billing_group, version))
        customers = _("Only the month of a charging contract is split; choose one document.")
        require(
            contract.kind == ContractKind.CHARGING,
            BadInput(_("documents a month"), version.get_split_documents_by_display(), customers),
        )
    minimum = version.minimum_invoice_amount
    if minimum is not None:
        require_minor(minimum, contract.currency, field=_("smallest invoice"))
        billed = _("Leave it empty, or give an amount above zero for a contract that is billed by invoice.")
        fits = minimum > Decimal(0) and contract.kind in GROUPED_KINDS
        require(fits, BadInput(_("smallest invoice"), str(minimum), billed))


def _split_and_grouped(group: BillingGroup, version: ContractVersion) -> BadInput:
    return BadInput(
        _("billing group"),
        str(group),
        _(
            "%(version)s splits the month over several documents, and the group puts several contracts on one. "
            "Take the contract out of the group, or choose one document in its terms."
        )
        % {"version": version},
    )
