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

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command

from contracts.models import Contract, ContractState, Operator
from evbilling.access.models import User
from evbilling.access.roles import roles_of
from evbilling.demo import people, rebuilding
from evbilling.demo.agreements import SIGNED_AT, Signers, build_agreements
from evbilling.demo.company import FLEETS, OWNERS
from evbilling.demo.sample import Sample, read_sample
from evbilling.demo.summary import summarise
from evbilling.demo.year import Clerks, live_year
from evbilling.kernel import outbox
from invoicing.models import Invoice, InvoiceState
from payments.models import Payment
from tests.factories import make_operator

ROOT = Path(__file__).resolve().parents[2]


def four_months() -> Sample:
    """November 2014 to February 2015: 116 of the real sessions."""
    whole = read_sample()
    codes = ("2014-11", "2014-12", "2015-01", "2015-02")
    return dataclasses.replace(whole, rows_by_month={code: whole.rows_by_month[code] for code in codes})


def build(sample: Sample) -> tuple[Operator, dict[str, User]]:
    users = people.add_people(SIGNED_AT)
    maker, checker = (users[f"contracts{number}@peachtree-charging.example"] for number in ("", "2"))
    operator = build_agreements(sample, Signers(maker=maker, checker=checker))
    people.add_members(users)
    return operator, users


@pytest.mark.django_db
def test_contracts_are_in_force_and_logins_have_their_roles() -> None:
    build(four_months())
    assert Contract.objects.count() == 11
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
        operator, users = build(sample)
        clerks = Clerks(
            billing=users["billing@peachtree-charging.example"],
            payments=users["payments@peachtree-charging.example"],
        )
        live_year(operator, sample, clerks, lambda what: None)
    summary = summarise(operator, sample, seconds=0)
    # Then every session is in exactly one list, and the books are clean
    assert summary.sessions_in == 116
    assert summary.adds_up
    assert summary.books_clean
    assert summary.billed > summary.drafted > 0
    # and each issued document was drawn and mailed once
    issued = Invoice.objects.filter(state=InvoiceState.ISSUED).count()
    assert (summary.documents, summary.mails) == (issued, issued)
    assert summary.invoices + summary.settlements == issued
    assert summary.drafts == Invoice.objects.filter(state=InvoiceState.DRAFT).count() > 0
    # and some money came, some is on its way
    assert set(Payment.objects.values_list("state", flat=True)) == {"captured", "processing"}
    assert Decimal(0) < summary.paid_amount < summary.invoiced_amount


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
    assert first["mails"] == first["documents"] == first["invoices"] + first["settlements"]
    offers = len(FLEETS) + len(OWNERS) + 1
    assert len(list((tmp_path / "mail").glob("*.eml"))) == first["mails"] + offers
    # A second start uses what stands; from scratch the same figures come out.
    assert run_demo(tmp_path) == first
    again = run_demo(tmp_path, "--rebuild")
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
