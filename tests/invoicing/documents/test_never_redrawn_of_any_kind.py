"""Whatever is archived stays the bytes it was, beside XML files too, whatever both sides look like afterwards (I8)."""

import datetime as dt
from contextlib import ExitStack
from hashlib import sha256
from typing import Any
from unittest.mock import patch

from django.core import mail
from django.test import Client, TestCase
from django.urls import reverse

from contracts.models import ContractDocument
from contracts.operations.agreements import draw_document
from evbilling.kernel import outbox
from evbilling.kernel.outbox import OutboxMessage, OutboxState
from invoicing.checks.documents import bytes_unchanged, letters_unchanged
from invoicing.models import Document, Invoice, Letter, LetterKind
from invoicing.operations.deliveries import resend_delivery, resend_letter
from invoicing.operations.documents import archive_document
from invoicing.operations.issuing import RENDER
from invoicing.operations.run_reports import REPORT
from payments.operations.receipts import file_receipt
from tests.access.people import staff
from tests.contracts.papers import offered
from tests.factories import make_member
from tests.invoicing.documents.archive import DUNNED_AT, Archive, Kept, change_everything, kept, make_archive
from tests.invoicing.documents.reading import text_of

NEXT_DAY = DUNNED_AT + dt.timedelta(days=1)
DRAWING = (
    "pdf.render_pdf",
    "letters.pdf.render_notice",
    "letters.pdf.render_receipt",
    "letters.pdf.render_report",
)


class NeverRedrawn(TestCase):
    """Everything is archived; then both sides move, with another logo, another colour and other words."""

    archive: Archive
    before: Kept

    @classmethod
    def setUpTestData(cls) -> None:
        cls.archive = make_archive()
        cls.before = kept()
        change_everything()

    def tearDown(self) -> None:
        now = kept()
        assert {name: now.get(name) for name in self.before} == self.before
        assert [*bytes_unchanged(), *letters_unchanged()] == []

    def test_given_the_archive_then_every_kind_is_in_it_with_the_hash_of_its_bytes(self) -> None:
        kinds = set(Document.objects.values_list("invoice__kind", "kind"))
        both, letters = {"invoice", "credit_note"}, set(Letter.objects.values_list("kind", flat=True))
        assert kinds == {
            *((kind, "pdf") for kind in both | {"settlement", "fee_note"}),
            *((kind, "xml") for kind in both),
        }
        assert letters == set(LetterKind.values)
        assert {sha256(content).hexdigest() == digest for digest, content in self.before.values()} == {True}

    def test_given_its_steps_run_once_more_then_nothing_is_drawn(self) -> None:
        steps = OutboxMessage.objects.filter(kind__in=[RENDER, REPORT])
        assert {step.state for step in steps} == {OutboxState.DONE}
        steps.update(state=OutboxState.QUEUED, finished_at=None)
        with self.not_drawn():
            outbox.drain(at=NEXT_DAY, kinds={RENDER, REPORT})
            for invoice in Invoice.objects.all():
                archive_document(invoice_id=invoice.pk, at=NEXT_DAY)
            file_receipt(payment_id=self.archive.payment.pk, by=None, at=NEXT_DAY)
            self.archive.dun()
        assert {step.state for step in steps.all()} == {OutboxState.DONE}
        assert kept() == self.before

    def test_given_all_is_sent_again_then_the_mails_hold_the_archived_bytes(self) -> None:
        for invoice in Invoice.objects.all():
            resend_delivery(invoice_id=invoice.pk, reason="asked for it", by=None, at=NEXT_DAY)
        letters = Letter.objects.filter(kind__in=[LetterKind.DUNNING_NOTICE, LetterKind.STATEMENT])
        for letter in letters:
            resend_letter(letter_id=letter.pk, reason="asked for it", by=None, at=NEXT_DAY)
        outbox.drain(at=NEXT_DAY)
        sent = sorted((name, content) for each in mail.outbox for name, content, _type in each.attachments)
        assert sent == sorted((file.file_name, bytes(file.content)) for file in (*Document.objects.all(), *letters))
        assert kept() == self.before

    def test_given_staff_and_the_parties_download_all_then_they_get_the_archived_bytes(self) -> None:
        self.client.force_login(staff())
        for file in Document.objects.select_related("invoice__party"):
            page = reverse("portal:document", args=[file.invoice.number, file.kind])
            assert self.got(self.client, reverse("admin:invoicing_document_download", args=[file.pk])) == file.sha256
            assert self.got(self.member(file.invoice.party), page) == file.sha256
        for letter in Letter.objects.select_related("party"):
            assert self.got(self.client, reverse("admin:invoicing_letter_download", args=[letter.pk])) == letter.sha256
            if letter.party is not None:
                page = reverse("portal:letter", args=[letter.pk])
                assert self.got(self.member(letter.party), page) == letter.sha256

    def test_given_another_statement_of_the_same_days_then_it_alone_has_the_new_names(self) -> None:
        self.archive.send_statement(NEXT_DAY)
        old, new = Letter.objects.filter(kind=LetterKind.STATEMENT).order_by("pk")
        for name in ("Another Name GmbH", "Moved AG"):
            assert [name in text_of(bytes(letter.content)) for letter in (old, new)] == [False, True]

    def test_given_a_contracts_document_drawn_once_more_then_it_is_another_edition_beside_the_first(self) -> None:
        offer = offered()
        first = bytes(offer.document.content)
        change_everything()
        again = draw_document(version_id=offer.version.pk, at=NEXT_DAY)
        kept = list(ContractDocument.objects.order_by("edition"))
        assert [(each.edition, each.sha256) for each in kept] == [(1, offer.document.sha256), (2, again.sha256)]
        assert (bytes(kept[0].content), sha256(first).hexdigest()) == (first, kept[0].sha256)
        assert ["Another Name GmbH" in text_of(bytes(each.content)) for each in kept] == [False, True]

    def member(self, party: Any) -> Client:
        client = Client()
        client.force_login(make_member(party))
        return client

    def got(self, client: Client, page: str) -> str:
        """The SHA-256 of what a page answers."""
        answer = client.get(page)
        assert answer.status_code == 200
        return sha256(b"".join(answer)).hexdigest()

    def not_drawn(self) -> ExitStack:
        """Whoever draws in this block fails."""
        stack = ExitStack()
        for name in DRAWING:
            stack.enter_context(patch(f"invoicing.documents.{name}", side_effect=AssertionError("It was drawn again.")))
        return stack
