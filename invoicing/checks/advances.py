"""Advance payments and deposits: never used beyond what they are, and the ledger holds what is left of them."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from evbilling.kernel.books import Finding, proves
from evbilling.kernel.fields import amount_sum
from evbilling.kernel.money import ZERO
from invoicing.models import AccountRole, Deposit, DepositKind, InvoiceLine, InvoiceState, JournalLine, LineKind
from invoicing.queries.advances import advance_lines, advances_among
from invoicing.queries.deposits import held_by_source


@proves("I11", "No advance payment is set off beyond what was invoiced and paid")
def advances_within() -> Iterator[Finding]:
    """Per advance invoice, less its credits: uses on drafts count. A payment may be taken back after it was used."""
    for advance in advances_among(advance_lines()):
        if not ZERO <= advance.used <= advance.total or not ZERO <= advance.used_net <= advance.net:
            yield Finding(
                "I11", f"document {advance.number}", f"{advance.used} of it is set off; it comes to {advance.total}."
            )
    used = InvoiceLine.objects.filter(kind=LineKind.ADVANCE_USED).select_related("invoice", "advance__invoice")
    for line in used.iterator(chunk_size=2000):
        about = line.advance
        if about is None or about.kind != LineKind.ADVANCE or line.net_amount > 0:
            yield Finding("I11", f"document {line.invoice}", f"Line {line.position} sets off no advance payment.")
        elif (about.invoice.party_id, about.tax_category, about.tax_rate) != (
            line.invoice.party_id,
            line.tax_category,
            line.tax_rate,
        ):
            yield Finding(
                "I11",
                f"document {line.invoice}",
                f"Line {line.position} is of another party or tax than {about.invoice}.",
            )


@proves("I7", "The ledger holds what is left of advance payments")
def advances_in_the_ledger() -> Iterator[Finding]:
    """Per party and currency: the balance of advances received is the unused net of its issued advances."""
    left: dict[tuple[int, str], Decimal] = defaultdict(lambda: ZERO)
    parties = dict(advance_lines().values_list("pk", "invoice__party"))
    currencies = dict(advance_lines().values_list("pk", "invoice__currency"))
    for advance in advances_among(advance_lines()):
        left[parties[advance.line_id], currencies[advance.line_id]] += advance.net - advance.used_net
    drafted = InvoiceLine.objects.filter(kind=LineKind.ADVANCE_USED, invoice__state=InvoiceState.DRAFT)
    for party, currency, because in drafted.values_list("invoice__party", "invoice__currency", "because"):
        left[party, currency] += Decimal(because["net"])
    booked = JournalLine.objects.filter(account__role=AccountRole.ADVANCE_RECEIVED).order_by()
    for party, currency, total in booked.values_list("party", "entry__currency").annotate(total=amount_sum("amount")):
        left[party, currency] += total
    for (party, currency), rest in sorted(left.items()):
        if rest:
            yield Finding(
                "I7", f"party {party}", f"Its advances received in {currency} differ by {rest} from its documents."
            )


@proves("I12", "Deposits are never returned beyond what was taken, and are in the ledger")
def deposits_hold() -> Iterator[Finding]:
    """Per contract and payment; each row has its booking with its amount."""
    for row in held_by_source():
        if row["total"] < 0:
            yield Finding(
                "I12", f"contract {row['contract__number']}", f"{-row['total']} more was returned than taken."
            )
    lines = JournalLine.objects.filter(entry__source__startswith="deposit:", account__role=AccountRole.DEPOSIT_HELD)
    booked = dict(lines.values_list("entry__source", "amount"))
    for deposit in Deposit.objects.iterator(chunk_size=2000):
        due = -deposit.amount if deposit.kind == DepositKind.HELD else deposit.amount
        if booked.pop(f"deposit:{deposit.pk}", None) != due:
            yield Finding("I12", f"deposit {deposit.pk}", "What the ledger holds of it is not what was moved.")
    for source in sorted(booked):
        yield Finding("I12", f"journal {source}", "There is no such deposit.")
