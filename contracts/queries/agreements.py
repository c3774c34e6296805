"""What both sides agreed on: the document of a version, who acknowledged it, who may, and what is still open."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.core import signing
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from contracts.models import (
    Acknowledgement,
    Contact,
    ContactRole,
    ContractDocument,
    ContractState,
    ContractVersion,
    Membership,
    MembershipRole,
    OfferMail,
    Party,
    Side,
    VersionState,
)
from evbilling.kernel.clock import local_date

LINK_DAYS = 30
"""How long a mailed link can be used."""
_SALT = "contracts.acknowledge"
OPEN_STATES = (ContractState.OFFERED, ContractState.ACTIVE, ContractState.SUSPENDED)
"""States in which the document of a contract's terms can be acknowledged."""


def document_of(version: ContractVersion) -> ContractDocument | None:
    """The latest edition of a version's document, without its bytes; None while it is not drawn."""
    return documents_of([version]).get(version.pk)


def documents_of(versions: Iterable[ContractVersion]) -> dict[int, ContractDocument]:
    """Version id -> the latest edition of its document, without the bytes. One query."""
    rows = ContractDocument.objects.filter(version__in=[each.pk for each in versions])
    return {each.version_id: each for each in rows.defer("content").order_by("edition")}


def acknowledgements_of(version: ContractVersion) -> dict[str, Acknowledgement]:
    """Side -> the acknowledgement that counts: of the document as it is, or the waiver."""
    return all_acknowledgements([version], documents_of([version])).get(version.pk, {})


def all_acknowledgements(
    versions: Iterable[ContractVersion], documents: Mapping[int, ContractDocument]
) -> dict[int, dict[str, Acknowledgement]]:
    """Version id -> side -> the acknowledgement that counts; `documents` are the latest ones. One query."""
    found: dict[int, dict[str, Acknowledgement]] = {}
    rows = Acknowledgement.objects.filter(version__in=[each.pk for each in versions])
    for each in rows.order_by("acknowledged_at"):
        document = documents.get(each.version_id)
        if each.waived_reason or (document is not None and document.sha256 == each.document_sha256):
            found.setdefault(each.version_id, {})[each.side] = each
    return found


def missing_sides(version: ContractVersion) -> list[Side]:
    """The sides that neither acknowledged the version's document nor were excused from it."""
    done = acknowledgements_of(version)
    return [side for side in (Side.OPERATOR, Side.PARTY) if side not in done]


def signatories(party: Party) -> list[Contact]:
    """Who is offered a party's contracts: those with the role signatory, else the fleet managers; each address once."""
    for role in (ContactRole.SIGNATORY, ContactRole.FLEET_MANAGER):
        found = Contact.objects.filter(party=party, role=role).order_by("email", "pk")
        if found:
            return list({each.email.lower(): each for each in found}.values())
    return []


def may_acknowledge(user: Any, party: Party, *, member: Membership | None = None) -> bool:
    """Whether a portal user may acknowledge for a party: its manager, or a member who is one of its signatories.

    `member` is the user's active membership of that party where the caller has read it already.
    """
    if user is None or not getattr(user, "is_authenticated", False):
        return False
    if member is None:
        member = user.memberships.filter(active=True, party=party).first()
    if member is None:
        return False
    return member.role == MembershipRole.MANAGER or user.email.lower() in {
        each.email.lower() for each in signatories(party) if each.role == ContactRole.SIGNATORY
    }


def replaced_by(version: ContractVersion, on: dt.date) -> ContractVersion | None:
    """The later terms that hold already on a day in place of these, or None."""
    later = ContractVersion.objects.filter(
        contract=version.contract_id,
        state=VersionState.APPROVED,
        valid_from__gt=version.valid_from,
        valid_from__lte=on,
    )
    return later.order_by("-valid_from").first()


def unacknowledged(rows: QuerySet[ContractVersion] | None = None) -> QuerySet[ContractVersion]:
    """Approved terms of contracts in force that the party has not acknowledged, the next to begin first.

    Those that hold already were asked for when the contract was activated, or are overdue.
    """
    versions = ContractVersion.objects.all() if rows is None else rows
    latest = ContractDocument.objects.filter(version=OuterRef("version")).order_by("-edition").values("sha256")[:1]
    word = Acknowledgement.objects.filter(Q(document_sha256=Subquery(latest)) | ~Q(waived_reason=""))
    return versions.filter(
        ~Exists(word.filter(version=OuterRef("pk"), side=Side.PARTY)),
        state=VersionState.APPROVED,
        contract__state__in=(ContractState.ACTIVE, ContractState.SUSPENDED),
    ).order_by("valid_from", "contract__number")


def coming_unacknowledged(at: dt.datetime) -> list[ContractVersion]:
    """Coming terms of contracts in force that the party has not acknowledged, for the clerk to see to."""
    found = unacknowledged().select_related("contract__party").filter(valid_from__gte=at.date() - dt.timedelta(days=1))
    return [each for each in found if each.valid_from > local_date(at, each.contract.zone)]


def mails_of(version: ContractVersion) -> Sequence[OfferMail]:
    """The mails that offered a version, the latest first, with their steps."""
    return list(version.offer_mails.select_related("step", "contact").order_by("-intent", "email"))


@dataclass(frozen=True, slots=True)
class OfferLink:
    """What a mailed link says: who may acknowledge which document of which version, until which day
    (inclusive, in the contract's zone)."""

    contact_id: int
    version_id: int
    sha256: str
    until: dt.date

    def token(self) -> str:
        """The signed part of the address."""
        facts = [self.contact_id, self.version_id, self.sha256, self.until.isoformat()]
        return signing.Signer(salt=_SALT).sign_object(facts, compress=True)


def read_link(token: str) -> OfferLink | None:
    """The facts of a link that this installation signed; None for any other. Whether it is still good is not asked."""
    try:
        contact_id, version_id, sha256, until = signing.Signer(salt=_SALT).unsign_object(token)
        return OfferLink(int(contact_id), int(version_id), str(sha256), dt.date.fromisoformat(until))
    except (signing.BadSignature, ValueError, TypeError):
        return None


class LinkState(StrEnum):
    """What a mailed link is good for now."""

    OPEN = "open"
    EXPIRED = "expired"
    DONE = "done"  # the party acknowledged this document already, or is excused from it
    REPLACED = "replaced"  # there is a newer document, or later terms hold
    WITHDRAWN = "withdrawn"  # the contract is a draft again, or has ended
    REVOKED = "revoked"  # the contact signs for the company no more


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """A link with what it leads to; `document` is the very one that was mailed."""

    state: LinkState
    version: ContractVersion
    document: ContractDocument
    contact: Contact | None
    acknowledged: Acknowledgement | None


def facts_of_link(link: OfferLink, at: dt.datetime) -> LinkFacts | None:
    """What a link is good for at an instant; None where its version or document is not there."""
    document = (
        ContractDocument.objects.filter(version=link.version_id, sha256=link.sha256)
        .select_related("version__contract__party", "version__contract__operator")
        .defer("content")
        .first()
    )
    if document is None:
        return None
    version = document.version
    contact = Contact.objects.filter(pk=link.contact_id, party=version.contract.party_id).first()
    done = acknowledgements_of(version).get(Side.PARTY)
    return LinkFacts(_link_state(link, version, contact, done, at), version, document, contact, done)


def _link_state(
    link: OfferLink, version: ContractVersion, contact: Contact | None, done: Acknowledgement | None, at: dt.datetime
) -> LinkState:
    contract, latest = version.contract, document_of(version)
    today = local_date(at, contract.zone)
    if latest is None or latest.sha256 != link.sha256 or replaced_by(version, today):
        return LinkState.REPLACED
    if contact is None or contact.email.lower() not in {each.email.lower() for each in signatories(contract.party)}:
        return LinkState.REVOKED
    if today > link.until:
        return LinkState.EXPIRED
    if done is not None:
        return LinkState.DONE
    return LinkState.OPEN if contract.state in OPEN_STATES else LinkState.WITHDRAWN
