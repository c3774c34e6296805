"""A dunning run that was killed anywhere and started again ends as if it had not been (I16)."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from evbilling.kernel import outbox
from evbilling.kernel.books import Finding
from evbilling.kernel.steps import observed
from invoicing.checks.dunning import fees_match_steps, notices_have_their_steps, steps_follow_overdue_claims
from invoicing.models import Delivery, DunningStep, Letter, LetterKind, Penalty, PenaltyKind
from invoicing.operations import dunning
from invoicing.operations.dunning import run_dunning
from invoicing.operations.notices import draw_notice
from tests.factories import make_operator
from tests.invoicing.dunning.world import day, dun, make_debtor, make_overdue, make_plan
from tests.invoicing.mailserver import MailServer, serve_mail
from tests.invoicing.month import Killed, kill_at

PLACES = 10
"""More steps than a run of two parties has; beyond the last one nothing is killed."""


def left_behind() -> list[Any]:
    return [
        sorted(DunningStep.objects.values_list("invoice__number", "level", "letter__sha256", "fee__amount")),
        sorted(Letter.objects.values_list("party__legal_name", "kind", "sha256")),
        sorted(Delivery.objects.filter(letter__isnull=False).values_list("letter__party__legal_name", "intent")),
    ]


def findings() -> list[Finding]:
    return [
        each for check in (steps_follow_overdue_claims, notices_have_their_steps, fees_match_steps) for each in check()
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("place", range(PLACES))
def test_a_killed_run_is_made_good_by_the_next(place: int) -> None:
    operator = make_operator()
    make_plan(operator)
    for _number in range(2):
        make_overdue(make_debtor(operator, agreed=True))
    trace: list[str] = []
    killed = False
    at = dt.datetime.combine(day(20), dt.time(6), dt.UTC)

    def run() -> None:
        run_dunning(operator_id=operator.pk, on=day(20), by=None, at=at)

    try:
        with observed(kill_at(place, trace)):
            run()
    except Killed:
        killed = True
    run()
    assert [len(each) for each in left_behind()] == [4, 2, 2]
    assert Penalty.objects.filter(kind=PenaltyKind.DUNNING_FEE).count() == 2
    assert findings() == []
    assert killed is (place < len(trace))


def corrupt_missing_notice(taken: DunningStep) -> None:
    DunningStep.objects.filter(pk=taken.pk).update(letter=None)


def corrupt_early(taken: DunningStep) -> None:
    DunningStep.objects.filter(pk=taken.pk).update(taken_on=day(0))


def corrupt_amount(taken: DunningStep) -> None:
    DunningStep.objects.filter(pk=taken.pk).update(open_amount="500")


def corrupt_skipped(taken: DunningStep) -> None:
    DunningStep.objects.filter(pk=taken.pk).update(skipped="but it went out")


def corrupt_fee(taken: DunningStep) -> None:
    Penalty.objects.filter(dunning_step=taken).update(amount="6")


def corrupt_fee_alone(taken: DunningStep) -> None:
    DunningStep.objects.filter(pk=taken.pk).update(fee=None)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "corrupt",
    [corrupt_missing_notice, corrupt_early, corrupt_amount, corrupt_skipped, corrupt_fee, corrupt_fee_alone],
)
def test_check_books_finds_a_step_that_is_not_true(corrupt: Callable[[DunningStep], None]) -> None:
    operator = make_operator()
    make_plan(operator)
    contract = make_debtor(operator, agreed=True)
    make_overdue(contract)
    dun(contract, 14)
    assert findings() == []
    corrupt(DunningStep.objects.get(level=2))
    assert {each.invariant for each in findings()} == {"I10"}


@pytest.mark.django_db
def test_the_notice_is_mailed_with_the_open_balance(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dunning, "draw_notice", draw_notice)
    contract = make_debtor()
    make_plan(contract.operator)
    invoice = make_overdue(contract)
    with serve_mail() as (server, port):
        backend = "django.core.mail.backends.smtp.EmailBackend"
        options = {"host": "127.0.0.1", "port": port, "timeout": 5}
        settings.MAILERS = {"default": {"BACKEND": backend, "OPTIONS": options}}
        dun(contract, 3)
        outbox.drain(at=dt.datetime.combine(day(3), dt.time(7), dt.UTC), kinds={"invoicing.delivery.send"})
        read_notice(server, invoice.number or "", contract.operator.billing_email)


def read_notice(server: MailServer, number: str, reply_to: str) -> None:
    (mail,) = server.received
    text = mail.get_body(("plain",)).get_content()
    (notice,) = mail.iter_attachments()
    letter = Letter.objects.get(kind=LetterKind.DUNNING_NOTICE)
    assert "119.00" in mail["Subject"]
    assert number in text
    assert "119.00" in text
    assert mail["Reply-To"] == reply_to
    assert notice.get_content() == bytes(letter.content)
    assert bytes(letter.content).startswith(b"%PDF")
