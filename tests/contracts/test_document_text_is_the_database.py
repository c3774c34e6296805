"""What both sides read in the contract's document is what the database holds of it, in the party's language (I7)."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import ContractVersion, DunningLevel, DunningPlan, Tariff
from contracts.operations.agreements import draw_document
from contracts.operations.assignments import assign_tariff
from contracts.operations.contracts import activate_contract
from evbilling.shell.formats import format_day, format_money, format_number
from evbilling.shell.paper.formats import formats_of
from tests import factories as make
from tests.contracts.papers import signatory
from tests.contracts.world import sign_in
from tests.invoicing.documents.reading import text_of, unbroken

pytestmark = pytest.mark.django_db
WORDS = {
    "en": {
        "title": "Charging contract", "version": "Version", "customer": "Customer no.", "order": "PO number",
        "prices": "without tax; the tax that the law asks for is added", "unit": "{} per kWh",
        "since": "Prices in force on {}", "power": "from {} to below {} kW", "notice": "{} days",
        "due": "Invoices are due {} days after their date, in EUR.", "earliest": "It may end on {} at the earliest.",
        "begins": "The contract begins on {}", "fee": "a reminder, with a fee of {}.",
        "named": "Authorised to sign: {}", "site": "Address",
    },
    "de": {
        "title": "Ladevertrag", "version": "Fassung", "customer": "Kundennummer", "order": "Bestellnummer",
        "prices": "ohne Steuer; die gesetzliche Steuer kommt hinzu", "unit": "{} je kWh",
        "since": "Preise mit Stand vom {}", "power": "ab {} bis unter {} kW", "notice": "{} Tage",
        "due": "Rechnungen sind {} Tage nach ihrem Datum in EUR fällig.",
        "earliest": "Er kann frühestens zum {} enden.", "begins": "Der Vertrag beginnt am {}",
        "fee": "eine Mahnung mit einer Gebühr von {}.", "named": "Zeichnungsberechtigt: {}", "site": "Anschrift",
    },
}  # fmt: skip
OVERSTAY = {"price_per_minute": "0.10", "grace_minutes": 15, "session_cap": "12", "day_cap": "20"}


def agreed(language: str) -> ContractVersion:
    """Approved terms of a fleet: two tariffs, one of them by power, a site, terms, a dunning plan, own words."""
    site = make.make_site(name="Harbour depot", street="Kai 7", postal_code="20457", city="Hamburg")
    for _station in range(3):
        make.make_station(site)
    party = make.make_party(language=language)
    signatory(party)
    contract = make.make_contract("charging", party=party, sites=[site], purchase_order="PO-4711")
    plan = DunningPlan.objects.create(operator=contract.operator, name="Standard", currency="EUR")
    DunningLevel.objects.create(plan=plan, level=1, days_overdue=5, action="remind", fee_amount=Decimal("2.50"))
    version = make.make_version(
        contract, payment_terms_days=21, notice_days=77, minimum_term_until=dt.date(2028, 1, 1), approved=False,
        dunning_plan_id=plan.pk, terms=[("overstay", OVERSTAY), ("base_fee", {"amount": "1249.90", "per": "vehicle"})],
    )  # fmt: skip
    fast = make.make_tariff(contract.operator, make.tariff_document("0.6125"), name="Fast charging")
    assign_tariff(
        version_id=version.pk, tariff_id=fast.pk, site_id=site.pk, min_power_w=11_500, max_power_w=50_000, priority=9,
        by=make.maker(), at=make.AT,
    )  # fmt: skip
    return make.approve_undrawn(version)


def expected(version: ContractVersion, language: str) -> list[str]:
    """Everything that the database holds of what was agreed, as it is said in the language."""
    contract, words = version.contract, WORDS[language]
    operator, party, day = contract.operator, contract.party, formats_of(language, "EUR").long_date
    (site,) = contract.sites.all()
    (level,) = version.dunning_plan.levels.all() if version.dunning_plan else ()
    tariffs = Tariff.objects.filter(operator=operator).values_list("name", flat=True)
    assert version.minimum_term_until is not None
    assert len(tariffs) == 2

    def money(amount: str | Decimal) -> str:
        return format_money(Decimal(amount), "EUR", language)

    return [
        operator.legal_name, operator.street, f"{operator.postal_code} {operator.city}", operator.vat_id,
        party.legal_name, party.street, f"{party.postal_code} {party.city}", *tariffs,
        f"{words['title']} {contract.number}", f"{words['version']} {version.number}",
        f"{words['customer']} {party.number}", f"{words['order']} {contract.purchase_order}",
        f"{site.name} {site.street}, {site.postal_code} {site.city} {site.stations.count()}",
        words["site"], words["prices"], words["unit"].format(money("0.45")),
        words["unit"].format(money("0.6125").replace("0.61", "0.6125").replace("0,61", "0,6125")),
        words["since"].format(day(version.valid_from)), words["notice"].format(version.notice_days),
        f"{site.name}, {words['power'].format(format_number(Decimal('11.5'), 1, language), 50)}",
        words["due"].format(version.payment_terms_days), words["earliest"].format(day(version.minimum_term_until)),
        format_day(version.minimum_term_until, language), words["begins"].format(day(contract.starts_on)),
        money("0.10"), money("12"), money("20"), money("1249.90"), words["fee"].format(money(level.fee_amount)),
        words["named"].format("Sam Director"), version.terms_text,
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "de"])
def test_given_an_approved_version_then_its_document_says_what_was_agreed(language: str) -> None:
    version = agreed(language)
    document = draw_document(version_id=version.pk, at=make.AT)
    by_line, by_cell = (unbroken(text_of(bytes(document.content), layout=layout)) for layout in (True, False))
    assert document.language == language
    lost = [each for each in expected(version, language) if unbroken(each) not in by_line + by_cell]
    assert lost == []


@pytest.mark.parametrize(
    ("language", "power"), [("en", "from 11.5 to below 50 kW"), ("de", "von 11,5 bis unter 50 kW")]
)
def test_given_the_portal_then_power_reads_there_as_in_the_document(
    client: Client, settings: Any, language: str, power: str
) -> None:
    contract = agreed(language).contract
    make.offer_undrawn(contract)
    activate_contract(contract_id=contract.pk, by=make.checker(), at=make.AT)
    sign_in(client, make.make_member(contract.party), settings)
    page = client.get(reverse("portal:contract", args=[contract.number]), headers={"accept-language": language})
    assert power in " ".join(page.content.decode().split())
