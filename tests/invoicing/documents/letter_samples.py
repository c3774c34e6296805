"""Views of the four letters, with figures that add up."""

from datetime import date, timedelta
from decimal import Decimal

from evbilling.shell.paper.letterhead import PartyBlock
from invoicing.documents.letters.views import (
    AgingSum,
    ContractResult,
    CurrencyTotal,
    EntryKind,
    FateSum,
    NoticeView,
    OpenItem,
    OverdueItem,
    ReceiptView,
    ReportView,
    SettledItem,
    StatementEntry,
    StatementView,
)
from invoicing.documents.view import References
from tests.invoicing.documents import samples

CUSTOMER = PartyBlock(
    "Bien & Söhne Gebäudetechnik KG", ("Musterweg 4", "20095 Hamburg"), (("USt-IdNr.", "DE987654321"),)
)
PAYMENT = "PAY-7f6b0b47a03a806e780102ec6a72236d"
ENTRY_TEXTS = {
    "de": {
        EntryKind.DOCUMENT: "Rechnung", EntryKind.PAYMENT: PAYMENT, EntryKind.ALLOCATION: f"250,00 € aus {PAYMENT}",
        EntryKind.CREDIT: "Rechnungskorrektur",
    },
    "en": {
        EntryKind.DOCUMENT: "invoice", EntryKind.PAYMENT: PAYMENT, EntryKind.ALLOCATION: f"$250.00 of {PAYMENT}",
        EntryKind.CREDIT: "credit note",
    },
}  # fmt: skip
ON = date(2026, 12, 21)


def head(language="de", **changes):
    """What all letters say of their sides: German in EUR, or English in USD on Letter."""
    if language == "de":
        common = {"currency": "EUR", "issuer": samples.DE, "letterhead": samples.HEAD_DE, "recipient": CUSTOMER}
    else:
        party = PartyBlock("Brightway Logistics LLC", ("2200 Mission Street", "San Francisco, CA 94110"))
        common = {"currency": "USD", "issuer": samples.US, "letterhead": samples.HEAD_US, "recipient": party}
    numbers = References("K-20817", "V-2026-88")
    return common | {"language": language, "dated_on": ON, "references": numbers} | changes


def overdue(count, *, contested=Decimal(0)):
    """So many overdue documents; the first is contested in part."""
    found = []
    for n in range(count):
        due = date(2026, 11, 15) - timedelta(days=7 * n)
        total = Decimal("301.34") + Decimal("17.05") * n
        found.append(
            OverdueItem(
                f"RE-2026-{4711 - n:06d}",
                due - timedelta(days=14),
                due,
                (ON - due).days,
                total,
                total if n % 3 else total - Decimal("100.00"),
                contested if not n else Decimal(0),
            )
        )
    return tuple(found)


def notice(count=2, language="de", **changes):
    """A notice of the first level."""
    items = changes.pop("items", None) or overdue(count)
    fee = changes.get("fee_amount", Decimal(0))
    fields = {
        "level": 1,
        "items": items,
        "sum_amount": sum((item.asked_amount for item in items), Decimal("0.00")) + fee,
        "pay_by_on": date(2026, 12, 31),
        "reference": items[0].number if len(items) == 1 else "K-20817",
        "bank": samples.DE_BANK if language == "de" else samples.US_BANK,
    }
    return NoticeView(**(head(language) | fields | changes))


def german_notice():
    """The last one, over three documents, one contested in part; with a fee and interest on their own note."""
    return notice(
        items=overdue(3, contested=Decimal("50.00")), level=3, last=True,
        fee_text="Für diese Mahnung kommt eine Gebühr von 5,00 € auf Ihre nächste Gebührenrechnung.",
        interest_text="Verzugszinsen bis 20. Dezember 2026: 7,42 €. Sie stehen auf einer eigenen Gebührenrechnung.",
    )  # fmt: skip


def statement(count=9, language="de", **changes):
    """So many entries after an opening balance; two documents are open."""
    balance = Decimal("120.00")
    entries = []
    for n in range(count):
        kind = (EntryKind.DOCUMENT, EntryKind.PAYMENT, EntryKind.ALLOCATION, EntryKind.CREDIT)[n % 4]
        debit = Decimal("301.34") if kind is EntryKind.DOCUMENT else Decimal(0)
        credit = {EntryKind.PAYMENT: Decimal("250.00"), EntryKind.CREDIT: Decimal("2.50")}.get(kind, Decimal(0))
        balance += debit - credit
        text = ENTRY_TEXTS[language][kind]
        day = date(2026, 10, 1) + timedelta(days=min(n * 3, 90))
        entries.append(StatementEntry(day, kind, f"REF-{n:05d}", balance, debit, credit, text))
    items = tuple(
        OpenItem(item.number, item.issued_on, item.due_on, item.days_overdue, item.total_amount, item.open_amount)
        for item in overdue(2)
    )
    aging = (
        AgingSum(None, 0, Decimal("0.00")),
        AgingSum(1, 30, Decimal("0.00")),
        AgingSum(31, 60, sum((item.open_amount for item in items), Decimal("0.00"))),
        AgingSum(61, 90, Decimal("0.00")),
        AgingSum(91, None, Decimal("0.00")),
    )
    fields = {
        "from_on": date(2026, 10, 1),
        "to_on": date(2026, 12, 31),
        "opening_amount": Decimal("120.00"),
        "entries": tuple(entries),
        "closing_amount": balance,
        "open_items": items,
        "aging": aging,
        "bank": samples.DE_BANK if language == "de" else samples.US_BANK,
    }
    return StatementView(**(head(language) | fields | changes))


def receipt(language="en", **changes):
    """A payment by card that settled two documents and left a credit."""
    items = (
        SettledItem("INV-2026-000365", date(2026, 12, 1), Decimal("1062.71"), Decimal("1062.71")),
        SettledItem("INV-2026-000398", date(2026, 12, 9), Decimal("400.00"), Decimal("337.29"), Decimal("62.71")),
    )
    fields = {
        "number": "PAY-2026-000091",
        "paid_on": date(2026, 12, 20),
        "amount": Decimal("1450.00"),
        "method": "Visa •••• 4242",
        "items": items,
        "credit_amount": Decimal("50.00"),
    }
    return ReceiptView(**(head(language) | fields | changes))


def german_receipt():
    """A transfer that settled one document and a part of another, with its reference as it is kept and as it came."""
    items = (
        SettledItem("RE-2026-004711", date(2026, 12, 1), Decimal("301.34"), Decimal("301.34"), Decimal("0.00")),
        SettledItem("RE-2026-004902", date(2026, 12, 9), Decimal("1284.50"), Decimal("1198.66"), Decimal("85.84")),
    )
    numbers = References("K-20817", more=(("Zahlung", PAYMENT),))
    return receipt(
        "de", number="PAY-7F6B0B47", amount=Decimal("1500.00"), method="Überweisung", items=items,
        credit_amount=Decimal("0.00"), references=numbers, reference="RE-2026-004711, RE-2026-004902",
    )  # fmt: skip


def report(contracts=30, language="en", **changes):
    """A run of so many contracts, the last of which failed."""
    rows = []
    for n in range(contracts - 1):
        net = Decimal("120.00") + n
        tax = (net * Decimal("0.19")).quantize(samples.CENT)
        number, party = f"C-2026-{n:05d}", f"Fleet number {n} GmbH"
        if n % 9 == 4:
            rows.append(ContractResult(number, party, "nothing to bill", "EUR", text="no sessions"))
        else:
            document = f"INV-2026-{n:06d}"
            rows.append(
                ContractResult(
                    number, party, "issued", "EUR", document, 4, 80_500, net, tax, net + tax,
                )
            )  # fmt: skip
    rows.append(
        ContractResult(
            "C-2026-99999", "Broken Terms Ltd", "failed", "EUR", failed=True,
            text="No tax rate is known for FR on 2026-11-01. Enter one under Tax rates and try again.",
        )
    )  # fmt: skip
    billed = [row for row in rows if row.document]
    sums = [sum((getattr(row, name) for row in billed), Decimal("0.00")) for name in ("net_amount", "tax_amount")]
    net, tax = sums
    sessions, energy = 4 * len(billed), 80_500 * len(billed)
    fates = (
        FateSum("billed", sessions, energy, (("EUR", net),)),
        FateSum("held", 2, 40_000, (("EUR", Decimal("18.00")),)),
        FateSum("excluded", 1, 0),
        FateSum("late", 3, 61_000, (("EUR", Decimal("27.45")),)),
    )
    whole = FateSum("Sessions of the month", sessions + 6, energy + 101_000, (("EUR", net + Decimal("45.45")),))
    fields = {
        "currency": "EUR",
        "title": "Completeness report 2026-11",
        "from_on": date(2026, 11, 1),
        "to_on": date(2026, 11, 30),
        "facts": (("Started by", "Anna Krüger"), ("Approved by", "Jens Olsen")),
        "sessions_in": whole,
        "fates": fates,
        "totals": (CurrencyTotal("EUR", len(billed), net, tax, net + tax),),
        "contracts": tuple(rows),
        "remarks": ("All 27 checks of the books passed after the run.",),
    }
    return ReportView(**(head(language) | fields | changes))
