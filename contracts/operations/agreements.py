"""The document of a contract's terms: drawn once they are approved, acknowledged by both sides, never changed."""

import datetime as dt
from hashlib import sha256

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from contracts.models import (
    Acknowledgement,
    Contact,
    Contract,
    ContractDocument,
    ContractVersion,
    Side,
    VersionState,
)
from contracts.operations.guards import require_permission, require_person, require_reason
from contracts.queries.agreements import (
    OPEN_STATES,
    OfferLink,
    acknowledgements_of,
    document_of,
    may_acknowledge,
    replaced_by,
    signatories,
)
from evbilling.access.models import User
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, BillingError, NotAllowed, NotFound, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.outbox import GiveUp

DRAW_STEP = "contracts.document.draw"


def ask_for_document(version: ContractVersion, *, at: dt.datetime) -> None:
    """Queue the drawing of an approved version's document, in the transaction that made it necessary."""
    key = f"{DRAW_STEP}:{version.pk}:{at.isoformat()}"
    outbox.add(kind=DRAW_STEP, key=key, payload={"version_id": version.pk}, at=at)


def draw_document(*, version_id: int, at: dt.datetime) -> ContractDocument:
    """Draw the document of approved terms and keep its bytes; called by its background step, safe to repeat.

    Drawn again after the contract was corrected, it becomes a new edition; where it says the same, nothing is added.
    Raises GiveUp for terms that cannot be drawn however often it is tried.
    """
    version = _approved(version_id)
    try:
        content = _drawn(version, at)
    except BillingError as error:
        raise GiveUp(error.message) from error
    digest = sha256(content).hexdigest()
    with transaction.atomic():
        lock(Contract, version.contract_id)
        latest = document_of(version)
        if latest is not None and latest.sha256 == digest:
            return latest
        last: int = version.documents.aggregate(last=Max("edition"))["last"] or 0
        document = ContractDocument.objects.create(
            version=version,
            edition=last + 1,
            language=version.contract.party.language,
            content=content,
            sha256=digest,
            rendered_at=at,
        )
        record_audit(
            action="contracts.document.draw",
            obj=version,
            by=None,
            at=at,
            changes={"edition": document.edition, "sha256": digest},
        )
    return document


def preview_document(*, version_id: int, at: dt.datetime) -> bytes:
    """The PDF of a version as it stands, a draft marked as one. Nothing is kept. Raises NotFound."""
    return _drawn(_version(version_id), at)


def acknowledge_as_operator(
    *, version_id: int, sha256: str, by: User | None, at: dt.datetime, address: str = ""
) -> Acknowledgement:
    """The operator's word for the document with this hash, by a person with the permission.

    Raises NotAllowed, or WrongState where another document is the one to acknowledge, or it was done already.
    """
    with transaction.atomic():
        version = _locked(version_id)
        person = require_person(by)
        require_permission(by, "acknowledge_contract")
        return _acknowledge(
            version, Side.OPERATOR, sha256, at, name=_name(person), email=person.email, user=person, address=address
        )


def acknowledge_as_party(
    *, version_id: int, sha256: str, by: User, at: dt.datetime, address: str = ""
) -> Acknowledgement:
    """The party's word by a portal user: a manager of the party, or one of its signatories.

    Raises NotAllowed, or WrongState where another document is the one to acknowledge, or it was done already.
    """
    with transaction.atomic():
        version = _locked(version_id)
        require(
            may_acknowledge(by, version.contract.party),
            NotAllowed(_("Only a manager or a signatory of the company acknowledges its contracts.")),
        )
        return _acknowledge(version, Side.PARTY, sha256, at, name=_name(by), email=by.email, user=by, address=address)


def acknowledge_by_link(*, link: OfferLink, name: str, at: dt.datetime, address: str = "") -> Acknowledgement:
    """The party's word by whoever was mailed the link and writes his name; no sign-in.

    Raises BadInput without a name; NotAllowed for an expired link or a contact who may sign no more; WrongState where
    another document is the one to acknowledge, or it was done already.
    """
    written = " ".join(name.split())
    require(
        2 < len(written) <= 120, BadInput("name", name, _("Write your first and last name, in at most 120 characters."))
    )
    with transaction.atomic():
        version = _locked(link.version_id)
        require(
            local_date(at, version.contract.zone) <= link.until,
            NotAllowed(_("This link has expired; ask for the offer to be sent again.")),
        )
        contact = Contact.objects.filter(pk=link.contact_id, party=version.contract.party_id).first()
        may = contact is not None and contact.email.lower() in {
            each.email.lower() for each in signatories(version.contract.party)
        }
        if contact is None or not may:
            raise NotAllowed(_("You are no longer named as a person who signs for this company."))
        return _acknowledge(
            version, Side.PARTY, link.sha256, at, name=written, email=contact.email, contact=contact, address=address
        )


def waive_acknowledgement(
    *, version_id: int, side: str, reason: str, by: User | None, at: dt.datetime
) -> Acknowledgement:
    """Excuse a side from acknowledging approved terms, for a reason that is kept (signed on paper, for example).

    Raises WrongState where it acknowledged or is excused already, NotAllowed without the right, BadInput for no reason.
    """
    with transaction.atomic():
        version = _locked(version_id)
        person = require_person(by)
        require_permission(by, "waive_acknowledgement")
        why = require_reason(reason)
        require(side in Side.values, BadInput("side", side, _("Choose the operator or the party.")))
        require(len(why) <= 300, BadInput("reason", reason, _("Use at most 300 characters.")))
        _require_open(version, Side(side))
        row = Acknowledgement.objects.create(
            version=version,
            side=side,
            name=_name(person),
            email=person.email,
            user=person,
            acknowledged_at=at,
            waived_reason=why,
        )
        record_audit(
            action="contracts.version.waive", obj=version, by=by, at=at, reason=why, changes={"side": str(side)}
        )
    return row


def _acknowledge(
    version: ContractVersion,
    side: Side,
    sha256: str,
    at: dt.datetime,
    *,
    name: str,
    email: str,
    user: User | None = None,
    contact: Contact | None = None,
    address: str = "",
) -> Acknowledgement:
    contract, document = version.contract, document_of(version)
    require(
        contract.state in OPEN_STATES,
        WrongState(
            _("Contract %(number)s is %(state)s; there is nothing to acknowledge.")
            % {"number": contract.number, "state": contract.get_state_display()}
        ),
    )
    newer = replaced_by(version, local_date(at, contract.zone))
    require(
        newer is None,
        WrongState(_("%(version)s was replaced by %(newer)s.") % {"version": version, "newer": newer}),
    )
    require(
        document is not None and document.sha256 == sha256,
        WrongState(_("There is a newer document of %s; read and acknowledge that one.") % version),
    )
    _require_open(version, side)
    row = Acknowledgement.objects.create(
        version=version,
        side=side,
        document_sha256=sha256,
        name=name,
        email=email,
        user=user,
        contact=contact,
        address=address[:45],
        acknowledged_at=at,
    )
    record_audit(
        action="contracts.version.acknowledge",
        obj=version,
        by=user,
        at=at,
        where=address,
        changes={"side": str(side), "sha256": sha256, "name": name, "email": email},
    )
    return row


def _require_open(version: ContractVersion, side: Side) -> None:
    done = acknowledgements_of(version).get(side)
    if done is None:
        return
    said = (
        _("%(version)s was waived for the %(side)s by %(name)s.")
        if done.waived_reason
        else _("%(version)s was acknowledged for the %(side)s by %(name)s.")
    )
    raise WrongState(said % {"version": version, "side": side.label, "name": done.name})


def _name(user: User) -> str:
    return (user.full_name or user.email)[:120]


def _version(version_id: int) -> ContractVersion:
    version = (
        ContractVersion.objects.select_related("contract__party", "contract__operator", "approved_by")
        .filter(pk=version_id)
        .first()
    )
    if version is None:
        raise NotFound(_("There is no contract version with the id %s.") % version_id)
    return version


def _approved(version_id: int) -> ContractVersion:
    version = _version(version_id)
    require(
        version.state == VersionState.APPROVED,
        WrongState(_("%s is a draft; approve it first.") % version),
    )
    return version


def _locked(version_id: int) -> ContractVersion:
    """An approved version whose contract is locked, so that two people do not acknowledge at once."""
    version = _approved(version_id)
    version.contract = lock(Contract, version.contract_id)
    return version


def _drawn(version: ContractVersion, at: dt.datetime) -> bytes:
    from contracts.documents.build import agreement_view  # noqa: PLC0415 - the renderer loads slowly
    from contracts.documents.pdf import render_agreement  # noqa: PLC0415

    return render_agreement(agreement_view(version, at=at))
