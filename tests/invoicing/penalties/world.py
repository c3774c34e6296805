"""A fleet with terms beyond its tariff, its stations, and sessions that come in: October 2026 in Berlin."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.models import Contract, Station, Token
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import BillingRun, Invoice, Penalty, TaxRate
from invoicing.operations import runs
from invoicing.operations.allocations import allocate
from invoicing.operations.drafting import draft_invoice
from invoicing.operations.inline import work_off
from invoicing.operations.issuing import issue_invoice
from invoicing.operations.penalties import assess_penalties
from sessions.models import ChargingSession, SessionSource
from sessions.operations.intake import record_sessions
from sessions.rules.intake import PeriodInput, SessionInput
from tests.factories import (
    make_contract_in_force,
    make_operator,
    make_party,
    make_site,
    make_station,
    make_tariff,
    make_token,
    make_vehicle,
    tariff_document,
)

SEPTEMBER: Period = parse_month("2026-09")
OCTOBER: Period = parse_month("2026-10")
NOVEMBER: Period = parse_month("2026-11")
AT = dt.datetime(2026, 11, 2, 8, 0, tzinfo=dt.UTC)
MORNING = dt.datetime(2026, 10, 5, 7, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)

OVERSTAY = ("overstay", {"price_per_minute": "0.10", "grace_minutes": 15, "session_cap": "12", "day_cap": "20"})
NO_SHOW = ("no_show", {"amount": "7.50", "grace_minutes": 15})
LATE = ("late_payment", {"yearly_percent": "7.3", "flat_amount": "5"})
EU_LATE = ("late_payment", {"eu_default": True})
FAILED = ("failed_payment", {"amount": "3.50"})
UPTIME = ("uptime_promise", {"percent": "99", "per": "station", "credit_percent_per_point": "10"})


@dataclass(frozen=True)
class Fleet:
    """One contract, one card in one vehicle, two stations at one site."""

    contract: Contract
    token: Token
    stations: tuple[Station, Station]

    def charge(self, ref: str, *, parked: int = 0, kwh: int = 10, start: dt.datetime = MORNING) -> ChargingSession:
        """An hour of charging, then so many minutes of parking."""
        middle = start + 60 * MINUTE
        periods = [PeriodInput(start, kwh * 1000, 3600)]
        if parked:
            periods.append(PeriodInput(middle, 0, 0, parked * 60))
        return self._record(ref, start, middle + parked * MINUTE, kwh * 1000, tuple(periods))

    def reserve(self, ref: str, minutes: int, start: dt.datetime = MORNING) -> ChargingSession:
        """A reservation that ended without charging."""
        return self._record(ref, start, start + minutes * MINUTE, 0, (), state="reservation")

    def _record(self, ref: str, start: Any, end: Any, energy: int, periods: Any, **more: Any) -> ChargingSession:
        row = SessionInput(
            provider_ref=ref,
            token_ref=self.token.ref,
            station_ref=self.stations[0].ref,
            started_at=start,
            ended_at=end,
            energy_wh=energy,
            periods=periods,
            **more,
        )
        record_sessions(rows=[row], source=SessionSource.IMPORT, source_label="test", by=None, at=AT)
        return ChargingSession.objects.get(provider_ref=ref, superseded_at__isnull=True)

    def assess(self, period: Period = OCTOBER) -> list[Penalty]:
        """What a billing run assesses before it drafts, on the second day of the next month."""
        at = dt.datetime.combine(period.end, dt.time(8), dt.UTC) + dt.timedelta(days=1)
        return assess_penalties(contract_id=self.contract.pk, period=period, by=None, at=at)

    def close(self, period: Period = OCTOBER, *, issue: bool = True, at: dt.datetime | None = None) -> BillingRun:
        """Bill a month on the second day of the next."""
        at = at or dt.datetime.combine(period.end, dt.time(8), dt.UTC) + dt.timedelta(days=1)
        run = runs.start_run(
            operator_id=self.contract.operator_id, period=period, issued_on=at.date(), issue=issue, by=None, at=at
        )
        work_off(run_id=run.pk, clock=lambda: at, progress=lambda: None)
        run.refresh_from_db()
        return run


def make_fleet(
    *terms: tuple[str, dict[str, Any]],
    vat: str | None = None,
    tariff: dict[str, Any] | None = None,
    **fields: Any,
) -> Fleet:
    """A fleet whose contract has these terms; 0.50 EUR a kWh, 19 % VAT, unless the tariff says otherwise."""
    TaxRate.objects.get_or_create(country="DE", defaults={"percent": 19, "valid_from": dt.date(2020, 1, 1)})
    operator = make_operator()
    party = make_party(accountant="books@fleet.example", **fields.pop("party", {}))
    token = make_token(make_vehicle(party))
    site = make_site()
    contract = make_contract_in_force(
        operator=operator,
        party=party,
        tariff=make_tariff(operator, tariff or tariff_document("0.50", vat=vat)),
        tokens=[token],
        terms=terms,
        **fields,
    )
    return Fleet(contract, token, (make_station(site), make_station(site)))


def late_invoice(fleet: Fleet) -> Invoice:
    """The invoice of September over 119.00, due on 30 September."""
    fleet.charge("S-0", kwh=200, start=dt.datetime(2026, 9, 5, 7, 0, tzinfo=dt.UTC))
    draft = draft_invoice(contract_id=fleet.contract.pk, period=SEPTEMBER, at=AT)
    assert draft is not None
    return issue_invoice(invoice_id=draft.pk, issued_on=dt.date(2026, 9, 16), by=None, at=AT)


def pay(invoice_id: int, amount: str, on: dt.date, at: dt.datetime = AT) -> None:
    """Money settles part of a document on a day."""
    allocate(invoice_id=invoice_id, source=f"payment:{on}", amount=Decimal(amount), allocated_on=on, by=None, at=at)
