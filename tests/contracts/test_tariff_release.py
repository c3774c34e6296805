"""The review of a tariff version and its release with the guard: as each person meets them."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from contracts.models import TariffVersion
from contracts.operations.tariffs import TariffHasErrors, release_tariff_version
from contracts.queries.tariffs import fingerprint, price_bands, version_before
from contracts.rules.tariff_form import PriceRow, TariffRows
from evbilling.access.roles import Role
from evbilling.kernel.errors import WrongState
from evbilling.kernel.models import AuditRecord
from tests import factories as make
from tests.contracts.tariffs import document_of, energy
from tests.contracts.test_tariff_pages import ROW, YES, fields, manager, staff, url
from tests.contracts.traces import snapshot
from tests.contracts.world import sign_in

pytestmark = pytest.mark.django_db
__all__ = ["manager", "staff"]


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
