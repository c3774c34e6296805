"""How a contract ends: with notice, not before its minimum term, and never before what was charged under it."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contracts.models import Contract
from contracts.operations.guards import require_permission, require_reason
from contracts.operations.lifecycle import move, next_state_of
from contracts.operations.suspending import end_suspension
from contracts.queries import version_on
from contracts.rules.lifecycle import Step
from contracts.rules.notice import earliest_end
from evbilling.access.models import User
from evbilling.kernel.clock import local_date, start_of_day
from evbilling.kernel.errors import BadInput, WrongState, require
from evbilling.kernel.locks import lock
from evbilling.shell.formats import format_day


@dataclass(frozen=True, slots=True)
class SessionsAfter:
    """Sessions of a contract that started at or after an instant; `billed` of them stand on documents."""

    count: int
    billed: int
    last_started_at: dt.datetime | None


AskSessions = Callable[[int, dt.datetime], SessionsAfter]
_sessions: list[AskSessions] = []


def answer_for_sessions(sessions_after: AskSessions) -> None:
    """Said once, in an AppConfig.ready, by the part of the product that knows sessions, which lies above this one.

    `sessions_after(contract_id, instant)`: what the contract would still owe had it ended at that instant.
    """
    _sessions.append(sessions_after)


def end_contract(
    *,
    contract_id: int,
    ends_on: dt.date,
    reason: str,
    by: User | None,
    at: dt.datetime,
    notice_given_on: dt.date | None = None,
    early: bool = False,
) -> Contract:
    """End a contract; `ends_on` is the first local day on which it no longer holds, and may lie ahead.

    Notice counts from the day on which it was given (today unless told). Before notice period and minimum term have
    run out it ends only `early`, by consent: the reason says whose, and Contract.ended_early, notice_given_on and
    regular_end_on keep it for the early termination fee. Raises WrongState unless it is active or suspended, and where
    sessions started on or after `ends_on`; BadInput for a day that cannot be, or without a reason.
    """
    with transaction.atomic():
        contract = lock(Contract, contract_id)
        require_permission(by, "end_contract")
        why = require_reason(reason)
        state = next_state_of(contract, Step.END)
        require(
            ends_on >= contract.starts_on,
            BadInput(
                "ends_on",
                ends_on,
                _("The contract starts on %(day)s; choose that day or a later one.")
                % {"day": format_day(contract.starts_on)},
            ),
        )
        today = local_date(at, contract.zone)
        given_on = notice_given_on or today
        require(
            given_on <= today,
            BadInput("notice_given_on", given_on, _("Notice was given today at the latest.")),
        )
        regular = _regular_end(contract, given_on)
        is_early = ends_on < regular
        require(
            early or not is_early,
            BadInput(
                "ends_on",
                ends_on,
                _("Notice period and minimum term let the contract end on %(day)s; before it ends only by consent.")
                % {"day": format_day(regular)},
            ),
        )
        _require_nothing_after(contract, ends_on)
        end_suspension(contract, start_of_day(ends_on, contract.zone))
        contract.ends_on, contract.notice_given_on = ends_on, given_on
        contract.regular_end_on, contract.ended_early = regular, is_early
        move(
            contract,
            state,
            "contracts.contract.end",
            by=by,
            at=at,
            reason=why,
            ends_on=ends_on,
            notice_given_on=given_on,
            early=is_early,
        )
    return contract


def _regular_end(contract: Contract, given_on: dt.date) -> dt.date:
    terms = version_on(contract, max(given_on, contract.starts_on))
    if terms is None:
        return contract.starts_on
    return max(contract.starts_on, earliest_end(given_on, terms.notice_days, terms.minimum_term_until))


def _require_nothing_after(contract: Contract, ends_on: dt.date) -> None:
    """A session that started under the contract is owed under it: an end before it would leave it to nobody."""
    for sessions_after in _sessions:
        found = sessions_after(contract.pk, start_of_day(ends_on, contract.zone))
        if not found.count or found.last_started_at is None:
            continue
        possible = local_date(found.last_started_at, contract.zone) + dt.timedelta(days=1)
        raise WrongState(
            ngettext(
                "%(count)s session started on or after %(day)s (%(billed)s on documents). Choose %(possible)s or later,"
                " or reject what is not owed and credit what is billed.",
                "%(count)s sessions started on or after %(day)s (%(billed)s on documents). Choose %(possible)s or"
                " later, or reject what is not owed and credit what is billed.",
                found.count,
            )
            % {
                "count": found.count,
                "day": format_day(ends_on),
                "billed": found.billed,
                "possible": format_day(possible),
            }
        )
