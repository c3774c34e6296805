"""Letters are made once, kept as they were, and seen by their own party alone (I8, I20)."""

import datetime as dt
from hashlib import sha256
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from contracts.models import Operator, Party
from evbilling.access.models import User
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput
from evbilling.kernel.protection import lift_protections
from invoicing.checks.documents import letters_unchanged
from invoicing.models import Letter, LetterKind
from invoicing.operations.letters import file_letter
from tests.access.people import enrol
from tests.factories import make_member, make_operator, make_party, make_user

pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
BYTES = b"%PDF-1.7 a notice"


def filed(party: Party | None, operator: Operator | None = None, **values: Any) -> Letter:
    made = {
        "kind": LetterKind.DUNNING_NOTICE,
        "operator": operator or make_operator(),
        "party": party,
        "source": "dunning:1:1",
        "language": "en",
        "dated_on": AT.date(),
        "file_name": "Notice_2026-11-20.pdf",
        "content_type": "application/pdf",
        "content": BYTES,
        "by": None,
        "at": AT,
    }
    return file_letter(**made | values)


def test_a_letter_keeps_its_bytes_with_their_hash_and_an_audit_row() -> None:
    letter = filed(make_party())
    letter.refresh_from_db()
    assert (bytes(letter.content), letter.size, letter.sha256) == (BYTES, 17, sha256(BYTES).hexdigest())
    assert AuditRecord.objects.get(action="invoicing.letter.file").object_id == str(letter.pk)
    assert list(letters_unchanged()) == []


def test_the_same_source_gives_the_letter_that_is_kept() -> None:
    operator, party = make_operator(), make_party()
    first = filed(party, operator)
    again = filed(party, operator, content=b"another drawing")
    assert again == first
    assert bytes(Letter.objects.get().content) == BYTES
    assert AuditRecord.objects.filter(action="invoicing.letter.file").count() == 1


def test_an_empty_letter_is_refused() -> None:
    with pytest.raises(BadInput):
        filed(make_party(), content=b"")
    assert not Letter.objects.exists()


def test_the_database_refuses_another_content() -> None:
    letter = filed(make_party())
    with pytest.raises(DatabaseError), transaction.atomic():
        Letter.objects.filter(pk=letter.pk).update(content=b"forged")
    assert bytes(Letter.objects.get().content) == BYTES


def test_check_books_finds_changed_bytes() -> None:
    letter = filed(make_party())
    lift_protections()
    Letter.objects.filter(pk=letter.pk).update(content=b"forged")
    (finding,) = letters_unchanged()
    assert (finding.invariant, finding.about) == ("I8", f"letter {letter.file_name}")


def status_of(client: Client, user: User | None, page: str) -> int:
    client.logout()
    if user is not None:
        client.force_login(user)
    return client.get(page).status_code


def test_owner_and_team_mate_open_it_a_stranger_and_the_anonymous_do_not(client: Client) -> None:
    party = make_party()
    page = reverse("portal:letter", args=[filed(party).pk])
    people = (make_member(party), make_member(party), make_member(make_party()), None)
    assert [status_of(client, user, page) for user in people] == [200, 200, 404, 302]


def test_the_list_names_the_own_letters_alone(client: Client) -> None:
    party = make_party()
    filed(party)
    for user, times in ((make_member(party), True), (make_member(make_party()), False)):
        client.force_login(user)
        page = client.get(reverse("portal:letters"))
        assert (b"Notice_2026-11-20.pdf" in page.content) is times
    client.logout()
    assert client.get(reverse("portal:letters")).status_code == 302


def test_a_report_stays_in_the_house(client: Client) -> None:
    party = make_party()
    report = filed(party, kind=LetterKind.RUN_REPORT, source="run:1")
    assert status_of(client, make_member(party), reverse("portal:letter", args=[report.pk])) == 404


@pytest.mark.parametrize(("role", "status"), [(Role.BILLING_CLERK, 200), (Role.AUDITOR, 200)])
def test_staff_open_the_file_in_the_workspace(client: Client, role: Role, status: int) -> None:
    letter = filed(make_party())
    person = make_user(role=role)
    enrol(person)
    client.force_login(person)
    listed = client.get(reverse("admin:invoicing_letter_changelist"))
    shown = client.get(reverse("admin:invoicing_letter_change", args=[letter.pk]))
    opened = client.get(reverse("admin:invoicing_letter_download", args=[letter.pk]))
    assert [listed.status_code, shown.status_code, opened.status_code] == [status] * 3
    assert opened.content == BYTES


def test_a_customer_has_no_way_into_the_workspace(client: Client) -> None:
    party = make_party()
    letter = filed(party)
    client.force_login(make_member(party))
    answer = client.get(reverse("admin:invoicing_letter_download", args=[letter.pk]))
    assert answer.status_code in {302, 403, 404}
    assert BYTES not in answer.content
