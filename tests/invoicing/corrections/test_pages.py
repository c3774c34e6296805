"""Pages of corrections and disputes: as owner, team mate, stranger and anonymous; the workspace's dialogs and forms."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import MembershipRole
from evbilling.access.roles import Role
from evbilling.kernel.models import AuditRecord, OutboxMessage
from invoicing.models import (
    Allocation,
    Correction,
    CorrectionKind,
    CorrectionState,
    Dispute,
    DisputeState,
    Invoice,
    InvoiceKind,
    JournalLine,
    NumberSeries,
)
from invoicing.operations.disputes import raise_dispute
from tests.contracts.world import sign_in
from tests.factories import make_member, make_party, make_user
from tests.invoicing.corrections.conftest import World
from tests.invoicing.month import LATER

PORTAL = reverse("portal:home").rstrip("/")
YES = {"_form_submitted": "True"}


def member(world: World, who: str) -> Client:
    client = Client()
    party = world.contract.party
    if who == "owner":
        client.force_login(world.manager)
    elif who == "team mate":
        client.force_login(make_member(party, MembershipRole.VIEWER))
    elif who == "sponsor":
        client.force_login(make_member(world.month.contracts["sponsor"].party))
    elif who == "stranger":
        client.force_login(make_member(make_party()))
    return client


def contested(world: World) -> Dispute:
    return raise_dispute(
        invoice_id=world.invoice.pk, session_id=world.session().pk, message="I was away", by=world.manager, at=LATER
    )


@pytest.mark.parametrize(
    ("who", "reads", "contests"),
    [
        ("owner", 200, 200),
        ("team mate", 200, 404),
        ("sponsor", 404, 404),
        ("stranger", 404, 404),
        ("anonymous", 302, 302),
    ],
)
def test_disputes_are_for_their_own_party_and_raised_by_its_managers(
    world: World, who: str, reads: int, contests: int
) -> None:
    dispute, client = contested(world), member(world, who)
    assert client.get(f"{PORTAL}/disputes/{dispute.pk}/").status_code == reads
    form = f"{PORTAL}/invoices/{world.invoice.number}/contest/"
    assert client.get(form).status_code == contests
    listed = client.get(f"{PORTAL}/disputes/")
    assert ("alpha-1" in listed.content.decode()) == (reads == 200)
    before = Dispute.objects.count()
    answer = client.post(form, {"session": world.session(2).pk, "message": "Not mine"})
    assert (Dispute.objects.count() == before + 1) == (who == "owner"), answer.status_code
    client.post(f"{PORTAL}/disputes/{dispute.pk}/withdraw/")
    dispute.refresh_from_db()
    assert (dispute.state == DisputeState.WITHDRAWN) == (who == "owner")


def test_days_of_a_dispute_are_the_operators_not_utc(world: World) -> None:
    late = dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC)
    dispute = raise_dispute(
        invoice_id=world.invoice.pk, session_id=world.session().pk, message="I was away", by=world.manager, at=late
    )
    client = member(world, "owner")
    for page in (f"{PORTAL}/disputes/", f"{PORTAL}/disputes/{dispute.pk}/"):
        text = client.get(page).content.decode()
        assert "21 Nov 2026" in text, page
        assert "20 Nov 2026" not in text, page


def test_given_a_session_s_page_when_contested_then_the_form_of_its_invoice_opens(world: World) -> None:
    client, session = member(world, "owner"), world.session()
    page = client.get(f"{PORTAL}/sessions/{session.pk}/").content.decode()
    assert f"/sessions/{session.pk}/contest/" in page
    form = client.get(f"{PORTAL}/sessions/{session.pk}/contest/", follow=True)
    assert "alpha-1" in form.content.decode()
    refused = client.post(f"{PORTAL}/invoices/{world.invoice.number}/contest/", {"session": session.pk, "message": ""})
    assert refused.status_code == 400
    assert not Dispute.objects.exists()
    client.post(f"{PORTAL}/invoices/{world.invoice.number}/contest/", {"session": session.pk, "message": "Wrong"})
    assert "alpha-1" in client.get(f"{PORTAL}/invoices/{world.invoice.number}/").content.decode()


@pytest.fixture
def clerk(world: World, client: Client, settings: Any) -> Client:
    return sign_in(client, world.clerk, settings)


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:invoicing_{name}", args=args)


def test_given_the_credit_page_when_previewed_nothing_is_kept_and_when_done_the_note_is_issued(
    world: World, clerk: Client
) -> None:
    page = url("invoice_credit_page", world.invoice.pk)
    assert clerk.get(page).status_code == 200
    line = world.invoice.lines.get(net_amount="4.50")
    values = {"mode": "lines", "reason": "Goodwill", f"line_{line.pk}": "1.00"}
    previewed = clerk.post(page, values | {"preview": "1"}).content.decode()
    assert "1.19" in previewed
    assert not Correction.objects.exists()
    clerk.post(page, values | {"do": "1"})
    assert Invoice.objects.get(kind=InvoiceKind.CREDIT_NOTE).gross_amount == Decimal("1.19")
    session = {"mode": "session", "reason": "Meter", "session": "alpha-1", "energy": "4"}
    clerk.post(page, session | {"do": "1"})
    assert Invoice.objects.filter(kind=InvoiceKind.CREDIT_NOTE).latest("pk").net_amount == Decimal("1.35")
    refused = clerk.post(page, session | {"do": "1"}).content.decode()
    assert "nothing is to be credited" in refused
    again = clerk.post(page, {"mode": "again", "reason": "Address", "then": "draft", "do": "1"}).content.decode()
    assert "credited in part" in again
    assert not Invoice.objects.filter(replaces=world.invoice).exists()


def test_given_the_credit_page_when_a_document_is_cancelled_to_be_issued_again_then_its_draft_stands(
    world: World, clerk: Client
) -> None:
    page = url("invoice_credit_page", world.invoice.pk)
    clerk.post(page, {"mode": "again", "reason": "Address", "then": "draft", "do": "1"})
    assert Invoice.objects.filter(replaces=world.invoice, state="draft").count() == 1


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"mode": "whole", "issued_on": "2026-10-01"}, "before the document that it credits"),
        ({"mode": "whole", "issued_on": "9999-12-31"}, "cannot be dated in the future"),
        ({"mode": "whole", "reason": "4111 1111 1111 1111"}, "card number"),
        ({"mode": "again", "then": "issue", "issued_on": "2026-10-01"}, "before the document that it credits"),
        ({"mode": "lines"}, "Say how much is credited"),
        ({"mode": "amounts"}, "Say how much is credited"),
    ],
)
def test_what_the_credit_itself_refuses_its_preview_refuses_too_and_neither_changes_anything(
    world: World, clerk: Client, values: dict[str, str], why: str
) -> None:
    page = url("invoice_credit_page", world.invoice.pk)
    tables = (Correction, Invoice, JournalLine, Allocation, AuditRecord, OutboxMessage)
    before = [table.objects.count() for table in tables]
    for press in ("preview", "do"):
        answer = clerk.post(page, {"reason": "Goodwill"} | values | {press: "1"}).content.decode()
        assert why in answer, press
        assert "'0'" not in answer.replace("&#x27;", "'"), press
    assert [table.objects.count() for table in tables] == before


def test_given_a_preview_of_a_cancellation_then_nothing_is_kept_of_what_would_take_its_place(
    world: World, clerk: Client
) -> None:
    tables = (Correction, Invoice, JournalLine, Allocation, AuditRecord, OutboxMessage, NumberSeries)
    before = [list(table.objects.order_by("pk").values()) for table in tables]
    page = url("invoice_credit_page", world.invoice.pk)
    previewed = clerk.post(page, {"mode": "again", "then": "issue", "reason": "Address", "preview": "1"})
    assert previewed.context["plan"].totals.gross == world.invoice.gross_amount
    assert [list(table.objects.order_by("pk").values()) for table in tables] == before


def test_given_corrections_when_listed_then_only_those_that_wait_can_be_decided(
    world: World, clerk: Client, settings: Any
) -> None:
    clerk.post(url("invoice_write_off", world.invoice.pk), YES | {"reason": "Insolvent", "with_tax": "on"})
    asked = Correction.objects.get()
    second = sign_in(Client(), world.second, settings)

    def offered(by: Client) -> set[str]:
        shown = by.get(url("correction_changelist")).content.decode()
        return {step for step in ("approve", "refuse") if url(f"correction_{step}", asked.pk) in shown}

    assert offered(second) == {"approve", "refuse"}
    second.post(url("correction_refuse", asked.pk), YES | {"reason": "He pays"})
    assert offered(second) == set()


def test_given_a_write_off_when_asked_then_another_person_approves_it_in_the_list(
    world: World, clerk: Client, settings: Any
) -> None:
    clerk.post(url("invoice_write_off", world.invoice.pk), YES | {"reason": "Insolvent", "with_tax": "on"})
    asked = Correction.objects.get(kind=CorrectionKind.WRITE_OFF)
    assert asked.state == CorrectionState.ASKED
    assert clerk.get(url("correction_changelist")).status_code == 200
    clerk.post(url("correction_approve", asked.pk), YES)
    asked.refresh_from_db()
    assert asked.state == CorrectionState.ASKED
    second = sign_in(Client(), world.second, settings)
    assert second.get(url("correction_change", asked.pk)).status_code == 200
    second.post(url("correction_approve", asked.pk), YES)
    asked.refresh_from_db()
    assert asked.state == CorrectionState.DONE


def test_given_a_dispute_when_read_then_evidence_stands_on_its_page_and_a_clerk_answers(
    world: World, clerk: Client
) -> None:
    dispute = contested(world)
    page = clerk.get(url("dispute_change", dispute.pk)).content.decode()
    assert "I was away" in page
    assert dispute.session.periods[0]["start_at"] not in page  # said as people say it, not as ISO 8601
    assert "charging 1\N{NO-BREAK SPACE}h, parked 0\N{NO-BREAK SPACE}s" in page
    assert clerk.get(url("dispute_changelist")).status_code == 200
    clerk.post(url("dispute_accept", dispute.pk), YES | {"answer": "You are right"})
    dispute.refresh_from_db()
    assert (dispute.state, dispute.answer) == (DisputeState.ACCEPTED, "You are right")
    assert dispute.credit_note is not None


def test_an_auditor_reads_and_neither_credits_nor_decides(world: World, client: Client, settings: Any) -> None:
    auditor = sign_in(client, make_user(Role.AUDITOR), settings)
    dispute = contested(world)
    assert auditor.get(url("dispute_change", dispute.pk)).status_code == 200
    assert auditor.get(url("invoice_credit_page", world.invoice.pk)).status_code == 403
    auditor.post(url("dispute_refuse", dispute.pk), YES | {"answer": "No"})
    dispute.refresh_from_db()
    assert dispute.state == DisputeState.OPEN
