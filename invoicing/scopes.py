"""Which documents a portal user sees (I20): the issued ones of the parties that the user acts for; drafts are ours."""

from django.db.models import Q

from contracts.queries import parties_of
from evbilling.access.models import User
from evbilling.access.scope import register_scope
from invoicing.models import (
    Allocation,
    CreditedCharge,
    Delivery,
    Deposit,
    Dispute,
    Document,
    Invoice,
    InvoiceLine,
    InvoiceState,
    InvoiceTax,
    Letter,
    LetterKind,
    Penalty,
)


def documents_of(user: User) -> Q:
    """Issued invoices, credit notes and settlements of the own parties."""
    return Q(party__in=parties_of(user), state=InvoiceState.ISSUED)


def _of_document(user: User) -> Q:
    return Q(invoice__in=Invoice.objects.filter(documents_of(user)).values("pk"))


def letters_of(user: User) -> Q:
    """Letters to the own parties; reports that stay in the house are the staff's."""
    return Q(party__in=parties_of(user)) & ~Q(kind=LetterKind.RUN_REPORT)


def _of_document_or_letter(user: User) -> Q:
    return _of_document(user) | Q(letter__in=Letter.objects.filter(letters_of(user)).values("pk"))


def _of_contract(user: User) -> Q:
    return Q(contract__party__in=parties_of(user))


def disputes_of(user: User) -> Q:
    """Disputes of the own parties' documents."""
    return Q(party__in=parties_of(user))


def _of_line(user: User) -> Q:
    return Q(line__invoice__in=Invoice.objects.filter(documents_of(user)).values("pk"))


def register() -> None:
    """Called once from AppConfig.ready(). Ledger, runs, corrections, series and tax rates are for the staff alone."""
    register_scope(Invoice, documents_of)
    register_scope(Penalty, _of_contract)
    register_scope(Deposit, _of_contract)
    register_scope(Letter, letters_of)
    register_scope(Dispute, disputes_of)
    register_scope(CreditedCharge, _of_line)
    register_scope(Delivery, _of_document_or_letter)
    for model in (InvoiceLine, InvoiceTax, Document, Allocation):
        register_scope(model, _of_document)
