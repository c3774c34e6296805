"""The sample operator and its partners: invented names around real sessions. Data, no behaviour."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

ZONE = "America/New_York"
CURRENCY = "USD"
COUNTRY, REGION = "US", "GA"
SALES_TAX_PERCENT = Decimal("7.00")
HOST_PERCENT = Decimal("40.00")
"""Of the net revenue, 60 % stay with the operator and 40 % go to the property owner."""
SPONSOR_PERCENT = Decimal("50.00")

OPERATOR = {
    "legal_name": "Peachtree Charging LLC",
    "street": "75 Fifth Street NW",
    "postal_code": "30308",
    "city": "Atlanta",
    "region": REGION,
    "country": COUNTRY,
    "tax_number": "58-1234567",
    "register_entry": "Georgia Secretary of State, control no. 14098765",
    "tax_word": "sales_tax",
    "currency": CURRENCY,
    "zone": ZONE,
    "language": "en",
    "billing_email": "billing@peachtree-charging.example",
    "phone": "+1 404 555 0100",
    "website": "peachtree-charging.example",
    "bank_name": "First Bank of Georgia (sample)",
    "iban": "000123456789",
    "bic": "061000104",
    "accent_colour": "#0b7a53",
    "run_limit_amount": Decimal("1250.00"),
    "credit_limit_amount": Decimal("50.00"),
    "refund_limit_amount": Decimal("10.00"),
}

DATEV = {"consultant_number": 29098, "client_number": 4711}
"""The tax adviser's numbers in DATEV files."""

SIGNATORIES = {
    "C-1001": "Grace Holloway",
    "C-1002": "Omar Reyes",
    "C-1003": "Priya Raman",
    "C-1004": "Walter Dunn",
    "C-1005": "Sam Whitaker",
    "C-2001": "Henrik Sandberg",
    "C-3001": "Louis Barrow",
    "C-3002": "Mira Feld",
    "C-3003": "Noah Pruitt",
    "C-3004": "Olive Tran",
    "C-3005": "Paul Haskins",
    "C-3006": "Rosa Whitfield",
}
"""Who signs for each company of the sample, by its number."""


@dataclass(frozen=True, slots=True)
class Company:
    """A party of the sample: who it is and who reads its documents."""

    number: str
    name: str
    street: str
    city: str
    postal_code: str
    domain: str
    accountant: str

    @property
    def accounting_address(self) -> str:
        """Where its invoices go."""
        return f"accounts.payable@{self.domain}"


@dataclass(frozen=True, slots=True)
class Fleet:
    """A fleet operator: the data's facility type, its contract's grouping and tariff, and how its sites are called."""

    facility: str
    company: Company
    site_word: str
    group_by: str
    tariff: str
    payment_terms_days: int
    purchase_order: str


FLEETS = (
    Fleet(
        "1",
        Company(
            "C-1001",
            "Ridgeline Manufacturing Inc.",
            "1200 Foundry Road",
            "Marietta",
            "30060",
            "ridgeline.example",
            "Ada Brooks",
        ),
        "Plant",
        "cost_centre",
        "WORK-STANDARD",
        30,
        "PO-77120",
    ),
    Fleet(
        "2",
        Company(
            "C-1002",
            "Fairmont Office Services LLC",
            "350 Ponce Avenue",
            "Atlanta",
            "30308",
            "fairmont.example",
            "Ben Okafor",
        ),
        "Office",
        "site",
        "WORK-STANDARD",
        14,
        "",
    ),
    Fleet(
        "3",
        Company(
            "C-1003",
            "Lakeview Research Corporation",
            "8 Discovery Drive",
            "Alpharetta",
            "30009",
            "lakeview.example",
            "Carla Nguyen",
        ),
        "Lab",
        "cost_centre",
        "WORK-RESEARCH",
        30,
        "LV-2014-0093",
    ),
    Fleet(
        "4",
        Company(
            "C-1004",
            "Harbor Community Campus Inc.",
            "41 River Street",
            "Savannah",
            "31401",
            "harborcampus.example",
            "Dev Patel",
        ),
        "Campus",
        "vehicle",
        "WORK-STANDARD",
        14,
        "",
    ),
)

PRIVATE_DRIVER = Company(
    "C-1005",
    "Sam Whitaker",
    "17 Milton Avenue",
    "Alpharetta",
    "30009",
    "whitaker.example",
    "Sam Whitaker",
)
"""Pays for himself, at prices that include tax."""
PRIVATE_DRIVER_REF = "26618922"
"""Who he is in the data: all of his sessions are at the third fleet's sites, August to October 2015."""
PRIVATE_TARIFF = ("DRIVER-GROSS", "Drivers, tax included", "0.31", "1.60")

MANUFACTURER = Company(
    "C-2001",
    "Meridian Motors of America Inc.",
    "1 Meridian Way",
    "Atlanta",
    "30346",
    "meridian.example",
    "Eva Lindholm",
)

OWNERS = (
    Company(
        "C-3001",
        "Cobb Industrial Estates LP",
        "900 Cobb Parkway",
        "Marietta",
        "30062",
        "cobbestates.example",
        "Finn Gray",
    ),
    Company(
        "C-3002",
        "Midtown Towers Trust",
        "1100 Peachtree Street",
        "Atlanta",
        "30309",
        "midtowntowers.example",
        "Gia Rossi",
    ),
    Company(
        "C-3003",
        "North Fulton Properties LLC",
        "22 Windward Plaza",
        "Alpharetta",
        "30005",
        "northfulton.example",
        "Hal Young",
    ),
    Company(
        "C-3004",
        "Innovation Park Association",
        "5 Park Circle",
        "Alpharetta",
        "30022",
        "innovationpark.example",
        "Ines Costa",
    ),
    Company(
        "C-3005",
        "Chattahoochee Land Company",
        "77 Riverbend Road",
        "Roswell",
        "30075",
        "chattland.example",
        "Jon Weber",
    ),
    Company(
        "C-3006", "Coastal Campus Foundation", "3 Bull Street", "Savannah", "31405", "coastalcampus.example", "Kim Sato"
    ),
)


def tariff_document(code: str, energy: str, time_after_four_hours: str) -> dict[str, Any]:
    """Energy by the kWh, and time by the hour from the fifth hour on, counted by the minute (OCPI 2.2.1)."""
    return {
        "country_code": COUNTRY,
        "party_id": "PCH",
        "id": code,
        "currency": CURRENCY,
        "elements": [
            {"price_components": [{"type": "ENERGY", "price": energy, "step_size": 1}]},
            {
                "price_components": [{"type": "TIME", "price": time_after_four_hours, "step_size": 60}],
                "restrictions": {"min_duration": 14400},
            },
        ],
        "last_updated": "2014-10-20T14:00:00Z",
    }


def gross_tariff_document() -> dict[str, Any]:
    """The private driver's prices, as OCPI 2.3.0 writes prices that include tax."""
    code, _name, energy, time = PRIVATE_TARIFF
    document = tariff_document(code, energy, time) | {"tax_included": "YES"}
    for element in document["elements"]:
        for component in element["price_components"]:
            component["vat"] = str(SALES_TAX_PERCENT)
    return document


def next_tariff_document(code: str) -> dict[str, Any]:
    """Prices that a clerk drafts: dearer energy, and an evening rate below the general one, where it never counts."""
    document = tariff_document(code, "0.39", "1.50")
    evening = {
        "price_components": [{"type": "ENERGY", "price": "0.25", "step_size": 1}],
        "restrictions": {"start_time": "18:00", "end_time": "22:00"},
    }
    return document | {"elements": [*document["elements"], evening], "last_updated": "2015-10-12T14:00:00Z"}


TARIFFS = {
    "WORK-STANDARD": ("Workplace", "0.29", "1.50"),
    "WORK-RESEARCH": ("Workplace research", "0.26", "1.20"),
}
