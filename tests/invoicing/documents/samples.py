"""Views of four real-looking documents, and one of any size; their figures are computed here so that they add up."""

from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from evbilling.shell.paper.letterhead import BankAccount, Letterhead, Paper, PartyBlock
from invoicing.documents.view import (
    AnnexSection,
    DocumentView,
    Kind,
    Line,
    LineGroup,
    PaymentBlock,
    PaymentMethod,
    References,
    SessionRow,
    TaxRow,
)

CENT = Decimal("0.01")
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 190 44" width="190" height="44">'
    '<rect width="44" height="44" rx="11" fill="{accent}"/><path d="M25 7 12 25h9l-3 12 14-19h-9z" fill="#fff"/>'
    "{name}</svg>"
)
VOLTLINE_WORD = (
    '<g fill="none" stroke="#14212b" stroke-width="4.4" stroke-linecap="round" stroke-linejoin="round">'
    '<path d="M58 14l7 17 7-17M98 8v23M107 9v18q0 4 4 4M102.500 15h8M117 8v23M125 14v17"/>'
    '<circle cx="85" cy="22.5" r="8"/>'
    '<path d="M134 31V14M134 22q0-8 6.500-8t6.500 8v9M171 27a8.400 8.400 0 1 1 1.500-5h-16"/></g>'
    '<circle cx="125" cy="7" r="2.700" fill="#14212b"/>'
)
HEAD_US = Letterhead(
    name="Voltline", accent="#0b6e4f", logo_svg=LOGO.format(accent="#0b6e4f", name=VOLTLINE_WORD), paper=Paper.LETTER
)
HEAD_DE = Letterhead(name="Stromweg", accent="#1f4fd8", ink="#101828")
US = PartyBlock(
    "Voltline Energy Inc.",
    ("1200 Harbor Drive, Suite 400", "Oakland, CA 94607", "United States"),
    tax_ids=(("EIN", "84-3920175"),),
    registration="Delaware C-7728190",
    contact_name="Dana Ortiz",
    email="billing@voltline.example",
    phone="+1 510 555 0142",
    website="voltline.example",
)
US_BANK = BankAccount(
    "Voltline Energy Inc.", "First Harbor Bank", account_number="004 918 2277", routing_number="121 000 358"
)
DE = PartyBlock(
    "Stromweg Ladenetz GmbH",
    ("Torstraße 1", "10119 Berlin"),
    tax_ids=(("USt-IdNr.", "DE123456789"),),
    registration="HRB 123456 B, Amtsgericht Charlottenburg",
    contact_name="Anna Krüger",
    email="rechnung@stromweg.example",
    phone="+49 30 5550 142",
    website="stromweg.example",
)
DE_BANK = BankAccount("Stromweg Ladenetz GmbH", "Musterbank Berlin", "DE89370400440532013000", "COBADEFFXXX")
SITES = (
    ("Depot North", "America/Los_Angeles"),
    ("Harbor Plaza", "America/Los_Angeles"),
    ("Airport Lot C", "America/Denver"),
)


def rows(count, *, price="0.42", zone="America/Los_Angeles", sites=SITES, country="US", currency="USD"):
    """So many sessions, every seventh with idle time."""
    found = []
    for n in range(count):
        energy = 8_000 + (n * 7_919) % 52_000
        idle = 1_260 if n % 7 == 3 else 0
        fee = Decimal("2.10") if idle else Decimal(0)
        amount = (Decimal(energy) / 1000 * Decimal(price)).quantize(CENT, ROUND_HALF_UP) + fee
        because = f"Energy 06:00–22:00: {Decimal(energy) / 1000} kWh at {price} {currency}/kWh"
        if idle:
            because += f" · idle time after 10 min: 11 min, {fee} {currency}"
        found.append(
            SessionRow(
                session_ref=f"CDR-2026-{880_000 + n}",
                started_at=datetime(2026, 11, 1, 8, 11, tzinfo=ZoneInfo(zone)) + timedelta(minutes=n * 997 % 41_000),
                site=sites[n % len(sites)][0],
                station=f"{country}*VLT*E{100 + n % 40}*{n % 2 + 1}",
                vehicle=f"Van {n % 12 + 1:02d}",
                driver=("M. Alvarez", "J. Chen", "")[n % 3],
                energy_wh=energy,
                duration_s=1_900 + n * 677 % 9_000,
                idle_s=idle,
                amount=amount,
                because=because,
            )
        )
    return tuple(found)


def section(found, label=""):
    return AnnexSection(found, sum((row.amount for row in found), Decimal("0.00")), label)


def groups_of(annex, *, per_group=4, text="charging at 3 sites"):
    """Lines of page one by vehicle, from the annex."""
    groups = []
    for part in annex:
        by_line = {}
        for n, row in enumerate(part.rows):
            by_line.setdefault(n % per_group, []).append(row)
        lines = tuple(
            Line(
                f"Van {n + 1:02d}",
                sum((row.amount for row in found), Decimal("0.00")),
                text,
                len(found),
                sum(row.energy_wh for row in found),
            )
            for n, found in by_line.items()
        )
        groups.append(LineGroup(lines, part.amount, part.label))
    return tuple(groups)


def with_tax(groups, rate, label):
    """Totals of the groups at one rate: keyword arguments of DocumentView."""
    net = sum((group.net_amount for group in groups), Decimal("0.00"))
    tax = (net * Decimal(rate) / 100).quantize(CENT, ROUND_HALF_UP)
    return {
        "groups": groups,
        "net_amount": net,
        "tax_amount": tax,
        "total_amount": net + tax,
        "amount_due": net + tax,
        "tax_rows": (TaxRow(label, net, tax, net + tax),),
    }


def us_invoice(sessions=40, **changes):
    """USD, sales tax, three cost centres with four lines each, annex grouped alike, on US Letter."""
    found = rows(sessions)
    names = ("4100 Field service East", "4200 Field service West", "4300 Parcel vans")
    annex = tuple(section(found[n::3], name) for n, name in enumerate(names) if found[n::3])
    fields = {
        "kind": Kind.INVOICE,
        "number": "INV-2026-000365",
        "issued_on": date(2026, 12, 1),
        "language": "en",
        "currency": "USD",
        "issuer": US,
        "letterhead": HEAD_US,
        "recipient": PartyBlock(
            "Brightway Logistics LLC",
            ("2200 Mission Street", "San Francisco, CA 94110", "United States"),
            attention="Accounts payable, Riley Morgan",
        ),
        "due_on": date(2026, 12, 31),
        "supply_from": date(2026, 11, 1),
        "supply_to": date(2026, 11, 30),
        "references": References("C-10482", "CT-2025-0117", "PO-4500018822"),
        "payment": PaymentBlock(
            PaymentMethod.TRANSFER,
            "INV-2026-000365",
            "ACH or wire. Please give the reference, so that we match it the same day.",
            US_BANK,
            "https://pay.voltline.example/i/8f2c",
        ),
        "annex": annex,
    } | with_tax(groups_of(annex), "7", "Sales tax 7.00 %")
    return DocumentView(**(fields | changes))


def german_invoice(sessions=18, **changes):
    """EUR, 19 % VAT, transfer with EPC code."""
    sites = (("Depot Hamburg-Altona", ""), ("Rastpark Süd", ""))
    found = rows(sessions, price="0.4290", zone="Europe/Berlin", sites=sites, country="DE", currency="EUR")
    annex = (section(found),) if found else ()
    fields = {
        "kind": Kind.INVOICE,
        "number": "RE-2026-004711",
        "issued_on": date(2026, 12, 1),
        "language": "de",
        "currency": "EUR",
        "issuer": DE,
        "letterhead": HEAD_DE,
        "recipient": PartyBlock(
            "Bien & Söhne Gebäudetechnik KG",
            ("Musterweg 4", "20095 Hamburg"),
            (("USt-IdNr.", "DE987654321"),),
            attention="Buchhaltung, Herr Meyer",
        ),
        "due_on": date(2026, 12, 15),
        "supply_from": date(2026, 11, 1),
        "supply_to": date(2026, 11, 30),
        "references": References("K-20817", "V-2026-88", "4711-A", "Fuhrpark"),
        "payment": PaymentBlock(PaymentMethod.TRANSFER, "RE-2026-004711", "", DE_BANK),
        "annex": annex,
    } | with_tax(groups_of(annex, text="Laden an 2 Standorten"), "19", "USt. 19 %")
    return DocumentView(**(fields | changes))


def settlement(**changes):
    """Self-billed for a property owner: 60 % of net revenue."""
    lines = (
        Line("Harbor Plaza, Level 2", Decimal("2914.56"), "60 % of net revenue 4,857.60", 412, 11_284_250),
        Line("Harbor Plaza, Level 3", Decimal("1102.19"), "60 % of net revenue 1,836.98", 160, 4_401_870),
    )
    groups = (LineGroup(lines, Decimal("4016.75")),)
    fields = {
        "kind": Kind.SETTLEMENT,
        "number": "ST-2026-00031",
        "issued_on": date(2026, 12, 3),
        "language": "en",
        "currency": "USD",
        "issuer": US,
        "letterhead": HEAD_US,
        "recipient": PartyBlock(
            "Harbor Plaza Properties LP", ("88 Embarcadero", "San Francisco, CA 94105"), (("EIN", "91-5520147"),)
        ),
        "due_on": date(2026, 12, 10),
        "supply_from": date(2026, 11, 1),
        "supply_to": date(2026, 11, 30),
        "references": References("H-00071", "HC-2024-0009", more=(("Share", "60 % owner, 40 % operator"),)),
        "payment": PaymentBlock(
            PaymentMethod.PAYOUT,
            "ST-2026-00031",
            "We send the amount by ACH on the day shown above.",
            BankAccount(
                "Harbor Plaza Properties LP", "Bay Trust", account_number="•••• 8841", routing_number="121 042 882"
            ),
        ),
    } | with_tax(groups, "0", "Not taxable")
    return DocumentView(**(fields | changes))


def credit_note(**changes):
    """Credits one contested session of the German invoice."""
    line = Line("Überstandsgebühr, Sitzung CDR-2026-880003", Decimal("2.10"), "Parkvorgang vom Standort freigegeben", 1)
    fields = {
        "kind": Kind.CREDIT_NOTE,
        "number": "GS-2026-000042",
        "issued_on": date(2026, 12, 9),
        "language": "de",
        "currency": "EUR",
        "issuer": DE,
        "letterhead": HEAD_DE,
        "recipient": PartyBlock(
            "Bien & Söhne Gebäudetechnik KG", ("Musterweg 4", "20095 Hamburg"), (("USt-IdNr.", "DE987654321"),)
        ),
        "references": References("K-20817", "V-2026-88", original_document="RE-2026-004711 vom 01.12.2026"),
        "payment": PaymentBlock(PaymentMethod.NONE, text="Der Betrag wird mit der Rechnung RE-2026-004711 verrechnet."),
    } | with_tax((LineGroup((line,), Decimal("2.10")),), "19", "USt. 19 %")
    return DocumentView(**(fields | changes))
