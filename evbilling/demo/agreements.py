"""Builds the sample operator: parties, sites, tariffs and contracts, by the same operations that people use."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from contracts.models import (
    Connector,
    ConnectorKind,
    Contact,
    ContactRole,
    Contract,
    ContractKind,
    ContractVersion,
    CostCentre,
    Operator,
    Party,
    PartyKind,
    PriceBasis,
    Site,
    Station,
    SuspensionRule,
    Tariff,
    TaxStatus,
    Token,
    TokenKind,
    Vehicle,
)
from contracts.operations import agreements, assignments, contracts, shares, tariffs
from contracts.operations.agreements import DRAW_STEP
from contracts.operations.offers import SEND_STEP
from contracts.queries.agreements import LINK_DAYS, OfferLink, document_of
from evbilling.access.models import User
from evbilling.demo import company
from evbilling.demo.sample import Driver, Sample
from evbilling.demo.terms import FIRST_TERMS, SUSPENSION_RULES, write_share, write_terms
from evbilling.kernel import outbox
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import local_date
from invoicing.models import DatevSettings, TaxRate
from invoicing.operations.charts import ensure_chart
from sessions.models import ImportProfile

SIGNED_AT = dt.datetime(2014, 10, 20, 14, 0, tzinfo=dt.UTC)
FIRST_DAY = dt.date(2014, 11, 1)
PROFILE = "workplace"
LEVEL_2_W = 7_200
TERMS: dict[str, Any] = {
    "payment_terms_days": 30,
    "tax_treatment": "standard",
    "group_lines_by": "site",
    "terms_text": "",
}
"""What a contract of the sample agrees on unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Two people: what the first makes, the second approves (I18)."""

    maker: User
    checker: User


def add_operator() -> Operator:
    """The sample operator with its chart of accounts, tax rate and import profile."""
    operator = Operator.objects.create(**company.OPERATOR)
    ensure_chart(operator)
    DatevSettings.objects.create(operator=operator, **company.DATEV)
    TaxRate.objects.create(
        country=company.COUNTRY,
        region=company.REGION,
        percent=company.SALES_TAX_PERCENT,
        valid_from=dt.date(2010, 1, 1),
    )
    ImportProfile.objects.create(
        code=PROFILE,
        name="Workplace charging network (CSV)",
        source_label="workplace-network",
        columns={
            "provider_ref": "sessionId",
            "token_ref": "userId",
            "station_ref": "stationId",
            "started_at": "created",
            "ended_at": "ended",
            "energy": "kwhTotal",
        },
        extra_columns=["platform", "facilityType", "managerVehicle"],
        year_offset=2000,
        zone=company.ZONE,
    )
    record_audit(action="contracts.operator.create", obj=operator, by=None, at=SIGNED_AT, reason="sample operator")
    return operator


def add_party(given: company.Company, kind: PartyKind) -> Party:
    """A company with its accountant."""
    is_host, is_person = kind == PartyKind.PROPERTY_OWNER, kind == PartyKind.EV_DRIVER
    party = Party.objects.create(
        number=given.number,
        kind=kind,
        legal_name=given.name,
        street=given.street,
        postal_code=given.postal_code,
        city=given.city,
        region=company.REGION,
        country=company.COUNTRY,
        currency=company.CURRENCY,
        is_business=not is_person,
        tax_status=TaxStatus.NOT_TAXABLE if is_host or is_person else TaxStatus.REGISTERED,
        self_billing_agreed_on=SIGNED_AT.date() if is_host else None,
        iban=f"0007700{given.number[2:]}" if is_host else "",
    )
    Contact.objects.create(
        party=party, name=given.accountant, email=given.accounting_address, role=ContactRole.ACCOUNTANT
    )
    Contact.objects.create(
        party=party,
        name=company.SIGNATORIES[given.number],
        email=f"director@{given.domain}",
        role=ContactRole.SIGNATORY,
    )
    record_audit(action="contracts.party.create", obj=party, by=None, at=SIGNED_AT, reason="sample operator")
    return party


def add_sites(sample: Sample, owners: list[Party]) -> dict[str, Site]:
    """The data's 25 sites with their stations, shared out among the property owners in order."""
    words = {fleet.facility: fleet for fleet in company.FLEETS}
    counted: dict[str, int] = {}
    sites = {}
    for index, (ref, stations) in enumerate(sample.stations_by_site.items()):
        fleet = words[sample.facility_of_site[ref]]
        counted[fleet.facility] = counted.get(fleet.facility, 0) + 1
        site = Site.objects.create(
            ref=ref,
            name=f"{fleet.site_word} {counted[fleet.facility]:02}",
            owner=owners[index % len(owners)],
            city=fleet.company.city,
            region=company.REGION,
            country=company.COUNTRY,
            zone=company.ZONE,
        )
        for station_ref in stations:
            station = Station.objects.create(site=site, ref=station_ref, name=f"Station {station_ref}")
            Connector.objects.create(station=station, ref="1", kind=ConnectorKind.IEC_62196_T1, max_power_w=LEVEL_2_W)
        sites[ref] = site
    return sites


def add_tariffs(operator: Operator, signers: Signers) -> dict[str, Tariff]:
    """Three tariffs, each released by the second person."""
    made = {}
    for code, (name, energy, time) in company.TARIFFS.items():
        made[code] = _release(operator, code, name, company.tariff_document(code, energy, time), signers)
    code, name, *_prices = company.PRIVATE_TARIFF
    made[code] = _release(operator, code, name, company.gross_tariff_document(), signers, ocpi_version="2.3.0")
    return made


def _release(
    operator: Operator, code: str, name: str, document: dict[str, Any], signers: Signers, **given: Any
) -> Tariff:
    tariff = Tariff.objects.create(operator=operator, code=code, name=name, currency=company.CURRENCY)
    version = tariffs.draft_tariff_version(
        tariff_id=tariff.pk, valid_from=SIGNED_AT, document=document, by=signers.maker, at=SIGNED_AT, **given
    )
    tariffs.release_tariff_version(version_id=version.pk, by=signers.checker, at=SIGNED_AT)
    return tariff


def add_contract(
    operator: Operator,
    party: Party,
    kind: ContractKind,
    *,
    number: str,
    sites: list[Site],
    signers: Signers,
    tariff: Tariff | None = None,
    purchase_order: str = "",
    **terms: Any,
) -> Contract:
    """A contract with its first terms, offered, approved and activated by two people."""
    contract = contracts.create_contract(
        operator_id=operator.pk,
        party_id=party.pk,
        kind=kind,
        number=number,
        currency=company.CURRENCY,
        zone=company.ZONE,
        starts_on=FIRST_DAY,
        site_ids=[site.pk for site in sites],
        purchase_order=purchase_order,
        by=signers.maker,
        at=SIGNED_AT,
    )
    version = contracts.draft_version(
        contract_id=contract.pk, valid_from=FIRST_DAY, by=signers.maker, at=SIGNED_AT, **TERMS | terms
    )
    if tariff is not None:
        assignments.assign_tariff(version_id=version.pk, tariff_id=tariff.pk, by=signers.maker, at=SIGNED_AT)
    if kind == ContractKind.HOSTING:
        write_share(version, company.HOST_PERCENT, signers.maker, SIGNED_AT)
    if kind == ContractKind.SPONSORSHIP:
        shares.set_sponsorship(version_id=version.pk, percent=company.SPONSOR_PERCENT, by=signers.maker, at=SIGNED_AT)
    write_terms(version, FIRST_TERMS.get(party.number, ()), signers.maker, SIGNED_AT)
    contracts.approve_version(version_id=version.pk, by=signers.checker, at=SIGNED_AT)
    contracts.offer_contract(contract_id=contract.pk, by=signers.maker, at=SIGNED_AT)
    acknowledge(version, signers, SIGNED_AT)
    return contracts.activate_contract(contract_id=contract.pk, by=signers.checker, at=SIGNED_AT)


def acknowledge(version: ContractVersion, signers: Signers, at: dt.datetime) -> None:
    """The document is drawn and mailed, then both sides acknowledge it, the party by its signatory's link."""
    outbox.drain(at=at, kinds={DRAW_STEP, SEND_STEP})
    document = document_of(version)
    contact = version.contract.party.contacts.get(role=ContactRole.SIGNATORY)
    if document is None:
        raise RuntimeError(f"The document of {version} was not drawn.")
    agreements.acknowledge_as_operator(
        version_id=version.pk, sha256=document.sha256, by=signers.checker, at=at, address="192.0.2.10"
    )
    until = local_date(at, version.contract.zone) + dt.timedelta(days=LINK_DAYS)
    agreements.acknowledge_by_link(
        link=OfferLink(contact.pk, version.pk, document.sha256, until),
        name=contact.name,
        at=at,
        address="198.51.100.7",
    )


FLEET_TERMS = (
    "The operator keeps the stations in working order, reads energy with the stations' meters and bills once a month. "
    "The fleet operator names its drivers and vehicles, reports lost charge cards at once and pays within the agreed "
    "days."
)


def add_fleets(
    operator: Operator, sample: Sample, sites: dict[str, Site], prices: dict[str, Tariff], signers: Signers
) -> dict[str, Contract]:
    """One contract per fleet for the sites of its kind, with cost centres for managers' and staff vehicles."""
    made = {}
    for fleet in company.FLEETS:
        party = add_party(fleet.company, PartyKind.FLEET_OPERATOR)
        for code, name in (("100", "Managers"), ("200", "Staff")):
            CostCentre.objects.create(party=party, code=code, name=name)
        own = [site for ref, site in sites.items() if sample.facility_of_site[ref] == fleet.facility]
        made[fleet.facility] = add_contract(
            operator,
            party,
            ContractKind.CHARGING,
            number=f"CH-{fleet.company.number[2:]}",
            sites=own,
            signers=signers,
            tariff=prices[fleet.tariff],
            purchase_order=fleet.purchase_order,
            payment_terms_days=fleet.payment_terms_days,
            group_lines_by=fleet.group_by,
            notice_days=90,
            minimum_term_until=dt.date(2015, 11, 1),
            suspension_rule=SUSPENSION_RULES.get(party.number, SuspensionRule.BILL),
            terms_text=FLEET_TERMS,
        )
    return made


def add_private_driver(operator: Operator, prices: dict[str, Tariff], signers: Signers) -> Contract:
    """One driver has a contract of his own: at all sites, at prices that include tax, due in 14 days."""
    party = add_party(company.PRIVATE_DRIVER, PartyKind.EV_DRIVER)
    return add_contract(
        operator,
        party,
        ContractKind.CHARGING,
        number=f"CH-{party.number[2:]}",
        sites=[],
        signers=signers,
        tariff=prices[company.PRIVATE_TARIFF[0]],
        payment_terms_days=14,
        price_basis=PriceBasis.GROSS,
    )


def add_drivers(
    sample: Sample, fleets: dict[str, Contract], private: Contract, sponsor: Contract, signers: Signers
) -> None:
    """Each driver with a vehicle and an app token, under every fleet at whose sites he charges; one on his own."""
    for index, driver in enumerate(sample.drivers, start=1):
        is_private = driver.ref == company.PRIVATE_DRIVER_REF
        vehicle = _add_vehicle(index, driver, private.party if is_private else fleets[driver.home_facility].party)
        token = Token.objects.create(
            ref=driver.ref, kind=TokenKind.APP_USER, driver_name=f"Driver {index:02}", vehicle=vehicle
        )
        for contract in [private] if is_private else [fleets[facility] for facility in driver.facilities]:
            code = "100" if driver.drives_manager_vehicle else "200"
            assignments.assign_token(
                token_id=token.pk,
                contract_id=contract.pk,
                valid_from=FIRST_DAY,
                cost_centre_id=None if is_private else contract.party.cost_centres.get(code=code).pk,
                by=signers.maker,
                at=SIGNED_AT,
            )
        if driver.drives_manager_vehicle:
            assignments.sponsor_vehicle(
                contract_id=sponsor.pk,
                vehicle_id=vehicle.pk,
                valid_from=FIRST_DAY,
                by=signers.maker,
                at=SIGNED_AT,
            )


def _add_vehicle(index: int, driver: Driver, party: Party) -> Vehicle:
    code = "100" if driver.drives_manager_vehicle else "200"
    return Vehicle.objects.create(
        party=party,
        label=f"EV {index:03}",
        make="Meridian M1" if driver.drives_manager_vehicle else "",
        cost_centre=party.cost_centres.filter(code=code).first(),
    )


def add_hosts(operator: Operator, owners: list[Party], sites: dict[str, Site], signers: Signers) -> None:
    """A hosting contract per property owner for the own sites."""
    for owner in owners:
        own = [site for site in sites.values() if site.owner_id == owner.pk]
        add_contract(
            operator,
            owner,
            ContractKind.HOSTING,
            number=f"HO-{owner.number[2:]}",
            sites=own,
            signers=signers,
            payment_terms_days=14,
        )


def add_sponsor(operator: Operator, signers: Signers) -> Contract:
    """The manufacturer that pays half of each session of the managers' vehicles."""
    party = add_party(company.MANUFACTURER, PartyKind.EV_MANUFACTURER)
    return add_contract(
        operator,
        party,
        ContractKind.SPONSORSHIP,
        number=f"SP-{party.number[2:]}",
        sites=[],
        signers=signers,
        group_lines_by="vehicle",
    )


def build_agreements(sample: Sample, signers: Signers) -> Operator:
    """Everything that must stand before the first session."""
    operator = add_operator()
    owners = [add_party(owner, PartyKind.PROPERTY_OWNER) for owner in company.OWNERS]
    sites = add_sites(sample, owners)
    prices = add_tariffs(operator, signers)
    fleets = add_fleets(operator, sample, sites, prices, signers)
    sponsor = add_sponsor(operator, signers)
    private = add_private_driver(operator, prices, signers)
    add_drivers(sample, fleets, private, sponsor, signers)
    add_hosts(operator, owners, sites, signers)
    return operator
