"""Each check of this app finds what it looks for: the data are corrupted behind the database's back."""

import datetime as dt
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.db.models import F

from contracts.checks import approved_by_second_person, terms_cover_contracts, versions_begin_once
from contracts.models import Contract, ContractVersion, TariffVersion
from evbilling.kernel.books import check_books
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("without_protections")]
CONSTRAINTS = {
    Contract: ("contract_activated_by_second_person", "contract_in_force_was_activated"),
    ContractVersion: ("version_approved_by_second_person",),
    TariffVersion: ("tariff_released_by_second_person",),
}


@pytest.fixture
def without_checks() -> Iterator[None]:
    """The database without the CHECK constraints of I18; the rollback brings them back."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            yield
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
            return
        for model, names in CONSTRAINTS.items():
            for name in names:
                cursor.execute(f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{name}"')
        yield


def test_clean_books_have_no_findings() -> None:
    for kind in ("charging", "hosting", "sponsorship"):
        make.make_contract_in_force(kind)
    assert [finding for result in check_books(frozenset({"I6", "I18"})) for finding in result.findings] == []


def test_a_contract_without_terms_for_its_first_day_is_found() -> None:
    contract = make.make_contract_in_force()
    make.make_contract()
    ContractVersion.objects.filter(contract=contract).update(valid_from=make.FIRST_DAY + dt.timedelta(days=1))
    findings = list(terms_cover_contracts())
    assert [(finding.invariant, finding.about) for finding in findings] == [("I6", f"contract {contract.number}")]


def test_two_versions_from_one_day_are_found() -> None:
    contract = make.make_contract_in_force()
    second = make.make_version(contract, valid_from=dt.date(2026, 5, 1))
    with connection.schema_editor() if connection.vendor == "postgresql" else connection.cursor() as run:
        run.execute("DROP INDEX version_day_once")
    ContractVersion.objects.filter(pk=second.pk).update(valid_from=make.FIRST_DAY)
    assert [finding.about for finding in versions_begin_once()] == [str(second)]


def _own_contract() -> str:
    contract = make.make_contract_in_force()
    Contract.objects.filter(pk=contract.pk).update(activated_by=F("created_by"))
    return f"contract {contract.number}"


def _contract_of_nobody() -> str:
    contract = make.make_contract_in_force()
    Contract.objects.filter(pk=contract.pk).update(activated_by=None)
    return f"contract {contract.number}"


def _own_version() -> str:
    version = make.make_contract_in_force().versions.get()
    ContractVersion.objects.filter(pk=version.pk).update(approved_by=F("created_by"))
    return str(version)


def _own_tariff() -> str:
    version = make.make_tariff().versions.get()
    TariffVersion.objects.filter(pk=version.pk).update(released_by=F("created_by"))
    return str(version)


@pytest.mark.usefixtures("without_checks")
@pytest.mark.parametrize("corrupt", [_own_contract, _contract_of_nobody, _own_version, _own_tariff])
def test_what_one_person_made_and_approved_is_found(corrupt: Callable[[], str]) -> None:
    about = corrupt()
    assert [(finding.invariant, finding.about) for finding in approved_by_second_person()] == [("I18", about)]
