"""The sample operator is built by the product's own operations, from the data alone, and its books are clean."""

import dataclasses
import datetime as dt
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command

from contracts.models import Contract, ContractState, Operator, TariffVersion
from contracts.queries.tariffs import findings_of
from contracts.rules.tariff_lint import warnings_of
from evbilling.access.models import User
from evbilling.access.roles import roles_of
from evbilling.demo import people, rebuilding
from evbilling.demo.affairs import CLOSED_MONTHS, Clerks
from evbilling.demo.agreements import SIGNED_AT, Signers, build_agreements
from evbilling.demo.company import FLEETS, OWNERS, ZONE
from evbilling.demo.events import OUTAGES, RESUMED_AT, SUSPENDED_AT, amend, draft_prices, rest
from evbilling.demo.sample import Sample, read_sample
from evbilling.demo.summary import summarise
from evbilling.demo.terms import AMENDMENTS, FIRST_TERMS, HARBOR, RIDGELINE
from evbilling.demo.year import live_year
from evbilling.kernel import outbox
from invoicing.models import Invoice, InvoiceState, Letter, LetterKind
from invoicing.operations.book_checks import NIGHT, record_books_check
from payments.models import Payment
from tests.factories import make_operator

ROOT = Path(__file__).resolve().parents[2]


def four_months() -> Sample:
    """November 2014 to February 2015: 116 of the real sessions."""
    whole = read_sample()
    codes = ("2014-11", "2014-12", "2015-01", "2015-02")
    return dataclasses.replace(whole, rows_by_month={code: whole.rows_by_month[code] for code in codes})


def build(sample: Sample) -> tuple[Operator, Clerks]:
    users = people.add_people(SIGNED_AT)
    maker, checker = (users[f"contracts{number}@peachtree-charging.example"] for number in ("", "2"))
    signers = Signers(maker=maker, checker=checker)
    operator = build_agreements(sample, signers)
    people.add_members(users)
    billing, payments, second = (
        users[f"{name}@peachtree-charging.example"] for name in ("billing", "payments", "admin")
    )
    return operator, Clerks(billing=billing, payments=payments, contracts=signers, second=second)


@pytest.mark.django_db
def test_contracts_are_in_force_and_logins_have_their_roles() -> None:
    build(four_months())
    assert Contract.objects.count() == 12
    assert not Contract.objects.exclude(state=ContractState.ACTIVE).exists()
    for person in people.STAFF:
        user = User.objects.get(email=person.email)
        assert roles_of(user) == [person.role]
        assert Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).count() == 1
    for person in people.CUSTOMERS:
        assert User.objects.get(email=person.email).memberships.get().party.legal_name == person.company


@pytest.mark.django_db
def test_months_are_lived_to_the_last_cent_and_mail() -> None:
    # Given the sample operator, when four months pass
    sample = four_months()
    with outbox.run_here():
        operator, clerks = build(sample)
        live_year(operator, sample, clerks, lambda what: None)
    record_books_check(cause=NIGHT, at=sample.months[-1].instants(ZONE)[1])
    summary = summarise(operator, sample, seconds=0)
    # Then every session is in exactly one list, and the books are clean
    assert summary.sessions_in == 116
    assert summary.adds_up
    assert summary.books_clean
    assert (summary.books_checks, summary.completeness_reports) == (4 + 1, 4)
    assert summary.billed > summary.drafted > 0
    # and each issued document was drawn and mailed once
    issued = Invoice.objects.filter(state=InvoiceState.ISSUED).count()
    assert (summary.documents, summary.mails) == (issued, issued)
    assert summary.invoices + summary.settlements == issued
    # and who did not pay was reminded, the customer whose card is declined once
    notices = Letter.objects.filter(kind=LetterKind.DUNNING_NOTICE)
    assert summary.notices == notices.count()
    assert notices.filter(party__number=HARBOR).count() == 1
    assert summary.drafts == Invoice.objects.filter(state=InvoiceState.DRAFT).count() > 0
    # and some money came, some is on its way
    assert set(Payment.objects.values_list("state", flat=True)) == {"captured", "processing"}
    assert Decimal(0) < summary.paid_amount < summary.invoiced_amount


@pytest.mark.django_db
def test_terms_are_written_and_an_amendment_is_drawn_mailed_and_acknowledged() -> None:
    # Given the sample's contracts with their first terms
    _operator, clerks = build(four_months())
    for party, written in FIRST_TERMS.items():
        version = Contract.objects.get(party__number=party).versions.get()
        assert {term.kind for term in version.terms.all()} == {kind for kind, _figures in written}
    # When a fleet's amendment is agreed on
    amendment = next(each for each in AMENDMENTS if each.party == RIDGELINE)
    version = amend(amendment, clerks.contracts)
    # Then it holds from its day on, beside the tariffs of before, and both sides acknowledged its document
    assert (version.number, version.valid_from) == (2, dt.date(2015, 7, 1))
    assert version.terms.count() == len(amendment.terms)
    assert version.tariff_assignments.count() == version.contract.versions.get(number=1).tariff_assignments.count() > 0
    document = version.documents.get()
    assert {each.document_sha256 for each in version.acknowledgements.all()} == {document.sha256}
    assert {each.side for each in version.acknowledgements.all()} == {"operator", "party"}


@pytest.mark.django_db
def test_a_draft_amendment_and_drafted_prices_wait_for_a_second_person() -> None:
    _operator, clerks = build(four_months())
    version = amend(next(each for each in AMENDMENTS if each.is_draft), clerks.contracts)
    assert (version.state, version.documents.count()) == ("draft", 0)
    draft_prices(clerks.contracts)
    prices = TariffVersion.objects.get(state="draft")
    assert warnings_of(findings_of(prices))


@pytest.mark.django_db
def test_a_contract_rests_and_its_sessions_wait() -> None:
    _operator, clerks = build(four_months())
    contract = Contract.objects.get(party__number=HARBOR)
    rest(contract, clerks.contracts)
    contract.refresh_from_db()
    suspension = contract.suspensions.get()
    assert (contract.state, suspension.rule) == (ContractState.ACTIVE, "hold")
    assert (suspension.started_at, suspension.ended_at) == (SUSPENDED_AT, RESUMED_AT)


def test_no_session_is_at_a_station_while_it_is_out_of_service() -> None:
    sample = read_sample()
    zone = ZoneInfo(ZONE)
    for outage in OUTAGES:
        start, end = (f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" for at in (outage.started_at, outage.ended_at))
        rows = [row for month in sample.rows_by_month.values() for row in month if row["stationId"] == outage.station]
        assert rows
        assert not [row for row in rows if row["created"] < f"00{end[2:]}" and row["ended"] > f"00{start[2:]}"]


def test_a_code_is_what_an_authenticator_shows() -> None:
    from allauth.mfa.totp.internal.auth import validate_totp_code  # noqa: PLC0415 - allauth's own judge

    person = people.STAFF[0]
    assert validate_totp_code(person.secret, people.code_of(person, dt.datetime.now(dt.UTC)))


@pytest.mark.django_db
def test_a_foreign_database_is_never_cleared(capsys: pytest.CaptureFixture[str]) -> None:
    operator = make_operator()
    with pytest.raises(SystemExit) as ended:
        call_command("demo", "--no-serve", "--rebuild")
    assert ended.value.code == 2
    assert "not the demo's; nothing was changed" in capsys.readouterr().err
    assert Operator.objects.get() == operator


@pytest.mark.django_db
def test_outside_the_demo_mode_nothing_is_built(settings: Any) -> None:
    settings.MODE = "live"
    with pytest.raises(rebuilding.NotADemo, match="MODE is live"):
        rebuilding.clear()
    with pytest.raises(RuntimeError, match="MODE=demo only"):
        people.add_people(SIGNED_AT)


def run_demo(folder: Path, *options: str) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    environment |= {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "evbilling.settings", "MODE": "demo"}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--no-serve", "--json", *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


@pytest.mark.long
def test_the_whole_year_from_the_command_line(tmp_path: Path) -> None:
    first = run_demo(tmp_path)
    assert first["sessions_in"] == 3395
    assert first["sessions_in"] == first["billed"] + first["held"] + first["excluded"] + first["late"]
    assert first["books_clean"] is True
    assert first["held"] > 0
    kinds = ("invoices", "settlements", "fee_notes", "advances", "credit_notes")
    assert first["mails"] == first["documents"] == sum(first[kind] for kind in kinds) > 0
    offers = len(FLEETS) + len(OWNERS) + 2 + sum(not amendment.is_draft for amendment in AMENDMENTS)
    assert len(list((tmp_path / "mail").glob("*.eml"))) == first["mails"] + first["notices"] + offers
    # Terms beyond the tariff had their effect: one waiver granted, one asked for, uptime missed, allowances given.
    assert (first["penalties_waived"], first["penalties_asked"]) == (1, 1)
    assert first["penalties_billed"] > 0
    assert Decimal(first["uptime_credited"]) > 0
    assert Decimal(first["allowances"]) > 0
    # What went wrong was put right, by two people where it takes two: a month close, a reissue, a write-off, a refund.
    assert (first["advances"], first["credit_notes"], first["second_persons"]) == (1, 3, 4)
    assert (first["disputes_open"], first["disputes_decided"], first["refunds"]) == (1, 1, 1)
    assert (first["notices"], first["promises"], first["completeness_reports"]) == (5, 1, 12)
    assert (first["months_closed"], first["months_reopened"]) == (len(CLOSED_MONTHS), 1)
    assert Decimal(first["written_off"]) == Decimal("5.10")
    # A second start uses what stands; from scratch the same figures come out.
    assert run_demo(tmp_path) == first
    again = run_demo(tmp_path, "--rebuild")
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
