"""DATEV format, category 21 (Buchungsstapel), header version 700, format version 13: pure text, no database.

Source: DATEV's public description of the format (developer.datev.de, "DATEV-Format", header and Buchungsstapel). A file
is Windows-1252 with CR LF, fields apart by semicolons, text in quotation marks (doubled inside), a decimal comma, days
as DDMM; the first line is the header, the second names the 125 columns, every other is one posting of two accounts.

A booking of ours may have many sides; `pairs` splits it: where one side stands alone, it is the account of every
posting and each other side its counter account; otherwise debits and credits are matched in their order.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.translation import gettext as _

from evbilling.kernel.errors import BadInput
from evbilling.kernel.money import ZERO, add, minor_digits, split_gross

ENCODING = "cp1252"
NO_AUTOMATIC = "0040"
"""Tax key that switches the automatic of an account off: what stands there is net, its tax is posted on its own."""
MOST_POSTINGS = 99_999
"""DATEV takes no more postings a file."""
DECIMALS = 2
"""Of every amount, whatever its currency: 1,000 yen are 1000,00, and 1.235 dinars cannot be written."""
_INFO = tuple(f"Beleginfo - {what} {number}" for number in range(1, 9) for what in ("Art", "Inhalt"))
_MORE = tuple(
    f"Zusatzinformation{sign}{what} {number}"
    for number in range(1, 21)
    for sign, what in ((" - ", "Art"), ("- ", "Inhalt"))
)
COLUMNS: tuple[str, ...] = (
    "Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "WKZ Umsatz", "Kurs", "Basis-Umsatz", "WKZ Basis-Umsatz",
    "Konto", "Gegenkonto (ohne BU-Schlüssel)", "BU-Schlüssel", "Belegdatum", "Belegfeld 1", "Belegfeld 2", "Skonto",
    "Buchungstext", "Postensperre", "Diverse Adressnummer", "Geschäftspartnerbank", "Sachverhalt", "Zinssperre",
    "Beleglink", *_INFO, "KOST1 - Kostenstelle", "KOST2 - Kostenstelle", "Kost-Menge", "EU-Land u. UStID (Bestimmung)",
    "EU-Steuersatz (Bestimmung)", "Abw. Versteuerungsart", "Sachverhalt L+L", "Funktionsergänzung L+L",
    "BU 49 Hauptfunktionstyp", "BU 49 Hauptfunktionsnummer", "BU 49 Funktionsergänzung", *_MORE, "Stück", "Gewicht",
    "Zahlweise", "Forderungsart", "Veranlagungsjahr", "Zugeordnete Fälligkeit", "Skontotyp", "Auftragsnummer",
    "Buchungstyp", "USt-Schlüssel (Anzahlungen)", "EU-Land (Anzahlungen)", "Sachverhalt L+L (Anzahlungen)",
    "EU-Steuersatz (Anzahlungen)", "Erlöskonto (Anzahlungen)", "Herkunft-Kz", "Buchungs GUID", "KOST-Datum",
    "SEPA-Mandatsreferenz", "Skontosperre", "Gesellschaftername", "Beteiligtennummer", "Identifikationsnummer",
    "Zeichnernummer", "Postensperre bis", "Bezeichnung SoBil-Sachverhalt", "Kennzeichen SoBil-Buchung",
    "Festschreibung", "Leistungsdatum", "Datum Zuord. Steuerperiode", "Fälligkeit", "Generalumkehr (GU)", "Steuersatz",
    "Land", "Abrechnungsreferenz", "BVV-Position", "EU-Land u. UStID (Ursprung)", "EU-Steuersatz (Ursprung)",
    "Abw. Skontokonto",
)  # fmt: skip
_TEXT = {
    2, 3, 6, 9, 11, 12, 14, 16, *range(20, 39), 40, 42, *range(48, 88), 95, 96, 98, 102, 103, 105, 107, 109, 110, 112,
    118, 120, 121, 123,
}  # fmt: skip
"""Numbers of the columns that hold text, counted from 1: empty ones are written as ""."""
_BAD_REFERENCE = re.compile(r"[^A-Za-z0-9$&%*+\-/]")


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a booking on an account of the file; debit positive. `key` is a tax key, empty for none."""

    account: str
    amount: Decimal
    key: str = ""


@dataclass(frozen=True, slots=True)
class Posting:
    """One line: an amount above zero from `account` (debit or credit) against `counter`."""

    account: str
    counter: str
    amount: Decimal
    debit: bool
    key: str = ""


@dataclass(frozen=True, slots=True)
class Voucher:
    """What a line says beside its accounts: the booking's day, the document's number, a text, the due date."""

    day: dt.date
    reference: str
    text: str
    due_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class Header:
    """The first line. `chart` is "03", "04" or "" for another; `is_final` fixes the postings at the import."""

    created_at: dt.datetime
    exported_by: str
    consultant_number: int
    client_number: int
    fiscal_year: dt.date
    account_length: int
    first_day: dt.date
    last_day: dt.date
    title: str
    currency: str
    chart: str
    is_final: bool


def merged(sides: Iterable[Side]) -> list[Side]:
    """Sides of the same account and key added up, in their first order; those that cancel out are gone."""
    sums: dict[tuple[str, str], Decimal] = {}
    for side in sides:
        sums[side.account, side.key] = sums.get((side.account, side.key), ZERO) + side.amount
    return [Side(account, amount, key) for (account, key), amount in sums.items() if amount]


def pairs(sides: Sequence[Side]) -> list[Posting]:
    """The postings of a booking whose sides add up to zero; see the module. Raises BadInput where they do not."""
    rest = add(side.amount for side in sides)
    if rest:
        raise BadInput("sides", str(rest), "A booking adds up to zero.")
    debits, credits = [s for s in sides if s.amount > 0], [s for s in sides if s.amount < 0]
    if len(debits) == 1:
        return [Posting(debits[0].account, s.account, -s.amount, True, s.key or debits[0].key) for s in credits]
    if len(credits) == 1:
        return [Posting(credits[0].account, s.account, s.amount, False, s.key or credits[0].key) for s in debits]
    return _matched(debits, credits)


def _matched(debits: list[Side], credits: list[Side]) -> list[Posting]:
    found: list[Posting] = []
    left = [-side.amount for side in credits]
    place = 0
    for debit in debits:
        open_amount = debit.amount
        while open_amount:
            taken = min(open_amount, left[place])
            credit = credits[place]
            found.append(Posting(debit.account, credit.account, taken, True, credit.key or debit.key))
            open_amount -= taken
            left[place] -= taken
            if not left[place]:
                place += 1
    return found


def is_automatic_exact(net: Decimal, tax: Decimal, rate: Decimal, currency: str) -> bool:
    """Whether an automatic account, which takes the tax out of the gross amount, comes to our cents."""
    sign = -1 if net + tax < 0 else 1
    return split_gross(sign * (net + tax), rate, currency) == (sign * net, sign * tax)


def batch(header: Header, postings: Iterable[tuple[Posting, Voucher]]) -> bytes:
    """The file. Raises BadInput for more postings than DATEV takes, or a currency of more decimals than it writes."""
    digits = minor_digits(header.currency)
    if digits > DECIMALS:
        advice = _("%(currency)s has %(digits)s decimals, a DATEV file two; export the journal as CSV or XLSX.")
        raise BadInput("currency", header.currency, advice % {"currency": header.currency, "digits": digits})
    lines = [_header(header), ";".join(COLUMNS)]
    lines.extend(_lines(postings))
    if len(lines) - 2 > MOST_POSTINGS:
        advice = _("DATEV takes %(count)s postings a file; export shorter periods.")
        raise BadInput("postings", len(lines) - 2, advice % {"count": MOST_POSTINGS})
    return ("\r\n".join(lines) + "\r\n").encode(ENCODING)


def _header(header: Header) -> str:
    fields: list[str] = [
        _quoted("EXTF"), "700", "21", _quoted("Buchungsstapel"), "13",
        f"{header.created_at:%Y%m%d%H%M%S}{header.created_at.microsecond // 1000:03d}", "", _quoted("EV"),
        _quoted(encodable(header.exported_by)[:25]), _quoted(""), str(header.consultant_number),
        str(header.client_number), f"{header.fiscal_year:%Y%m%d}", str(header.account_length),
        f"{header.first_day:%Y%m%d}", f"{header.last_day:%Y%m%d}", _quoted(encodable(header.title)[:30]), _quoted(""),
        "1", "0", "1" if header.is_final else "0", _quoted(header.currency), "", _quoted(""), "", "",
        _quoted(header.chart), "", "", _quoted(""), _quoted(""),
    ]  # fmt: skip
    return ";".join(fields)


def _lines(postings: Iterable[tuple[Posting, Voucher]]) -> Iterator[str]:
    for posting, voucher in postings:
        values = {
            1: f"{posting.amount:.{DECIMALS}f}".replace(".", ","),
            2: "S" if posting.debit else "H",
            7: posting.account,
            8: posting.counter,
            9: posting.key,
            10: f"{voucher.day:%d%m}",
            11: reference(voucher.reference),
            14: encodable(voucher.text)[:60],
            117: f"{voucher.due_on:%d%m%Y}" if voucher.due_on else "",
        }
        cells = (
            _quoted(values.get(number, "")) if number in _TEXT else values.get(number, "")
            for number in range(1, len(COLUMNS) + 1)
        )
        yield ";".join(cells)


def reference(text: str) -> str:
    """Belegfeld 1: at most 36 of the signs that DATEV allows there; others become a hyphen."""
    return _BAD_REFERENCE.sub("-", text)[:36]


def encodable(text: str) -> str:
    """The text in the signs of Windows-1252: accents that it lacks are left out, other signs become a question mark."""
    found = []
    for sign in text:
        if sign < " ":
            found.append(" ")
            continue
        try:
            sign.encode(ENCODING)
        except UnicodeEncodeError:
            plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
            found.append(plain or "?")
        else:
            found.append(sign)
    return "".join(found)


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
