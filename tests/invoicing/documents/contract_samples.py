"""Views of a contract's document in two languages, with a block of each kind; the signatures are on page two."""

from datetime import date

from contracts.documents.view import AgreementView, Block, BlockKind, Section, SideBlock, Words
from tests.invoicing.documents import letter_samples, samples

ENGLISH = Words(
    "between", "and", "Authorised to sign", "Acknowledgement",
    "Both sides know this document and agree to its terms. A signature on paper has the same effect.",
    ("Name", "Place, date", "Signature"),
)  # fmt: skip
GERMAN = Words(
    "zwischen", "und", "Zeichnungsberechtigt", "Bestätigung",
    "Beide Seiten kennen dieses Dokument und sind mit seinem Inhalt einverstanden. Eine Unterschrift auf Papier steht "
    "dem gleich.",
    ("Name", "Ort, Datum", "Unterschrift"),
)  # fmt: skip


def agreement(language: str = "de", **changes) -> AgreementView:
    """A charging contract: the operator of the German samples, and one whose customer reads English on Letter."""
    german = language == "de"
    operator, customer = ("der Betreiber", "der Kunde") if german else ("the operator", "the customer")
    title, version = ("Ladevertrag", "Fassung 2") if german else ("Charging contract", "version 2")
    day = "1. Dezember 2026" if german else "December 1, 2026"
    party = letter_samples.CUSTOMER if german else samples.us_invoice(1).recipient
    fields = {
        "language": language, "currency": "EUR" if german else "USD",
        "letterhead": samples.HEAD_DE if german else samples.HEAD_US, "title": title, "number": "V-2026-88",
        "version": "2", "running": f"{title} V-2026-88 · {version} · {day}", "dated_on": date(2026, 12, 1),
        "sides": (
            SideBlock(operator, samples.DE if german else samples.US),
            SideBlock(customer, party, ("Karla Bien", "Jens Söhne") if german else ("Riley Morgan",)),
        ),
        "facts": _FACTS[language], "glance": _GLANCE[language], "sections": _sections(language),
        "words": GERMAN if german else ENGLISH, "draft": False,
    }  # fmt: skip
    return AgreementView(**(fields | changes))


_FACTS = {
    "de": (
        ("Vertragsnummer", "V-2026-88"), ("Fassung", "2"), ("Gültig ab", "1. Januar 2027"),
        ("Dokument vom", "1. Dezember 2026"), ("Kundennummer", "K-20817"), ("Bestellnummer", "4711-A"),
        ("Währung", "EUR"),
    ),
    "en": (
        ("Contract no.", "V-2026-88"), ("Version", "2"), ("Holds from", "January 1, 2027"),
        ("Document of", "December 1, 2026"), ("Customer no.", "C-10482"), ("PO number", "PO-4500018822"),
        ("Currency", "USD"),
    ),
}  # fmt: skip
_GLANCE = {
    "de": (
        ("Beginn", "01.01.2025"), ("Mindestlaufzeit", "01.01.2028"), ("Kündigungsfrist", "77 Tage"),
        ("Zahlungsziel", "21 Tage netto"),
    ),
    "en": (("Starts", "Jan 1, 2025"), ("Minimum term", "none"), ("Notice", "77 days"), ("Payment", "21 days net")),
}  # fmt: skip


def _sections(language: str) -> tuple[Section, ...]:
    """One block of each kind: numbered text, a table of sites, prices, a numbered lead with its points."""
    said = _TEXTS[language]
    sites = Block(BlockKind.TABLE, head=said["head"], rows=said["rows"])
    prices = [Block(BlockKind.RATES, name, note, items=items) for name, note, items in said["tariffs"]]
    duties = Block(BlockKind.LIST, said["lead"], items=said["duties"])
    texts = [Block(BlockKind.PARAGRAPH, text) for text in said["texts"]]
    titles = said["titles"]
    return (
        Section(titles[0], (texts[0], sites)), Section(titles[1], (texts[1], *prices)), Section(titles[2], (duties,)),
    )  # fmt: skip


_TEXTS = {
    "de": {
        "titles": ("Gegenstand und Standorte", "Preise", "Rechte und Pflichten des Kunden"),
        "texts": (
            "Stromweg Ladenetz GmbH (der Betreiber) betreibt Ladestationen für Elektrofahrzeuge. Bien & Söhne "
            "Gebäudetechnik KG (der Kunde) darf dort seine Fahrzeuge laden, und zwar an diesen Standorten:",
            "Vereinbart sind die folgenden Preise, ohne Steuer; die gesetzliche Steuer kommt hinzu.",
        ),
        "head": ("Standort", "Anschrift", "Ladepunkte"),
        "rows": (
            ("Depot Hamburg-Altona", "Am Alten Güterbahnhof 14, 22765 Hamburg", "12"),
            ("Rastpark Süd", "An der A 7, 34549 Edertal", "4"),
        ),
        "tariffs": (
            (
                "Schnellladen", "Rastpark Süd, ab 11,5 bis unter 150 kW · Preise mit Stand vom 1. Januar 2027",
                ("0,6125 € je kWh zuzüglich 19 % Steuer", "0,10 € je Minute nach dem Ladeende, höchstens 12,00 €"),
            ),
            (
                "Depot", "an allen Standorten und Anschlüssen dieses Vertrags · Preise mit Stand vom 1. Januar 2027",
                ("0,45 € je kWh zuzüglich 19 % Steuer",),
            ),
        ),
        "lead": "Der Kunde",
        "duties": (
            "benennt seine Fahrzeuge, Zugangsmedien und Kostenstellen und hält sie aktuell;",
            "meldet ein verlorenes Zugangsmedium sofort und schuldet, was bis zur Meldung damit geladen wird.",
        ),
    },
    "en": {
        "titles": ("Subject and sites", "Prices", "Rights and duties of the customer"),
        "texts": (
            "Voltline Energy Inc. (the operator) runs charging stations for electric vehicles. Brightway Logistics LLC "
            "(the customer) may charge its vehicles there, at these sites:",
            "These prices are agreed, without tax; the tax that the law asks for is added.",
        ),
        "head": ("Site", "Address", "Charging points"),
        "rows": (
            ("Harbor Plaza", "88 Embarcadero, San Francisco, CA 94105", "12"),
            ("Airport Lot C", "9800 Airport Boulevard, Denver, CO 80249", "4"),
        ),
        "tariffs": (
            (
                "Fast charging", "Airport Lot C, from 11.5 to below 150 kW · Prices in force on January 1, 2027",
                ("$0.6125 per kWh", "$0.10 per minute after the end of charging, at most $12.00"),
            ),
            (
                "Depot", "at every site and connector of this contract · Prices in force on January 1, 2027",
                ("$0.45 per kWh",),
            ),
        ),
        "lead": "The customer",
        "duties": (
            "names its vehicles, charge cards and cost centres and keeps them up to date;",
            "reports a lost card at once and owes what is charged with it until then.",
        ),
    },
}  # fmt: skip
