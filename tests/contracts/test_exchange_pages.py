"""Import with a preview and export on the lists of the workspace; and who may do what."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contracts.models import Contact, Contract, Party, Tariff, TariffState, TariffVersion
from contracts.operations.exchange import SHEETS, Fate, Sheet, import_rows
from contracts.rules.exchange_files import read_csv, read_ocpi, write_xlsx
from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from tests.contracts.world import sign_in
from tests.factories import AT, make_contract_in_force, make_operator, make_party, make_tariff, make_user, maker

pytestmark = pytest.mark.django_db
LISTS = ("party", "contract", "tariff")
CSV, XLSX, JSON = "0", "1", "2"
PARTIES = (
    "number;kind;legal_name;street;postal_code;city;country;currency\r\n"
    "C1;fleet_operator;Nordwind GmbH;Kai 1;20457;Hamburg;DE;EUR\r\n"
)
SAMPLES = Path(django_settings.BASE_DIR) / "docs" / "samples"


def signed_in(role: Role | None, settings: Any) -> Client:
    return sign_in(Client(), make_user(role), settings)


def address(model: str, page: str) -> str:
    return reverse(f"admin:contracts_{model}_{page}")


def upload(client: Client, model: str, content: bytes, *, form: str = CSV, resource: str = "0") -> Any:
    file = SimpleUploadedFile("rows.csv", content)
    return client.post(address(model, "import"), {"import_file": file, "format": form, "resource": resource})


def confirm(client: Client, model: str, preview: Any) -> Any:
    form = preview.context["confirm_form"]
    return client.post(address(model, "process_import"), dict(form.initial), follow=True)


def test_a_file_is_previewed_then_imported(settings: Any) -> None:
    client = signed_in(Role.CONTRACT_MANAGER, settings)
    preview = upload(client, "party", PARTIES.encode("cp1252"))
    text = preview.content.decode()
    assert "1 new, 0 changed, 0 unchanged, 0 refused." in text
    assert "Nordwind GmbH" in text
    assert not Party.objects.exists()
    done = confirm(client, "party", preview)
    assert Party.objects.get().legal_name == "Nordwind GmbH"
    assert "Imported: 1 new, 0 changed, 0 unchanged." in done.content.decode()
    again = upload(client, "party", PARTIES.encode())
    assert "0 new, 0 changed, 1 unchanged, 0 refused." in again.content.decode()


def test_changes_show_what_was_and_what_will_be(settings: Any) -> None:
    make_party(number="C1", city="<b>Kiel</b>")
    text = upload(signed_in(Role.CONTRACT_MANAGER, settings), "party", b"number,city\nC1,Bremen\n").content.decode()
    assert "<del>&lt;b&gt;Kiel&lt;/b&gt;</del> <ins>Bremen</ins>" in text


def test_refused_rows_are_listed_and_cannot_be_confirmed(settings: Any) -> None:
    client = signed_in(Role.CONTRACT_MANAGER, settings)
    preview = upload(client, "party", PARTIES.replace("DE;", "Germany;").encode())
    text = preview.content.decode()
    assert re.search(r"<td>2</td><td>country</td><td>country: &#x27;Germany&#x27; cannot be used", text)
    assert "confirm_form" not in preview.context
    assert not Party.objects.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"number,nonsense\n1,2\n", "There is no such column"),
        (b"number\n", "headers"),
        (b"number,number\n1,2\n", "twice"),
        (b"x" * (5 * 1024 * 1024 + 1), "at most 5 MB"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(settings: Any, content: bytes, said: str) -> None:
    preview = upload(signed_in(Role.CONTRACT_MANAGER, settings), "party", content)
    assert preview.status_code == 200
    assert said in preview.content.decode()
    assert "confirm_form" not in preview.context


def test_what_was_not_signed_here_or_is_too_old_is_not_imported(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(Role.CONTRACT_MANAGER, settings)
    preview = upload(client, "party", PARTIES.encode())
    form = dict(preview.context["confirm_form"].initial)
    for forged in ("x", form["import_file_name"] + "x"):
        answer = client.post(address("party", "process_import"), form | {"import_file_name": forged}, follow=True)
        assert "choose the file again" in answer.content.decode()
    monkeypatch.setattr("contracts.admin.exchange_formats.CONFIRM_WITHIN", -1)
    assert "choose the file again" in confirm(client, "party", preview).content.decode()
    assert not Party.objects.exists()


def test_what_was_refused_since_the_preview_leaves_nothing_half_written(settings: Any) -> None:
    client = signed_in(Role.CONTRACT_MANAGER, settings)
    two = PARTIES + "C2;ev_driver;Dana;Weg 1;1;Kiel;DE;EUR\r\n"
    contacts = b"party,role,name,email\nC1,other,A,a@b.example\nC2,other,B,b@b.example\n"
    import_rows(sheet=SHEETS[0], table=read_csv(two.encode()), by=maker(), at=AT)
    preview = upload(client, "party", contacts, resource="1")
    Party.objects.get(number="C2").delete()
    text = confirm(client, "party", preview).content.decode()
    assert "Nothing was imported" in text
    assert "Row 3" in text
    assert not Contact.objects.exists()


def test_tariffs_come_in_and_go_out_as_ocpi(settings: Any) -> None:
    make_operator()
    client = signed_in(Role.CONTRACT_MANAGER, settings)
    content = (SAMPLES / "tariffs.json").read_bytes()
    preview = upload(client, "tariff", content, form=JSON)
    assert confirm(client, "tariff", preview).status_code == 200
    assert {version.state for version in TariffVersion.objects.all()} == {TariffState.DRAFT}
    response = client.post(address("tariff", "export"), {"format": JSON, "resource": "0"})
    assert response["Content-Type"] == "application/json"
    assert [each["id"] for each in json.loads(response.content)] == [each["id"] for each in json.loads(content)]
    again = import_rows(sheet=SHEETS[-1], table=read_ocpi(response.content), by=maker(), at=AT)
    assert {row.fate for row in again.rows} == {Fate.UNCHANGED}


def test_the_export_holds_the_filtered_view_and_is_on_record(settings: Any) -> None:
    make_party(number="C1", kind="fleet_operator", legal_name="=Evil")
    make_party(number="C2", kind="ev_driver")
    client = signed_in(Role.AUDITOR, settings)
    query = "?kind__exact=fleet_operator"
    assert query in client.get(address("party", "changelist") + query).content.decode()
    response = client.post(address("party", "export") + query, {"format": CSV, "resource": "0"})
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [(row["number"], row["legal_name"]) for row in rows] == [("C1", "'=Evil")]
    assert 'filename="party-' in response["Content-Disposition"]
    record = AuditRecord.objects.get(action="contracts.exchange.export")
    assert record.changes["filters"] == "kind__exact=fleet_operator"


def test_a_workbook_comes_in(settings: Any) -> None:
    make_party(number="C1")
    content = write_xlsx(["party", "role", "name", "email"], [["C1", "accountant", "Ada", "ada@c1.example"]])
    client = signed_in(Role.CONTRACT_MANAGER, settings)
    confirm(client, "party", upload(client, "party", content, form=XLSX, resource="1"))
    assert Contact.objects.get().email == "ada@c1.example"


@pytest.mark.parametrize("model", LISTS)
@pytest.mark.parametrize("role", [*Role, None])
def test_who_may_import_and_export(settings: Any, model: str, role: Role | None) -> None:
    client = signed_in(role, settings)
    manages, reads = role in {Role.CONTRACT_MANAGER, Role.ADMINISTRATOR}, role is not None
    turned_away = {302, 403}
    assert (client.get(address(model, "import")).status_code == 200) is manages
    assert (client.get(address(model, "export")).status_code == 200) is reads
    assert client.get(address(model, "process_import")).status_code in {405, 403, 302}
    if not manages:
        assert upload(client, model, PARTIES.encode()).status_code in turned_away
        assert client.post(address(model, "process_import"), {}).status_code in turned_away
    if not reads:
        assert client.post(address(model, "export"), {"format": CSV}).status_code in turned_away
    assert not Party.objects.exists()


@pytest.mark.parametrize("model", LISTS)
def test_strangers_are_sent_to_the_sign_in(model: str) -> None:
    for page in ("import", "export"):
        assert Client().get(address(model, page)).status_code == 302


def test_the_sample_files_come_in_one_after_another() -> None:
    operator = make_operator(legal_name="Volt Operations GmbH")
    make_tariff(operator, code="OTHER")
    for sheet in SHEETS:
        table = read_csv((SAMPLES / f"{sheet.name}.csv").read_bytes())
        if sheet.name == "contracts":
            waiting = table
            continue
        if sheet.name in {"tokens", "sponsored-vehicles"}:
            continue
        assert_new(sheet, table)
    by_name = {sheet.name: sheet for sheet in SHEETS}
    assert_new(by_name["contracts"], waiting)
    make_contract_in_force("sponsorship", operator, number="SPONSOR-1")
    for name in ("tokens", "sponsored-vehicles"):
        assert_new(by_name[name], read_csv((SAMPLES / f"{name}.csv").read_bytes()))
    assert {each.state for each in Contract.objects.exclude(number="SPONSOR-1")} == {"draft"}
    assert Tariff.objects.filter(code="FLEET").exists()


def assert_new(sheet: Sheet, table: Any) -> None:
    outcome = import_rows(sheet=sheet, table=table, by=maker(), at=AT)
    assert outcome.done, outcome.refused
    assert {row.fate for row in outcome.rows} == {Fate.NEW}
    again = import_rows(sheet=sheet, table=table, by=maker(), at=AT)
    assert {row.fate for row in again.rows} == {Fate.UNCHANGED}
