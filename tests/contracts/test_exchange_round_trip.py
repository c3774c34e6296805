"""What goes out comes in again: into an empty database as equal rows, whatever a text holds."""

import datetime as dt

import pytest
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from contracts.models import Contract, ContractState, Operator, Party, Site, TariffAssignment
from contracts.operations.exchange import CONTACTS, CONTRACTS, PARTIES, TARIFFS, TOKENS, Fate, import_rows
from tests.contracts.test_exchange import PARTY, as_file, bring, exported, fates
from tests.factories import (
    AT,
    make_assignment,
    make_contract,
    make_contract_in_force,
    make_cost_centre,
    make_operator,
    make_party,
    make_site,
    make_tariff,
    make_token,
    make_vehicle,
    make_version,
    maker,
    tariff_document,
)

pytestmark = pytest.mark.django_db


def everything() -> None:
    """Rows of each sheet, with what a file may hold at its oddest."""
    operator = make_operator(legal_name="Volt; GmbH")
    site = make_site(ref="HQ 1")
    note = 'two\nlines, "quoted"; -1'
    fleet = make_party(number="=C1", legal_name="'=SUM(A1)", note=note, accountant="a@b.example")
    make_party(number="C2", vat_id="DE136695976", region="+49", is_business=False)
    plain = make_tariff(operator, code="PLAIN")
    odd = [{"price_components": [{"type": "TIME", "price": "2", "step_size": 60}], "restrictions": {"max_kwh": "7.5"}}]
    rare = make_tariff(operator, tariff_document(elements=odd), code="RARE", released=False)
    token = make_token(make_vehicle(fleet), ref="@1")
    contract = make_contract_in_force(operator=operator, party=fleet, tariff=plain, sites=[site], purchase_order="-7")
    make_assignment(token, contract, make_cost_centre(fleet, code="+1"), valid_to=dt.date(2026, 9, 1))
    draft = make_contract(operator=operator, party=fleet)
    make_version(draft, tariff=rare, approved=False)
    TariffAssignment.objects.filter(tariff=rare).update(site=site, max_power_w=22_000)
    make_contract_in_force("sponsorship", operator, make_party("ev_manufacturer"), vehicles=[token.vehicle])


def forget() -> None:
    """An empty database but for operator and sites; foreign keys are looked at when the transaction ends."""
    for model in apps.get_app_config("contracts").get_models(include_auto_created=True):
        if model not in {Operator, Site}:
            model._base_manager.all()._raw_delete(DEFAULT_DB_ALIAS)


@pytest.mark.usefixtures("without_protections")
def test_what_was_exported_comes_into_an_empty_database_as_equal_rows() -> None:
    everything()
    sheets = (TARIFFS, PARTIES, CONTACTS, CONTRACTS, TOKENS)
    files = {sheet.name: as_file(sheet) for sheet in sheets}
    rows = {sheet.name: exported(sheet) for sheet in sheets}
    for sheet in sheets:
        again = import_rows(sheet=sheet, table=files[sheet.name], by=maker(), at=AT)
        assert again.done, again.refused
        assert set(fates(again)) == {Fate.UNCHANGED}
    forget()
    for sheet in sheets:
        outcome = import_rows(sheet=sheet, table=files[sheet.name], by=maker(), at=AT)
        assert outcome.done, outcome.refused
        assert set(fates(outcome)) == {Fate.NEW}
        kept = len(sheet.columns)  # without those that are for reading, such as the state
        assert [row[:kept] for row in exported(sheet)] == [row[:kept] for row in rows[sheet.name]]
    assert {each.state for each in Contract.objects.all()} == {ContractState.DRAFT}


_texts = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), include_characters="\n\t"),
    min_size=1,
    max_size=40,
).filter(lambda text: text.strip())


class TestTexts(TestCase):
    """Whatever a party is called, its row comes back as it went out."""

    @settings(max_examples=25)
    @given(name=_texts, city=_texts, note=_texts)
    def test_texts_round_trip(self, name: str, city: str, note: str) -> None:
        given_row = PARTY | {"legal_name": name, "city": city, "note": note}
        assert bring(PARTIES, given_row).done
        rows, file = exported(PARTIES), as_file(PARTIES)
        Party.objects.all().delete()
        outcome = import_rows(sheet=PARTIES, table=file, by=maker(), at=AT)
        assert outcome.done, outcome.refused
        assert exported(PARTIES) == rows
        assert Party.objects.get().legal_name == name.strip()
