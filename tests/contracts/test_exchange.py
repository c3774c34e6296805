"""Sheets of parties, contracts and tariffs: in by the operations, all or nothing; out again as they came."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Model

from contracts.models import (
    Contact,
    Contract,
    ContractState,
    ContractVersion,
    Party,
    SponsoredVehicle,
    Tariff,
    TariffAssignment,
    TariffState,
    TariffVersion,
    Token,
    TokenAssignment,
    Vehicle,
    VersionState,
)
from contracts.operations import master_data
from contracts.operations.exchange import (
    CONTACTS,
    CONTRACTS,
    PARTIES,
    SPONSORED_VEHICLES,
    TARIFFS,
    TOKENS,
    Fate,
    Outcome,
    Sheet,
    export_rows,
    import_rows,
)
from contracts.rules.exchange_files import Table, read_csv, write_csv
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, NotAllowed
from tests.factories import (
    AT,
    make_contract_in_force,
    make_operator,
    make_party,
    make_site,
    make_tariff,
    make_token,
    make_user,
    make_vehicle,
    maker,
    tariff_document,
)

pytestmark = pytest.mark.django_db
PARTY = {
    "number": "C1",
    "kind": "fleet_operator",
    "legal_name": "Nordwind GmbH",
    "street": "Kai 1",
    "postal_code": "20457",
    "city": "Hamburg",
    "country": "DE",
    "currency": "EUR",
}
MODELS: dict[str, type[Model]] = {
    "parties": Party,
    "contacts": Contact,
    "contracts": Contract,
    "tokens": TokenAssignment,
    "sponsored-vehicles": SponsoredVehicle,
    "tariffs": Tariff,
}


def table(*rows: dict[str, str]) -> Table:
    """Rows that share their columns."""
    headings = tuple(rows[0])
    return Table(headings, tuple(tuple(row[name] for name in headings) for row in rows))


def bring(sheet: Sheet, *rows: dict[str, str], by: User | None = None, dry_run: bool = False) -> Outcome:
    return import_rows(sheet=sheet, table=table(*rows), by=by or maker(), at=AT, dry_run=dry_run)


def fates(outcome: Outcome) -> list[str]:
    return [row.fate for row in outcome.rows]


def exported(sheet: Sheet) -> list[list[str]]:
    model = {"contacts": Party, "tokens": Contract, "sponsored-vehicles": Contract}.get(sheet.name, MODELS[sheet.name])
    return export_rows(sheet=sheet, queryset=model._default_manager.all(), by=maker())


def as_file(sheet: Sheet) -> Table:
    return read_csv(write_csv(sheet.headings, exported(sheet)))


def test_a_new_party_comes_in_by_the_operation_with_its_audit_row() -> None:
    outcome = bring(PARTIES, PARTY | {"vat_id": "de 136 695 976", "country": "de", "business": "Ja"})
    assert outcome.done
    assert fates(outcome) == [Fate.NEW]
    party = Party.objects.get()
    assert (party.country, party.vat_id, party.is_business, party.language) == ("DE", "DE136695976", True, "en")
    assert AuditRecord.objects.filter(action="contracts.party.create", object_id=str(party.pk)).count() == 1


def test_a_preview_writes_nothing_and_says_what_would_happen() -> None:
    bring(PARTIES, PARTY)
    before = AuditRecord.objects.count()
    outcome = bring(PARTIES, PARTY | {"city": "Bremen"}, PARTY | {"number": "C2"}, dry_run=True)
    assert not outcome.done
    assert fates(outcome) == [Fate.CHANGED, Fate.NEW]
    assert outcome.rows[0].changes == {"city": ("Hamburg", "Bremen")}
    assert Party.objects.get().city == "Hamburg"
    assert AuditRecord.objects.count() == before


def test_one_refused_row_refuses_the_file_and_names_row_column_value_and_advice() -> None:
    outcome = bring(PARTIES, PARTY, PARTY | {"number": "C2", "kind": "fleet"})
    assert not outcome.done
    refused = outcome.refused[0]
    assert (refused.number, refused.column) == (3, "kind")
    assert "'fleet'" in refused.message
    assert "fleet_operator" in refused.message
    assert not Party.objects.exists()
    assert not AuditRecord.objects.exists()


@pytest.mark.parametrize(
    ("sheet", "row", "column", "said"),
    [
        (PARTIES, PARTY | {"country": "XX"}, "country", "ISO 3166"),
        (PARTIES, PARTY | {"vat_id": "DE123"}, "VAT id", "no VAT id of DE"),
        (PARTIES, PARTY | {"legal_name": " "}, "legal_name", "Fill in"),
        (PARTIES, PARTY | {"currency": "XYZ"}, "currency", "Write one of"),
        (PARTIES, PARTY | {"language": "fr"}, "language", "Write one of"),
        (PARTIES, PARTY | {"business": "maybe"}, "business", "yes or no"),
        (PARTIES, PARTY | {"self_billing_agreed_on": "31/01/2026"}, "self_billing_agreed_on", "2026-01-31"),
        (PARTIES, PARTY | {"number": "N" * 21}, "customer number", "20"),
        (CONTACTS, {"party": "NONE", "role": "other", "email": "a@b.de", "name": "A"}, "party", "import the parties"),
        (CONTACTS, {"party": "OLD", "role": "boss", "email": "a@b.de", "name": "A"}, "role", "accountant"),
        (CONTACTS, {"party": "OLD", "role": "other", "email": "a.b.de", "name": "A"}, "email", "a.b.de"),
        (CONTRACTS, {"number": "K1", "party": "OLD", "kind": "rent", "starts_on": "2026-01-01"}, "kind", "charging"),
        (CONTRACTS, {"number": "K1", "party": "OLD", "kind": "charging", "starts_on": "soon"}, "starts_on", "2026-01"),
        (TARIFFS, {"code": "T1", "valid_from": "2026-01-01", "energy_price": "1.234,5"}, "energy_price", "thousands"),
        (TARIFFS, {"code": "T1", "valid_from": "2026-10-25 02:30", "energy_price": "1"}, "valid_from", "offset"),
        (TARIFFS, {"code": "T1", "valid_from": "", "energy_price": "1"}, "valid_from", "Fill in"),
        (TARIFFS, {"code": "T1", "valid_from": "2026-01-01", "energy_price": ""}, "energy_price", "at least one price"),
        (TARIFFS, {"code": "T1", "valid_from": "2026-01-01", "ocpi": "{"}, "ocpi", "Not JSON"),
        (TARIFFS, {"code": "T1", "valid_from": "2026-01-01", "ocpi": '{"id":"T1"}'}, "ocpi", "currency"),
    ],
)
def test_a_bad_row_is_refused_and_nothing_is_written(sheet: Sheet, row: dict[str, str], column: str, said: str) -> None:
    make_operator()
    make_party(number="OLD")
    before = {name: model._default_manager.count() for name, model in MODELS.items()}
    outcome = bring(sheet, row)
    assert [each.column for each in outcome.refused] == [column]
    assert said in outcome.refused[0].message
    assert not outcome.done
    assert {name: model._default_manager.count() for name, model in MODELS.items()} == before


@pytest.mark.parametrize(
    ("headings", "said"),
    [
        (("number", "legal_nam"), "did you mean legal_name"),
        (("number", "xyzzy"), "the columns are number"),
        (("legal_name",), "lacks this column"),
    ],
)
def test_headings_that_cannot_be_used_refuse_the_file_whole(headings: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        import_rows(sheet=PARTIES, table=Table(headings, (("x",) * len(headings),)), by=maker(), at=AT)
    assert not Party.objects.exists()


def test_a_row_that_repeats_another_is_refused() -> None:
    outcome = bring(PARTIES, PARTY, PARTY | {"city": "Bremen"})
    assert "Row 2 speaks of it already" in outcome.refused[0].message


def test_blank_rows_are_passed_over_and_a_file_of_them_is_refused() -> None:
    blank = dict.fromkeys(PARTY, "")
    assert [row.number for row in bring(PARTIES, blank, PARTY).rows] == [3]
    with pytest.raises(BadInput, match="no rows"):
        bring(PARTIES, blank)


def test_a_column_that_the_file_lacks_leaves_what_is_there() -> None:
    bring(PARTIES, PARTY | {"note": "Pays early", "iban": "DE02120300000000202051"})
    outcome = bring(PARTIES, {"number": "C1", "note": ""})
    assert outcome.rows[0].changes == {"note": ("Pays early", "")}
    party = Party.objects.get()
    assert (party.iban, party.city) == ("DE02120300000000202051", "Hamburg")


def test_contacts_are_added_and_corrected_in_the_trail_of_their_party() -> None:
    party = make_party(number="C9")
    row = {"party": "C9", "role": "Accountant", "email": "ap@nord.example", "name": "Ada", "phone": "+49 40 1"}
    assert fates(bring(CONTACTS, row)) == [Fate.NEW]
    assert fates(bring(CONTACTS, row)) == [Fate.UNCHANGED]
    assert fates(bring(CONTACTS, row | {"name": "Eve"})) == [Fate.CHANGED]
    assert Contact.objects.get().name == "Eve"
    trail = AuditRecord.objects.filter(object_type="contracts.Party", object_id=str(party.pk)).order_by("pk")
    assert [each.action for each in trail] == ["contracts.contact.create", "contracts.contact.change"]


def contract_row(**more: str) -> dict[str, str]:
    return {
        "number": "K-100",
        "party": "C1",
        "kind": "charging",
        "starts_on": "2026-03-01",
        "sites": "",
        "payment_terms_days": "30",
        "tariffs": "FAST; BASE",
    } | more


@pytest.fixture
def base() -> None:
    operator = make_operator()
    make_party(number="C1")
    for code in ("BASE", "FAST"):
        make_tariff(operator, code=code)
    make_site(ref="HQ")


@pytest.mark.usefixtures("base")
def test_a_contract_comes_in_as_a_draft_with_its_first_terms_and_tariffs() -> None:
    outcome = bring(CONTRACTS, contract_row(sites="HQ", tariffs="FAST @ HQ / 50000- W; BASE"))
    assert outcome.done, outcome.refused
    contract = Contract.objects.get()
    version = contract.versions.get()
    assert (contract.state, version.state) == (ContractState.DRAFT, VersionState.DRAFT)
    assert (contract.currency, contract.zone) == ("EUR", "Europe/Berlin")
    assert (version.valid_from, version.payment_terms_days) == (dt.date(2026, 3, 1), 30)
    assert [site.ref for site in contract.sites.all()] == ["HQ"]
    fast, every = version.tariff_assignments.order_by("-priority")
    assert (fast.tariff.code, fast.site.ref, fast.min_power_w, fast.max_power_w) == ("FAST", "HQ", 50_000, None)
    assert (every.tariff.code, every.site, every.min_power_w) == ("BASE", None, None)
    assert contract.created_by == maker()


@pytest.mark.usefixtures("base")
def test_a_draft_contract_is_corrected_and_its_tariffs_replaced() -> None:
    bring(CONTRACTS, contract_row())
    outcome = bring(CONTRACTS, contract_row(payment_terms_days="14", tariffs="BASE"))
    assert outcome.rows[0].changes == {"payment_terms_days": ("30", "14"), "tariffs": ("FAST; BASE", "BASE")}
    assert [each.tariff.code for each in TariffAssignment.objects.all()] == ["BASE"]


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize(
    ("change", "said"),
    [({"payment_terms_days": "10"}, "frozen"), ({"tariffs": "BASE; FAST"}, "frozen"), ({"zone": "UTC"}, "end it")],
)
def test_what_is_in_force_is_not_changed_by_a_file(change: dict[str, str], said: str) -> None:
    contract = make_contract_in_force(
        operator=Tariff.objects.first().operator,
        party=Party.objects.get(number="C1"),
        tariff=Tariff.objects.get(code="BASE"),
        number="K-1",
    )
    row = dict(zip(CONTRACTS.headings, exported(CONTRACTS)[0], strict=True))
    assert fates(bring(CONTRACTS, row)) == [Fate.UNCHANGED]
    outcome = bring(CONTRACTS, row | change)
    assert said in outcome.refused[0].message
    contract.refresh_from_db()
    assert (contract.zone, contract.versions.get().payment_terms_days) == ("Europe/Berlin", 14)


@pytest.mark.usefixtures("base")
@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"tariffs": "NONE"}, "tariffs"),
        ({"tariffs": "BASE @ NOWHERE"}, "tariffs"),
        ({"sites": "NOWHERE"}, "sites"),
        ({"party": "NOBODY"}, "party"),
        ({"operator": "Nobody Ltd"}, "operator"),
        ({"payment_terms_days": "-1"}, "payment_terms_days"),
        ({"zone": "Berlin"}, "zone"),
    ],
)
def test_a_contract_that_names_what_is_not_there_is_refused(change: dict[str, str], column: str) -> None:
    outcome = bring(CONTRACTS, contract_row(**change))
    assert [each.column for each in outcome.refused] == [column]
    assert not Contract.objects.exists()
    assert not ContractVersion.objects.exists()


def token_row(**more: str) -> dict[str, str]:
    return {
        "contract": "K-7",
        "token": "CARD-1",
        "kind": "rfid",
        "driver": "Dana",
        "vehicle": "HH-E 1",
        "cost_centre": "4711",
        "valid_from": "2026-02-01",
        "valid_to": "",
    } | more


def test_tokens_bring_their_vehicle_and_cost_centre_along() -> None:
    contract = make_contract_in_force(number="K-7")
    outcome = bring(TOKENS, token_row(), token_row(token="CARD-2"))
    assert outcome.done, outcome.refused
    vehicle = Vehicle.objects.get()
    assert (vehicle.party, vehicle.label) == (contract.party, "HH-E 1")
    assert [(each.ref, each.driver_name, each.vehicle) for each in Token.objects.all()] == [
        ("CARD-1", "Dana", vehicle),
        ("CARD-2", "Dana", vehicle),
    ]
    assert {(each.contract, each.cost_centre.code) for each in TokenAssignment.objects.all()} == {(contract, "4711")}
    assert fates(bring(TOKENS, token_row(), token_row(token="CARD-2"))) == [Fate.UNCHANGED] * 2
    ended = bring(TOKENS, token_row(valid_to="2026-05-01"))
    assert ended.rows[0].changes == {"valid_to": ("", "2026-05-01")}
    assert "not taken away" in bring(TOKENS, token_row()).refused[0].message


def test_a_token_of_another_party_is_not_rewritten() -> None:
    make_contract_in_force(number="K-7")
    theirs = make_token(make_vehicle(), ref="CARD-1", driver_name="Somebody")
    outcome = bring(TOKENS, token_row())
    assert outcome.refused[0].column == "token"
    theirs.refresh_from_db()
    assert theirs.driver_name == "Somebody"
    assert not TokenAssignment.objects.exists()


def test_sponsored_vehicles_are_listed_by_owner_and_name() -> None:
    contract = make_contract_in_force("sponsorship", number="S-1")
    vehicle = make_vehicle(make_party(number="C5"), label="B-E 5")
    row = {"contract": "S-1", "owner": "C5", "vehicle": "B-E 5", "valid_from": "2026-02-01", "valid_to": ""}
    assert fates(bring(SPONSORED_VEHICLES, row)) == [Fate.NEW]
    assert fates(bring(SPONSORED_VEHICLES, row)) == [Fate.UNCHANGED]
    assert SponsoredVehicle.objects.get().vehicle == vehicle
    assert SponsoredVehicle.objects.get().contract == contract
    assert fates(bring(SPONSORED_VEHICLES, row | {"valid_to": "2026-06-01"})) == [Fate.CHANGED]


def test_a_tariff_comes_in_by_figures_as_a_draft() -> None:
    make_operator()
    row = {"code": "NIGHT", "name": "Night", "valid_from": "01.04.2026", "energy_price": "0,39", "vat_percent": "19"}
    assert bring(TARIFFS, row).done
    version = TariffVersion.objects.get()
    assert version.state == TariffState.DRAFT
    assert version.valid_from == dt.datetime(2026, 3, 31, 22, 0, tzinfo=dt.UTC)
    component = version.document["elements"][0]["price_components"][0]
    assert (component["type"], Decimal(component["price"]), component["vat"]) == ("ENERGY", Decimal("0.39"), "19")
    assert fates(bring(TARIFFS, row)) == [Fate.UNCHANGED]
    changed = bring(TARIFFS, row | {"energy_price": "0.41"})
    assert changed.rows[0].changes == {"energy_price": ("0.39", "0.41")}
    assert TariffVersion.objects.count() == 1


def test_a_released_version_is_not_changed_by_a_file() -> None:
    tariff = make_tariff(code="FIX", valid_from=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    row = {"code": "FIX", "valid_from": "2026-01-01T00:00:00Z", "energy_price": "0.45", "vat_percent": "19"}
    assert fates(bring(TARIFFS, row)) == [Fate.UNCHANGED]
    outcome = bring(TARIFFS, row | {"energy_price": "0.46"})
    assert "frozen" in outcome.refused[0].message
    assert tariff.versions.get().document == tariff_document()


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.BILLING_CLERK, Role.PAYMENTS_OFFICER])
@pytest.mark.parametrize("sheet", [PARTIES, CONTACTS, CONTRACTS, TOKENS, SPONSORED_VEHICLES, TARIFFS])
def test_other_roles_may_not_import(sheet: Sheet, role: Role) -> None:
    with pytest.raises(NotAllowed):
        bring(sheet, dict.fromkeys(sheet.columns, "x"), by=make_user(role))


def test_a_portal_user_may_not_export_and_the_system_may_not_import() -> None:
    with pytest.raises(NotAllowed):
        export_rows(sheet=PARTIES, queryset=Party.objects.all(), by=make_user(None))
    with pytest.raises(NotAllowed):
        import_rows(sheet=PARTIES, table=table(PARTY), by=None, at=AT)


def test_the_import_fails_as_a_whole_when_an_operation_breaks_in_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = master_data.create_party, []

    def breaks(**values: Any) -> Party:
        made.append(values["number"])
        if len(made) == 2:
            raise RuntimeError("power cut")
        return real(**values)

    monkeypatch.setattr(master_data, "create_party", breaks)
    with pytest.raises(RuntimeError, match="power cut"):
        bring(PARTIES, PARTY, PARTY | {"number": "C2"})
    assert not Party.objects.exists()
