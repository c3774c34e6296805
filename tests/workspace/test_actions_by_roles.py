"""Every button and form of invoicing by every role: who may not is refused and nothing changes, who may is not."""

import datetime as dt
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import transaction
from django.db.models import BinaryField
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, reverse

from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.clock import parse_month
from evbilling.kernel.models import AuditRecord, OutboxMessage
from evbilling.workspace.urls import admin_urls
from invoicing.models import (
    Allocation,
    BillingRun,
    BillingRunItem,
    Delivery,
    DunningStep,
    Letter,
    Penalty,
)
from invoicing.operations import dunning_decisions
from invoicing.operations.advances import issue_advance
from invoicing.operations.disputes import raise_dispute
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.penalties import ask_waiver
from invoicing.operations.periods import ask_reopening, close_period
from invoicing.operations.statements import send_statement
from invoicing.operations.write_offs import write_off
from sessions.models import ChargingSession
from tests.access.rights import ACTIONS, FORMS, SHOWS
from tests.factories import make_member, make_operator, make_user
from tests.invoicing.dunning.world import make_plan
from tests.invoicing.month import record
from tests.workspace.world import closed_month, signed_in

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2027, 1, 15, 12, tzinfo=dt.UTC)
YES = {"_form_submitted": "True"}
UNSAID = {"invoicing_billingrunitem_changelist:try_again"}
"""The list leaves a button of chosen rows out, and asks for one that is there."""
LEADS_ON = {"invoicing_invoice_credit_in_part"}
"""Buttons that only lead to a page."""
NOVEMBER = parse_month("2026-11")
OWN = ("invoicing_", "month_close", "accounting_", "charging_now", "charging_simulator", "charging_what_if", "party_")
READ_BY_MODEL = ("changelist", "history")
FORM_PAGES = ("add", "change", "delete")


def _named(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _named(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def _names() -> set[str]:
    """Addresses of invoicing's pages and the workspace's own, and the buttons of chosen rows."""
    models = {model: page for model, page in admin.site._registry.items() if model._meta.app_label == "invoicing"}
    contracts = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    rows = {name for name in contracts if not name.startswith("invoicing_")}
    found = {
        name
        for name in _named(admin_urls()[0])
        if name.startswith(OWN) and not any(name.startswith(f"{row}_") for row in rows)
    }
    for model, page in models.items():
        for button in page.actions or ():
            found.add(f"invoicing_{model._meta.model_name}_changelist:{getattr(button, '__name__', button)}")
    return found | {name for name in _named(admin_urls()[0]) if name == "kernel_outboxmessage_retry"}


def test_every_address_and_button_is_in_the_table_and_the_table_has_no_other() -> None:
    models = {model._meta.model_name for model in admin.site._registry if model._meta.app_label == "invoicing"}
    assert set(FORMS) == models
    of_models = {f"invoicing_{model}_{page}" for model in models for page in (*READ_BY_MODEL, *FORM_PAGES)}
    assert _names() - of_models == set(ACTIONS) | SHOWS
    assert not set(ACTIONS) & SHOWS


def _watched() -> list[Any]:
    """Everything that invoicing, the trail and the outbox hold: all columns but files."""
    models = [*apps.get_app_config("invoicing").get_models(), OutboxMessage, AuditRecord]
    found = []
    for model in models:
        columns = [field.attname for field in model._meta.concrete_fields if not isinstance(field, BinaryField)]
        if not model._meta.proxy:
            found.append(list(model._default_manager.order_by("pk").values_list(*columns)))
    return found


class World:
    """October closed, mailed and partly paid; something in the state that each button needs."""

    def __init__(self) -> None:
        month = self.month = closed_month(4)
        maker = make_user(Role.ADMINISTRATOR)
        alpha, beta = (month.item(name).invoice for name in ("alpha", "beta"))
        member = make_member(alpha.party)
        session = ChargingSession.objects.get(provider_ref="alpha-1")
        said = {"by": maker, "at": NOW}
        self.invoice, self.other = alpha, beta
        record([month.charge("alpha", 50, at=dt.datetime(2026, 11, 5, 7, tzinfo=dt.UTC))], NOW)
        self.draft = draft_invoice(contract_id=month.contracts["alpha"].pk, period=NOVEMBER, at=NOW)
        self.dispute = raise_dispute(invoice_id=alpha.pk, session_id=session.pk, message="Away", by=member, at=NOW)
        self.correction = write_off(invoice_id=beta.pk, amount=Decimal(1), with_tax=False, reason="Small", **said)
        self.promise = dunning_decisions.promise_to_pay(
            invoice_id=beta.pk, amount=Decimal(1), promised_on=NOW.date() + dt.timedelta(days=3), note="", **said
        )
        self.stop = dunning_decisions.stop_dunning(party_id=beta.party_id, invoice_id=beta.pk, reason="Talks", **said)
        self.step = DunningStep.objects.create(
            invoice=beta, level=3, action="escalate", open_amount=1, taken_on=NOW.date(), taken_at=NOW
        )
        self.penalty, self.asked = (self._penalty(number) for number in (1, 2))
        ask_waiver(penalty_id=self.asked.pk, reason="Stuck", **said)
        close = {"operator_id": month.operator.pk, **said}
        self.closed = close_period(month=dt.date(2026, 9, 1), **close)
        self.reopening = close_period(month=dt.date(2026, 8, 1), **close)
        ask_reopening(period_id=self.reopening.pk, reason="Forgot one", **said)
        self.advance = issue_advance(
            contract_id=month.contracts["beta"].pk, amount=Decimal(10), issued_on=NOW.date(), reason="Ahead", **said
        )
        self.waiting = self._run(2, state="asked", needs_second=True, asked_by=maker)
        self.running, self.paused = self._run(3), self._run(4, state="paused")
        self.failed = month.item("idle")
        BillingRunItem.objects.filter(pk=self.failed.pk).update(state="failed", reason="No tariff")
        self.stuck = OutboxMessage.objects.order_by("pk").first()
        OutboxMessage.objects.filter(pk=self.stuck.pk).update(state="failed")
        send_statement(
            operator_id=month.operator.pk, party_id=beta.party_id, currency="EUR", first=dt.date(2026, 10, 1),
            last=dt.date(2026, 12, 1), **said,
        )  # fmt: skip
        self.sponsored = month.item("sponsor").invoice
        make_plan(month.operator)
        self.unbooked = make_operator()
        self.letter = Letter.objects.get(kind="statement")
        Delivery.objects.update(state="sent", sent_at=NOW, message_ref="done")

    def _penalty(self, number: int) -> Penalty:
        contract = self.month.contracts["alpha"]
        return Penalty.objects.create(
            kind="overstay", contract=contract, contract_version=contract.versions.first(), source=f"test:{number}",
            period_from=NOVEMBER.start, period_to=NOVEMBER.end, occurred_on=NOVEMBER.start, currency="EUR", amount=1,
            because={}, assessed_at=NOW,
        )  # fmt: skip

    def _run(self, month: int, **fields: Any) -> BillingRun:
        start = dt.date(2026, month, 1)
        return BillingRun.objects.create(
            operator=self.month.operator, period_from=start, period_to=dt.date(2026, month + 1, 1), issued_on=start,
            created_at=NOW, **fields,
        )  # fmt: skip

    def posts(self) -> dict[str, tuple[list[Any], dict[str, Any]]]:
        """For each button the arguments of its address and what its dialog is answered with."""
        reason = {"reason": "Because"}
        period = {"operator": self.month.operator.pk}
        alpha, late, draft = ([each.pk] for each in (self.invoice, self.sponsored, self.draft))
        first = {model: [model.objects.first().pk] for model in (Allocation, Delivery)}
        return {
            "invoicing_account_take_chart": ([], {"operator": self.unbooked.pk}),
            "invoicing_accountingperiod_ask": ([self.closed.pk], reason),
            "invoicing_accountingperiod_close_month": ([], period | {"month": "2026-07-01"}),
            "invoicing_accountingperiod_decline": ([self.reopening.pk], reason),
            "invoicing_accountingperiod_reopen": ([self.reopening.pk], {}),
            "invoicing_allocation_undo": (first[Allocation], reason),
            "invoicing_billingrunitem_changelist:try_again": ([], {"_selected_action": self.failed.pk}),
            "invoicing_bookscheck_prove_now": ([], period),
            "invoicing_correction_approve": ([self.correction.pk], {}),
            "invoicing_correction_refuse": ([self.correction.pk], reason),
            "invoicing_delivery_send_again": (first[Delivery], reason),
            "invoicing_dispute_accept": ([self.dispute.pk], {"answer": "Right"}),
            "invoicing_dispute_refuse": ([self.dispute.pk], {"answer": "Wrong"}),
            "invoicing_dunningstep_handle": ([self.step.pk], reason),
            "invoicing_dunningstop_lift": ([self.stop.pk], reason),
            "invoicing_invoice_credit": (alpha, reason),
            "invoicing_invoice_credit_in_part": (alpha, reason),
            "invoicing_invoice_credit_page": (alpha, reason | {"mode": "whole", "then": "draft", "do": "1"}),
            "invoicing_invoice_credit_rest": ([self.advance.pk], reason),
            "invoicing_invoice_discard": (draft, {}),
            "invoicing_invoice_issue": (draft, {"issued_on": "2027-01-15"}),
            "invoicing_invoice_issue_advance": (
                [],
                reason | {"contract": self.draft.contract.number, "amount": "10", "issued_on": "2027-01-15"},
            ),
            "invoicing_invoice_send_again": (alpha, reason),
            "invoicing_invoice_write_off": (late, reason | {"amount": "1"}),
            "invoicing_letter_send_again": ([self.letter.pk], reason),
            "invoicing_overduedocument_promise": (late, {"amount": "1", "promised_on": "2027-01-20"}),
            "invoicing_overduedocument_skip": (late, reason),
            "invoicing_overduedocument_stop": (late, reason | {"what": "document"}),
            "invoicing_paymentpromise_withdraw": ([self.promise.pk], reason),
            "invoicing_penalty_ask_waiver": ([self.penalty.pk], reason),
            "invoicing_penalty_grant_waiver": ([self.asked.pk], {}),
            "invoicing_penalty_refuse_waiver": ([self.asked.pk], reason),
            "invoicing_taxrate_load_known": ([], {}),
            "month_close_start": ([], period | {"period": "2026-11", "issued_on": "2027-01-15"}),
            "month_close_decide": ([self.waiting.pk], {"approve": "on"}),
            "month_close_pause": ([self.running.pk], {}),
            "month_close_resume": ([self.paused.pk], {}),
            "month_close_retry": ([self.failed.run_id], {}),
            "accounting_close": ([], period | {"month": "2026-07"}),
            "accounting_export": ([], period | {"month": "2026-10", "what": "csv"}),
            "party_account": ([self.other.party_id], {}),
            "kernel_outboxmessage_retry": ([self.stuck.pk], reason),
        }

    def press(self, client: Client, name: str) -> HttpResponse:
        """Press the button with everything that it needs."""
        address, _, button = name.partition(":")
        args, values = self.posts()[name]
        chosen = {"action": button} if button else {}
        response: Any = client.post(reverse(f"admin:{address}", args=args), YES | values | chosen)
        return response


@pytest.fixture
def world(time_machine: Any) -> World:
    time_machine.move_to(NOW)
    return World()


def test_each_button_works_for_its_roles_and_is_refused_to_the_others_without_a_trace(
    world: World, settings: Any
) -> None:
    for role in Role:
        # Given someone of the role, and each button open
        client = signed_in(Client(), settings, role)
        before = _watched()
        refused, changed = set(), set()
        # When it is pressed with all that it asks for, each time in the same world
        for name in ACTIONS:
            with transaction.atomic():
                if world.press(client, name).status_code == 403:
                    refused.add(name)
                if _watched() != before:
                    changed.add(name)
                transaction.set_rollback(True)
        # Then it does its work for those who may, and says no to those who may not
        may = {name for name, roles in ACTIONS.items() if role in roles}
        assert (role, changed) == (role, may - LEADS_ON)
        assert (role, refused) == (role, set(ACTIONS) - may - UNSAID)


def test_each_form_is_open_to_its_roles_alone(world: World, settings: Any) -> None:
    for role in Role:
        client, request = signed_in(Client(), settings, role), RequestFactory().get("/admin/")
        request.user = make_user(role)
        before = _watched()
        for name, rights in FORMS.items():
            page = admin.site._registry[apps.get_model("invoicing", name)]
            row = page.get_queryset(request).first()
            asked = (page.has_add_permission, page.has_change_permission, page.has_delete_permission)
            assert [allows(request) for allows in asked] == [role in may for may in rights], (role, name)
            for form, may in zip(FORM_PAGES, rights, strict=True):
                if role not in may and (row is not None or form == "add"):
                    args = [] if form == "add" else [row.pk]
                    address = reverse(f"admin:invoicing_{name}_{form}", args=args)
                    assert client.post(address, {"post": "yes"}).status_code == 403, (role, address)
        assert _watched() == before, role


def test_the_operation_refuses_by_itself_whatever_the_page_lets_through(
    world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an auditor, whom every page takes for somebody who may: only the operations hear what he really may
    client, real = signed_in(Client(raise_request_exception=False), settings, Role.AUDITOR), User.has_perm

    def asked(self: User, permission: str, obj: Any = None) -> bool:
        asking = sys._getframe(1)
        names = [frame.f_globals["__name__"] for frame in (asking, asking.f_back) if frame is not None]
        of_operation = any(".operations." in name or name == "evbilling.kernel.outbox" for name in names)
        return real(self, permission, obj) if of_operation else True

    monkeypatch.setattr(User, "has_perm", asked)
    before, changed = _watched(), set()
    # When every button is pressed with all that it asks for
    for name in ACTIONS:
        with transaction.atomic():
            world.press(client, name)
            if _watched() != before:
                changed.add(name)
            transaction.set_rollback(True)
    # Then nothing was done
    assert changed == set()
