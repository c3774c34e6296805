"""The accountant's pages: what they show, who may open them, how many queries they take, the files they give."""

import csv
import datetime as dt
import io
import zipfile
from hashlib import sha256
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook

from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.workspace.accounting.catalogue import CHOICES
from invoicing.models import Account, AccountingPeriod, DatevSettings, Document
from invoicing.operations.periods import ask_reopening, reopen_period
from tests.factories import make_contract_in_force, make_user
from tests.invoicing.factories import make_issued
from tests.invoicing.month import Month
from tests.workspace.world import closed_month, signed_in

pytestmark = pytest.mark.django_db
DECEMBER = dt.datetime(2026, 12, 2, 8, 0, tzinfo=dt.UTC)
PAGES = (*(f"/admin/accounting/{name}/" for name in CHOICES), "/admin/accounting/months/", "/admin/accounting/exports/")
MOST_QUERIES = 12


@pytest.fixture(autouse=True)
def _in_december(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: DECEMBER)


@pytest.fixture
def month() -> Month:
    return closed_month()


def queries_of(client: Client, address: str) -> int:
    client.get(address)  # badges and rights are kept from here on
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert client.get(address).status_code == 200, address
    own = [q for q in found if "django_session" not in q["sql"] and "access_user" not in q["sql"]]
    return len(own)


def test_every_page_opens_for_staff_and_takes_few_queries(month: Month, client: Client, settings: Any) -> None:
    client = signed_in(client, settings, Role.AUDITOR)
    account = Account.objects.get(role="receivable").pk
    for address in (*PAGES, f"/admin/accounting/account/?account={account}"):
        assert queries_of(client, address) <= MOST_QUERIES, address


def test_reports_take_as_many_queries_for_more_documents(client: Client, settings: Any) -> None:
    contract = make_contract_in_force()
    make_issued(contract)
    client = signed_in(client, settings, Role.AUDITOR)
    few = [queries_of(client, address) for address in PAGES]
    for number in range(2, 6):
        make_issued(contract, period=(dt.date(2026, number, 1), dt.date(2026, number + 1, 1)))
    assert [queries_of(client, address) for address in PAGES] == few


@pytest.mark.parametrize("address", PAGES)
def test_strangers_are_kept_out(address: str, client: Client, settings: Any) -> None:
    answer = client.get(address)
    assert (answer.status_code, "login" in answer.headers.get("Location", "")) == (302, True)
    settings.DEMO_RELAXES_SECOND_FACTOR = True
    client.force_login(make_user(None))
    assert client.get(address).status_code in {302, 403, 404}


def test_who_may_only_read_neither_closes_nor_exports(month: Month, client: Client, settings: Any) -> None:
    client = signed_in(client, settings, Role.AUDITOR)
    values = {"operator": month.operator.pk, "month": "2026-11", "what": "csv"}
    assert client.post("/admin/accounting/months/close/", values).status_code == 403
    assert client.post("/admin/accounting/exports/file/", values).status_code == 403
    assert not AccountingPeriod.objects.exists()
    assert not AuditRecord.objects.filter(action__startswith="invoicing.export.").exists()


def test_a_page_and_its_files_say_the_same(month: Month, client: Client, settings: Any) -> None:
    client = signed_in(client, settings, Role.AUDITOR)
    address = f"/admin/accounting/trial-balance/?operator={month.operator.pk}&from=2026-11&to=2026-11"
    page = client.get(address)
    assert b"22.13" in page.content
    (section,) = page.context["sections"]
    rows = list(csv.reader(io.StringIO(client.get(f"{address}&format=csv").content.decode("utf-8-sig"))))
    assert rows[2] == ["1000", "bank", "0.00", "10.00", "0.00", "10.00", "EUR"]
    assert rows[-1] == ["Total", "", "0.00", "75.69", "75.69", "0.00", "EUR"]
    sheet = load_workbook(io.BytesIO(client.get(f"{address}&format=xlsx").content)).worksheets[0]
    assert [cell.value for cell in list(sheet.rows)[2]] == ["1000", "bank", 0, 10, 0, 10]
    assert len(section.rows) == len(rows) - 3


def test_months_say_what_is_left_and_one_is_closed_and_opened_again(
    month: Month, client: Client, settings: Any
) -> None:
    # Given November is over and booked on, and its run has proved the books
    clerk = make_user(Role.BILLING_CLERK)
    client = signed_in(client, settings, clerk)
    page = client.get("/admin/accounting/months/")
    assert page.context["due"].period.code == "2026-11"
    assert {check.name: check.count for check, _href in page.context["checks"]} == {
        "drafts": 0, "runs": 0, "unposted": 0, "credit": 0, "disputes": 0, "proof": 0,
    }  # fmt: skip

    # When it is closed on the page
    client.post("/admin/accounting/months/close/", {"operator": month.operator.pk, "month": "2026-11"})

    # Then it stands there as closed, and after two persons opened it, as opened again
    closed = AccountingPeriod.objects.get()
    assert closed.closed_by == clerk
    ask_reopening(period_id=closed.pk, reason="a late invoice", by=clerk, at=DECEMBER)
    assert b"a late invoice" in client.get("/admin/accounting/months/").content
    reopen_period(period_id=closed.pk, by=make_user(Role.ADMINISTRATOR), at=DECEMBER)
    found = {each.period.code: each for each in client.get("/admin/accounting/months/").context["months"]}
    assert (found["2026-11"].state, len(found["2026-11"].history)) == ("open", 1)


def test_the_months_begin_with_the_last_one_that_has_bookings(
    month: Month, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given nothing was booked after November 2026, and it is February
    monkeypatch.setattr(timezone, "now", lambda: DECEMBER + dt.timedelta(days=70))
    page = signed_in(client, settings, Role.BILLING_CLERK).get("/admin/accounting/months/")

    # Then the list begins there and says how many came after it, and the exports open on it
    assert [each.period.code for each in page.context["months"]] == ["2026-11"]
    assert b"3 later months have no booking yet." in page.content
    assert b'name="month" value="2026-11"' in client.get("/admin/accounting/exports/").content


def test_without_any_booking_this_month_is_shown(client: Client, settings: Any) -> None:
    make_contract_in_force()
    page = signed_in(client, settings, Role.AUDITOR).get("/admin/accounting/months/")
    assert [each.period.code for each in page.context["months"]] == ["2026-12"]
    assert b"no booking yet" not in page.content


def test_a_clerk_exports_a_month_and_the_list_keeps_it(month: Month, client: Client, settings: Any) -> None:
    client = signed_in(client, settings, Role.BILLING_CLERK)
    values = {"operator": month.operator.pk, "month": "2026-11", "currency": "EUR"}

    # Given no DATEV settings, the refusal is said and nothing is kept
    answer = client.post("/admin/accounting/exports/file/", values | {"what": "datev"}, follow=True)
    assert b"has no DATEV settings" in answer.content

    # When they are there, the file comes, and the journal
    DatevSettings.objects.create(operator=month.operator, consultant_number=1001, client_number=1)
    datev = client.post("/admin/accounting/exports/file/", values | {"what": "datev"})
    journal = client.post("/admin/accounting/exports/file/", values | {"what": "xlsx"})
    assert datev.content.startswith(b'"EXTF";700;21;')
    assert "EXTF_Buchungsstapel_2026-11_EUR.csv" in datev.headers["Content-Disposition"]
    assert len(list(load_workbook(io.BytesIO(journal.content)).worksheets[0].rows)) == 19

    # And all documents as a ZIP: the archived bytes and an index with their SHA-256
    answer = client.post("/admin/accounting/exports/file/", values | {"what": "documents"})
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    index = list(csv.DictReader(io.StringIO(archive.read("index.csv").decode("utf-8-sig"))))
    assert len(index) == Document.objects.count() > 0
    assert all(sha256(archive.read(row["file"])).hexdigest() == row["sha256"] for row in index)
    assert archive.testzip() is None

    made = client.get("/admin/accounting/exports/").context["made"]
    assert [text for _record, text in made] == [
        "Documents of a month exported", "Journal exported", "Bookings exported for DATEV",
    ]  # fmt: skip


def test_a_report_says_its_months_in_words(month: Month, client: Client, settings: Any) -> None:
    client = signed_in(client, settings, Role.AUDITOR)
    page = client.get("/admin/accounting/trial-balance/?from=2026-10&to=2026-11").content.decode()
    assert "October 2026 \N{EN DASH} November 2026" in page
    assert ">2026-10-01/" not in page


def test_unknown_reports_and_accounts_are_not_found(month: Month, client: Client, settings: Any) -> None:
    client = signed_in(client, settings, Role.AUDITOR)
    for address in ("/admin/accounting/nothing/", "/admin/accounting/account/", "/admin/accounting/account/?account=x"):
        assert client.get(address).status_code == 404
