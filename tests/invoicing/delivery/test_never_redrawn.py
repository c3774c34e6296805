"""Archived bytes are the document: whatever changes afterwards, they are never drawn again (I8)."""

import datetime as dt
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from contracts.models import Operator, OperatorText, Party, TextPlace
from evbilling.kernel import outbox
from evbilling.kernel.errors import WrongState
from evbilling.kernel.outbox import OutboxMessage, OutboxState
from invoicing.models import DocumentKind, Invoice
from invoicing.operations.deliveries import resend_delivery
from invoicing.operations.documents import archive_document, preview_draft
from invoicing.operations.issuing import RENDER
from invoicing.operations.reissuing import Then, reissue
from tests.access.people import staff
from tests.factories import make_member
from tests.invoicing.documents.reading import text_of
from tests.invoicing.month import LATER, make_month

pytestmark = pytest.mark.django_db
NEXT_DAY = LATER + dt.timedelta(days=1)
Files = list[tuple[int, str, str, bytes]]


@pytest.fixture
def invoice() -> Invoice:
    """A fleet's invoice of October: issued, archived, mailed."""
    month = make_month()
    month.close()
    outbox.drain(at=LATER)
    found = month.item("beta").invoice
    assert found is not None
    return found


@pytest.fixture
def before(invoice: Invoice) -> Files:
    """What was kept of it, before both sides moved and the look became another."""
    files = kept(invoice)
    assert [kind for _pk, kind, _digest, _content in files] == [DocumentKind.PDF]
    Operator.objects.update(legal_name="Another Name GmbH", city="Bremen", accent_colour="#ff0000")
    OperatorText.objects.create(operator=invoice.operator, place=TextPlace.values[0], language="en", text="New words")
    Party.objects.filter(pk=invoice.party_id).update(legal_name="Moved Fleet AG", city="Kiel")
    return files


def kept(invoice: Invoice) -> Files:
    rows = invoice.documents.order_by("pk")
    return [(file.pk, file.kind, file.sha256, bytes(file.content)) for file in rows]


def test_given_new_names_and_colours_when_it_is_archived_again_then_nothing_is_drawn(
    invoice: Invoice, before: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(*_args: object, **_options: object) -> None:
        raise AssertionError("It was drawn again.")

    monkeypatch.setattr("invoicing.documents.pdf.render_pdf", draw)
    assert archive_document(invoice_id=invoice.pk, at=NEXT_DAY).pk == before[0][0]
    assert kept(invoice) == before
    assert [sha256(content).hexdigest() for *_rest, content in before] == [digest for _pk, _kind, digest, _ in before]


def test_given_its_step_runs_once_more_then_the_bytes_are_the_same(invoice: Invoice, before: Files) -> None:
    step = OutboxMessage.objects.get(key=f"{RENDER}:{invoice.pk}")
    assert step.state == OutboxState.DONE
    OutboxMessage.objects.filter(pk=step.pk).update(state=OutboxState.QUEUED, finished_at=None)
    outbox.drain(at=NEXT_DAY, kinds={RENDER})
    assert OutboxMessage.objects.get(pk=step.pk).state == OutboxState.DONE
    assert kept(invoice) == before


def test_given_it_is_sent_again_then_the_mail_holds_the_archived_bytes(
    invoice: Invoice, before: Files, mailoutbox: list[Any]
) -> None:
    resend_delivery(invoice_id=invoice.pk, reason="asked for it", by=None, at=NEXT_DAY)
    outbox.drain(at=NEXT_DAY)
    (mail,) = [each for each in mailoutbox if str(invoice) in each.subject][-1:]
    assert [content for _name, content, _type in mail.attachments] == [content for *_rest, content in before]
    assert kept(invoice) == before


def test_given_staff_and_the_customer_download_it_then_both_get_the_archived_bytes(
    client: Client, invoice: Invoice, before: Files
) -> None:
    (_pk, _kind, _digest, content) = before[0]
    client.force_login(staff())
    answer = client.get(reverse("admin:invoicing_document_download", args=[before[0][0]]))
    assert b"".join(answer.streaming_content if answer.streaming else [answer.content]) == content
    client.force_login(make_member(invoice.party))
    answer = client.get(reverse("portal:document", args=[invoice.number, "pdf"]))
    assert b"".join(answer.streaming_content if answer.streaming else [answer.content]) == content


def test_given_it_is_previewed_then_it_is_refused(invoice: Invoice, before: Files) -> None:
    with pytest.raises(WrongState):
        preview_draft(invoice_id=invoice.pk, on=NEXT_DAY.date())
    assert kept(invoice) == before


def test_given_it_is_cancelled_and_issued_again_then_only_the_new_documents_have_the_new_names(
    invoice: Invoice, before: Files
) -> None:
    _correction, (fresh,) = reissue(
        invoice_id=invoice.pk, reason="Wrong address", then=Then.ISSUE, by=None, at=NEXT_DAY
    )
    outbox.drain(at=NEXT_DAY)
    assert kept(invoice) == before
    old, new = text_of(before[0][3]), text_of(kept(fresh)[0][3])
    assert ("Moved Fleet AG" in old, "Moved Fleet AG" in new) == (False, True)
    assert ("Another Name GmbH" in old, "Another Name GmbH" in new) == (False, True)
