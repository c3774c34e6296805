"""Given a penalty, when its waiver is asked for, then a second person decides (I18); a billed one is not waived."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.errors import BadInput, MakerIsChecker, NotAllowed, NotFound, WrongState
from evbilling.kernel.models import AuditRecord
from invoicing.models import Invoice, Penalty, PenaltyState, ReferenceRate
from invoicing.operations.penalties import PenaltyOnDocument, ask_waiver, grant_waiver, refuse_waiver
from invoicing.operations.reference_rates import set_reference_rate
from tests.contracts.world import sign_in
from tests.factories import make_user
from tests.invoicing.penalties.world import AT, EU_LATE, OVERSTAY, Fleet, late_invoice, make_fleet
from tests.invoicing.quiet import nothing_is_drawn

__all__ = ["nothing_is_drawn"]
pytestmark = pytest.mark.django_db
YES = {"_form_submitted": "True"}


@pytest.fixture
def fleet() -> Fleet:
    return make_fleet(OVERSTAY)


@pytest.fixture
def penalty(fleet: Fleet) -> Penalty:
    fleet.charge("S-1", parked=75)
    return fleet.assess()[0]


@pytest.fixture
def clerk() -> User:
    return make_user(Role.BILLING_CLERK)


def ask(penalty: Penalty, by: User | None, reason: str = "Plug stuck") -> Penalty:
    return ask_waiver(penalty_id=penalty.pk, reason=reason, by=by, at=AT)


def state(penalty: Penalty) -> str:
    return Penalty.objects.values_list("state", flat=True).get(pk=penalty.pk)


def test_a_second_person_waives_what_the_first_asked_for(penalty: Penalty, clerk: User) -> None:
    ask(penalty, clerk)
    second = make_user(Role.CONTRACT_MANAGER)
    waived = grant_waiver(penalty_id=penalty.pk, by=second, at=AT)
    waived.refresh_from_db()
    assert (waived.state, waived.asked_by, waived.waived_by) == (PenaltyState.WAIVED, clerk, second)
    trail = AuditRecord.objects.get(action="invoicing.penalty.waive")
    assert (trail.reason, trail.changes["amount"]) == ("Plug stuck", "6.0000")


def test_nobody_waives_what_he_asked_for(penalty: Penalty, clerk: User) -> None:
    ask(penalty, clerk)
    with pytest.raises(MakerIsChecker):
        grant_waiver(penalty_id=penalty.pk, by=clerk, at=AT)
    assert state(penalty) == PenaltyState.WAIVER_ASKED


def test_the_database_refuses_it_too(penalty: Penalty, clerk: User) -> None:
    ask(penalty, clerk)
    with pytest.raises(IntegrityError):
        Penalty.objects.filter(pk=penalty.pk).update(state=PenaltyState.WAIVED, waived_by=clerk)


@pytest.mark.parametrize("role", [Role.PAYMENTS_OFFICER, Role.AUDITOR, None])
def test_other_roles_neither_ask_nor_waive_nor_refuse(penalty: Penalty, clerk: User, role: Role | None) -> None:
    other = make_user(role)
    with pytest.raises(NotAllowed):
        ask(penalty, other)
    with pytest.raises(NotAllowed):
        ask(penalty, None)
    ask(penalty, clerk)
    with pytest.raises(NotAllowed):
        grant_waiver(penalty_id=penalty.pk, by=other, at=AT)
    with pytest.raises(NotAllowed):
        refuse_waiver(penalty_id=penalty.pk, reason="No", by=other, at=AT)
    assert state(penalty) == PenaltyState.WAIVER_ASKED


def test_a_waiver_needs_a_reason_a_request_and_a_penalty(penalty: Penalty, clerk: User) -> None:
    with pytest.raises(BadInput):
        ask(penalty, clerk, " ")
    with pytest.raises(WrongState):
        grant_waiver(penalty_id=penalty.pk, by=clerk, at=AT)
    with pytest.raises(NotFound):
        ask_waiver(penalty_id=4711, reason="x", by=clerk, at=AT)
    ask(penalty, clerk)
    with pytest.raises(WrongState):
        ask(penalty, clerk)
    assert state(penalty) == PenaltyState.WAIVER_ASKED


def test_a_refused_request_leaves_the_penalty_to_be_billed(penalty: Penalty, clerk: User) -> None:
    ask(penalty, clerk)
    refuse_waiver(penalty_id=penalty.pk, reason="It was not", by=make_user(Role.BILLING_CLERK), at=AT)
    penalty.refresh_from_db()
    assert (penalty.state, penalty.asked_by, penalty.reason) == (PenaltyState.OPEN, None, "")
    assert AuditRecord.objects.get(action="invoicing.penalty.refuse_waiver").reason == "It was not"


@pytest.mark.parametrize(("issue", "advice"), [(False, "discard that draft"), (True, "credit that document")])
def test_a_penalty_on_a_document_is_not_waived(
    fleet: Fleet, penalty: Penalty, clerk: User, issue: bool, advice: str
) -> None:
    fleet.close(issue=issue)
    with pytest.raises(PenaltyOnDocument, match=advice):
        ask(penalty, clerk)
    assert state(penalty) == PenaltyState.OPEN


def test_the_database_keeps_a_billed_penalty_as_it_is(fleet: Fleet, penalty: Penalty) -> None:
    fleet.close()
    with pytest.raises(IntegrityError, match="never changed"):
        Penalty.objects.filter(pk=penalty.pk).update(amount=1)


def test_the_database_never_deletes_a_penalty(penalty: Penalty) -> None:
    with pytest.raises(IntegrityError, match="never deleted"):
        penalty.delete()


def test_the_page_shows_evidence_and_arithmetic_and_asks_for_the_waiver(
    client: Client, settings: Any, fleet: Fleet, penalty: Penalty, clerk: User
) -> None:
    sign_in(client, clerk, settings)
    page = reverse("admin:invoicing_penalty_change", args=[penalty.pk])
    shown = client.get(page).content.decode()
    for text in ("60 min at €0.10 are €6.00", "Grace (minutes)", "Before the caps", "Ask for a waiver", "S-1"):
        assert text in shown
    client.post(reverse("admin:invoicing_penalty_ask_waiver", args=[penalty.pk]), YES | {"reason": "Plug stuck"})
    assert state(penalty) == PenaltyState.WAIVER_ASKED
    own = client.get(page).content.decode()
    assert "Refuse the waiver" in own
    assert 'title="Waive"' not in own
    sign_in(client, make_user(Role.BILLING_CLERK), settings)
    found = client.get(reverse("admin:invoicing_penalty_changelist") + "?status=waiver_asked").content.decode()
    assert fleet.contract.number in found
    client.post(reverse("admin:invoicing_penalty_grant_waiver", args=[penalty.pk]), YES)
    assert state(penalty) == PenaltyState.WAIVED


def test_an_auditor_sees_and_a_stranger_does_not(client: Client, settings: Any, penalty: Penalty) -> None:
    page = reverse("admin:invoicing_penalty_change", args=[penalty.pk])
    assert client.get(page).status_code == 302
    sign_in(client, make_user(None), settings)
    assert client.get(page).status_code in {302, 403}
    sign_in(client, make_user(Role.AUDITOR), settings)
    assert "Ask for a waiver" not in client.get(page).content.decode()
    client.post(reverse("admin:invoicing_penalty_ask_waiver", args=[penalty.pk]), YES | {"reason": "x"})
    assert state(penalty) == PenaltyState.OPEN


def test_the_rates_that_come_with_the_product_are_there() -> None:
    known = dict(ReferenceRate.objects.values_list("valid_from", "percent"))
    assert known[dt.date(2016, 3, 16)] == Decimal(0)
    assert known[dt.date(2023, 9, 20)] == Decimal("4.50")


def set_rate(by: User | None, day: dt.date, percent: str = "2.40", source: str = "ECB") -> ReferenceRate:
    return set_reference_rate(valid_from=day, percent=Decimal(percent), source=source, by=by, at=AT)


def test_a_clerk_enters_a_rate_and_corrects_it(clerk: User) -> None:
    set_rate(clerk, dt.date(2026, 6, 17))
    set_rate(clerk, dt.date(2026, 6, 17), "2.15")
    assert ReferenceRate.objects.get(valid_from=dt.date(2026, 6, 17)).percent == Decimal("2.15")
    with pytest.raises(NotAllowed):
        set_rate(make_user(Role.AUDITOR), dt.date(2026, 6, 18))
    with pytest.raises(BadInput):
        set_rate(clerk, dt.date(2026, 6, 18), "77")
    with pytest.raises(BadInput):
        set_rate(clerk, dt.date(2026, 6, 18), source=" ")
    assert not ReferenceRate.objects.filter(valid_from=dt.date(2026, 6, 18)).exists()


def test_a_rate_that_interest_follows_from_stays(clerk: User) -> None:
    fleet = make_fleet(EU_LATE)
    late_invoice(fleet)
    fleet.close()
    with pytest.raises(WrongState, match="Interest up to 1 Nov 2026"):
        set_rate(clerk, dt.date(2026, 6, 17))
    set_rate(clerk, dt.date(2026, 7, 2))  # decides the half year from January 2027 on
    assert Invoice.objects.filter(kind="fee_note").count() == 1
