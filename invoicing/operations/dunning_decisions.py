"""What people decide about dunning: promises, stops, skipped levels, escalations taken up. Each on record (I19)."""

import datetime as dt
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Contract, DunningAction, Party
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.card_guard import require_no_card_number, require_words
from evbilling.kernel.clock import local_date
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.money import require_minor
from evbilling.shell.formats import format_day
from invoicing.models import CLAIMS, DunningStep, DunningStop, Invoice, InvoiceState, PaymentPromise
from invoicing.operations.guards import require_person
from invoicing.queries.documents import open_amount
from invoicing.queries.dunning import cases, live_stops, overdue_documents

LONGEST_WAIT = dt.timedelta(days=366)
"""How far ahead a promise or a stop with an end may reach: one day of every year. What waits longer is a deferral to
agree on in writing, while the time runs in which the claim lapses (three years, section 195 of the German Civil Code).
"""


def promise_to_pay(
    *, invoice_id: int, amount: Decimal, promised_on: dt.date, note: str = "", by: User | None, at: dt.datetime
) -> PaymentPromise:
    """Note a customer's word to pay by a day; dunning waits until the day after. A later word replaces an earlier one.

    Raises NotFound, NotAllowed, WrongState for a document with nothing open, BadInput for a day that is past or beyond
    LONGEST_WAIT, an amount that is not positive or more than what is open, or a note with a card number in it.
    """
    require_no_card_number("note", note)
    with transaction.atomic():
        invoice = _lock_claim(invoice_id, by)
        left = open_amount(invoice)
        today = local_date(at, invoice.operator.zone)
        require(promised_on >= today, BadInput(_("to be paid by"), promised_on, _("Name today or a later day.")))
        _require_within_a_year(_("to be paid by"), promised_on, today)
        require_minor(amount, invoice.currency)
        advice = _("Name an amount above zero, at most the %(open)s that are open.") % {"open": left}
        require(Decimal(0) < amount <= left, BadInput("amount", amount, advice))
        PaymentPromise.objects.filter(invoice=invoice, withdrawn_at__isnull=True).update(withdrawn_at=at)
        promise = PaymentPromise.objects.create(
            invoice=invoice, amount=amount, promised_on=promised_on, note=note.strip()[:300], taken_by=by, taken_at=at
        )
        record_audit(
            action="invoicing.dunning.promise",
            obj=promise,
            by=by,
            at=at,
            reason=note.strip(),
            changes={"document": str(invoice), "amount": amount, "promised_on": promised_on},
        )
    return promise


def withdraw_promise(*, promise_id: int, reason: str, by: User | None, at: dt.datetime) -> PaymentPromise:
    """Take a promise back: dunning goes on. Raises NotFound, NotAllowed, WrongState once it is withdrawn, BadInput."""
    with transaction.atomic():
        require_person(by, "run_dunning")
        why = _reason(reason)
        promise = lock(PaymentPromise, promise_id)
        require(promise.withdrawn_at is None, WrongState(_("This promise is withdrawn already.")))
        promise.withdrawn_at = at
        promise.save(update_fields=["withdrawn_at"])
        record_audit(action="invoicing.dunning.withdraw_promise", obj=promise, by=by, at=at, reason=why)
    return promise


def stop_dunning(
    *,
    party_id: int,
    reason: str,
    contract_id: int | None = None,
    invoice_id: int | None = None,
    until: dt.date | None = None,
    by: User | None,
    at: dt.datetime,
) -> DunningStop:
    """Remind a party no more, or of one contract or document alone, until a day or until it is lifted.

    Raises NotFound, NotAllowed, BadInput without a reason, for a day that is past or beyond LONGEST_WAIT, or for a
    contract or document of another party, WrongState beside a stop of the same that holds.
    """
    with transaction.atomic():
        require_person(by, "run_dunning")
        why = _reason(reason)
        party = lock(Party, party_id)
        contract = invoice = None
        if contract_id is not None:
            contract = Contract.objects.filter(pk=contract_id, party=party).first()
            advice = _("Choose a contract of %(party)s.") % {"party": party}
            require(contract, BadInput("contract", contract_id, advice))
        if invoice_id is not None:
            invoice = Invoice.objects.filter(pk=invoice_id, party=party, state=InvoiceState.ISSUED).first()
            advice = _("Choose an issued document of %(party)s.") % {"party": party}
            require(invoice, BadInput("document", invoice_id, advice))
        zones = Contract.objects.filter(party=party).order_by().values_list("operator__zone", flat=True).distinct()
        today = max((local_date(at, zone) for zone in zones), default=at.date())
        if until is not None:
            require(until > today, BadInput("until", until, _("Name a later day, or none.")))
            _require_within_a_year(_("until"), until, today)
        held = live_stops(on=today).filter(party=party, contract=contract, invoice=invoice).first()
        if held is not None:
            raise WrongState(_("Dunning of this is stopped already (%(stop)s); lift that stop first.") % {"stop": held})
        stop = DunningStop.objects.create(
            party=party, contract=contract, invoice=invoice, reason=why[:300], until=until, set_by=by, set_at=at
        )
        record_audit(
            action="invoicing.dunning.stop",
            obj=stop,
            by=by,
            at=at,
            reason=why,
            changes={"party": str(party), "contract": contract_id, "document": invoice_id, "until": until},
        )
    return stop


def lift_stop(*, stop_id: int, reason: str, by: User | None, at: dt.datetime) -> DunningStop:
    """Let dunning go on: the next run takes up what has become due.

    Raises NotFound, NotAllowed, WrongState once it is lifted, BadInput without a reason.
    """
    with transaction.atomic():
        require_person(by, "run_dunning")
        why = _reason(reason)
        stop = lock(DunningStop, stop_id)
        require(stop.lifted_at is None, WrongState(_("This stop is lifted already.")))
        stop.lifted_at, stop.lifted_by = at, by
        stop.save(update_fields=["lifted_at", "lifted_by"])
        record_audit(action="invoicing.dunning.lift", obj=stop, by=by, at=at, reason=why)
    return stop


def skip_step(*, invoice_id: int, reason: str, by: User | None, at: dt.datetime) -> DunningStep:
    """Leave out the next level of a document: nothing is sent and no fee charged; the level after it comes in its time.

    Raises NotFound, NotAllowed, BadInput without a reason, WrongState for a document that is not overdue or has no
    further level.
    """
    with transaction.atomic():
        why = _reason(reason)
        invoice = _lock_claim(invoice_id, by)
        lock(Party, invoice.party_id)
        today = local_date(at, invoice.operator.zone)
        found = cases(overdue_documents(on=today).filter(pk=invoice.pk), on=today)
        require(found, WrongState(_("%(number)s is not overdue.") % {"number": invoice}))
        following = found[0].next
        if following is None:
            raise WrongState(_("%(number)s has no further level of dunning.") % {"number": invoice})
        level = following[0]
        taken = DunningStep.objects.create(
            invoice=invoice,
            level=level.level,
            action=DunningAction.ESCALATE if level.escalate else DunningAction.REMIND,
            open_amount=found[0].asked_amount,
            skipped=why[:300],
            handled_by=by,
            handled_at=at,
            taken_on=today,
            taken_at=at,
        )
        record_audit(
            action="invoicing.dunning.skip",
            obj=taken,
            by=by,
            at=at,
            reason=why,
            changes={"document": str(invoice), "level": level.level},
        )
    return taken


def handle_escalation(*, step_id: int, note: str, by: User | None, at: dt.datetime) -> DunningStep:
    """Note that a person has taken up a document that was handed over, and what came of it.

    Raises NotFound, NotAllowed, BadInput without a note, WrongState where nothing waits for a person.
    """
    with transaction.atomic():
        require_person(by, "run_dunning")
        what = _reason(note)
        taken = lock(DunningStep, step_id)
        waits = taken.action == DunningAction.ESCALATE and taken.handled_at is None and not taken.skipped
        require(waits, WrongState(_("Nothing waits for a person here.")))
        taken.handled_by, taken.handled_at = by, at
        taken.save(update_fields=["handled_by", "handled_at"])
        record_audit(action="invoicing.dunning.handle", obj=taken, by=by, at=at, reason=what)
    return taken


def _require_within_a_year(field: str, day: dt.date, today: dt.date) -> None:
    last = today + LONGEST_WAIT
    advice = _("Name a day up to %(last)s; what waits longer is agreed on in writing.") % {"last": format_day(last)}
    require(day <= last, BadInput(field, day, advice))


def _reason(reason: str) -> str:
    return require_words("reason", reason, _("Say why; the audit trail keeps it."))


def _lock_claim(invoice_id: int, by: User | None) -> Invoice:
    """An issued claim with something open, locked. Raises NotFound, NotAllowed, WrongState."""
    require_person(by, "run_dunning")
    invoice = lock(Invoice, invoice_id)
    owed = invoice.state == InvoiceState.ISSUED and invoice.kind in CLAIMS and open_amount(invoice) > 0
    if not owed:
        raise WrongState(_("%(number)s has nothing open that a customer owes.") % {"number": invoice})
    return invoice
