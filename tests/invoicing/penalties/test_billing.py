"""Given assessed penalties, when a month is billed, then each stands once on the right document and the books agree."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from contracts.models import StationOutage
from evbilling.kernel.books import check_books
from invoicing.models import (
    Invoice,
    InvoiceKind,
    InvoiceLine,
    JournalLine,
    LineKind,
    Penalty,
    PenaltyKind,
    ReferenceRate,
)
from invoicing.operations.allocations import allocate
from invoicing.operations.crediting import credit_invoice
from invoicing.operations.documents import preview_draft
from invoicing.operations.drafting import discard_draft
from invoicing.operations.penalties import ask_waiver, grant_waiver, refuse_waiver
from invoicing.queries.aging import aging
from invoicing.queries.documents import PaymentState, open_amount, payment_state
from invoicing.queries.month_checks import Concern, month_checks
from invoicing.queries.penalties import PenaltyStatus, with_status
from tests.contracts.world import sign_in
from tests.factories import make_member, make_party, make_user
from tests.invoicing.penalties.world import (
    AT,
    EU_LATE,
    LATE,
    NO_SHOW,
    NOVEMBER,
    OCTOBER,
    OVERSTAY,
    UPTIME,
    late_invoice,
    make_fleet,
    pay,
)
from tests.invoicing.quiet import nothing_is_drawn

__all__ = ["nothing_is_drawn"]
pytestmark = pytest.mark.django_db
OURS = frozenset({"I7", "I9", "I10", "I11", "I14", "I15", "I17", "I18", "I20"})


def clean() -> None:
    found = [finding for result in check_books(OURS) for finding in result.findings]
    assert found == []


def document(kind: str) -> Invoice:
    return Invoice.objects.get(kind=kind, period_from=dt.date(2026, 10, 1))


def lines(invoice: Invoice) -> list[tuple[str, str, Decimal, Decimal]]:
    rows = invoice.lines.order_by("position")
    return [(row.kind, row.tax_category, row.tax_rate, row.net_amount) for row in rows]


def roles(source: str) -> dict[str, Decimal]:
    rows = JournalLine.objects.filter(entry__source=source).values_list("account__role", "amount")
    return dict(rows)


def statuses() -> set[str]:
    return set(with_status(Penalty.objects.all()).values_list("status", flat=True))


def test_overstay_and_no_show_stand_on_the_months_invoice_by_the_tax_table() -> None:
    fleet = make_fleet(OVERSTAY, NO_SHOW)
    fleet.charge("S-1", parked=75)
    fleet.reserve("R-1", 60, start=dt.datetime(2026, 10, 7, 7, 0, tzinfo=dt.UTC))
    fleet.close()
    invoice = document("invoice")
    assert lines(invoice) == [
        ("charging", "S", Decimal(19), Decimal("5.00")),
        ("penalty", "S", Decimal(19), Decimal("6.00")),
        ("penalty", "S", Decimal(19), Decimal("7.50")),
    ]
    assert (invoice.net_amount, invoice.tax_amount) == (Decimal("18.50"), Decimal("3.52"))
    assert roles(f"invoice:{invoice.pk}") == {
        "receivable": Decimal("22.02"),
        "revenue": Decimal("-5.00"),
        "fee_revenue": Decimal("-13.50"),
        "output_tax": Decimal("-3.52"),
    }
    line = invoice.lines.get(text__startswith="Overstay")
    assert "after 15 min of grace 60 min" in line.because["sentence"]
    assert statuses() == {PenaltyStatus.BILLED}
    clean()


def test_interest_and_flat_fee_stand_on_a_fee_note_of_their_own() -> None:
    fleet = make_fleet(LATE)
    late_invoice(fleet)
    fleet.charge("S-1")
    run = fleet.close()
    note = document("fee_note")
    assert note.number == "FEE-2026-000001"
    assert lines(note) == [
        ("penalty", "O", Decimal(0), Decimal("5.00")),
        ("penalty", "O", Decimal(0), Decimal("0.74")),
    ]
    assert (note.gross_amount, note.tax_amount, note.due_on) == (Decimal("5.74"), Decimal(0), dt.date(2026, 11, 16))
    assert "compensation" in note.taxes.get().ground
    assert roles(f"invoice:{note.pk}") == {
        "receivable": Decimal("5.74"),
        "fee_revenue": Decimal("-5.00"),
        "interest_income": Decimal("-0.74"),
    }
    assert run.items.get().invoice == document("invoice")
    assert [kind for kind, *_rest in lines(document("invoice"))] == [LineKind.CHARGING]
    clean()


def test_a_contract_with_nothing_else_to_bill_gets_its_fee_note() -> None:
    fleet = make_fleet(LATE)
    late_invoice(fleet)
    item = fleet.close().items.get()
    assert (item.state, item.invoice) == ("issued", document("fee_note"))
    assert not Invoice.objects.filter(kind="invoice", period_from=dt.date(2026, 10, 1)).exists()


def test_a_fee_note_falls_due_ages_and_is_paid_like_an_invoice() -> None:
    fleet = make_fleet(LATE)
    late_invoice(fleet)
    fleet.close()
    note = document("fee_note")
    later = dt.date(2026, 11, 20)
    assert payment_state(note, on=later) == PaymentState.OVERDUE
    assert [bucket.count for bucket in aging(fleet.contract.operator, on=later)] == [0, 1, 1, 0, 0]
    pay(note.pk, "5.74", later)
    assert open_amount(note) == Decimal("0.00")


def test_no_interest_on_interest() -> None:
    fleet = make_fleet(LATE)
    pay(late_invoice(fleet).pk, "119.00", dt.date(2026, 10, 5))
    fleet.close()
    fleet.close(NOVEMBER)
    fleet.close(NOVEMBER.next_month())
    assert list(Penalty.objects.order_by("pk").values_list("kind", flat=True)) == ["late_fee", "interest"]


def test_a_contract_that_ended_stays_due_while_it_owes() -> None:
    fleet = make_fleet(LATE)
    late_invoice(fleet)
    type(fleet.contract).objects.filter(pk=fleet.contract.pk).update(state="ended", ends_on=dt.date(2026, 9, 30))
    fleet.close()
    fleet.close(NOVEMBER)
    assert Invoice.objects.filter(kind="fee_note").count() == 2
    clean()


def test_a_credited_fee_note_is_taken_back_whole_and_not_billed_again() -> None:
    fleet = make_fleet(LATE)
    late_invoice(fleet)
    fleet.close()
    note = credit_invoice(invoice_id=document("fee_note").pk, reason="Goodwill", by=None, at=AT)
    assert roles(f"invoice:{note.pk}") == {
        "receivable": Decimal("-5.74"),
        "fee_revenue": Decimal("5.00"),
        "interest_income": Decimal("0.74"),
    }
    fleet.close(NOVEMBER)
    billed = Invoice.objects.get(kind="fee_note", period_from=NOVEMBER.start)
    assert billed.gross_amount == Decimal("0.71")
    clean()


def test_a_discarded_draft_frees_its_penalties() -> None:
    fleet = make_fleet(OVERSTAY, LATE)
    late_invoice(fleet)
    fleet.charge("S-1", parked=75)
    fleet.close(issue=False)
    assert statuses() == {PenaltyStatus.DRAFTED}
    for kind in (InvoiceKind.INVOICE, InvoiceKind.FEE_NOTE):
        discard_draft(invoice_id=document(kind).pk, by=None, at=AT)
    assert statuses() == {PenaltyStatus.OPEN}
    fleet.close()
    assert statuses() == {PenaltyStatus.BILLED}
    assert InvoiceLine.objects.filter(kind=LineKind.PENALTY).count() == 3
    clean()


def test_billing_again_changes_nothing() -> None:
    fleet = make_fleet(OVERSTAY, LATE)
    late_invoice(fleet)
    fleet.charge("S-1", parked=75)
    fleet.close()
    before = list(Invoice.objects.order_by("pk").values_list("number", "gross_amount"))
    fleet.close()
    assert list(Invoice.objects.order_by("pk").values_list("number", "gross_amount")) == before
    assert Penalty.objects.count() == 3


def test_a_waived_penalty_is_never_billed_and_one_that_is_asked_for_waits() -> None:
    fleet = make_fleet(OVERSTAY, NO_SHOW)
    fleet.charge("S-1", parked=75)
    fleet.reserve("R-1", 60, start=dt.datetime(2026, 10, 7, 7, 0, tzinfo=dt.UTC))
    stay, show = fleet.assess()
    clerk, second = make_user("billing-clerk"), make_user("billing-clerk")
    for each in (stay, show):
        ask_waiver(penalty_id=each.pk, reason="Charger did not release the plug", by=clerk, at=AT)
    grant_waiver(penalty_id=stay.pk, by=second, at=AT)
    fleet.close()
    assert [kind for kind, *_rest in lines(document("invoice"))] == ["charging"]
    refuse_waiver(penalty_id=show.pk, reason="It did", by=second, at=AT)
    fleet.close(NOVEMBER)
    invoice = Invoice.objects.get(kind="invoice", period_from=NOVEMBER.start)
    assert lines(invoice) == [("penalty", "S", Decimal(19), Decimal("7.50"))]
    clean()


def test_missed_uptime_lowers_the_base_and_what_does_not_fit_is_carried() -> None:
    fleet = make_fleet(UPTIME)
    fleet.charge("S-1", kwh=100)  # 50.00
    start = dt.datetime(2026, 10, 10, 6, 0, tzinfo=dt.UTC)
    StationOutage.objects.create(
        station=fleet.stations[0],
        started_at=start,
        ended_at=start + dt.timedelta(hours=149),
        cause="Fuse",
        recorded_at=AT,
    )
    fleet.close()
    invoice = document("invoice")
    assert lines(invoice)[-1] == ("uptime_credit", "S", Decimal(19), Decimal("-50.00"))
    assert (invoice.net_amount, invoice.gross_amount) == (Decimal(0), Decimal(0))
    parts = Penalty.objects.filter(kind=PenaltyKind.UPTIME).order_by("pk")
    assert [(each.amount, each.line is None) for each in parts] == [
        (Decimal("50.00"), False),
        (Decimal("45.00"), True),
    ]  # 95.00 in all
    fleet.charge("S-2", kwh=1000, start=dt.datetime(2026, 11, 5, 7, 0, tzinfo=dt.UTC))
    fleet.close(NOVEMBER)
    second = Invoice.objects.get(kind="invoice", period_from=NOVEMBER.start)
    assert lines(second) == [
        ("charging", "S", Decimal(19), Decimal("500.00")),
        ("uptime_credit", "S", Decimal(19), Decimal("-45.00")),
    ]
    assert roles(f"invoice:{second.pk}")["revenue"] == Decimal("-455.00")
    clean()


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_fee_note_is_drawn_with_its_sentences(language: str) -> None:
    fleet = make_fleet(EU_LATE, party={"language": language})
    late_invoice(fleet)
    fleet.close(issue=False)
    assert preview_draft(invoice_id=document("fee_note").pk, on=dt.date(2026, 11, 2)).startswith(b"%PDF")


def test_nothing_of_a_fee_note_is_allocated_twice() -> None:
    fleet = make_fleet(LATE)
    late_invoice(fleet)
    fleet.close()
    note = document("fee_note")
    pay(note.pk, "5.74", dt.date(2026, 11, 20))
    with pytest.raises(Exception, match="only 0.00 is open"):
        allocate(
            invoice_id=note.pk,
            source="payment:x",
            amount=Decimal("0.01"),
            allocated_on=dt.date(2026, 11, 21),
            by=None,
            at=AT,
        )
    assert open_amount(note) == Decimal("0.00")


def test_the_portal_shows_the_fee_with_its_sentence_to_its_own_party_alone(client: Client, settings: Any) -> None:
    fleet = make_fleet(LATE)
    late_invoice(fleet)
    fleet.close()
    note = document("fee_note")
    page = reverse("portal:invoice", args=[note.number])
    sign_in(client, make_member(fleet.contract.party), settings)
    shown = client.get(page).content.decode()
    for text in ("Fee note FEE-2026-000001", "€119.00 for 31 days at 7.3 % a year", "compensation", "€5.74"):
        assert text in shown
    assert reverse("portal:invoice_pay", args=[note.number]) in shown
    sign_in(client, make_member(make_party()), settings)
    assert client.get(page).status_code == 404
    client.logout()
    assert client.get(page).status_code == 302


def test_the_month_close_names_waivers_and_an_old_reference_rate() -> None:
    fleet = make_fleet(OVERSTAY, EU_LATE)
    fleet.charge("S-1", parked=75)
    (stay,) = fleet.assess()
    ask_waiver(penalty_id=stay.pk, reason="Blocked", by=make_user("billing-clerk"), at=AT)
    operator = fleet.contract.operator
    found = {check.concern: check.count for check in month_checks(operator, OCTOBER)}
    assert (found[Concern.ASKED_WAIVERS], found[Concern.OLD_REFERENCE_RATE]) == (1, 1)
    ReferenceRate.objects.create(valid_from=dt.date(2026, 7, 1), percent=Decimal("2.15"), source="ECB")
    assert {check.concern: check.count for check in month_checks(operator, OCTOBER)}[Concern.OLD_REFERENCE_RATE] == 0


def test_the_command_counts_fee_notes_and_penalties(capsys: pytest.CaptureFixture[str]) -> None:
    fleet = make_fleet(OVERSTAY, LATE)
    late_invoice(fleet)
    fleet.charge("S-1", parked=75)
    call_command("bill", "--period", "2026-10", "--inline", "--json", "--issued-on", "2026-11-02")
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert (counts["issued"], counts["fee_notes"], counts["penalties"]) == (1, 1, 3)
