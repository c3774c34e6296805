"""The semantic model of EN 16931: one document as its recipient's software understands it. BT and BG name its terms.

Amounts are Decimals in major units of the document's currency with its minor digits; all are the document's own rows.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Format(StrEnum):
    """What is written: the values of Party.einvoice_format that stand for a structured invoice."""

    FACTURX = "facturx"  # CII, profile EN 16931, inside the PDF
    XRECHNUNG = "xrechnung"  # UBL, a file beside the PDF
    PEPPOL = "peppol"  # UBL, a file beside the PDF


class TypeCode(StrEnum):
    """What the document is (BT-3, UNTDID 1001)."""

    INVOICE = "380"
    CREDIT_NOTE = "381"
    ADVANCE = "386"
    SELF_BILLED = "389"
    SELF_BILLED_CREDIT = "261"


CREDITS = (TypeCode.CREDIT_NOTE, TypeCode.SELF_BILLED_CREDIT)
SELF_BILLED = (TypeCode.SELF_BILLED, TypeCode.SELF_BILLED_CREDIT)


class Means(StrEnum):
    """How it is paid (BT-81, UNTDID 4461)."""

    TRANSFER = "30"
    SEPA_TRANSFER = "58"
    CLEARING = "97"
    UNKNOWN = "1"


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to ask (BG-6): BT-41, BT-42, BT-43."""

    name: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An electronic address with its EAS scheme (BT-34, BT-49)."""

    scheme: str
    value: str


@dataclass(frozen=True, slots=True)
class TradeParty:
    """Seller (BG-4) or buyer (BG-7).

    `identifier` is BT-29, `registration` BT-30 or BT-47, `vat_id` BT-31 or BT-48, `tax_number` BT-32.
    """

    name: str
    street: str
    city: str
    postal_code: str
    country: str
    region: str = ""
    vat_id: str = ""
    tax_number: str = ""
    registration: str = ""
    identifier: str = ""
    endpoint: Endpoint | None = None
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """Payment instructions (BG-16): BT-81, BT-83, and the account BT-84, BT-85, BT-86. `terms` is BT-20."""

    means: Means
    reference: str = ""
    account: str = ""
    holder: str = ""
    bic: str = ""
    terms: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line (BG-25): `quantity` (1 or -1) times `price` is `net` (BT-131), always exactly."""

    position: str
    name: str
    description: str
    net: Decimal
    category: str
    rate: Decimal

    @property
    def quantity(self) -> int:
        """BT-129: a price may not be negative (BR-27), so what is taken off is minus one time its price."""
        return -1 if self.net < 0 else 1

    @property
    def price(self) -> Decimal:
        """BT-146."""
        return abs(self.net)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is taken off the document at one tax (BG-20); `amount` is positive (BT-92)."""

    amount: Decimal
    reason: str
    category: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class TaxRow:
    """The tax of one category and rate (BG-23): BT-116 to BT-121."""

    category: str
    rate: Decimal
    net: Decimal
    tax: Decimal
    reason: str = ""
    reason_code: str = ""


@dataclass(frozen=True, slots=True)
class Preceding:
    """The document that this one corrects (BG-3)."""

    number: str
    issued_on: dt.date


@dataclass(frozen=True, slots=True)
class Totals:
    """BG-22. `lines` BT-106, `allowances` BT-107, `net` BT-109, `tax` BT-110, `gross` BT-112, `due` BT-115.

    `tax_currency` (BT-6) and `tax_in_currency` (BT-111) where the tax is owed in another currency.
    """

    lines: Decimal
    allowances: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    due: Decimal
    tax_currency: str = ""
    tax_in_currency: Decimal | None = None


@dataclass(frozen=True, slots=True)
class EInvoice:
    """One document. `supply_to` is the last day itself (BT-74); `gross_priced` says how its tax was reckoned."""

    type_code: TypeCode
    number: str
    issued_on: dt.date
    due_on: dt.date | None
    currency: str
    seller: TradeParty
    buyer: TradeParty
    supply_from: dt.date
    supply_to: dt.date
    payment: Payment
    lines: tuple[Line, ...]
    allowances: tuple[Allowance, ...]
    taxes: tuple[TaxRow, ...]
    totals: Totals
    buyer_reference: str = ""
    purchase_order: str = ""
    contract_number: str = ""
    preceding: Preceding | None = None
    note: str = ""
    gross_priced: bool = False

    @property
    def is_credit(self) -> bool:
        """Whether it takes back another document."""
        return self.type_code in CREDITS

    @property
    def is_self_billed(self) -> bool:
        """Whether the buyer wrote it."""
        return self.type_code in SELF_BILLED


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with a document: the rule that says so, and a sentence for the clerk.

    `of_issuer`: it is entered at the operator, not at the party.
    """

    rule: str
    text: str
    of_issuer: bool = False

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"
