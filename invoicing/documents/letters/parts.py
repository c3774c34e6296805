"""What several letters say alike: the facts beside the address, and how to pay."""

from decimal import Decimal
from typing import Any

from django.utils.translation import pgettext

from evbilling.shell.paper.formats import formats_of
from evbilling.shell.paper.letterhead import BankAccount
from invoicing.documents.head import bank_facts, transfer_code
from invoicing.documents.letters.views import LetterView


def letter_facts(view: LetterView, *first: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Beside the address: what the letter itself says first, then day, references and the person to ask."""
    refs = view.references
    facts = (
        *first,
        (pgettext("document", "Date"), formats_of(view.language, view.currency).long_date(view.dated_on)),
        (pgettext("document", "Customer no."), refs.customer_no),
        (pgettext("document", "Contract"), refs.contract_no),
        (pgettext("document", "PO number"), refs.purchase_order),
        *refs.more,
        (pgettext("document", "Contact"), view.issuer.contact_name),
    )
    return tuple((label, value) for label, value in facts if value)


def transfer(
    view: LetterView, bank: BankAccount | None, amount: Decimal, reference: str, pay_url: str
) -> dict[str, Any] | None:
    """How to pay an amount: account, reference, link and, in EUR, the code; None where nothing is to be paid."""
    if amount <= 0 or (bank is None and not pay_url):
        return None
    facts = bank_facts(bank) if bank else []
    if reference:
        facts.append((pgettext("document", "Reference"), reference))
    return {
        "heading": pgettext("document", "How to pay"),
        "facts": facts,
        "text": "",
        "url": pay_url,
        "qr": transfer_code(bank, amount, view.currency, reference, view.letterhead.ink),
    }


def own_words(*texts: str) -> tuple[str, ...]:
    """Paragraphs without the empty ones."""
    return tuple(text for text in texts if text)
