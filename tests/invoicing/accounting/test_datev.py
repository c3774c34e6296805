"""DATEV files: the split of bookings, the format's own rules, and sums equal to the journal."""

import csv
import datetime as dt
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.models import Chart
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.clock import month_of, parse_month
from evbilling.kernel.errors import BadInput, NotAllowed, WrongState
from evbilling.kernel.money import ZERO, split_gross
from invoicing.models import Account, DatevSettings, Invoice, JournalLine, PersonalAccount
from invoicing.operations.charts import take_chart
from invoicing.operations.exports import export_datev, export_journal
from invoicing.operations.ledger import post_cash_received
from invoicing.rules.datev import COLUMNS, NO_AUTOMATIC, Side, encodable, merged, pairs, reference
from tests.factories import make_user
from tests.invoicing.month import ISSUED_ON, LATER, Month, make_month
from tests.invoicing.quiet import nothing_is_drawn  # noqa: F401 - documents are not drawn here
from tests.workspace.world import closed_month

NOVEMBER = parse_month("2026-11")
AT = dt.datetime(2026, 12, 1, 8, 0, 0, 123000, tzinfo=dt.UTC)
amounts = st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents).scaleb(-2))


@given(st.lists(amounts, min_size=1, max_size=12))
def test_given_any_booking_when_split_into_pairs_then_each_account_moves_by_what_it_moved(parts: list[Decimal]) -> None:
    sides = merged([*(Side(f"{number}", part) for number, part in enumerate(parts)), Side("rest", -sum(parts, ZERO))])
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for posting in pairs(sides):
        assert posting.amount > 0
        sign = 1 if posting.debit else -1
        moved[posting.account] += sign * posting.amount
        moved[posting.counter] -= sign * posting.amount
    assert {account: amount for account, amount in moved.items() if amount} == {s.account: s.amount for s in sides}


def test_given_a_booking_that_does_not_add_up_when_split_then_it_is_refused() -> None:
    with pytest.raises(BadInput, match="adds up to zero"):
        pairs([Side("1", Decimal(1))])


def test_signs_that_the_format_lacks_are_replaced_and_lengths_kept() -> None:
    assert encodable("Şahin & Söhne\n漢") == "Sahin & Söhne ?"
    assert reference("INV 2026/1" + "x" * 40) == "INV-2026/1" + "x" * 26
    assert len(COLUMNS) == 125


@pytest.fixture
def month(db: None) -> Month:
    """November 2026 of an operator whose books begin with SKR03."""
    found = make_month()
    found.operator.chart = Chart.SKR03
    found.operator.save()
    take_chart(operator_id=found.operator.pk, by=None, at=LATER)
    DatevSettings.objects.create(operator=found.operator, consultant_number=29098, client_number=55003)
    return found


def read(content: bytes) -> tuple[list[str], list[dict[str, str]]]:
    text = content.decode("cp1252")
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    head, columns, *rows = list(csv.reader(text.splitlines(), delimiter=";"))
    assert tuple(columns) == COLUMNS
    assert {len(row) for row in rows} <= {125}
    return head, [dict(zip(columns, row, strict=True)) for row in rows]


def balances(rows: list[dict[str, str]], automatic: dict[str, tuple[str, str]]) -> dict[str, Decimal]:
    """What each account moves when the file is imported: automatic accounts give their tax to the tax account."""
    moved: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        amount = Decimal(row["Umsatz (ohne Soll/Haben-Kz)"].replace(",", "."))
        sign = 1 if row["Soll/Haben-Kennzeichen"] == "S" else -1
        counter = row["Gegenkonto (ohne BU-Schlüssel)"]
        moved[row["Konto"]] += sign * amount
        if counter in automatic and row["BU-Schlüssel"] != NO_AUTOMATIC:
            rate, tax_account = automatic[counter]
            net, tax = split_gross(amount, Decimal(rate), "EUR")
            moved[counter] -= sign * net
            moved[tax_account] -= sign * tax
        else:
            moved[counter] -= sign * amount
    return {account: amount for account, amount in moved.items() if amount}


def test_given_a_month_when_exported_then_header_and_lines_are_the_formats_and_sums_the_journals(month: Month) -> None:
    # Given a closed month with a payment of 10.00
    month.close()
    pay(month)

    # When its bookings are exported
    file = export_datev(operator_id=month.operator.pk, period=NOVEMBER, currency="EUR", by=None, at=AT)

    # Then the header names the tax adviser's numbers, the fiscal year, the days and the currency
    head, rows = read(file.content)
    assert file.content.startswith(
        b'"EXTF";700;21;"Buchungsstapel";13;20261201080000123;;"EV";"evbilling";"";29098;55003'
    )
    assert head[12:16] == ["20260101", "4", "20261101", "20261130"]
    assert head[21] == "EUR"
    assert head[26] == "03"
    assert len(head) == 31

    # And an invoice is one line: the customer, gross, against the automatic account, with number and due date
    invoice = month.item("beta").invoice
    (line,) = [row for row in rows if row["Belegfeld 1"] == invoice.number]
    number = PersonalAccount.objects.get(party=invoice.party).number
    expected = ("21,42", "S", str(number), "8400", "", "0211", "16112026")
    keys = ("Umsatz (ohne Soll/Haben-Kz)", "Soll/Haben-Kennzeichen", "Konto", "Gegenkonto (ohne BU-Schlüssel)")
    assert tuple(line[key] for key in (*keys, "BU-Schlüssel", "Belegdatum", "Fälligkeit")) == expected

    # And every account moves by what the journal says, customers' credit on their own account
    moved = balances(rows, {"8400": ("19", "1776"), "8300": ("7", "1771")})
    personal = {(row.kind, row.party_id): str(row.number) for row in PersonalAccount.objects.all()}
    due: dict[str, Decimal] = defaultdict(Decimal)
    at_19 = {"revenue": "8400", "sponsor_revenue": "8400", "output_tax": "1776", "input_tax": "1576"}
    for each in JournalLine.objects.select_related("account"):
        role = each.account.role
        if each.party_id:
            account = personal["creditor" if role == "host_payable" else "debtor", each.party_id]
        else:
            account = at_19.get(role, each.account.code)
        due[account] += each.amount
    assert moved == {account: amount for account, amount in due.items() if amount}

    # And the allocation, which moves money from the customer to the customer, is left out; the export is on record
    assert (file.entries, file.left_out) == (6, 1)
    record = AuditRecord.objects.get(action="invoicing.export.datev")
    assert record.changes["sha256"] == file.sha256


def pay(month: Month) -> None:
    from payments.operations.transfers import record_transfer  # noqa: PLC0415

    invoice = month.item("alpha").invoice
    record_transfer(
        operator_id=month.operator.pk, party_id=invoice.party_id, amount=Decimal("10.00"), currency="EUR",
        received_on=ISSUED_ON, payer_reference="first part", invoice_id=invoice.pk, by=None, at=LATER,
    )  # fmt: skip


def test_given_a_second_export_then_parties_keep_their_numbers_and_the_bytes_are_the_same(month: Month) -> None:
    month.close()
    values = {"operator_id": month.operator.pk, "period": NOVEMBER, "currency": "EUR", "by": None, "at": AT}
    first = export_datev(**values)
    numbers = list(PersonalAccount.objects.values_list("number", "party_id"))

    assert export_datev(**values).content == first.content
    assert list(PersonalAccount.objects.values_list("number", "party_id")) == numbers
    assert sorted(number for number, _party in numbers) == [10000, 10001, 10002, 70000]


def test_given_no_settings_or_no_right_when_exported_then_it_is_refused_and_nothing_is_kept(db: None) -> None:
    month = closed_month()
    values = {"operator_id": month.operator.pk, "period": NOVEMBER, "currency": "EUR", "at": AT}
    with pytest.raises(WrongState, match="DATEV settings"):
        export_datev(by=None, **values)
    with pytest.raises(NotAllowed):
        export_datev(by=make_user(Role.AUDITOR), **values)
    assert not PersonalAccount.objects.exists()
    assert not AuditRecord.objects.filter(action="invoicing.export.datev").exists()


def test_given_an_account_number_with_letters_when_exported_then_it_is_named(month: Month) -> None:
    month.close()
    Account.objects.filter(role="host_cost").update(code="31A0")
    with pytest.raises(BadInput, match="31A0"):
        export_datev(operator_id=month.operator.pk, period=NOVEMBER, currency="EUR", by=None, at=AT)


def test_given_more_than_a_fiscal_year_when_exported_then_it_is_refused(month: Month) -> None:
    DatevSettings.objects.update(fiscal_year_month=7)
    begin = month_of(dt.date(2026, 6, 1))
    both = type(begin)(begin.start, dt.date(2026, 8, 1))
    with pytest.raises(BadInput, match="fiscal year"):
        export_datev(operator_id=month.operator.pk, period=both, currency="EUR", by=None, at=AT)
    assert Invoice.objects.count() == 0


def receive(month: Month, amount: str, currency: str) -> None:
    post_cash_received(
        operator=month.operator, source=f"payment:{currency}:captured", party=month.contracts["alpha"].party,
        amount=Decimal(amount), currency=currency, booked_on=dt.date(2026, 11, 2), clearing=False, at=LATER,
    )  # fmt: skip


def test_given_a_currency_without_decimals_when_exported_then_its_whole_amounts_stand_with_two_zeros(
    month: Month,
) -> None:
    receive(month, "1000", "JPY")
    head, (row,) = read(
        export_datev(operator_id=month.operator.pk, period=NOVEMBER, currency="JPY", by=None, at=AT).content
    )
    assert (head[21], row["Umsatz (ohne Soll/Haben-Kz)"]) == ("JPY", "1000,00")


@pytest.mark.parametrize("currency", ["KWD", "BHD"])
def test_given_a_currency_of_three_decimals_when_exported_then_it_is_refused_and_the_journal_has_them(
    month: Month, currency: str
) -> None:
    # Given money that two decimals cannot hold
    receive(month, "1.235", currency)
    values = {"operator_id": month.operator.pk, "period": NOVEMBER, "currency": currency, "by": None, "at": AT}

    # When it is exported for DATEV, then the sentence names the currency and what to take instead
    with pytest.raises(BadInput, match=f"{currency} has 3 decimals, .* CSV or XLSX"):
        export_datev(**values)

    # And nobody got a personal account, and no export stands on the trail
    assert not PersonalAccount.objects.exists()
    assert not AuditRecord.objects.filter(action="invoicing.export.datev").exists()

    # And the journal holds every digit
    assert b"1.235" in export_journal(kind="csv", **values).content
