"""Views of the shapes that a document can have: prices with tax, a billing group with an advance set off, fees."""

from datetime import date
from decimal import Decimal

from evbilling.shell.paper.letterhead import BankAccount, PartyBlock
from invoicing.documents.view import (
    DocumentView,
    Kind,
    Line,
    LineGroup,
    PaymentBlock,
    PaymentMethod,
    References,
    TaxRow,
)
from tests.invoicing.documents import samples


def with_tax_prices(**changes) -> DocumentView:
    """Two lines whose prices include 19 % VAT: 11.90 + 4.99 = 16.89, of it net 14.19 and VAT 2.70."""
    lines = (
        Line("Depot Hamburg-Altona", Decimal("10.00"), "", 3, 20_000, gross_amount=Decimal("11.90")),
        Line("Rastpark Süd", Decimal("4.19"), "", 1, 8_000, gross_amount=Decimal("4.99")),
    )
    group = LineGroup(lines, Decimal("14.19"), gross_amount=Decimal("16.89"))
    row = TaxRow("USt. 19 %", Decimal("14.19"), Decimal("2.70"), Decimal("16.89"))
    fields = {
        "groups": (group,), "tax_rows": (row,), "net_amount": row.net_amount, "tax_amount": row.tax_amount,
        "total_amount": row.gross_amount, "amount_due": row.gross_amount,
        "recipient": PartyBlock("Käthe Müller-Lüdenscheidt", ("Am Alten Güterbahnhof 14", "22303 Hamburg")),
    }  # fmt: skip
    return samples.german_invoice(0, **(fields | changes))


def group_invoice(**changes) -> DocumentView:
    """Three contracts of a billing group on one invoice at two rates, an advance set off, own words."""
    groups = []
    for n in range(3):
        lines = (
            Line(f"B-VL {1000 + n}", Decimal("412.20") + n, "Depot Nord, Depot Süd", 14, 301_250),
            Line(f"B-VL {2000 + n}", Decimal("210.05"), "Depot Nord", 8, 150_000),
            Line("Base fee", Decimal("19.90"), "per contract and month"),
        )
        groups.append(
            LineGroup(lines, sum(line.net_amount for line in lines), f"CT-2026-{n:04d}: 41{n}0 Field service")
        )
    advance = Line("Advance payment INV-2026-000120 set off", Decimal("-500.00"))
    groups.append(LineGroup((advance,), advance.net_amount, ""))
    net = sum((group.net_amount for group in groups), Decimal(0))
    low = Decimal("59.70")
    rows = (
        TaxRow("VAT 19 %", net - low, ((net - low) * Decimal("0.19")).quantize(samples.CENT), Decimal(0)),
        TaxRow("VAT 7 %", low, (low * Decimal("0.07")).quantize(samples.CENT), Decimal(0)),
    )
    rows = tuple(TaxRow(row.label, row.net_amount, row.tax_amount, row.net_amount + row.tax_amount) for row in rows)
    tax = sum((row.tax_amount for row in rows), Decimal(0))
    fields = {
        "language": "en", "number": "INV-2026-000365", "groups": tuple(groups), "tax_rows": rows, "net_amount": net,
        "tax_amount": tax, "total_amount": net + tax, "amount_due": net + tax, "annex": (),
        "references": References(
            "C-20817", "CT-2026-0000, CT-2026-0001, CT-2026-0002", "PO-4500018822", "4100 Field service",
            replaced_document="INV-2026-000321 of 2 December 2026",
        ),
        "introduction": "Thank you for charging with us. In November all sites ran on certified green power.",
        "closing": "Our help desk answers at any hour: +49 30 5550 100.",
    }  # fmt: skip
    return samples.german_invoice(0, **(fields | changes))


def german_settlement(**changes) -> DocumentView:
    """Self-billed for a host who is registered for tax: 60 % of net revenue, less what was credited too much before."""
    lines = (
        Line("Rastpark Süd, Ladehof 1", Decimal("2914.56"), "60 % des Nettoerlöses von 4.857,60 €", 412, 11_284_250),
        Line("Rastpark Süd, Ladehof 2", Decimal("1102.19"), "60 % des Nettoerlöses von 1.836,98 €", 160, 4_401_870),
        Line("Zuvor zu viel gutgeschrieben", Decimal("-18.40"), "60 % von 30,67 €, berichtigt mit GS-2026-000042"),
    )
    groups = (LineGroup(lines, Decimal("3998.35"), "Rastpark Süd"),)
    text = "Wir überweisen den Betrag auf dieses Konto."
    fields = {
        "kind": Kind.SETTLEMENT, "number": "AB-2026-000031", "issued_on": date(2026, 12, 3), "annex": (),
        "recipient": PartyBlock(
            "Rastpark Süd Grundstücksverwaltung GmbH & Co. KG", ("An der A 7", "34549 Edertal"),
            (("USt-IdNr.", "DE811569869"),),
        ),
        "references": References("H-00071", "S-2024-0009"),
        "payment": PaymentBlock(
            PaymentMethod.PAYOUT, "AB-2026-000031", text,
            BankAccount("Rastpark Süd Grundstücksverwaltung", "Musterbank Kassel", "DE02120300000000202051"),
        ),
    }  # fmt: skip
    return samples.german_invoice(0, **(fields | samples.with_tax(groups, "19", "USt. 19 %") | changes))


def fee_note(**changes) -> DocumentView:
    """Late fee and interest, outside the scope of tax."""
    lines = (
        Line("Late payment, RE-2026-004711", Decimal("40.00"), "flat fee"),
        Line("Interest, RE-2026-004711", Decimal("3.61"), "16.11. – 20.12.2026, 11,27 % a year"),
    )
    groups = (LineGroup(lines, Decimal("43.61")),)
    fields = {"kind": Kind.FEE_NOTE, "number": "GB-2026-000007", "issued_on": date(2026, 12, 20), "annex": ()}
    return samples.german_invoice(0, **(fields | samples.with_tax(groups, "0", "Nicht steuerbar") | changes))
