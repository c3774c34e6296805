"""The completeness report says what the database holds, to the kWh and the cent: on the page, as CSV and as PDF."""

import csv
import io
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest
from django.utils.translation import override

from invoicing.documents.letters.pdf import render_report
from invoicing.documents.letters.run_report import report_view, sessions_csv
from invoicing.models import BillingRun
from invoicing.queries.completeness import Fate, Tally, tallies
from sessions.models import ChargingSession, Hold
from sessions.operations.holds import reject_hold
from sessions.rules.intake import SessionInput
from tests.factories import make_party, make_user
from tests.invoicing.documents.reading import text_of
from tests.invoicing.month import AT, LATER, OCTOBER, Month, make_month, record
from tests.invoicing.quiet import nothing_is_drawn  # noqa: F401 - documents are not drawn here
from tests.invoicing.shapes.world import join

pytestmark = pytest.mark.django_db
D = Decimal
EUR = "EUR"


def stray(month: Month, number: int, kwh: int) -> SessionInput:
    """A session with a token that nobody knows: held, and without a price."""
    return replace(month.charge("alpha", number, kwh=kwh), token_ref="UNKNOWN")


@pytest.fixture
def run() -> BillingRun:
    """At 0.45 a kWh: billed 10 + 13, held 7, excluded 8 + 11, carried over 10, late 9 kWh."""
    month = make_month(sessions=0, fleets=("alpha", "beta"))
    record([month.charge("beta", 0, kwh=10), month.charge("beta", 1, kwh=13)])
    join(month, "small", make_party(), 1, minimum_invoice_amount=D(30))
    record([stray(month, 2, 7), stray(month, 3, 8), stray(month, 4, 11)])
    rejected = Hold.objects.filter(session__energy_wh__in=[8_000, 11_000])
    for pk in set(rejected.values_list("pk", flat=True)):
        reject_hold(hold_id=pk, reason="A test of the station", by=make_user(), at=AT)
    found = month.close()
    record([month.charge("beta", 9, kwh=9)], LATER)
    return found


EXPECTED = {
    Fate.BILLED: Tally(2, 23_000, {EUR: D("10.35")}),
    Fate.HELD: Tally(1, 7_000, {}, 1),
    Fate.EXCLUDED: Tally(2, 19_000, {}, 2),
    Fate.LATE: Tally(1, 9_000, {EUR: D("4.05")}),
    Fate.CARRIED: Tally(1, 10_000, {EUR: D("4.50")}),
    Fate.WAITING: Tally(),
    Fate.MISSING: Tally(),
}
"""By hand: 4.50 and 5.85; 9 x 0.45; 10 x 0.45."""


def test_given_a_month_with_every_fate_when_tallied_then_figures_are_those_by_hand_and_of_the_rows(
    run: BillingRun,
) -> None:
    found = tallies(run.operator, OCTOBER)
    assert found == EXPECTED
    # And together they are all that is in the database
    rows = ChargingSession.objects.values_list("energy_wh", "price__net_amount")
    whole = sum(found.values(), Tally())
    assert (whole.sessions, whole.energy_wh) == (len(rows), sum(energy for energy, _net in rows)) == (7, 68_000)
    assert whole.net == {EUR: sum((net for _energy, net in rows if net), D(0))} == {EUR: D("18.90")}
    assert whole.unpriced == sum(net is None for _energy, net in rows) == 3


def test_given_a_month_with_every_fate_when_read_as_csv_then_each_session_stands_there_once_with_its_figures(
    run: BillingRun,
) -> None:
    rows = list(csv.DictReader(io.StringIO(sessions_csv(run).decode("utf-8-sig"))))
    sums: dict[str, Tally] = defaultdict(Tally)
    for row in rows:
        net = {row["Currency"]: D(row["Net price"])} if row["Currency"] else {}
        sums[row["Result"]] += Tally(1, int(D(row["kWh"]) * 1000), net, 0 if net else 1)
    assert sums == {str(fate.label): tally for fate, tally in EXPECTED.items() if tally.sessions}
    stored = ChargingSession.objects.values_list("provider_ref", "energy_wh")
    assert sorted((row["Session"], D(row["kWh"]) * 1000) for row in rows) == sorted(stored)
    # And those on no document say why
    reasons = {row["Result"]: row["Document or reason"] for row in rows}
    assert (reasons["billed"][:4], reasons["held"], reasons["excluded"]) == ("INV-", "unknown token", "unknown token")


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "en",
            ["Sessions of the month 7 68.000 18.90", "Billed 2 23.000 10.35", "Held 1 7.000", "Excluded 2 19.000",
             "Late 1 9.000 4.05", "Carried over 1 10.000 4.50"],
        ),
        (
            "de",
            ["68,000 18,90", "2 23,000 10,35", "1 7,000", "2 19,000", "1 9,000 4,05", "1 10,000 4,50"],
        ),
    ],
)  # fmt: skip
def test_given_a_month_with_every_fate_when_drawn_then_the_page_has_the_same_figures(
    language: str, lines: list[str], run: BillingRun
) -> None:
    run.operator.language = language
    with override(language):
        drawn = render_report(report_view(run, on=run.issued_on))
    page = " ".join(text_of(drawn).split())
    assert [line for line in lines if line not in page] == [], page
