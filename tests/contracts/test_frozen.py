"""What the database itself refuses, around every operation: approved terms, released tariffs, one's own approval."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Model

from contracts.models import (
    Contract,
    ContractVersion,
    RevenueShare,
    Sponsorship,
    TariffAssignment,
    TariffVersion,
    TokenAssignment,
)
from tests import factories as make

pytestmark = pytest.mark.django_db


def frozen_rows() -> dict[str, Model]:
    contract = make.make_contract_in_force()
    hosting, sponsorship = make.make_contract_in_force("hosting"), make.make_contract_in_force("sponsorship")
    version = contract.versions.get()
    assignment = version.tariff_assignments.get()
    return {
        "version": version,
        "assignment": assignment,
        "share": RevenueShare.objects.get(version__contract=hosting),
        "sponsorship": Sponsorship.objects.get(version__contract=sponsorship),
        "tariff version": assignment.tariff.versions.get(),
    }


CHANGES: dict[str, dict[str, Any]] = {
    "version": {"payment_terms_days": 90},
    "assignment": {"priority": 7},
    "share": {"percent_of_net": Decimal(99)},
    "sponsorship": {"percent": Decimal(99)},
    "tariff version": {"document": {"currency": "EUR"}},
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_frozen_row_is_not_changed(name: str) -> None:
    row = frozen_rows()[name]
    rows = type(row)._base_manager.filter(pk=row.pk)
    before = rows.values().get()
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        rows.update(**CHANGES[name])
    assert rows.values().get() == before


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_frozen_row_is_not_deleted(name: str) -> None:
    row = frozen_rows()[name]
    rows = type(row)._base_manager.filter(pk=row.pk)
    with pytest.raises(DatabaseError), transaction.atomic():
        rows._raw_delete(rows.db)
    assert rows.exists()


def test_approved_terms_get_no_further_tariff() -> None:
    version = make.make_contract_in_force().versions.get()
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
        TariffAssignment.objects.create(version=version, tariff=make.make_tariff(), priority=5)
    assert version.tariff_assignments.count() == 1


def _activate_own() -> None:
    contract = make.make_contract()
    Contract.objects.filter(pk=contract.pk).update(state="active", activated_by=F("created_by"))


def _activate_alone() -> None:
    contract = make.make_contract()
    Contract.objects.filter(pk=contract.pk).update(state="active")


def _approve_own() -> None:
    version = make.make_version(make.make_contract(), approved=False)
    ContractVersion.objects.filter(pk=version.pk).update(state="approved", approved_by=F("created_by"))


def _approve_alone() -> None:
    version = make.make_version(make.make_contract(), approved=False)
    ContractVersion.objects.filter(pk=version.pk).update(state="approved")


def _release_own() -> None:
    make.make_tariff(released=False)
    TariffVersion.objects.update(state="released", released_by=F("created_by"))


def _same_day() -> None:
    contract = make.make_contract_in_force()
    version = make.make_version(contract, approved=False)
    ContractVersion.objects.filter(pk=version.pk).update(state="approved", approved_by=make.checker())


def _same_instant() -> None:
    tariff = make.make_tariff()
    version = make.make_tariff_version(tariff, None, tariff.versions.get().valid_from, released=False)
    TariffVersion.objects.filter(pk=version.pk).update(state="released", released_by=make.checker())


def _end_before_start() -> None:
    contract = make.make_contract_in_force()
    Contract.objects.filter(pk=contract.pk).update(ends_on=dt.date(2000, 1, 1))


def _assignment_without_days() -> None:
    TokenAssignment.objects.create(
        token=make.make_token(), contract=make.make_contract(), valid_from=make.FIRST_DAY, valid_to=make.FIRST_DAY
    )


@pytest.mark.parametrize(
    "corrupt",
    [
        _activate_own,
        _activate_alone,
        _approve_own,
        _approve_alone,
        _release_own,
        _same_day,
        _same_instant,
        _end_before_start,
        _assignment_without_days,
    ],
)
def test_the_database_refuses(corrupt: Callable[[], None]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        corrupt()
