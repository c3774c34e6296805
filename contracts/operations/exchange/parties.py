"""Sheets of parties and of their contacts."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contracts.models import Contact, ContactRole, Party, PartyKind, TaxStatus
from contracts.operations import master_data
from contracts.operations.exchange.sheets import Applied, Cells, Sheet, differing, fate_of
from contracts.rules import exchange
from evbilling.access.models import User
from evbilling.kernel.errors import BadInput

_TEXTS = (
    "legal_name",
    "street",
    "postal_code",
    "city",
    "region",
    "country",
    "vat_id",
    "language",
    "currency",
    "iban",
    "note",
)
_NEEDED = ("legal_name", "street", "postal_code", "city", "country", "currency")
_CONTACT = ("name", "phone")


def party_by_number(column: str, number: str) -> Party:
    """The party of that customer number. Raises BadInput where there is none."""
    wanted = exchange.required(column, number)
    party = Party.objects.filter(number=wanted).first()
    if party is None:
        raise BadInput(column, wanted, _("There is no party with this customer number; import the parties first."))
    return party


def _party_values(cells: Cells, creating: bool) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in _TEXTS:
        if name in cells and (cells.get(name).strip() or name not in {"language", "currency"}):
            values[name] = exchange.text(cells.get(name))
    for name in _NEEDED:
        if creating or name in cells:
            values[name] = exchange.required(name, cells.get(name))
    values["language"] = exchange.choice(
        "language", values.get("language", "en"), [code for code, _name in settings.LANGUAGES]
    )
    if "language" not in cells and not creating:
        del values["language"]
    if "currency" in values:
        values["currency"] = exchange.choice("currency", values["currency"], settings.CURRENCIES)
    if creating or "kind" in cells:
        values["kind"] = exchange.choice("kind", exchange.required("kind", cells.get("kind")), PartyKind.values)
    if cells.get("business").strip():
        values["is_business"] = exchange.yes("business", cells.get("business"))
    if cells.get("tax_status").strip():
        values["tax_status"] = exchange.choice("tax_status", cells.get("tax_status"), TaxStatus.values)
    if "self_billing_agreed_on" in cells:
        agreed = cells.get("self_billing_agreed_on")
        values["self_billing_agreed_on"] = exchange.day("self_billing_agreed_on", agreed) if agreed.strip() else None
    return values


def _apply_party(cells: Cells, *, by: User, at: dt.datetime) -> Applied:
    number = exchange.required("number", cells.get("number"))
    party = Party.objects.filter(number=number).first()
    values = _party_values(cells, party is None)
    before = {} if party is None else _party_row(party)
    if party is None:
        saved = master_data.create_party(number=number, by=by, at=at, **values)
    else:
        saved = master_data.change_party(party_id=party.pk, by=by, at=at, **values)
    changes = differing(before, _party_row(saved))
    return Applied(fate_of(changes, party is None), saved, changes)


def _party_row(party: Party) -> dict[str, str]:
    row = {name: str(getattr(party, name)) for name in ("number", "kind", "tax_status", *_TEXTS)}
    row["business"] = "yes" if party.is_business else "no"
    agreed = party.self_billing_agreed_on
    row["self_billing_agreed_on"] = agreed.isoformat() if agreed else ""
    return row


def _party_rows(parties: QuerySet[Party]) -> Iterator[dict[str, str]]:
    yield from map(_party_row, parties.order_by("number"))


PARTIES = Sheet(
    name="parties",
    title=gettext_lazy("Parties"),
    columns=("number", "kind", *_TEXTS[:7], "business", "tax_status", "self_billing_agreed_on", *_TEXTS[7:]),
    key=("number",),
    needed=("number",),
    permission="add_party",
    view="view_party",
    apply=_apply_party,
    rows=_party_rows,
)


def _apply_contact(cells: Cells, *, by: User, at: dt.datetime) -> Applied:
    party = party_by_number("party", cells.get("party"))
    email = exchange.required("email", cells.get("email"))
    role = exchange.choice("role", cells.get("role"), ContactRole.values)
    contact = Contact.objects.filter(party=party, email=email, role=role).first()
    values = {name: exchange.text(cells.get(name)) for name in _CONTACT if name in cells}
    if contact is None or "name" in cells:
        values["name"] = exchange.required("name", cells.get("name"))
    before = {} if contact is None else _contact_row(contact)
    if contact is None:
        saved = master_data.create_contact(party_id=party.pk, email=email, role=role, by=by, at=at, **values)
    else:
        saved = master_data.change_contact(contact_id=contact.pk, by=by, at=at, **values)
    changes = differing(before, _contact_row(saved))
    return Applied(fate_of(changes, contact is None), saved, changes)


def _contact_row(contact: Contact) -> dict[str, str]:
    names = ("role", "email", *_CONTACT)
    return {"party": contact.party.number} | {name: str(getattr(contact, name)) for name in names}


def _contact_rows(parties: QuerySet[Party]) -> Iterator[dict[str, str]]:
    contacts = Contact.objects.filter(party__in=parties.order_by().values("pk")).select_related("party")
    yield from map(_contact_row, contacts.order_by("party__number", "role", "email"))


CONTACTS = Sheet(
    name="contacts",
    title=gettext_lazy("Contacts of parties"),
    columns=("party", "role", "name", "email", "phone"),
    key=("party", "role", "email"),
    needed=("party", "role", "email"),
    permission="add_contact",
    view="view_contact",
    apply=_apply_contact,
    rows=_contact_rows,
)
