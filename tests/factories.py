"""What tests stand on: an operator, people, parties, sites, tariffs and contracts in force, made by the operations.

Plain functions; each makes a new row with a number of its own unless told otherwise. Needs a database.
"""

import datetime as dt
import itertools
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from contracts.models import (
    Connector,
    ConnectorKind,
    Contact,
    ContactRole,
    Contract,
    ContractKind,
    ContractVersion,
    CostCentre,
    Membership,
    MembershipRole,
    Operator,
    Party,
    PartyKind,
    PriceBasis,
    Side,
    Site,
    Station,
    Tariff,
    TariffAssignment,
    TariffVersion,
    TaxTreatment,
    Token,
    TokenAssignment,
    TokenKind,
    Vehicle,
)
from contracts.operations.agreements import DRAW_STEP, waive_acknowledgement
from contracts.operations.assignments import (
    assign_tariff,
    assign_token,
    sponsor_vehicle,
)
from contracts.operations.contracts import (
    activate_contract,
    approve_version,
    create_contract,
    draft_version,
    offer_contract,
)
from contracts.operations.shares import set_revenue_share, set_sponsorship
from contracts.operations.tariffs import draft_tariff_version, release_tariff_version
from contracts.operations.terms import add_term
from contracts.queries import version_on
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.outbox import OutboxMessage, OutboxState

AT = dt.datetime(2026, 1, 1, 9, 0, tzinfo=dt.UTC)
"""When the factories did what they did."""
FIRST_DAY = dt.date(2026, 1, 1)
"""First day of contracts and terms unless told otherwise."""
ZONE = "Europe/Berlin"

_next = itertools.count(1)


def make_user(role: Role | str | None = Role.ADMINISTRATOR, **fields: Any) -> User:
    """A person. With a role: staff in its group; None: a portal user without any right in the workspace."""
    number = next(_next)
    fields.setdefault("full_name", f"Person {number}")
    email = fields.pop("email", f"person{number}@example.com")
    user = User.objects.create_user(email, fields.pop("password", None), is_staff=role is not None, **fields)
    if role is not None:
        user.groups.add(Group.objects.get(name=Role(role).value))
    return user


def maker() -> User:
    """The one contract manager who makes things in the factories."""
    return _person("maker@example.com", "Mara Maker")


def checker() -> User:
    """The one contract manager who approves them."""
    return _person("checker@example.com", "Chris Checker")


def _person(email: str, name: str) -> User:
    found = User.objects.filter(email=email).first()
    return found or make_user(Role.CONTRACT_MANAGER, email=email, full_name=name)


def make_operator(**fields: Any) -> Operator:
    """An operator in Berlin that bills in euros."""
    number = next(_next)
    return Operator.objects.create(
        **{
            "legal_name": f"Volt Operations {number} GmbH",
            "street": "Lindenstr. 1",
            "postal_code": "10969",
            "city": "Berlin",
            "country": "DE",
            "vat_id": "DE136695976",
            "currency": "EUR",
            "zone": ZONE,
            "billing_email": "billing@volt.example",
            "bank_name": "Example Bank",
            "iban": "DE02120300000000202051",
            "bic": "BYLADEM1001",
        }
        | fields
    )


def make_party(kind: str = PartyKind.FLEET_OPERATOR, accountant: str | None = None, **fields: Any) -> Party:
    """A company in Munich; `accountant` is an address that receives its documents."""
    number = next(_next)
    party = Party.objects.create(
        **{
            "number": f"C{number:05}",
            "kind": kind,
            "legal_name": f"Company {number} GmbH",
            "street": "Hauptstr. 2",
            "postal_code": "80331",
            "city": "Munich",
            "country": "DE",
            "vat_id": "DE811569869" if kind == PartyKind.PROPERTY_OWNER else "",
            "currency": "EUR",
            "self_billing_agreed_on": FIRST_DAY if kind == PartyKind.PROPERTY_OWNER else None,
        }
        | fields
    )
    if accountant is not None:
        Contact.objects.create(party=party, name="Accounts", email=accountant, role=ContactRole.ACCOUNTANT)
    return party


def make_member(party: Party, role: str = MembershipRole.MANAGER, **fields: Any) -> User:
    """A portal user who acts for a party."""
    user = make_user(None, **fields)
    Membership.objects.create(user=user, party=party, role=role)
    return user


def make_site(owner: Party | None = None, **fields: Any) -> Site:
    """A place in Germany."""
    number = next(_next)
    return Site.objects.create(
        **{"ref": f"SITE-{number}", "name": f"Car park {number}", "owner": owner, "country": "DE", "zone": ZONE}
        | fields
    )


def make_station(site: Site | None = None, max_power_w: int = 22_000, **fields: Any) -> Station:
    """A station with one connector."""
    ref = f"DE*EVB*E{next(_next)}"
    station = Station.objects.create(**{"site": site or make_site(), "ref": ref, "name": ref} | fields)
    Connector.objects.create(station=station, ref="1", kind=ConnectorKind.IEC_62196_T2, max_power_w=max_power_w)
    return station


def make_cost_centre(party: Party, **fields: Any) -> CostCentre:
    """A cost centre of a party."""
    number = next(_next)
    return CostCentre.objects.create(**{"party": party, "code": f"CC-{number}", "name": f"Team {number}"} | fields)


def make_vehicle(party: Party | None = None, **fields: Any) -> Vehicle:
    """A vehicle of a party."""
    return Vehicle.objects.create(**{"party": party or make_party(), "label": f"M-EV {next(_next)}"} | fields)


def make_token(vehicle: Vehicle | None = None, **fields: Any) -> Token:
    """A charge card."""
    return Token.objects.create(
        **{"ref": f"TOKEN-{next(_next)}", "kind": TokenKind.RFID, "driver_name": "Dana Driver", "vehicle": vehicle}
        | fields
    )


def tariff_document(
    energy: str = "0.45", vat: str | None = "19", currency: str = "EUR", elements: Sequence[Any] | None = None
) -> dict[str, Any]:
    """An OCPI tariff with one price per kWh (major unit, without tax), or with the given elements."""
    component = {"type": "ENERGY", "price": energy, "step_size": 1} | ({} if vat is None else {"vat": vat})
    return {
        "id": "T",
        "country_code": "DE",
        "party_id": "EVB",
        "currency": currency,
        "elements": list(elements) if elements is not None else [{"price_components": [component]}],
        "last_updated": "2026-01-01T00:00:00Z",
    }


def make_tariff(
    operator: Operator | None = None,
    document: dict[str, Any] | None = None,
    valid_from: dt.datetime = dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    released: bool = True,
    **fields: Any,
) -> Tariff:
    """A tariff with one version, released by a second person unless told otherwise."""
    operator = operator or make_operator()
    code = fields.pop("code", f"TARIFF-{next(_next)}")
    tariff = Tariff.objects.create(**{"operator": operator, "code": code, "name": code, "currency": "EUR"} | fields)
    make_tariff_version(tariff, document, valid_from, released)
    return tariff


def make_tariff_version(
    tariff: Tariff, document: dict[str, Any] | None, valid_from: dt.datetime, released: bool = True
) -> TariffVersion:
    """One more version of a tariff."""
    version = draft_tariff_version(
        tariff_id=tariff.pk,
        valid_from=valid_from,
        document=document or tariff_document(currency=tariff.currency),
        ocpi_version="2.3.0" if "tax_included" in (document or ()) else "2.2.1",
        by=maker(),
        at=AT,
    )
    return release_tariff_version(version_id=version.pk, by=checker(), at=AT) if released else version


def make_contract(
    kind: str = ContractKind.CHARGING,
    operator: Operator | None = None,
    party: Party | None = None,
    sites: Collection[Site] = (),
    starts_on: dt.date = FIRST_DAY,
    **fields: Any,
) -> Contract:
    """A draft contract without terms; `fields`: number, currency, zone, purchase_order."""
    return create_contract(
        operator_id=(operator or make_operator()).pk,
        party_id=(party or make_party(_kind_for(kind))).pk,
        kind=kind,
        starts_on=starts_on,
        site_ids=[site.pk for site in sites],
        by=maker(),
        at=AT,
        **{"number": f"K-{next(_next):04}", "currency": "EUR", "zone": ZONE} | fields,
    )


def _kind_for(contract_kind: str) -> str:
    """A host can be settled: he has a VAT id and agreed to self-billing."""
    return PartyKind.PROPERTY_OWNER if contract_kind == ContractKind.HOSTING else PartyKind.FLEET_OPERATOR


def make_version(
    contract: Contract,
    valid_from: dt.date = FIRST_DAY,
    tariff: Tariff | None = None,
    *,
    percent: Decimal = Decimal(50),
    approved: bool = True,
    payment_terms_days: int = 14,
    price_basis: str = PriceBasis.NET,
    tax_treatment: str = TaxTreatment.STANDARD,
    terms: Sequence[tuple[str, dict[str, Any]]] = (),
    shares: Sequence[dict[str, Any]] = (),
    sponsorship: dict[str, Any] | None = None,
    **more: Any,
) -> ContractVersion:
    """Terms with what the kind of contract needs: a tariff (a new one unless given) or `percent`.

    `terms` are kinds and figures of terms beyond the tariff; `shares` and `sponsorship` are figures instead of
    `percent`.
    """
    version = draft_version(
        contract_id=contract.pk,
        valid_from=valid_from,
        payment_terms_days=payment_terms_days,
        price_basis=price_basis,
        tax_treatment=tax_treatment,
        terms_text="The operator keeps the chargers in order; the customer pays on time.",
        by=maker(),
        at=AT,
        **more,
    )
    if contract.kind == ContractKind.HOSTING:
        for share in shares or [{"percent_of_net": percent}]:
            set_revenue_share(version_id=version.pk, by=maker(), at=AT, **share)
    elif contract.kind == ContractKind.SPONSORSHIP:
        set_sponsorship(version_id=version.pk, by=maker(), at=AT, **(sponsorship or {"percent": percent}))
    else:
        tariff = tariff or make_tariff(contract.operator, currency=contract.currency)
        assign_tariff(version_id=version.pk, tariff_id=tariff.pk, by=maker(), at=AT)
    for term_kind, figures in terms:
        add_term(version_id=version.pk, kind=term_kind, figures=figures, by=maker(), at=AT)
    return approve_undrawn(version) if approved else version


def approve_undrawn(version: ContractVersion) -> ContractVersion:
    """Approved, but its document is not drawn, which takes a third of a second; who needs it calls draw_document."""
    with transaction.atomic():
        approved = approve_version(version_id=version.pk, by=checker(), at=AT)
        leave_undrawn()
    return approved


def leave_undrawn() -> None:
    """Cancel the drawing of contract documents that is queued."""
    OutboxMessage.objects.filter(kind=DRAW_STEP, state=OutboxState.QUEUED).update(state=OutboxState.CANCELLED)


def offer_undrawn(contract: Contract) -> Contract:
    """Offered, and both sides excused from acknowledging the document that is not drawn."""
    with transaction.atomic():
        offered = offer_contract(contract_id=contract.pk, by=maker(), at=AT)
        leave_undrawn()
    version = version_on(contract, contract.starts_on)
    assert version is not None
    for side in Side:
        waive_acknowledgement(version_id=version.pk, side=side, reason="signed on paper", by=maker(), at=AT)
    return offered


_MORE_TERMS = ("group_lines_by", "split_documents_by", "minimum_invoice_amount", "dunning_plan_id")


def make_contract_in_force(
    kind: str = ContractKind.CHARGING,
    operator: Operator | None = None,
    party: Party | None = None,
    sites: Collection[Site] = (),
    *,
    starts_on: dt.date = FIRST_DAY,
    tariff: Tariff | None = None,
    percent: Decimal = Decimal(50),
    tokens: Collection[Token] = (),
    vehicles: Collection[Vehicle] = (),
    cost_centre: CostCentre | None = None,
    payment_terms_days: int = 14,
    price_basis: str = PriceBasis.NET,
    tax_treatment: str = TaxTreatment.STANDARD,
    terms: Sequence[tuple[str, dict[str, Any]]] = (),
    shares: Sequence[dict[str, Any]] = (),
    sponsorship: dict[str, Any] | None = None,
    **fields: Any,
) -> Contract:
    """An active contract: made by one person, its terms and itself approved by another.

    `tokens` are paid for by it (booked on `cost_centre`) and `vehicles` sponsored by it, from its first day on.
    """
    more = {name: fields.pop(name) for name in _MORE_TERMS if name in fields}
    contract = make_contract(kind, operator, party, sites, starts_on, **fields)
    make_version(
        contract,
        starts_on,
        tariff,
        percent=percent,
        payment_terms_days=payment_terms_days,
        price_basis=price_basis,
        tax_treatment=tax_treatment,
        terms=terms,
        shares=shares,
        sponsorship=sponsorship,
        **more,
    )
    offer_undrawn(contract)
    contract = activate_contract(contract_id=contract.pk, by=checker(), at=AT)
    for token in tokens:
        make_assignment(token, contract, cost_centre=cost_centre, valid_from=starts_on)
    for vehicle in vehicles:
        sponsor_vehicle(contract_id=contract.pk, vehicle_id=vehicle.pk, valid_from=starts_on, by=maker(), at=AT)
    return contract


def make_assignment(
    token: Token,
    contract: Contract,
    cost_centre: CostCentre | None = None,
    valid_from: dt.date = FIRST_DAY,
    valid_to: dt.date | None = None,
) -> TokenAssignment:
    """Let a contract pay for a token."""
    return assign_token(
        token_id=token.pk,
        contract_id=contract.pk,
        cost_centre_id=cost_centre.pk if cost_centre else None,
        valid_from=valid_from,
        valid_to=valid_to,
        by=maker(),
        at=AT,
    )


def assigned_tariffs(contract: Contract) -> list[TariffAssignment]:
    """The tariff assignments of all versions of a contract."""
    return list(TariffAssignment.objects.filter(version__contract=contract).order_by("pk"))
