"""Where the rows behind a figure are found: addresses of filtered lists, each in one place."""

import datetime as dt
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from evbilling.kernel.clock import Period


def _list(model: str, **query: Any) -> str:
    address = reverse(f"admin:{model}_changelist")
    return f"{address}?{urlencode(query)}" if query else address


def sessions(*, status: str = "", period: Period | None = None, zone: str = "UTC", party: int | None = None) -> str:
    """Sessions by status or payer, or those that ended on the days of a period in a zone."""
    query: dict[str, Any] = {"status": status} if status else {}
    if period is not None:
        query |= {"ended_at_from": str(period.start), "ended_at_to": str(period.last_day), "ended_at_zone": zone}
    if party is not None:
        query["contract__party__id__exact"] = party
    return _list("charging_chargingsession", **query)


def open_holds() -> str:
    """Holds that wait for a decision."""
    return _list("charging_hold", state__exact="open")


def drafts(period: Period | None = None) -> str:
    """Documents that are not issued yet; of a period those that begin in it."""
    query = {} if period is None else {"period_from_from": period.start, "period_from_to": period.last_day}
    return _list("invoicing_invoice", payment="draft", **query)


def open_invoices() -> str:
    """Invoices with an open amount."""
    return _list("invoicing_invoice", payment="unpaid", kind__exact="invoice")


def overdue_invoices() -> str:
    """Invoices past due with an open amount."""
    return _list("invoicing_invoice", payment="overdue")


def invoices_by_age(from_days: int | None, to_days: int | None, today: dt.date) -> str:
    """Open invoices whose due date is so many days ago, both bounds included; None at the first: not due yet."""
    query = {"payment": "unpaid", "kind__exact": "invoice"}
    if from_days is not None:
        query["due_on_to"] = (today - dt.timedelta(days=from_days)).isoformat()
    if to_days is not None:
        query["due_on_from"] = (today - dt.timedelta(days=to_days)).isoformat()
    return _list("invoicing_invoice", **query)


def asked_waivers() -> str:
    """Penalties whose waiver waits for a second person."""
    return _list("invoicing_penalty", status="waiver_asked")


def open_disputes() -> str:
    """Disputes without an answer."""
    return _list("invoicing_dispute", state__exact="open")


def asked_corrections() -> str:
    """Credits and write-offs that wait for a second person."""
    return _list("invoicing_correction", state__exact="asked")


def bad_mails() -> str:
    """Mails that failed, came back, or whose outcome nobody knows."""
    return _list("invoicing_delivery", fate="person")


def bad_steps() -> str:
    """Background steps that failed or whose outcome nobody knows."""
    return _list("kernel_outboxmessage", state__in="failed,unknown")


def unknown_payments() -> str:
    """Payments whose outcome nobody knows."""
    return _list("payments_payment", state__exact="unknown")


def offered_contracts() -> str:
    """Contracts that wait for activation by a second person."""
    return _list("contracts_contract", state__exact="offered")


def contracts(ids: Iterable[int]) -> str:
    """Just these contracts."""
    return _list("contracts_contract", id__in=",".join(str(each) for each in ids))


def unacknowledged_terms() -> str:
    """Approved terms of contracts in force that the party has not acknowledged."""
    return _list("contracts_contractversion", acknowledged="missing")


def draft_terms() -> str:
    """Terms that wait for approval by a second person."""
    return _list("contracts_contractversion", state__exact="draft")


def draft_tariffs() -> str:
    """Tariff versions that wait for release by a second person."""
    return _list("contracts_tariffversion", state__exact="draft")


def failed_items(run_id: int) -> str:
    """Contracts that a billing run could not bill."""
    return _list("invoicing_billingrunitem", run__id__exact=run_id, state__exact="failed")


def billing_runs() -> str:
    """The months that were billed."""
    return _list("invoicing_billingrun")


def books_checks() -> str:
    """The nightly proofs of the books."""
    return _list("invoicing_bookscheck")


def parties(ids: Iterable[int] = ()) -> str:
    """Just these, or all of them."""
    listed = ",".join(str(each) for each in ids)
    return _list("contracts_party", **{"id__in": listed} if listed else {})


def operator(pk: int) -> str:
    """The operator's own page."""
    return reverse("admin:contracts_operator_change", args=[pk])


def all_contracts() -> str:
    """All of them."""
    return _list("contracts_contract")


def tax_rates() -> str:
    """Rates by country, category and day."""
    return _list("invoicing_taxrate")


def reference_rates() -> str:
    """What statutory interest adds its points to."""
    return _list("invoicing_referencerate")


def exchange_rates() -> str:
    """Rates of the central bank."""
    return _list("invoicing_exchangerate")
