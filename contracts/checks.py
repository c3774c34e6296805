"""This app's part of check_books: terms cover every contract (I6), and nobody approved his own work (I18)."""

from collections.abc import Iterator

from django.db.models import Exists, F, OuterRef, Q

from contracts.models import Contract, ContractVersion, TariffState, TariffVersion, VersionState
from contracts.queries import IN_FORCE
from evbilling.kernel.books import Finding, proves


@proves("I6", "Approved terms cover every contract from its first day")
def terms_cover_contracts() -> Iterator[Finding]:
    """A version holds until the next one begins, so a gap can only lie before the first."""
    begun = ContractVersion.objects.filter(
        contract=OuterRef("pk"), state=VersionState.APPROVED, valid_from__lte=OuterRef("starts_on")
    )
    for contract in Contract.objects.filter(~Exists(begun), state__in=IN_FORCE).order_by("pk").iterator():
        yield Finding(
            "I6",
            f"contract {contract.number}",
            f"Contract {contract.number} is in force from {contract.starts_on} without approved terms for that day.",
        )


@proves("I6", "Versions of a contract begin on different days")
def versions_begin_once() -> Iterator[Finding]:
    """Two approved versions from the same day would overlap."""
    twin = ContractVersion.objects.filter(
        contract=OuterRef("contract"),
        state=VersionState.APPROVED,
        valid_from=OuterRef("valid_from"),
        pk__lt=OuterRef("pk"),
    )
    rows = ContractVersion.objects.filter(Exists(twin), state=VersionState.APPROVED).select_related("contract")
    for version in rows.order_by("pk").iterator():
        yield Finding(
            "I6", str(version), f"{version} begins on {version.valid_from}, where another version begins too."
        )


@proves("I18", "Contracts, terms and tariffs were approved by a second person")
def approved_by_second_person() -> Iterator[Finding]:
    """Activated contracts, approved versions and released tariffs name a person other than their maker."""
    contracts = Contract.objects.filter(state__in=IN_FORCE).filter(_alone("activated_by"))
    versions = ContractVersion.objects.filter(state=VersionState.APPROVED).filter(_alone("approved_by"))
    tariffs = TariffVersion.objects.filter(state=TariffState.RELEASED).filter(_alone("released_by"))
    for contract in contracts.order_by("pk"):
        yield Finding("I18", f"contract {contract.number}", f"{contract.number} was not activated by a second person.")
    for version in versions.select_related("contract").order_by("pk"):
        yield Finding("I18", str(version), f"{version} was not approved by a second person.")
    for tariff_version in tariffs.select_related("tariff").order_by("pk"):
        yield Finding("I18", str(tariff_version), f"{tariff_version} was not released by a second person.")


def _alone(checker: str) -> Q:
    return Q(**{f"{checker}__isnull": True}) | Q(**{checker: F("created_by")})
