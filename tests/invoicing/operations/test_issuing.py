"""Issuing: number, frozen parties, journal, audit, the queued drawing; and what is refused."""

import datetime as dt
from decimal import Decimal

import pytest

from contracts.models import ContractKind
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, NotFound
from evbilling.kernel.outbox import OutboxMessage
from evbilling.kernel.steps import observed
from invoicing.models import Invoice, InvoiceState, InvoiceTax, JournalEntry, NumberSeries
from invoicing.operations.issuing import DraftDoesNotAddUp, InvoiceNotDraft, issue_invoice
from invoicing.operations.ledger import PeriodClosed
from invoicing.operations.periods import close_period
from tests.factories import make_contract_in_force, make_operator, make_party, make_user
from tests.invoicing.factories import ISSUED_AT, ISSUED_ON, make_draft, make_issued

pytestmark = pytest.mark.django_db
D = Decimal


def books(source: str) -> dict[str, Decimal]:
    return {line.account.role: line.amount for line in JournalEntry.objects.get(source=source).lines.all()}


def trace() -> tuple[int, int, int, list[int]]:
    series = list(NumberSeries.objects.values_list("last_number", flat=True))
    return JournalEntry.objects.count(), AuditRecord.objects.count(), OutboxMessage.objects.count(), series


def test_given_a_draft_when_issued_then_it_has_a_number_dates_and_is_due_after_the_terms() -> None:
    clerk = make_user()
    invoice = issue_invoice(invoice_id=make_draft().pk, issued_on=ISSUED_ON, by=clerk, at=ISSUED_AT)
    invoice.refresh_from_db()
    assert (invoice.state, invoice.number) == (InvoiceState.ISSUED, "INV-2026-000001")
    assert (invoice.issued_on, invoice.due_on, invoice.issued_by) == (ISSUED_ON, dt.date(2026, 11, 15), clerk)


def test_given_an_invoice_when_issued_then_the_ledger_holds_receivable_revenue_and_tax() -> None:
    invoice = make_issued(nets=("60.00", "40.00"))
    assert books(f"invoice:{invoice.pk}") == {"receivable": D("119"), "revenue": D("-100"), "output_tax": D("-19")}


def test_given_a_sponsors_invoice_when_issued_then_it_stands_on_the_sponsors_accounts() -> None:
    invoice = make_issued(make_contract_in_force(ContractKind.SPONSORSHIP))
    assert books(f"invoice:{invoice.pk}").keys() == {"sponsor_receivable", "sponsor_revenue", "output_tax"}


def test_given_a_settlement_when_issued_then_we_owe_it_and_its_number_is_of_its_own_series() -> None:
    settlement = make_issued(make_contract_in_force(ContractKind.HOSTING))
    assert settlement.number == "SET-2026-000001"
    assert books(f"invoice:{settlement.pk}") == {"host_cost": D(100), "input_tax": D(19), "host_payable": D("-119")}


def test_given_a_document_over_nothing_when_issued_then_its_entry_has_no_lines() -> None:
    invoice = make_issued(nets=("0.00",))
    assert books(f"invoice:{invoice.pk}") == {}


def test_given_a_draft_when_issued_then_the_parties_of_that_day_are_kept() -> None:
    invoice = make_issued()
    name = invoice.party.legal_name
    invoice.party.legal_name, invoice.operator.iban = "Renamed SE", "DE00"
    invoice.party.save()
    invoice.operator.save()
    kept = Invoice.objects.get(pk=invoice.pk)
    assert kept.recipient_details["legal_name"] == name
    assert kept.recipient_details["contract_number"] == invoice.contract.number
    assert kept.issuer_details["iban"] == "DE02120300000000202051"


def test_given_a_draft_when_issued_then_audit_and_the_drawing_are_written_with_it() -> None:
    clerk = make_user()
    draft = make_draft()
    issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=clerk, at=ISSUED_AT)
    record = AuditRecord.objects.get(action="invoicing.invoice.issue")
    assert (record.object_id, record.by_id, record.changes["number"]) == (str(draft.pk), clerk.pk, "INV-2026-000001")
    step = OutboxMessage.objects.get(kind="invoicing.document.render")
    assert step.payload == {"invoice_id": draft.pk}


def test_given_several_drafts_when_issued_then_numbers_follow_each_other_per_year() -> None:
    contract = make_contract_in_force()
    numbers = [make_issued(contract, issued_on=day).number for day in (ISSUED_ON, ISSUED_ON, dt.date(2027, 1, 1))]
    assert numbers == ["INV-2026-000001", "INV-2026-000002", "INV-2027-000001"]


def test_given_two_operators_when_both_issue_then_each_counts_for_itself_under_its_own_prefix() -> None:
    first, second = make_operator(), make_operator()
    one = make_issued(make_contract_in_force(operator=first))
    other = make_issued(make_contract_in_force(operator=second))
    assert (one.number, other.number) == ("INV-2026-000001", f"INV{second.pk}-2026-000001")


def test_given_an_issued_invoice_when_issued_again_then_it_is_refused_and_nothing_changes() -> None:
    invoice = make_issued()
    before = trace()
    with pytest.raises(InvoiceNotDraft, match="INV-2026-000001 is issued already"):
        issue_invoice(invoice_id=invoice.pk, issued_on=ISSUED_ON, by=None, at=ISSUED_AT)
    assert trace() == before


def test_given_no_such_draft_when_issued_then_it_is_not_found() -> None:
    with pytest.raises(NotFound):
        issue_invoice(invoice_id=987_654, issued_on=ISSUED_ON, by=None, at=ISSUED_AT)


def test_given_a_date_before_the_period_when_issued_then_it_is_refused_and_nothing_changes() -> None:
    draft, before = make_draft(), trace()
    with pytest.raises(BadInput, match="2026-09-30"):
        issue_invoice(invoice_id=draft.pk, issued_on=dt.date(2026, 9, 30), by=None, at=ISSUED_AT)
    draft.refresh_from_db()
    assert (draft.state, trace()) == (InvoiceState.DRAFT, before)


@pytest.mark.parametrize(
    ("zone", "at", "day", "lawful"),
    [
        ("Europe/Berlin", dt.datetime(2026, 12, 31, 22, 59, tzinfo=dt.UTC), dt.date(2027, 1, 1), False),
        ("Europe/Berlin", dt.datetime(2026, 12, 31, 23, 0, tzinfo=dt.UTC), dt.date(2027, 1, 1), True),
        ("America/Los_Angeles", dt.datetime(2027, 1, 1, 7, 59, tzinfo=dt.UTC), dt.date(2027, 1, 1), False),
        ("America/Los_Angeles", dt.datetime(2027, 1, 1, 8, 0, tzinfo=dt.UTC), dt.date(2027, 1, 1), True),
        ("Europe/Berlin", ISSUED_AT, dt.date(2027, 11, 1), False),
    ],
)
def test_given_a_day_that_has_not_come_where_the_operator_is_when_issued_then_refused_and_no_series_begins(
    zone: str, at: dt.datetime, day: dt.date, lawful: bool
) -> None:
    draft = make_draft(make_contract_in_force(operator=make_operator(zone=zone)))
    if lawful:
        assert issue_invoice(invoice_id=draft.pk, issued_on=day, by=None, at=at).number == "INV-2027-000001"
        return
    before = trace()
    with pytest.raises(
        BadInput, match=f"issued on: '?{day}'? .*cannot be dated in the future; give .* or an earlier day"
    ):
        issue_invoice(invoice_id=draft.pk, issued_on=day, by=None, at=at)
    draft.refresh_from_db()
    assert (draft.state, draft.number, trace()) == (InvoiceState.DRAFT, None, before)


def test_given_a_draft_that_does_not_add_up_when_issued_then_it_is_refused_and_nothing_changes() -> None:
    draft = make_draft()
    InvoiceTax.objects.filter(invoice=draft).update(tax_amount=D("19.01"))
    before = trace()
    with pytest.raises(DraftDoesNotAddUp):
        issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=ISSUED_AT)
    assert trace() == before


def test_given_a_closed_month_when_issued_into_it_then_it_is_refused_and_no_number_is_used() -> None:
    draft = make_draft()
    close_period(operator_id=draft.operator_id, month=ISSUED_ON, by=None, at=dt.datetime(2026, 12, 2, tzinfo=dt.UTC))
    before = trace()
    with pytest.raises(PeriodClosed, match="November 2026 is closed"):
        issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=ISSUED_AT)
    assert trace() == before
    december = issue_invoice(
        invoice_id=draft.pk, issued_on=dt.date(2026, 12, 1), by=None, at=dt.datetime(2026, 12, 2, tzinfo=dt.UTC)
    )
    assert december.number == "INV-2026-000001"


STEPS = ["frozen", "numbered", "posted", "queued"]


@pytest.mark.parametrize("name", STEPS)
def test_given_an_end_at_any_step_when_issued_again_then_it_ends_as_if_nothing_had_happened(name: str) -> None:
    draft, before = make_draft(), trace()

    def crash(step: str) -> None:
        if step == f"invoicing.issue.{name}":
            raise KeyboardInterrupt

    with observed(crash), pytest.raises(KeyboardInterrupt):
        issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=ISSUED_AT)
    draft.refresh_from_db()
    assert (draft.state, draft.number, trace()) == (InvoiceState.DRAFT, None, before)
    again = issue_invoice(invoice_id=draft.pk, issued_on=ISSUED_ON, by=None, at=ISSUED_AT)
    assert again.number == "INV-2026-000001"


def test_given_a_party_with_another_language_when_issued_then_the_document_keeps_it() -> None:
    invoice = make_issued(make_contract_in_force(party=make_party(language="de")))
    assert invoice.language == "de"
