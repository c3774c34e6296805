"""A month to close: two fleets that charged, one that did not, a sponsor and a host; and what the close left behind."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from contracts.models import Contract, ContractKind, Operator, Site, Station, Token
from evbilling.kernel import outbox
from evbilling.kernel.clock import Period, parse_month
from invoicing.models import (
    BillingRun,
    BillingRunItem,
    Document,
    Invoice,
    InvoiceLine,
    InvoiceTax,
    JournalLine,
    NumberSeries,
    TaxRate,
)
from invoicing.operations import deliveries, runs
from invoicing.operations.inline import work_off
from sessions.models import SessionCharge, SessionSource
from sessions.operations.intake import IntakeResult, record_sessions
from sessions.rules.intake import PeriodInput, SessionInput
from tests.factories import (
    make_contract_in_force,
    make_cost_centre,
    make_operator,
    make_party,
    make_site,
    make_station,
    make_tariff,
    make_token,
    make_vehicle,
    tariff_document,
)

OCTOBER: Period = parse_month("2026-10")
ISSUED_ON = dt.date(2026, 11, 2)
AT = dt.datetime(2026, 11, 2, 8, 0, tzinfo=dt.UTC)
LATER = AT + dt.timedelta(hours=1)
HOUR = dt.timedelta(hours=1)
FIRST = dt.datetime(2026, 10, 5, 7, 0, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Month:
    """October 2026 of one operator: 0.45 EUR a kWh, 19 % VAT, half of one vehicle sponsored, 60 % to the host."""

    operator: Operator
    site: Site
    stations: tuple[Station, Station]
    tokens: dict[str, Token]
    contracts: dict[str, Contract]

    def start(self, *, issue: bool = True, at: dt.datetime = AT) -> BillingRun:
        """Start the run, or start it again."""
        return runs.start_run(
            operator_id=self.operator.pk, period=OCTOBER, issued_on=ISSUED_ON, issue=issue, by=None, at=at
        )

    def close(self, *, issue: bool = True, at: dt.datetime = AT) -> BillingRun:
        """Start, or start again, and work everything off in this process."""
        run = self.start(issue=issue, at=at)
        work_off(run_id=run.pk, clock=lambda: at, progress=lambda: None)
        run.refresh_from_db()
        return run

    def item(self, name: str) -> BillingRunItem:
        """The run's row of a contract."""
        return BillingRunItem.objects.select_related("invoice", "run").get(contract=self.contracts[name])

    def charge(self, token: str, number: int, kwh: int = 10, at: dt.datetime = FIRST) -> SessionInput:
        """One hour at the host's site (even numbers) or elsewhere, `number` days after the first; no two at once."""
        apart = 2 * list(self.tokens).index(token)
        start = at + dt.timedelta(days=number % 25, hours=apart + 5 * (number // 25))
        return SessionInput(
            provider_ref=f"{token}-{number}",
            token_ref=self.tokens[token].ref,
            station_ref=self.stations[number % 2].ref,
            started_at=start,
            ended_at=start + HOUR,
            energy_wh=kwh * 1000,
            periods=(PeriodInput(start, kwh * 1000, 3600),),
        )


def record(rows: list[SessionInput], at: dt.datetime = AT) -> IntakeResult:
    """Sessions come in."""
    return record_sessions(rows=rows, source=SessionSource.IMPORT, source_label="test", by=None, at=at)


def make_month(sessions: int = 4, fleets: tuple[str, ...] = ("alpha", "beta")) -> Month:
    """The month with so many sessions of each fleet; alpha's vehicle is sponsored. `idle` is a fleet without any."""
    operator = make_operator()
    TaxRate.objects.create(country="DE", percent=19, valid_from=dt.date(2020, 1, 1))
    host = make_party("property_owner", accountant="owner@host.example")
    site, elsewhere = make_site(host), make_site()
    tariff = make_tariff(operator, tariff_document(vat=None))
    tokens, contracts = {}, {}
    for name in (*fleets, "idle"):
        party = make_party(accountant=f"books@{name}.example")
        vehicle = make_vehicle(party)
        tokens[name] = make_token(vehicle)
        contracts[name] = make_contract_in_force(
            operator=operator,
            party=party,
            tariff=tariff,
            tokens=[tokens[name]],
            cost_centre=make_cost_centre(party),
        )
    contracts["sponsor"] = make_contract_in_force(
        ContractKind.SPONSORSHIP,
        operator,
        make_party("ev_manufacturer", accountant="books@maker.example"),
        vehicles=[tokens[fleets[0]].vehicle],
    )
    contracts["host"] = make_contract_in_force(ContractKind.HOSTING, operator, host, [site], percent=60)
    month = Month(operator, site, (make_station(site), make_station(elsewhere)), tokens, contracts)
    record([month.charge(name, number) for name in fleets for number in range(sessions)])
    return month


def start_again(month: Month, at: dt.datetime) -> BillingRun:
    """What an installation does after a crash: the sweepers run, and the run is started again."""
    with outbox.run_here():
        outbox.sweep(at=at)
    deliveries.settle_lost(at=at)
    return month.close(at=at)


def left_behind() -> dict[str, list[Any]]:
    """Everything a month close produces, without keys and instants: two closes that did the same are equal."""
    return {
        "documents": _rows(
            Invoice, "number", "kind", "contract__number", "net_amount", "tax_amount", "gross_amount", "issued_on",
            "due_on",
        ),
        "lines": _rows(
            InvoiceLine, "invoice__number", "position", "group_label", "text", "session_count", "energy_wh",
            "tax_rate", "net_amount",
        ),
        "taxes": _rows(InvoiceTax, "invoice__number", "tax_category", "tax_rate", "net_amount", "tax_amount"),
        "charges": _rows(SessionCharge, "session__provider_ref", "contract__number", "role", "net_amount"),
        "ledger": _rows(JournalLine, "entry__text", "entry__booked_on", "account__role", "party__number", "amount"),
        "series": _rows(NumberSeries, "prefix", "year", "last_number"),
        "items": _rows(BillingRunItem, "contract__number", "state", "invoice__number", "reason"),
        "bytes": _rows(Document, "invoice__number", "kind", "file_name", "sha256"),
        "runs": _rows(BillingRun, "period_from", "state", "issue", "issued_on"),
    }  # fmt: skip


def _rows(model: Any, *fields: str) -> list[Any]:
    return sorted(model.objects.values_list(*fields), key=repr)


class Killed(BaseException):
    """Ends the work on the spot, as the end of its process would: nothing catches it."""


def kill_at(place: int, trace: list[str]) -> Callable[[str], None]:
    """Observe steps: note each in `trace` and end the work at the one with this number, counted from 0."""

    def observe(name: str) -> None:
        trace.append(name)
        if len(trace) == place + 1:
            raise Killed(name)

    return observe
