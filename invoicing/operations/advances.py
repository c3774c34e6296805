"""Advance invoices: money asked for before the supply, with its tax; no revenue until an invoice sets it off."""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import Contract, PriceBasis
from contracts.queries import version_on
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.money import require_minor
from evbilling.kernel.steps import step
from invoicing.models import Invoice, InvoiceKind, InvoiceState, LineKind
from invoicing.operations.credit_notes import lock_document
from invoicing.operations.crediting import Lines, credit
from invoicing.operations.dating import require_day_of_document
from invoicing.operations.drafting import NoTermsInForce
from invoicing.operations.guards import require_right
from invoicing.operations.issuing import issue_invoice
from invoicing.operations.tax_ids import require_tax_id
from invoicing.operations.writing import NewLine, net_and_gross, write_draft
from invoicing.queries.advances import advance_of
from invoicing.queries.due import BY_INVOICE
from invoicing.queries.taxes import fee_place, tax_table
from invoicing.rules.tax import Treatment, supply_tax

_DAY = dt.timedelta(days=1)


def issue_advance(
    *, contract_id: int, amount: Decimal, issued_on: dt.date, reason: str, by: User | None, at: dt.datetime
) -> Invoice:
    """Issue an invoice for money before the supply; `amount` is net, or with tax where the contract's
    prices include it.

    It is taxed as the contract's fees are: where its first site is, else at the customer's address, on `issued_on`.
    Once paid, the contract's next invoices set it off. Raises NotAllowed, BadInput for an amount that is not positive,
    a future day or no reason, WrongState for a contract that is not billed by invoice, NoTermsInForce, MissingTaxRate,
    MissingCustomerTaxId, PeriodClosed, MoneyError.
    """
    require_right(by, "issue_invoice")
    require_words(_("reason"), reason, _("Say what is paid in advance; the invoice prints it."))
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        amount = require_minor(amount, contract.currency)
        require(amount > 0, BadInput(_("amount"), amount, _("Ask for more than zero.")))
        require_day_of_document(issued_on, operator=contract.operator, at=at)
        require(
            contract.kind in BY_INVOICE,
            WrongState(_("%s is not billed by invoice; only customers and sponsors pay in advance.") % contract.number),
        )
        version = version_on(contract, issued_on)
        if version is None:
            raise NoTermsInForce(contract, issued_on)
        place, treatment = fee_place(contract), Treatment(version.tax_treatment)
        require_tax_id(treatment, contract, place.country)
        tax = supply_tax(treatment, None, place, issued_on, tax_table())
        net, gross = net_and_gross(amount, tax, contract.currency, with_tax=version.price_basis == PriceBasis.GROSS)
        with override(contract.party.language):
            text = _("Advance payment: %(reason)s") % {"reason": reason.strip()}
        earlier = Invoice.objects.filter(
            contract=contract, kind=InvoiceKind.ADVANCE, period_from=issued_on, period_to=issued_on + _DAY
        )
        draft = write_draft(
            contract=contract,
            version=version,
            period=Period(issued_on, issued_on + _DAY),
            kind=InvoiceKind.ADVANCE,
            lines=[NewLine(LineKind.ADVANCE, "", text[:300], tax, net, gross=gross)],
            at=at,
            split_key=f"advance {earlier.count() + 1}",
            purchase_order=contract.purchase_order,
            price_basis=version.price_basis,
        )
        step("invoicing.advance.written")
        invoice = issue_invoice(invoice_id=draft.pk, issued_on=issued_on, by=by, at=at)
        record_audit(
            action="invoicing.advance.issue",
            obj=invoice,
            by=by,
            at=at,
            reason=reason.strip(),
            changes={"contract": contract.number, "gross_amount": invoice.gross_amount},
        )
    return invoice


def credit_unused_advance(
    *, invoice_id: int, reason: str, by: User | None, at: dt.datetime, issued_on: dt.date | None = None
) -> Decimal:
    """Credit what no invoice set off of an advance, as at a contract's end; what was paid of it becomes the party's
    credit. Returns the amount in the advance's price basis.

    Raises WrongState where it is no issued advance invoice or all of it is used, and what crediting raises.
    """
    with transaction.atomic():
        invoice = lock_document(invoice_id)
        require(
            invoice.kind == InvoiceKind.ADVANCE and invoice.state == InvoiceState.ISSUED,
            WrongState(_("%s is no issued advance invoice.") % invoice),
        )
        advance = advance_of(invoice)
        rest = advance.total - advance.used
        require(rest > 0, WrongState(_("Nothing is left of %s: invoices set all of it off.") % invoice))
        credit(
            invoice_id=invoice.pk,
            what=Lines({advance.line_id: rest}),
            reason=reason,
            issued_on=issued_on,
            by=by,
            at=at,
        )
    return rest
