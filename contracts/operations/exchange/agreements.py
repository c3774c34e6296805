"""Sheets of contracts with their first terms, of the tokens they pay for, and of sponsored vehicles.

What comes in is a draft: terms are approved and contracts activated by a second person in the workspace (I18).
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contracts.models import (
    Contract,
    ContractKind,
    ContractVersion,
    CostCentre,
    DocumentSplit,
    LineGrouping,
    Operator,
    PriceBasis,
    Site,
    SponsoredVehicle,
    SuspensionRule,
    Tariff,
    TariffAssignment,
    TaxTreatment,
    Token,
    TokenAssignment,
    TokenKind,
    Vehicle,
)
from contracts.operations import assignments, master_data
from contracts.operations.contracts import change_contract, create_contract
from contracts.operations.exchange.parties import party_by_number
from contracts.operations.exchange.sheets import Applied, Cells, Sheet, differing, fate_of
from contracts.operations.versions import TERMS, change_version, draft_version
from contracts.rules import exchange
from contracts.rules.exchange import TariffPlace
from contracts.rules.identifiers import zone_name
from evbilling.access.models import User
from evbilling.kernel.errors import BadInput, require

_TERMS = ("valid_from", *(name for name in TERMS if not name.endswith("_id")))  # rows are chosen on their pages
_WHOLE = ("payment_terms_days", "notice_days")
_WORDS = {
    "price_basis": PriceBasis.values,
    "tax_treatment": TaxTreatment.values,
    "group_lines_by": LineGrouping.values,
    "split_documents_by": DocumentSplit.values,
    "suspension_rule": SuspensionRule.values,
}


def contract_by_number(column: str, number: str) -> Contract:
    """The contract of that number. Raises BadInput where there is none."""
    wanted = exchange.required(column, number)
    contract = Contract.objects.select_related("party", "operator").filter(number=wanted).first()
    if contract is None:
        raise BadInput(column, wanted, _("There is no contract with this number; import the contracts first."))
    return contract


def operator_of(cells: Cells) -> Operator:
    """The operator named, or the only one. Raises BadInput where neither is clear."""
    name = exchange.text(cells.get("operator"))
    found = list(Operator.objects.filter(legal_name=name) if name else Operator.objects.all()[:2])
    if len(found) != 1:
        raise BadInput("operator", name, _("Write the legal name of one of your operators."))
    return found[0]


def _identity(cells: Cells, contract: Contract | None) -> dict[str, Any]:
    """The values of the contract itself that the row gives; for a new one all of them."""
    values: dict[str, Any] = {}
    new = contract is None
    if new or "party" in cells:
        values["party_id"] = party_by_number("party", cells.get("party")).pk
    if new or cells.get("operator").strip():
        values["operator_id"] = operator_of(cells).pk
    if new or "kind" in cells:
        values["kind"] = exchange.choice("kind", cells.get("kind"), ContractKind.values)
    if new or "starts_on" in cells:
        values["starts_on"] = exchange.day("starts_on", cells.get("starts_on"))
    for name in ("currency", "zone"):
        given = exchange.text(cells.get(name))
        if given:
            values[name] = given
        elif contract is None:
            values[name] = str(getattr(Operator.objects.get(pk=values["operator_id"]), name))
    if "zone" in values:
        values["zone"] = zone_name(values["zone"])
    if "purchase_order" in cells:
        values["purchase_order"] = exchange.text(cells.get("purchase_order"))
    return values


def _terms(cells: Cells, first_day: dt.date | None) -> dict[str, Any]:
    """The first terms that the row gives; `first_day` is the default of a new contract's."""
    values: dict[str, Any] = {}
    if cells.get("valid_from").strip():
        values["valid_from"] = exchange.day("valid_from", cells.get("valid_from"))
    elif first_day is not None:
        values["valid_from"] = first_day
    for name in _WHOLE:
        if cells.get(name).strip():
            values[name] = exchange.whole(name, cells.get(name))
    for name, words in _WORDS.items():
        if cells.get(name).strip():
            values[name] = exchange.choice(name, cells.get(name), words)
    if "minimum_term_until" in cells:
        until = cells.get("minimum_term_until")
        values["minimum_term_until"] = exchange.day("minimum_term_until", until) if until.strip() else None
    if "minimum_invoice_amount" in cells:
        values["minimum_invoice_amount"] = exchange.decimal(
            "minimum_invoice_amount", cells.get("minimum_invoice_amount")
        )
    if "terms_text" in cells:
        values["terms_text"] = exchange.text(cells.get("terms_text"))
    return values


def _sites(cells: Cells) -> list[int]:
    refs = exchange.listed(cells.get("sites"))
    found = dict(Site.objects.filter(ref__in=refs).values_list("ref", "pk"))
    for ref in refs:
        require(ref in found, BadInput("sites", ref, _("There is no site with this reference; add it under Sites.")))
    return sorted(set(found.values()))


def _apply_contract(cells: Cells, *, by: User, at: dt.datetime) -> Applied:
    number = exchange.required("number", cells.get("number"))
    contract = Contract.objects.filter(number=number).first()
    before = {} if contract is None else _contract_row(contract)
    values = _identity(cells, contract)
    sites = _sites(cells) if "sites" in cells else None
    if contract is None:
        saved = create_contract(number=number, site_ids=sites or (), by=by, at=at, **values)
    else:
        saved = change_contract(contract_id=contract.pk, site_ids=sites, by=by, at=at, **values)
    version = saved.versions.order_by("number").first()
    terms = _terms(cells, saved.starts_on if version is None else None)
    if version is None:
        version = draft_version(contract_id=saved.pk, by=by, at=at, **terms)
    elif any(getattr(version, name) != value for name, value in terms.items()):
        version = change_version(version_id=version.pk, by=by, at=at, **terms)
    if "tariffs" in cells:
        _assign(version, exchange.tariff_places("tariffs", cells.get("tariffs")), by=by, at=at)
    changes = differing(before, _contract_row(Contract.objects.get(pk=saved.pk)))
    return Applied(fate_of(changes, contract is None), saved, changes)


def _assign(version: ContractVersion, places: Sequence[TariffPlace], *, by: User, at: dt.datetime) -> None:
    """Give the terms exactly these tariffs, the first one with the highest priority."""
    standing = list(version.tariff_assignments.select_related("tariff", "site").order_by("-priority"))
    if [_place(each) for each in standing] == list(places):
        return
    for each in standing:
        assignments.unassign_tariff(assignment_id=each.pk, by=by, at=at)
    for priority, place in zip(range(len(places) - 1, -1, -1), places, strict=True):
        tariff = Tariff.objects.filter(code=place.code).first()
        if tariff is None:
            raise BadInput("tariffs", place.code, _("There is no tariff with this code; import the tariffs first."))
        site = Site.objects.filter(ref=place.site).first() if place.site else None
        require(
            site is not None or not place.site,
            BadInput("tariffs", place.site, _("There is no site with this reference; add it under Sites.")),
        )
        assignments.assign_tariff(
            version_id=version.pk,
            tariff_id=tariff.pk,
            site_id=site.pk if site else None,
            min_power_w=place.min_power_w,
            max_power_w=place.max_power_w,
            priority=priority,
            by=by,
            at=at,
        )


def _place(each: TariffAssignment) -> TariffPlace:
    return TariffPlace(each.tariff.code, each.site.ref if each.site else "", each.min_power_w, each.max_power_w)


def _contract_row(contract: Contract) -> dict[str, str]:
    row = {name: str(getattr(contract, name)) for name in ("number", "kind", "currency", "zone", "purchase_order")}
    row |= {"operator": contract.operator.legal_name, "party": contract.party.number, "state": contract.state}
    row |= {
        "starts_on": contract.starts_on.isoformat(),
        "ends_on": contract.ends_on.isoformat() if contract.ends_on else "",
    }
    row["sites"] = exchange.join("sites", sorted(site.ref for site in contract.sites.all()))
    version = min(contract.versions.all(), key=lambda each: each.number, default=None)
    if version is None:
        return row
    standing = sorted(version.tariff_assignments.all(), key=lambda each: -each.priority)
    row["tariffs"] = exchange.join("tariffs", map(_place, standing))
    return row | {name: _text(getattr(version, name)) for name in _TERMS}


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _contract_rows(contracts: QuerySet[Contract]) -> Iterator[dict[str, str]]:
    found = contracts.select_related(None).select_related("operator", "party").order_by("number")
    related = ("sites", "versions__tariff_assignments__tariff", "versions__tariff_assignments__site")
    yield from map(_contract_row, found.prefetch_related(*related))


CONTRACTS = Sheet(
    name="contracts",
    title=gettext_lazy("Contracts with their first terms"),
    columns=(
        *("number", "party", "kind", "operator", "currency", "zone", "starts_on", "sites", "purchase_order"),
        *_TERMS,
        "tariffs",
    ),
    shown=("state", "ends_on"),
    key=("number",),
    needed=("number",),
    permission="add_contract",
    view="view_contract",
    apply=_apply_contract,
    rows=_contract_rows,
)


def _days(cells: Cells) -> tuple[dt.date, dt.date | None]:
    ends = cells.get("valid_to")
    return exchange.day("valid_from", cells.get("valid_from")), (
        exchange.day("valid_to", ends) if ends.strip() else None
    )


def _cost_centre(contract: Contract, cells: Cells, *, by: User, at: dt.datetime) -> CostCentre | None:
    code = exchange.text(cells.get("cost_centre"))
    if not code:
        return None
    found = CostCentre.objects.filter(party=contract.party, code=code).first()
    return found or master_data.create_cost_centre(party_id=contract.party_id, code=code, by=by, at=at)


def _vehicle(contract: Contract, label: str, *, by: User, at: dt.datetime) -> Vehicle | None:
    if not label:
        return None
    found = Vehicle.objects.filter(party=contract.party, label=label).first()
    return found or master_data.create_vehicle(party_id=contract.party_id, label=label, by=by, at=at)


def _token(contract: Contract, cells: Cells, *, by: User, at: dt.datetime) -> Token:
    ref = exchange.required("token", cells.get("token"))
    values: dict[str, Any] = {}
    if cells.get("kind").strip():
        values["kind"] = exchange.choice("kind", cells.get("kind"), TokenKind.values)
    if "driver" in cells:
        values["driver_name"] = exchange.text(cells.get("driver"))
    if "vehicle" in cells:
        vehicle = _vehicle(contract, exchange.text(cells.get("vehicle")), by=by, at=at)
        values["vehicle_id"] = vehicle.pk if vehicle else None
    token = Token.objects.select_related("vehicle").filter(ref=ref).first()
    if token is None:
        return master_data.create_token(ref=ref, by=by, at=at, **({"kind": TokenKind.RFID} | values))
    theirs = token.vehicle is not None and token.vehicle.party_id != contract.party_id
    foreign = Q(token=token) & ~Q(contract__party=contract.party)
    differs = any(getattr(token, name) != value for name, value in values.items())
    require(
        not differs or not (theirs or TokenAssignment.objects.filter(foreign).exists()),
        BadInput("token", ref, _("Another party uses this token; change its driver or vehicle on its own page.")),
    )
    return master_data.change_token(token_id=token.pk, by=by, at=at, **values) if differs else token


def _apply_token(cells: Cells, *, by: User, at: dt.datetime) -> Applied:
    contract = contract_by_number("contract", cells.get("contract"))
    since, until = _days(cells)
    standing = TokenAssignment.objects.filter(
        contract=contract, token__ref=exchange.text(cells.get("token")), valid_from=since
    ).first()
    before = {} if standing is None else _token_row(standing)
    token = _token(contract, cells, by=by, at=at)
    centre = _cost_centre(contract, cells, by=by, at=at)
    if standing is None:
        saved = assignments.assign_token(
            token_id=token.pk,
            contract_id=contract.pk,
            cost_centre_id=centre.pk if centre else None,
            valid_from=since,
            valid_to=until,
            by=by,
            at=at,
        )
    else:
        saved = standing
        same = "cost_centre" not in cells or standing.cost_centre_id == (centre.pk if centre else None)
        advice = _("The contract books this token elsewhere; end that row and add one from another day.")
        require(same, BadInput("cost_centre", cells.get("cost_centre"), advice))
        if "valid_to" in cells and standing.valid_to != until:
            still = _("The end of an assignment can be set, not taken away; add a row from that day on.")
            if until is None:
                raise BadInput("valid_to", "", still)
            saved = assignments.end_token_assignment(assignment_id=standing.pk, valid_to=until, by=by, at=at)
    found = TokenAssignment.objects.select_related("token__vehicle", "contract", "cost_centre").get(pk=saved.pk)
    changes = differing(before, _token_row(found))
    return Applied(fate_of(changes, standing is None), found, changes)


def _token_row(each: TokenAssignment) -> dict[str, str]:
    return {
        "contract": each.contract.number,
        "token": each.token.ref,
        "kind": each.token.kind,
        "driver": each.token.driver_name,
        "vehicle": each.token.vehicle.label if each.token.vehicle else "",
        "cost_centre": each.cost_centre.code if each.cost_centre else "",
    } | _day_cells(each)


def _day_cells(each: TokenAssignment | SponsoredVehicle) -> dict[str, str]:
    return {"valid_from": each.valid_from.isoformat(), "valid_to": each.valid_to.isoformat() if each.valid_to else ""}


def _token_rows(contracts: QuerySet[Contract]) -> Iterator[dict[str, str]]:
    rows = TokenAssignment.objects.filter(contract__in=contracts.order_by().values("pk"))
    joined = rows.select_related("token__vehicle", "contract", "cost_centre")
    yield from map(_token_row, joined.order_by("contract__number", "token__ref", "valid_from"))


TOKENS = Sheet(
    name="tokens",
    title=gettext_lazy("Tokens that contracts pay for"),
    columns=("contract", "token", "kind", "driver", "vehicle", "cost_centre", "valid_from", "valid_to"),
    key=("contract", "token", "valid_from"),
    needed=("contract", "token", "valid_from"),
    permission="add_tokenassignment",
    view="view_tokenassignment",
    apply=_apply_token,
    rows=_token_rows,
)


def _apply_sponsored(cells: Cells, *, by: User, at: dt.datetime) -> Applied:
    contract = contract_by_number("contract", cells.get("contract"))
    owner = party_by_number("owner", cells.get("owner"))
    label = exchange.required("vehicle", cells.get("vehicle"))
    vehicle = Vehicle.objects.filter(party=owner, label=label).first()
    if vehicle is None:
        raise BadInput("vehicle", label, _("Its owner has no vehicle of this name; add it under Vehicles."))
    since, until = _days(cells)
    standing = SponsoredVehicle.objects.filter(contract=contract, vehicle=vehicle, valid_from=since).first()
    before = {} if standing is None else _sponsored_row(standing)
    if standing is None:
        saved = assignments.sponsor_vehicle(
            contract_id=contract.pk, vehicle_id=vehicle.pk, valid_from=since, valid_to=until, by=by, at=at
        )
    elif "valid_to" in cells and standing.valid_to != until:
        if until is None:
            still = _("The end of a sponsorship can be set, not taken away; add a row from that day on.")
            raise BadInput("valid_to", "", still)
        saved = assignments.end_sponsored_vehicle(sponsored_id=standing.pk, valid_to=until, by=by, at=at)
    else:
        saved = standing
    changes = differing(before, _sponsored_row(saved))
    return Applied(fate_of(changes, standing is None), saved, changes)


def _sponsored_row(each: SponsoredVehicle) -> dict[str, str]:
    vehicle = each.vehicle
    named = {"contract": each.contract.number, "owner": vehicle.party.number, "vehicle": vehicle.label}
    return named | _day_cells(each)


def _sponsored_rows(contracts: QuerySet[Contract]) -> Iterator[dict[str, str]]:
    rows = SponsoredVehicle.objects.filter(contract__in=contracts.order_by().values("pk"))
    joined = rows.select_related("vehicle__party", "contract")
    yield from map(_sponsored_row, joined.order_by("contract__number", "vehicle__label", "valid_from"))


SPONSORED_VEHICLES = Sheet(
    name="sponsored-vehicles",
    title=gettext_lazy("Vehicles under sponsorships"),
    columns=("contract", "owner", "vehicle", "valid_from", "valid_to"),
    key=("contract", "owner", "vehicle", "valid_from"),
    needed=("contract", "owner", "vehicle", "valid_from"),
    permission="add_sponsoredvehicle",
    view="view_sponsoredvehicle",
    apply=_apply_sponsored,
    rows=_sponsored_rows,
)
