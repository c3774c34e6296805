"""The editor of prices: rows, limits and documents, with errors where they belong."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contracts.models import TariffVersion
from contracts.rules.tariff_form import Conditions, PriceLimit, PriceRow, TariffRows
from contracts.rules.tariff_reading import read_tariff
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel import strict_json
from evbilling.kernel.models import AuditRecord
from tests import factories as make
from tests.contracts.tariffs import document_of, energy
from tests.contracts.traces import snapshot
from tests.contracts.world import sign_in

pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "True"}
ROW = {"dimension": "ENERGY", "price": "0.45", "vat": "19", "step_size": "1"}


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:contracts_tariffversion_{name}", args=args)


@pytest.fixture
def manager() -> User:
    return make.make_user(Role.CONTRACT_MANAGER)


@pytest.fixture
def staff(client: Client, settings: Any, manager: User) -> Client:
    return sign_in(client, manager, settings)


def fields(tariff: Any, *rows: dict[str, Any], initial: int = 0, **more: Any) -> dict[str, Any]:
    """What the browser sends: the head, the rows, then what is said in `more`."""
    found = {
        "tariff": tariff.pk,
        "valid_from_0": "2026-05-01",
        "valid_from_1": "00:00:00",
        "ocpi_version": "2.2.1",
        "tax_included": "NO",
        "rows-TOTAL_FORMS": len(rows),
        "rows-INITIAL_FORMS": initial,
    }
    for index, row in enumerate(rows):
        found |= {f"rows-{index}-{name}": value for name, value in row.items()}
        found.setdefault(f"rows-{index}-ORDER", index + 1)
    return found | more


def add(staff: Client, *rows: dict[str, Any], **more: Any) -> Any:
    return staff.post(url("add"), fields(make.make_tariff(released=False), *rows, **more))


def made() -> TariffRows:
    version = TariffVersion.objects.get(number=2)
    found, problems = read_tariff(version.document, version.ocpi_version)
    assert problems == ()
    assert found is not None
    return found


def row_errors(response: Any) -> list[dict[str, list[str]]]:
    form = response.context["adminform"].form
    return [{name: list(found) for name, found in each.items()} for each in form.rows.errors]


class TestRows:
    def test_given_rows_with_all_conditions_when_saved_then_the_document_says_them(
        self, staff: Client, manager: User
    ) -> None:
        special = {
            "dimension": "ENERGY",
            "price": "0.39",
            "vat": "19",
            "step_size": "100",
            "start_time": "22:00",
            "end_time": "06:00",
            "day_of_week": ["SUNDAY", "SATURDAY"],
            "min_kwh": "0",
            "max_kwh": "40.5",
            "min_duration": "0:05:30",
            "max_duration": "12:00",
            "min_power": "11",
            "max_power": "50",
            "min_current": "6",
            "max_current": "32",
            "start_date": "2026-05-01",
            "end_date": "2026-10-01",
        }
        held = {"dimension": "FLAT", "price": "2", "vat": "19", "reservation": "RESERVATION"}
        response = add(staff, special, ROW, held, max_price_excl="50", max_price_incl="59.50")
        assert response.status_code == 302
        assert TariffVersion.objects.get(number=2).created_by == manager
        found = made()
        assert found.rows[0] == PriceRow(
            "ENERGY",
            Decimal("0.39"),
            100,
            Decimal(19),
            Conditions(
                start_time="22:00",
                end_time="06:00",
                day_of_week=("SATURDAY", "SUNDAY"),
                min_kwh=Decimal(0),
                max_kwh=Decimal("40.5"),
                min_duration=330,
                max_duration=43200,
                min_power=Decimal(11),
                max_power=Decimal(50),
                min_current=Decimal(6),
                max_current=Decimal(32),
                start_date=found.rows[0].conditions.start_date,
                end_date=found.rows[0].conditions.end_date,
            ),
        )
        assert str(found.rows[0].conditions.end_date) == "2026-10-01"
        assert found.rows[1] == energy("0.45")
        assert found.rows[2].conditions.reservation == "RESERVATION"
        assert found.max_price == PriceLimit(Decimal(50), Decimal("59.5"))

    def test_given_a_tariff_with_prices_when_new_ones_are_drafted_then_they_begin_with_the_last(
        self, staff: Client
    ) -> None:
        limited = TariffRows((energy("0.45"), energy("0.55")), max_price=PriceLimit(Decimal(50)))
        tariff = make.make_tariff(document=document_of(limited))
        address = staff.get(reverse("admin:contracts_tariff_draft_prices", args=[tariff.pk]))["Location"]
        page = staff.get(address)
        form = page.context["adminform"].form
        assert [row["price"].value() for row in form.rows.forms] == [Decimal("0.45"), Decimal("0.55")]
        assert form["max_price_excl"].value() == Decimal(50)
        assert f"Filled in with the prices of {tariff.versions.get()}" in page.content.decode()
        drafted = fields(tariff, ROW | {"price": "0.47"}, initial=2)
        drafted |= {"rows-TOTAL_FORMS": 2, "rows-1-DELETE": "on", "rows-1-ORDER": "2"}
        assert staff.post(url("add"), drafted).status_code == 302
        assert [row.price for row in made().rows] == [Decimal("0.47")]

    @pytest.mark.parametrize("given", ["x", "999999", "9" * 40, ""])
    def test_given_a_tariff_that_is_not_there_when_drafting_then_the_form_is_empty(
        self, staff: Client, given: str
    ) -> None:
        page = staff.get(url("add"), {"tariff": given})
        assert page.status_code == 200
        assert len(page.context["adminform"].form.rows.forms) == 1

    def test_given_places_and_a_row_taken_out_when_saved_then_order_and_rows_follow(self, staff: Client) -> None:
        rows = [ROW | {"price": "1", "ORDER": "3"}, ROW | {"price": "2", "ORDER": "1"}, ROW | {"DELETE": "on"}]
        assert add(staff, *rows).status_code == 302
        assert [row.price for row in made().rows] == [Decimal(2), Decimal(1)]

    def test_given_a_stored_draft_when_opened_and_saved_unchanged_then_nothing_changes(self, staff: Client) -> None:
        version = make.make_tariff(released=False).versions.get()
        form = staff.get(url("change", version.pk)).context["adminform"].form
        sent = {
            name: value
            for row in form.rows
            for bound in row
            if (value := bound.value()) not in (None, "", []) and (name := bound.html_name)
        }
        before = version.document
        at = timezone.localtime(version.valid_from, ZoneInfo(version.tariff.operator.zone))
        same = fields(
            version.tariff,
            ocpi=form["ocpi"].value(),
            valid_from_0=f"{at:%Y-%m-%d}",
            valid_from_1=f"{at:%H:%M:%S}",
            **sent,
        )
        same |= {"rows-TOTAL_FORMS": len(form.rows.forms), "rows-INITIAL_FORMS": len(form.rows.forms)}
        records = AuditRecord.objects.count()
        assert staff.post(url("change", version.pk), same).status_code == 302
        version.refresh_from_db()
        assert version.document == before
        assert AuditRecord.objects.count() == records

    def test_given_a_draft_when_a_row_changes_then_its_other_parts_stay(self, staff: Client) -> None:
        tariff = make.make_tariff(
            released=False, document=document_of(TariffRows((energy("0.45"),))) | {"type": "REGULAR"}
        )
        version = tariff.versions.get()
        shown = staff.get(url("change", version.pk)).context["adminform"].form
        assert shown.rows.forms[0]["price"].value() == Decimal("0.45")
        changed = fields(tariff, ROW | {"price": "0.5"}, initial=1, ocpi=shown["ocpi"].value())
        assert staff.post(url("change", version.pk), changed).status_code == 302
        version.refresh_from_db()
        assert version.document["type"] == "REGULAR"
        assert version.document["elements"][0]["price_components"][0]["price"] == "0.5"

    @pytest.mark.parametrize(
        ("row", "field", "words"),
        [
            ({"price": ""}, "price", "required"),
            ({"price": "-1"}, "price", "greater than or equal to 0"),
            ({"price": "1E+30"}, "price", "size or precision"),
            ({"vat": "101"}, "vat", "less than or equal to 100"),
            ({"start_time": "25:00"}, "start_time", "00:00 to 23:59"),
            ({"min_duration": "90"}, "min_duration", "hours and minutes such as 2:30"),
            ({"min_kwh": "5", "max_kwh": "5"}, "max_kwh", "never apply"),
            ({"start_date": "2026-05-02", "end_date": "2026-05-01"}, "end_date", "never apply"),
            ({"reservation": "RESERVATION"}, "dimension", "A reservation has a fee"),
        ],
    )
    def test_given_a_row_that_cannot_be_when_saved_then_its_field_says_so_and_nothing_changes(
        self, staff: Client, row: dict[str, str], field: str, words: str
    ) -> None:
        tariff = make.make_tariff(released=False)
        before = snapshot()
        response = staff.post(url("add"), fields(tariff, ROW, ROW | {"vat": "7", "dimension": "ENERGY"} | row))
        assert response.status_code == 200
        errors = row_errors(response)
        assert errors[0] == {}
        assert words in " ".join(errors[1][field])
        assert snapshot() == before

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            ({}, "at least one price"),
            ({"ocpi": "{"}, "Not JSON"),
            ({"ocpi": '{"currency": "USD", "elements": []}'}, "the currency of the tariff"),
            ({"ocpi": '{"currency": "EUR", "elements": [{"price_components": []}]}'}, "elements[0].price_components"),
        ],
    )
    def test_given_no_tariff_when_saved_then_it_comes_back(
        self, staff: Client, more: dict[str, str], words: str
    ) -> None:
        tariff = make.make_tariff(released=False)
        before = snapshot()
        response = staff.post(url("add"), fields(tariff, **more))
        assert response.status_code == 200
        assert words in response.content.decode()
        assert snapshot() == before

    @pytest.mark.parametrize(
        ("more", "field", "words"),
        [
            ({"min_price_incl": "5"}, "min_price_excl", "needed"),
            ({"min_price_excl": "5", "min_price_incl": "4"}, "min_price_incl", "lower than the one without"),
            ({"min_price_excl": "5", "max_price_excl": "4"}, "min_price_excl", "higher than the most"),
            ({"tax_included": "YES"}, "tax_included", "2.3.0"),
        ],
    )
    def test_given_limits_that_contradict_when_saved_then_their_field_says_so(
        self, staff: Client, more: dict[str, str], field: str, words: str
    ) -> None:
        response = add(staff, ROW, **more)
        assert response.status_code == 200
        assert words in " ".join(response.context["adminform"].form.errors[field])
        assert not TariffVersion.objects.filter(number=2).exists()

    def test_given_rows_and_a_document_when_both_changed_then_neither_is_taken(self, staff: Client) -> None:
        response = add(staff, ROW, ocpi="{}")
        assert "change one of them only" in response.content.decode()
        assert not TariffVersion.objects.filter(number=2).exists()


class TestDocument:
    def test_given_a_pasted_document_when_saved_then_it_is_taken_as_it_is(self, staff: Client) -> None:
        ocpi = '{"currency": "EUR", "id": "X", "elements": [{"price_components": [{"type": "FLAT", "price": 1.10}]}]}'
        assert add(staff, ocpi=ocpi).status_code == 302
        document = TariffVersion.objects.get(number=2).document
        assert document["elements"] == [{"price_components": [{"type": "FLAT", "price": "1.10"}]}]

    def test_given_an_uploaded_document_when_saved_then_the_download_gives_it_back(self, staff: Client) -> None:
        document = document_of(TariffRows((energy("0.41"),)))
        file = SimpleUploadedFile("t.json", strict_json.dumps(document).encode(), "application/json")
        assert add(staff, file=file).status_code == 302
        version = TariffVersion.objects.get(number=2)
        response = staff.get(url("download", version.pk))
        assert response["Content-Type"] == "application/json"
        assert f'filename="{version.tariff.code}-v2.json"' in response["Content-Disposition"]
        assert strict_json.loads(response.content) == document

    def test_given_a_document_that_rows_cannot_say_when_opened_then_it_is_said_and_kept(self, staff: Client) -> None:
        strange = document_of(TariffRows((energy("0.45"),))) | {"max_prize": "5"}
        version = make.make_tariff(released=False, document=strange).versions.get()
        page = staff.get(url("change", version.pk))
        text = page.content.decode()
        assert "The rows cannot say what this document says" in text
        assert "max_prize" in text
        assert page.context["adminform"].form.rows.forms == []
        kept = fields(version.tariff, ocpi=page.context["adminform"].form["ocpi"].value())
        assert staff.post(url("change", version.pk), kept).status_code == 302
        version.refresh_from_db()
        assert version.document == strange
        assert version.valid_from.month in {4, 5}
