"""The editor of prices, the review of a version, the release with its guard: as each person meets them."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contracts.models import TariffVersion
from contracts.operations.tariffs import TariffHasErrors, release_tariff_version
from contracts.queries.tariffs import fingerprint, price_bands, version_before
from contracts.rules.tariff_form import Conditions, PriceLimit, PriceRow, TariffRows
from contracts.rules.tariff_reading import read_tariff
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel import strict_json
from evbilling.kernel.errors import WrongState
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
        at = version.valid_from
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


class TestReview:
    def test_the_page_shows_findings_words_display_and_week(self, staff: Client) -> None:
        rows = (energy("0.39", start_time="22:00", end_time="06:00"), energy("0.49"), energy("0.59"))
        idle = PriceRow("PARKING_TIME", Decimal(6), 60, Decimal(19))
        version = make.make_tariff(released=False, document=document_of(TariffRows((*rows, idle)))).versions.get()
        text = staff.get(url("change", version.pk)).content.decode()
        assert "Price 3 never counts" in text
        assert "€0.39 per kWh" in text
        assert "€0.10 per minute without charging" in text
        assert 'class="drawn chart-heat"' in text
        week = staff.get(url("change", version.pk), {"kind": "PARKING_TIME", "power": "11"}).content.decode()
        assert "Mondays 00:00\N{EN DASH}24:00: €0.10 per minute without charging" in week

    @pytest.mark.parametrize("query", [{"power": "many"}, {"hours": "-1"}, {"kind": "X"}, {"kwh": "1E+99"}])
    def test_a_mistyped_figure_is_named_and_the_page_stays(self, staff: Client, query: dict[str, str]) -> None:
        version = make.make_tariff(released=False).versions.get()
        assert staff.get(url("change", version.pk), query).status_code == 200

    def test_the_usual_prices_are_those_released_in_the_same_currency(self) -> None:
        operator = make.make_operator()
        tariff = make.make_tariff(operator, document_of(TariffRows((energy("0.40"), energy("0")))))
        make.make_tariff(operator, document_of(TariffRows((energy("0.50"),))))
        make.make_tariff(operator, document_of(TariffRows((energy("9"),))), released=False)
        make.make_tariff(operator, document_of(TariffRows((energy("9"),)), currency="USD"), currency="USD")
        found = price_bands(tariff)
        assert (found["ENERGY"].low, found["ENERGY"].high) == (Decimal("0.40"), Decimal("0.50"))
        assert price_bands(tariff, aside_from=tariff.versions.get().pk)["ENERGY"].low == Decimal("0.50")


def a_draft(*rows: PriceRow, **more: Any) -> TariffVersion:
    document = document_of(TariffRows(rows)) | more
    return make.make_tariff(released=False, document=document).versions.get()


class TestRelease:
    def test_given_a_sound_draft_when_released_then_it_is_frozen(self, staff: Client) -> None:
        version = a_draft(energy("0.45"))
        staff.post(url("release", version.pk), YES)
        version.refresh_from_db()
        assert version.state == "released"
        assert staff.post(url("change", version.pk), fields(version.tariff, ROW)).status_code == 403

    def test_the_dialog_shows_what_changes_and_what_the_linter_says(self, staff: Client) -> None:
        tariff = make.make_tariff(document=document_of(TariffRows((energy("0.45"),))))
        later = tariff.versions.get().valid_from.replace(year=2030)
        changed = TariffRows((energy("0.49"), energy("0.59")))
        version = make.make_tariff_version(tariff, document_of(changed), later, released=False)
        assert version_before(version) == tariff.versions.get(number=1)
        text = staff.get(url("release", version.pk)).content.decode().replace("\N{NO-BREAK SPACE}", " ")
        assert "<del>€0.45 per kWh plus 19 % tax</del>" in text
        assert "€0.49 per kWh plus 19 % tax" in text
        assert "Price 2 never counts" in text

    def test_given_warnings_when_they_were_not_read_then_nothing_is_released(self, staff: Client) -> None:
        version = a_draft(energy("0.45"), energy("0.55"))
        before = snapshot()
        assert "I have read the warnings" in staff.post(url("release", version.pk), YES).content.decode()
        assert snapshot() == before
        staff.post(url("release", version.pk), YES | {"read": "on"})
        version.refresh_from_db()
        assert version.state == "released"
        assert AuditRecord.objects.latest("pk").changes["warnings"] == ["unreachable elements[1].price_components[0]"]

    def test_given_an_error_when_released_then_it_is_refused_by_name_and_nothing_changes(self, staff: Client) -> None:
        version = a_draft(energy("0.45"), max_prize="5")
        before = snapshot()
        assert "1 error stops the release" in staff.get(url("release", version.pk)).content.decode()
        staff.post(url("release", version.pk), YES)
        with pytest.raises(TariffHasErrors, match="max_prize") as refused:
            release_tariff_version(version_id=version.pk, by=make.checker(), at=make.AT)
        assert refused.value.code == "tariff_has_errors"
        assert snapshot() == before

    def test_given_prices_changed_since_they_were_seen_when_released_then_it_is_refused(self, staff: Client) -> None:
        version = a_draft(energy("0.45"))
        seen = fingerprint(version)
        TariffVersion.objects.filter(pk=version.pk).update(document=document_of(TariffRows((energy("4.50"),))))
        before = snapshot()
        with pytest.raises(WrongState, match="look at it again"):
            release_tariff_version(version_id=version.pk, by=make.checker(), at=make.AT, seen=seen)
        assert snapshot() == before


class TestWho:
    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.BILLING_CLERK, Role.PAYMENTS_OFFICER])
    def test_others_read_the_review_and_change_nothing(self, client: Client, settings: Any, role: Role) -> None:
        version = a_draft(energy("0.45"))
        sign_in(client, make.make_user(role), settings)
        before = snapshot()
        text = client.get(url("change", version.pk)).content.decode()
        assert "What the linter says" in text
        assert "data-rows" not in text
        assert 'name="_save"' not in text
        assert client.get(url("download", version.pk)).status_code == 200
        assert client.post(url("change", version.pk), fields(version.tariff, ROW)).status_code == 403
        assert client.post(url("release", version.pk), YES).status_code == 403
        assert snapshot() == before

    def test_customers_and_strangers_are_sent_away(self, client: Client, settings: Any) -> None:
        version = a_draft(energy("0.45"))
        for user in (None, make.make_member(make.make_party())):
            if user is not None:
                sign_in(client, user, settings)
            for page in ("change", "release", "download", "simulate"):
                assert client.get(url(page, version.pk)).status_code == 302, page
