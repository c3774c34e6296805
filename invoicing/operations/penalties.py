"""Penalties: assessed from evidence before a month is billed, waived by two people, each billed at most once (I18).

    open -> waiver asked -> waived        (asked -> open where the second person refuses)

A penalty is billed by the line that names it: an issued one is credited with its document, never waived.
"""

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Contract
from contracts.rules.terms import FailedPayment
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_words
from evbilling.kernel.clock import Period, local_date
from evbilling.kernel.errors import BadInput, MakerIsChecker, NotFound, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from invoicing.models import Invoice, Penalty, PenaltyKind, PenaltyState
from invoicing.operations.assessing import GATHERERS, Found, TermsInTime
from invoicing.operations.guards import require_person
from invoicing.rules.penalties import failed_payment

_DAY = dt.timedelta(days=1)


class PenaltyOnDocument(WrongState):
    """A penalty that stands on a document is not waived any more."""

    code = "penalty_on_document"

    def __init__(self, penalty: Penalty, document: Invoice) -> None:
        advice = (
            _("%(penalty)s is billed on %(document)s; credit that document instead.")
            if document.number
            else _("%(penalty)s stands on %(document)s; discard that draft first, then ask again.")
        )
        super().__init__(advice % {"penalty": penalty, "document": document})


def assess_penalties(*, contract_id: int, period: Period, by: User | None, at: dt.datetime) -> list[Penalty]:
    """Assess all penalties of a contract up to the end of a period; those that are new.

    Idempotent: a source (a session, a document, a day) is assessed once, whatever happens to it afterwards. Interest
    goes from the day up to which it was assessed to the period's end (I14). Raises NotFound, BadInput for a period
    that is not over in the contract's zone: what is still open then is not known.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require(
            at >= period.instants(contract.zone)[1],
            BadInput("period", period.code, _("Penalties are assessed once the period is over.")),
        )
        terms = TermsInTime(contract)
        if terms.is_empty:
            return []
        found = [each for gather in GATHERERS for each in gather(contract, terms, period)]
        made = _write(contract, found, at)
        step("invoicing.penalty.assessed")
        if made:
            record_audit(
                action="invoicing.penalty.assess",
                obj=contract,
                by=by,
                at=at,
                changes={"period": period.code, "penalties": len(made)},
                members=[each.source for each in made],
            )
    return made


def assess_failed_payment(
    *, invoice_id: int, payment_ref: str, failure: str, by: User | None, at: dt.datetime
) -> Penalty | None:
    """Assess the fee of a payment that the customer's bank or card refused, once for each payment.

    None where the terms in force that day name no such fee. The next fee note bills it. Raises NotFound.
    """
    with transaction.atomic():
        invoice = Invoice.objects.filter(pk=invoice_id).first()
        if invoice is None:
            raise NotFound(_("There is no document with the id %(id)s.") % {"id": invoice_id})
        contract = lock(Contract, invoice.contract_id)
        day = local_date(at, contract.zone)
        held = TermsInTime(contract).on(day, FailedPayment)
        if held is None:
            return None
        version, term = held
        fee = failed_payment(
            term, payment=payment_ref, document=str(invoice), failure=failure, currency=contract.currency
        )
        source = f"failed_payment:{payment_ref}"
        period = Period(day, day + _DAY)
        found = Found(PenaltyKind.FAILED_PAYMENT, source, version, fee, period, day, invoice_id=invoice.pk)
        made = _write(contract, [found], at)
        if made:
            record_audit(
                action="invoicing.penalty.assess",
                obj=contract,
                by=by,
                at=at,
                changes={"penalties": 1},
                members=[source],
            )
    return made[0] if made else None


def _write(contract: Contract, found: Iterable[Found], at: dt.datetime) -> list[Penalty]:
    """Store what is due and was not assessed before."""
    due = {each.source: each for each in found if each.fee.is_due}
    known = set(Penalty.objects.filter(source__in=due).values_list("source", flat=True))
    return Penalty.objects.bulk_create(
        [
            Penalty(
                kind=each.kind,
                contract=contract,
                contract_version=each.version,
                source=each.source,
                session_id=each.session_id,
                invoice_id=each.invoice_id,
                site_id=each.site_id,
                period_from=each.period.start,
                period_to=each.period.end,
                occurred_on=each.occurred_on,
                currency=contract.currency,
                amount=each.fee.amount,
                because=dict(each.fee.because),
                assessed_at=at,
            )
            for each in due.values()
            if each.source not in known
        ],
        batch_size=1000,
    )


def ask_waiver(*, penalty_id: int, reason: str, by: User | None, at: dt.datetime) -> Penalty:
    """Ask that a penalty be waived; until a second person decides it is not billed.

    Raises NotFound, NotAllowed, WrongState unless it is open, PenaltyOnDocument, BadInput without a reason.
    """
    with transaction.atomic():
        person = require_person(by, "ask_waiver")
        why = _reason(reason)
        penalty = _lock_unbilled(penalty_id)
        require(penalty.state == PenaltyState.OPEN, _not(penalty))
        penalty.state, penalty.reason = PenaltyState.WAIVER_ASKED, why[:300]
        penalty.asked_by, penalty.asked_at = person, at
        penalty.save(update_fields=["state", "reason", "asked_by", "asked_at"])
        record_audit(action="invoicing.penalty.ask_waiver", obj=penalty, by=by, at=at, reason=why)
    return penalty


def grant_waiver(*, penalty_id: int, by: User | None, at: dt.datetime) -> Penalty:
    """Waive a penalty for which another person asked (I18); it is never billed.

    Raises NotFound, NotAllowed, MakerIsChecker, WrongState unless its waiver is asked for, PenaltyOnDocument.
    """
    with transaction.atomic():
        person = require_person(by, "waive_penalty")
        penalty = _lock_unbilled(penalty_id)
        require(penalty.state == PenaltyState.WAIVER_ASKED, _not(penalty))
        require(penalty.asked_by_id != person.pk, MakerIsChecker(_("The request to waive %s") % penalty))
        penalty.state, penalty.waived_by, penalty.waived_at = PenaltyState.WAIVED, person, at
        penalty.save(update_fields=["state", "waived_by", "waived_at"])
        record_audit(
            action="invoicing.penalty.waive",
            obj=penalty,
            by=by,
            at=at,
            reason=penalty.reason,
            changes={"amount": penalty.amount, "asked_by": penalty.asked_by_id},
        )
    return penalty


def refuse_waiver(*, penalty_id: int, reason: str, by: User | None, at: dt.datetime) -> Penalty:
    """Refuse a waiver, or withdraw one's own request: the penalty is open again and billed with the next document.

    Raises NotFound, NotAllowed, WrongState unless its waiver is asked for, BadInput without a reason.
    """
    with transaction.atomic():
        require_person(by, "ask_waiver")
        why = _reason(reason)
        penalty = _lock_unbilled(penalty_id)
        require(penalty.state == PenaltyState.WAIVER_ASKED, _not(penalty))
        penalty.state, penalty.reason, penalty.asked_by, penalty.asked_at = PenaltyState.OPEN, "", None, None
        penalty.save(update_fields=["state", "reason", "asked_by", "asked_at"])
        record_audit(action="invoicing.penalty.refuse_waiver", obj=penalty, by=by, at=at, reason=why)
    return penalty


def _reason(reason: str) -> str:
    return require_words("reason", reason, _("Say why; the audit trail keeps it."))


def _lock_unbilled(penalty_id: int) -> Penalty:
    """Lock the contract, whose drafting takes penalties, then the penalty. Raises NotFound, PenaltyOnDocument."""
    contract_id = Penalty.objects.filter(pk=penalty_id).values_list("contract_id", flat=True).first()
    if contract_id is None:
        raise NotFound(_("There is no penalty with the id %(id)s.") % {"id": penalty_id})
    lock(Contract, contract_id)
    penalty = lock(Penalty, penalty_id)
    if penalty.line is not None:
        raise PenaltyOnDocument(penalty, penalty.line.invoice)
    return penalty


def _not(penalty: Penalty) -> WrongState:
    return WrongState(
        _("%(penalty)s is %(state)s; nothing was changed.") % {"penalty": penalty, "state": penalty.get_state_display()}
    )
