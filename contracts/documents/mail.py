"""The mail that offers a contract's document: what it is, the file, and the link by which it is acknowledged."""

import datetime as dt
import re
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.translation import override

from contracts.documents.clauses import clauses_of
from contracts.models import Contact, ContractDocument, ContractVersion
from evbilling.shell.paper.formats import formats_of
from evbilling.shell.paper.letterhead import Letterhead
from evbilling.shell.paper.sheet import Colours

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class OfferContent:
    """A mail ready to send."""

    subject: str
    text: str
    html: str
    pdf_name: str


def file_name(version: ContractVersion) -> str:
    """By which both sides can file it: K-0001_v2_Operator_2026-11-30.pdf."""
    company = re.sub(r"[\W_]+", "-", version.contract.operator.legal_name).strip("-")[:_LONGEST_NAME].rstrip("-")
    number = re.sub(r"[^\w.-]+", "-", version.contract.number).strip("-.")
    return f"{number}_v{version.number}_{company}_{version.valid_from.isoformat()}.pdf"


def compose_offer(
    version: ContractVersion, document: ContractDocument, *, contact: Contact, url: str, until: dt.date
) -> OfferContent:
    """The mail to one contact in the document's language; `until` is the last day of its link."""
    contract = version.contract
    clauses, formats = clauses_of(document.language), formats_of(document.language, contract.currency)
    values = {
        "title": clauses.words[contract.kind],
        "number": contract.number,
        "version": str(version.number),
        "name": contact.name,
        "operator": contract.operator.legal_name,
        "party": contract.party.legal_name,
    }
    words = {key: text.format_map(values) for key, text in clauses.mail.items()}
    letterhead = Letterhead(name=contract.operator.legal_name, accent=contract.operator.accent_colour)
    pdf_name = file_name(version)
    context = {
        "lang": document.language,
        "words": words,
        "name": contract.operator.legal_name,
        "colours": Colours.of(letterhead),
        "facts": [
            (words["contract"], contract.number),
            (words["version"], str(version.number)),
            (words["holds_from"], formats.long_date(max(version.valid_from, contract.starts_on))),
            (words["until"], formats.long_date(until)),
        ],
        "url": url,
        "pdf_name": pdf_name,
        "sha256": document.sha256,
        "signature": "\n".join(
            filter(None, (contract.operator.legal_name, contract.operator.phone, contract.operator.website))
        ),
    }
    with override(document.language):
        text = render_to_string("emails/offer.txt", context)
        html = render_to_string("emails/offer.html", context)
    return OfferContent(
        subject=re.sub(r"\s+", " ", words["subject"]),
        text=re.sub(r"\n{3,}", "\n\n", text).strip() + "\n",
        html=html,
        pdf_name=pdf_name,
    )
