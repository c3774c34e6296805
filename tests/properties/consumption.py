"""What is consumed, priced and billed by the month: sessions come in, some before anyone pays for their token."""

import datetime as dt

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from contracts.models import TariffState, TariffVersion
from contracts.operations.assignments import assign_token
from contracts.operations.tariffs import release_tariff_version
from evbilling.kernel import outbox
from evbilling.kernel.clock import Period
from invoicing.operations import runs
from sessions.models import Hold, HoldState
from sessions.operations.holds import reject_hold, release_hold
from sessions.operations.rating import rerate_sessions
from sessions.queries.status import current_sessions
from tests.invoicing.month import AT, FIRST, OCTOBER, record
from tests.invoicing.shapes.world import NOVEMBER
from tests.properties.choices import NUMBERS, ways_of
from tests.properties.watched_books import WatchedBooks, pick


class Consumption(WatchedBooks):
    """Sessions, their prices, and the months that bill them."""

    @initialize()
    def october_is_billed(self) -> None:
        self.attempt(lambda: self.close_run(OCTOBER))

    def close_run(self, period: Period) -> None:
        run = runs.start_run(
            operator_id=self.month.operator.pk,
            period=period,
            issued_on=self.now.date(),
            issue=True,
            by=None,
            at=self.now,
        )
        with outbox.run_here():
            while items := runs.next_items(run_id=run.pk):
                runs.process_items(run_id=run.pk, item_ids=items, at=self.now)
            runs.finish_run(run_id=run.pk, at=self.now)

    @rule(token=NUMBERS, november=st.booleans(), kwh=st.sampled_from([1, 10, 37]))
    def sessions_come_in(self, token: int, november: bool, kwh: int) -> None:
        if november and self.now.date() < NOVEMBER.end:
            return
        self.made += 1
        name = pick(list(self.month.tokens), token)
        at = FIRST + dt.timedelta(days=31 if november else 0)
        self.attempt(lambda: record([self.month.charge(name, self.made, kwh, at)], self.now))

    @precondition(lambda _self: TariffVersion.objects.filter(state=TariffState.DRAFT).exists())
    @rule(number=NUMBERS, own=st.booleans())
    def prices_are_released(self, number: int, own: bool) -> None:
        chosen = pick(list(TariffVersion.objects.filter(state=TariffState.DRAFT).order_by("pk")), number).pk
        by = self.clerk if own else self.second
        self.attempt(lambda: release_tariff_version(version_id=chosen, by=by, at=self.now))

    @rule(contract=NUMBERS)
    def a_contract_pays_for_the_token(self, contract: int) -> None:
        token, chosen = self.month.tokens["later"], pick(self.payers(), contract)
        self.attempt(
            lambda: assign_token(token_id=token.pk, contract_id=chosen.pk, valid_from=OCTOBER.start, **self.by)
        )

    @precondition(lambda _self: Hold.objects.filter(state=HoldState.OPEN).exists())
    @rule(number=NUMBERS, how=ways_of("a_held_session_is_decided"))
    def a_held_session_is_decided(self, number: int, how: str) -> None:
        chosen = pick(list(Hold.objects.filter(state=HoldState.OPEN).order_by("pk")), number).pk
        decide = release_hold if how == "release" else reject_hold
        self.attempt(lambda: decide(hold_id=chosen, reason="Looked at", **self.by), how)

    @rule(number=NUMBERS)
    def a_session_is_rated_again(self, number: int) -> None:
        chosen = pick(list(current_sessions().order_by("-pk")), number).pk
        self.attempt(lambda: rerate_sessions(session_ids=[chosen], reason="New prices", **self.by))

    @rule(days=st.sampled_from([1, 10, 31]))
    def time_passes(self, days: int) -> None:
        if self.now < AT + dt.timedelta(days=70):
            self.now += dt.timedelta(days=days)
            self.done["time_passes", ""] += 1

    @rule(november=st.booleans())
    def month_is_billed(self, november: bool) -> None:
        self.attempt(lambda: self.close_run(NOVEMBER if november else OCTOBER))
