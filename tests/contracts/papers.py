"""An offered contract whose document is drawn, with somebody who may sign."""

import datetime as dt
from dataclasses import dataclass

from contracts.models import Contact, ContactRole, Contract, ContractDocument, ContractVersion, Party
from contracts.operations.agreements import draw_document
from contracts.operations.contracts import offer_contract
from contracts.queries.agreements import LINK_DAYS, OfferLink
from evbilling.kernel import outbox
from tests import factories as make


@dataclass
class Offered:
    """What an offer consists of."""

    contract: Contract
    version: ContractVersion
    document: ContractDocument
    contact: Contact

    @property
    def party(self) -> Party:
        return self.contract.party

    def link(self, **changes: object) -> OfferLink:
        """The link that the contact is mailed."""
        until = make.AT.date() + dt.timedelta(days=LINK_DAYS)
        values = {
            "contact_id": self.contact.pk,
            "version_id": self.version.pk,
            "sha256": self.document.sha256,
            "until": until,
        }
        return OfferLink(**values | changes)  # type: ignore[arg-type]


def signatory(party: Party, email: str = "director@fleet.example") -> Contact:
    """A person who may sign for a party."""
    return Contact.objects.create(party=party, name="Sam Director", email=email, role=ContactRole.SIGNATORY)


def offered(kind: str = "charging", **fields: object) -> Offered:
    """A contract offered to its party with a drawn document; its mails wait in the outbox."""
    contract = make.make_contract(kind, **fields)  # type: ignore[arg-type]
    contact = signatory(contract.party)
    with outbox.run_here():
        version = make.make_version(contract)
        offer_contract(contract_id=contract.pk, by=make.maker(), at=make.AT)
    make.leave_undrawn()
    document = draw_document(version_id=version.pk, at=make.AT)
    contract.refresh_from_db()
    return Offered(contract, version, document, contact)
