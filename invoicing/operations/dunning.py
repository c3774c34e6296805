"""Dunning runs: every overdue document that reaches a new level is reminded of, skipped, or handed to a person.

Per party and currency there is one notice, with all its documents that are due for one. It is drawn first; then, with
the party locked, the cases are read again, and only what was drawn is written: steps, fees, the letter and its mail in
one transaction. A run that was killed at any point is simply started again (I10, I16).
"""

import datetime as dt
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from django.db import OperationalError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import override

from contracts.models import DunningAction, Operator, Party
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.clock import Period
from evbilling.kernel.errors import BillingError, NotFound, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.kernel.steps import step
from invoicing.models import DunningStep, Letter, LetterKind, Penalty, PenaltyKind
from invoicing.operations.deliveries import request_letter_delivery
from invoicing.operations.letters import file_letter
from invoicing.operations.notices import draw_notice, notice_file_name, notice_source
from invoicing.queries.dunning import Case, cases, fee_is_agreed, overdue_documents, without_plan
from invoicing.rules.dunning import Level
from invoicing.rules.penalties.fee import text

log = logging.getLogger(__name__)
TRIES = 3
"""How often a party's cases may change while its notice is drawn, before the run leaves it for the next one."""
_DAY = dt.timedelta(days=1)


class CasesChanged(WrongState):
    """Money or a decision came in between drawing a notice and writing it."""

    code = "dunning_cases_changed"


@dataclass(slots=True)
class DunningRun:
    """What a run did, or with `dry` would do. `failures` are (party, why), `busy` parties whose rows somebody else held
    on to: the next run takes them up. `no_plan` are currencies without a plan.
    """

    on: dt.date
    dry: bool = False
    parties: int = 0
    notices: list[Letter] = field(default_factory=list)
    reminded: list[tuple[str, int]] = field(default_factory=list)
    escalated: list[tuple[str, int]] = field(default_factory=list)
    skipped: list[tuple[str, int]] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    no_plan: list[str] = field(default_factory=list)


def run_dunning(*, operator_id: int, on: dt.date, by: User | None, at: dt.datetime, dry: bool = False) -> DunningRun:
    """Take every overdue document of an operator to the level that it has reached on a day; twice a day does no more.

    Left out are documents that are paid or credited, what is contested, what a payment is under way for, what was
    promised, and what was stopped. A party that fails, or waits for a busy database, is noted and never blocks the
    others (I17). With `dry` nothing is written. Raises NotFound.
    """
    operator = Operator.objects.filter(pk=operator_id).first()
    if operator is None:
        raise NotFound(_("There is no operator with the id %(id)s.") % {"id": operator_id})
    run = DunningRun(on, dry=dry, no_plan=without_plan(operator, on=on))
    for debtor in _debtors(operator, on):
        run.parties += 1
        try:
            if dry:
                _note(run, debtor.cases(on))
            else:
                _dun(run, debtor, by=by, at=at)
        except BillingError as error:
            _note_failure(run, debtor, error.message)
        except OperationalError:
            log.warning("Dunning of party %s meets a busy database", debtor.party_id, exc_info=True)
            run.busy.append(str(Party.objects.get(pk=debtor.party_id)))
        except Exception as error:
            log.exception("Dunning of party %s failed", debtor.party_id)
            cause = _("Unexpected: %(error)s") % {"error": f"{type(error).__name__}: {error}"}
            _note_failure(run, debtor, cause)
    return run


@dataclass(frozen=True, slots=True)
class _Debtor:
    """Who gets one notice: a party, in one currency."""

    operator: Operator
    party_id: int
    currency: str

    def cases(self, on: dt.date) -> list[Case]:
        """Its overdue documents as they stand on a day."""
        rows = overdue_documents(on=on).filter(operator=self.operator, party=self.party_id, currency=self.currency)
        return cases(rows.prefetch_related("allocations", "contract_version__terms"), on=on)


def _debtors(operator: Operator, on: dt.date) -> list[_Debtor]:
    rows = overdue_documents(on=on).filter(operator=operator).order_by("party", "currency")
    return [_Debtor(operator, *row) for row in rows.values_list("party_id", "currency").distinct()]


def _note_failure(run: DunningRun, debtor: _Debtor, cause: str) -> None:
    run.failures.append((str(Party.objects.get(pk=debtor.party_id)), cause))


def _dun(run: DunningRun, debtor: _Debtor, *, by: User | None, at: dt.datetime) -> None:
    for _attempt in range(TRIES):
        found = debtor.cases(run.on)
        due = [each for each in found if each.due]
        reminded = [each for each in due if not each.due[-1].escalate]
        if not due:
            _note(run, found)
            return
        content = draw_notice(debtor.operator, reminded, on=run.on) if reminded else b""
        step("invoicing.dunning.drawn")
        try:
            letter = _write(debtor, due, content, on=run.on, by=by, at=at)
        except CasesChanged:
            continue
        step("invoicing.dunning.committed")
        _note(run, found)
        run.notices += [letter] if letter is not None else []
        return
    raise CasesChanged(_("Its documents changed while the notice was drawn; the next run takes it up."))


def _write(
    debtor: _Debtor, due: list[Case], content: bytes, *, on: dt.date, by: User | None, at: dt.datetime
) -> Letter | None:
    """Steps, fees, letter and mail of one party, all or nothing. Raises CasesChanged."""
    with transaction.atomic():
        party = lock(Party, debtor.party_id)
        again = [each for each in debtor.cases(on) if each.due]
        require(
            [_facts(each) for each in again] == [_facts(each) for each in due],
            CasesChanged(_("The documents of %(party)s changed.") % {"party": party}),
        )
        letter = None
        if content:
            reminded = [each for each in due if not each.due[-1].escalate]
            with override(party.language):
                name = notice_file_name(debtor.operator, party, on)
            letter = file_letter(
                kind=LetterKind.DUNNING_NOTICE,
                operator=debtor.operator,
                party=party,
                source=notice_source(reminded),
                language=party.language,
                dated_on=on,
                file_name=name,
                content_type="application/pdf",
                content=content,
                by=by,
                at=at,
            )
        made = [row for case in due for row in _steps(case, letter, on, at)]
        DunningStep.objects.bulk_create(made)
        step("invoicing.dunning.steps")
        record_audit(
            action="invoicing.dunning.run",
            obj=party,
            by=by,
            at=at,
            changes={"on": on, "currency": debtor.currency, "steps": len(made)},
            members=[f"{row.invoice}:{row.level}" for row in made],
        )
        if letter is not None:
            request_letter_delivery(letter_id=letter.pk, by=by, at=at)
        step("invoicing.dunning.written")
    return letter


def _facts(case: Case) -> tuple[object, ...]:
    return case.invoice.pk, case.open_amount, case.contested_amount, case.due


def _steps(case: Case, letter: Letter | None, on: dt.date, at: dt.datetime) -> Iterator[DunningStep]:
    """The level taken, after those that were missed."""
    *missed, taken = case.due
    for level in missed:
        yield _row(case, level, on, at, skipped=_("Level %(level)s was reached before.") % {"level": taken.level})
    if taken.escalate:
        yield _row(case, taken, on, at)
    else:
        yield _row(case, taken, on, at, letter=letter, fee=_fee(case, taken, on, at))


def _row(case: Case, level: Level, on: dt.date, at: dt.datetime, **values: object) -> DunningStep:
    return DunningStep(
        invoice=case.invoice,
        level=level.level,
        action=DunningAction.ESCALATE if level.escalate else DunningAction.REMIND,
        open_amount=case.asked_amount,
        taken_on=on,
        taken_at=at,
        **values,
    )


def fee_of(case: Case, level: Level) -> Decimal:
    """The fee of a level for a document; zero where the terms do not allow one."""
    return level.fee_amount if level.fee_amount and fee_is_agreed(case.invoice) else Decimal(0)


def _fee(case: Case, level: Level, on: dt.date, at: dt.datetime) -> Penalty | None:
    """The penalty that the next fee note bills; once for a document and level (I10)."""
    amount, invoice = fee_of(case, level), case.invoice
    if not amount:
        return None
    period = Period(on, on + _DAY)
    return Penalty.objects.create(
        kind=PenaltyKind.DUNNING_FEE,
        contract=invoice.contract,
        contract_version=invoice.contract_version,
        source=f"dunning:{invoice.pk}:{level.level}",
        invoice=invoice,
        period_from=period.start,
        period_to=period.end,
        occurred_on=on,
        currency=invoice.currency,
        amount=amount,
        because={
            "document": str(invoice),
            "level": level.level,
            "due_on": (invoice.due_on or on).isoformat(),
            "open": text(case.asked_amount),
            "amount": text(amount),
        },
        assessed_at=at,
    )


def _note(run: DunningRun, found: list[Case]) -> None:
    for case in found:
        number = str(case.invoice)
        if case.waits_for:
            run.waiting.append((number, case.waits_for))
        if not case.due:
            continue
        *missed, taken = case.due
        run.skipped += [(number, level.level) for level in missed]
        (run.escalated if taken.escalate else run.reminded).append((number, taken.level))
