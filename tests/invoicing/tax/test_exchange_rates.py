"""Documents in another currency than the operator's books: the rate they keep, where it comes from, and its absence."""

import datetime as dt
from decimal import Decimal as D
from pathlib import Path

import pytest
from django.core.management import call_command

from contracts.models import Operator
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.clock import parse_month
from evbilling.kernel.errors import BadInput, NotAllowed
from invoicing.models import ExchangeRate, Invoice, InvoiceState, NumberSeries
from invoicing.operations.exchange_rates import load_exchange_rates, set_exchange_rate
from invoicing.operations.issuing import issue_invoice
from invoicing.queries.due import due_contracts
from invoicing.queries.exchange import contracts_without_rate, tax_in_reporting_currency
from invoicing.rules.exchange import NoExchangeRate, Rate, rate_on, read_reference_rates, require_fresh
from tests.factories import make_user
from tests.invoicing.factories import make_draft

AT = dt.datetime(2026, 11, 2, 8, 0, tzinfo=dt.UTC)
DAY = dt.date(2026, 11, 2)
FRIDAY = dt.date(2026, 10, 30)
FILE = """Date,USD,JPY,CHF,RUB,
2026-10-30,1.1600,172.00,0.9320,N/A,
2026-10-29,1.1550,171.50,0.9330,N/A,
"""


def test_the_banks_file_is_read_for_the_wanted_currencies_and_days() -> None:
    found = list(read_reference_rates(FILE, {"EUR", "USD", "RUB"}, FRIDAY))
    assert found == [Rate("EUR", "USD", FRIDAY, D("1.1600"))]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "Date,USD\nyesterday,1.1\n", "Date,USD\n2026-10-30,-1\n"])
def test_another_file_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        list(read_reference_rates(text, {"USD"}, FRIDAY))


@pytest.mark.parametrize(
    ("currency", "target", "rate"),
    [
        ("EUR", "USD", "1.16000000"),
        ("USD", "EUR", "0.86206897"),  # 1 / 1.16
        ("CHF", "USD", "1.24463519"),  # 1.16 / 0.932
        ("JPY", "CHF", "0.00541860"),  # 0.932 / 172
    ],
)
def test_rates_between_two_other_currencies_go_through_the_euro(currency: str, target: str, rate: str) -> None:
    known = list(read_reference_rates(FILE, {"USD", "JPY", "CHF"}, dt.date(2026, 1, 1)))
    assert rate_on(known, currency, target, DAY) == Rate(currency, target, FRIDAY, D(rate))


def test_a_rate_that_is_stated_goes_before_the_quotient_and_none_of_a_later_day_counts() -> None:
    known = [
        *read_reference_rates(FILE, {"USD", "CHF"}, dt.date(2026, 1, 1)),
        Rate("CHF", "USD", FRIDAY, D("1.2400")),
        Rate("CHF", "USD", DAY + dt.timedelta(days=1), D(9)),
    ]
    assert rate_on(known, "CHF", "USD", DAY) == Rate("CHF", "USD", FRIDAY, D("1.24000000"))


@pytest.mark.parametrize(("days", "fresh"), [(7, True), (8, False)])
def test_a_rate_is_good_for_a_week(days: int, fresh: bool) -> None:
    rate = Rate("EUR", "USD", DAY - dt.timedelta(days=days), D("1.16"))
    if fresh:
        assert require_fresh(rate, "EUR", "USD", DAY) == rate
    else:
        with pytest.raises(NoExchangeRate, match="the newest one is of 25 Oct 2026"):
            require_fresh(rate, "EUR", "USD", DAY)


def abroad() -> Invoice:
    """A draft in EUR of an operator whose books are in USD: 100.00 net, 19.00 tax."""
    draft = make_draft()
    Operator.objects.filter(pk=draft.operator_id).update(currency="USD")
    return Invoice.objects.get(pk=draft.pk)


@pytest.mark.django_db
def test_given_a_rate_when_issued_then_the_document_keeps_it() -> None:
    load_exchange_rates(text=FILE, since=FRIDAY, by=None, at=AT)
    invoice = issue_invoice(invoice_id=abroad().pk, issued_on=DAY, by=None, at=AT)
    assert (invoice.reporting_currency, invoice.reporting_rate) == ("USD", D("1.16000000"))
    assert tax_in_reporting_currency(invoice) == (invoice.tax_amount * D("1.16")).quantize(D("0.01"))


@pytest.mark.django_db
def test_given_no_rate_when_issued_then_it_is_refused_and_nothing_is_left() -> None:
    draft = abroad()
    with pytest.raises(NoExchangeRate, match="from EUR to USD of the 7 days up to 2 Nov 2026: none is known"):
        issue_invoice(invoice_id=draft.pk, issued_on=DAY, by=None, at=AT)
    draft.refresh_from_db()
    assert (draft.state, draft.number, draft.reporting_currency) == (InvoiceState.DRAFT, None, "")
    assert not NumberSeries.objects.filter(last_number__gt=0).exists()


@pytest.mark.django_db
def test_given_one_currency_when_issued_then_no_rate_is_asked_for() -> None:
    invoice = issue_invoice(invoice_id=make_draft().pk, issued_on=DAY, by=None, at=AT)
    assert (invoice.reporting_currency, invoice.reporting_rate, tax_in_reporting_currency(invoice)) == ("", None, None)


@pytest.mark.django_db
def test_a_person_with_the_right_enters_a_rate_and_corrects_it() -> None:
    values = {"currency": "CHF", "target": "EUR", "on": DAY, "source": "central bank"}
    with pytest.raises(NotAllowed):
        set_exchange_rate(rate=D("1.07"), by=make_user(Role.AUDITOR), at=AT, **values)  # type: ignore[arg-type]
    assert not ExchangeRate.objects.exists()
    clerk = make_user(Role.BILLING_CLERK)
    for rate in (D("1.07"), D("1.08")):
        set_exchange_rate(rate=rate, by=clerk, at=AT, **values)  # type: ignore[arg-type]
    assert ExchangeRate.objects.get().rate == D("1.08")
    assert AuditRecord.objects.filter(action__startswith="invoicing.exchangerate").count() == 2


@pytest.mark.django_db
def test_the_command_adds_what_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "eurofxref-hist.csv"
    path.write_text(FILE, encoding="utf-8")
    for said in ("4 exchange rates added.", "0 exchange rates added."):
        call_command("exchange_rates", str(path), "--since", "2026-10-29")
        assert said in capsys.readouterr().out
    assert set(ExchangeRate.objects.values_list("target", flat=True)) == {"USD", "CHF"}


@pytest.mark.django_db
def test_the_month_checks_name_contracts_without_a_rate() -> None:
    draft = abroad()
    operator = draft.operator
    october = parse_month("2026-10")
    due = due_contracts(operator_id=operator.pk, period=october)
    assert contracts_without_rate(operator, due, october.end) == [draft.contract]
    load_exchange_rates(text=FILE, since=FRIDAY, by=None, at=AT)
    assert not contracts_without_rate(operator, due, october.end)
