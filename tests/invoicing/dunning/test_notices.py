"""A notice and the mail that carries it say the same: what it is called, and whom it is for."""

import datetime as dt

import pytest

from contracts.models import DunningAction, DunningLevel, DunningPlan
from invoicing.models import Delivery, Letter
from invoicing.operations import dunning
from invoicing.operations.deliveries import resend_letter
from invoicing.operations.notices import draw_notice
from invoicing.rules.dunning import Level, is_last_notice
from tests.factories import make_operator
from tests.invoicing.documents.reading import text_of
from tests.invoicing.dunning.world import day, dun, make_debtor, make_overdue, make_plan

AT = dt.datetime.combine(day(20), dt.time(8), dt.UTC)


@pytest.fixture
def notices_are_drawn(monkeypatch: pytest.MonkeyPatch, notices_are_not_drawn: None) -> None:
    monkeypatch.setattr(dunning, "draw_notice", draw_notice)


def subject_and_page(language: str = "en") -> tuple[str, str]:
    """Of the only notice: the subject of its mail, and the text of its first page."""
    delivery = Delivery.objects.get(letter__isnull=False)
    assert delivery.letter is not None
    assert delivery.letter.language == language
    return delivery.subject, " ".join(text_of(bytes(delivery.letter.content)).split())


@pytest.mark.django_db
@pytest.mark.usefixtures("notices_are_drawn")
@pytest.mark.parametrize(
    ("overdue", "title"), [(3, "Payment reminder"), (14, "Reminder no. 2"), (28, "Final reminder")]
)
def test_mail_and_page_are_called_alike(overdue: int, title: str) -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    DunningLevel.objects.filter(level=3).update(action=DunningAction.REMIND)
    make_overdue(contract)
    dun(contract, overdue)
    subject, page = subject_and_page()
    assert subject.startswith(f"{title}, {contract.operator.legal_name}, ")
    assert title in page


@pytest.mark.django_db
@pytest.mark.usefixtures("notices_are_drawn")
def test_the_reminder_before_a_person_takes_over_is_the_last_in_german_as_well() -> None:
    contract = make_debtor()
    make_plan(contract.operator)
    contract.party.language = "de"
    contract.party.save()
    make_overdue(contract)
    dun(contract, 14)
    subject, page = subject_and_page("de")
    assert subject.startswith("Letzte Mahnung, ")
    assert "Letzte Mahnung" in page


@pytest.mark.django_db
def test_a_notice_sent_again_keeps_its_title_whatever_the_plan_says_now() -> None:
    contract = make_debtor()
    plan = make_plan(contract.operator)
    make_overdue(contract)
    dun(contract, 14)
    letter = Letter.objects.get()
    Delivery.objects.update(state="sent", sent_at=AT)
    DunningLevel.objects.create(plan=plan, level=4, days_overdue=60)
    again = resend_letter(letter_id=letter.pk, reason="Lost in their spam folder", by=None, at=AT)
    assert again.subject == Delivery.objects.get(intent=1).subject
    assert again.subject.startswith("Final reminder, ")


@pytest.mark.django_db
@pytest.mark.usefixtures("notices_are_drawn")
def test_the_page_names_the_customer_by_its_number() -> None:
    operator = make_operator()
    make_plan(operator)
    contract = make_debtor(operator)
    make_overdue(contract)
    dun(contract, 3)
    _subject, page = subject_and_page()
    assert f"Customer no. {contract.party.number}" in page
    assert DunningPlan.objects.count() == 1


def test_the_last_notice_is_the_one_after_which_nobody_is_reminded() -> None:
    one, two, person, three = Level(1, 3), Level(2, 14), Level(3, 28, escalate=True), Level(3, 28)
    assert [is_last_notice([one, two, person], level) for level in (1, 2)] == [False, True]
    assert [is_last_notice([one, two, three], level) for level in (1, 2, 3)] == [False, False, True]
    assert is_last_notice([one], 1)
    assert is_last_notice([one, person], 1)
