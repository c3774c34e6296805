"""Files: refused whole or read line by line; the same file twice changes nothing."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from evbilling.access.roles import Role
from evbilling.kernel.audit import AuditRecord
from evbilling.kernel.errors import BadInput, NotAllowed, NotFound
from sessions.models import ChargingSession, Hold, ImportBatch, ImportProfile, RefusedRow, SessionPrice
from sessions.operations import imports
from sessions.operations.imports import import_file, preview_import
from tests.factories import make_user
from tests.sessions.made import AT, HEADINGS, HOUR, World, line, make_profile, make_world, session_of


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def profile(db: None) -> ImportProfile:
    return make_profile()


def load(profile: ImportProfile, text: str, **kwargs: Any) -> ImportBatch:
    content = text.encode() if isinstance(text, str) else text
    return import_file(
        **{"profile_id": profile.pk, "file_name": "a.csv", "content": content, "by": None, "at": AT} | kwargs
    )


def on(world: World, ref: str, day: int) -> str:
    """A line of that January day."""
    return line(world, ref, f"2026-01-{day} 10:00:00", f"2026-01-{day} 11:00:00")


def nothing_happened() -> bool:
    return not any(model.objects.exists() for model in (ChargingSession, ImportBatch, RefusedRow, SessionPrice))


def test_every_line_is_accounted_for(world: World, profile: ImportProfile) -> None:
    text = HEADINGS + line(world) + line(world, "S2", end="yesterday") + on(world, "S3", 15)
    batch = load(profile, text)
    assert (batch.rows, batch.added, batch.revised, batch.unchanged, batch.refused) == (3, 2, 0, 0, 1)
    refused = RefusedRow.objects.get()
    assert (refused.line_number, refused.field) == (3, "to")
    assert "'yesterday' is not a time" in refused.reason
    assert refused.content["id"] == "S2"
    assert session_of().extra == {"note": ""}


def test_the_same_file_twice_changes_nothing(world: World, profile: ImportProfile) -> None:
    text = HEADINGS + line(world) + line(world, "S2")
    load(profile, text)
    before = [list(model.objects.values()) for model in (ChargingSession, SessionPrice, Hold)]
    batch = load(profile, text, at=AT + HOUR)
    assert (batch.added, batch.revised, batch.unchanged, batch.held) == (0, 0, 2, 0)
    assert [list(model.objects.values()) for model in (ChargingSession, SessionPrice, Hold)] == before
    assert ImportBatch.objects.values_list("file_sha256", flat=True).distinct().count() == 1


def test_a_corrected_file_revises(world: World, profile: ImportProfile) -> None:
    load(profile, HEADINGS + line(world))
    batch = load(profile, HEADINGS + line(world).replace("10.0", "11.0"), at=AT + HOUR)
    assert (batch.added, batch.revised) == (0, 1)
    assert session_of().energy_wh == 11_000


def test_one_audit_row_for_a_batch(world: World, profile: ImportProfile) -> None:
    batch = load(profile, HEADINGS + line(world))
    row = AuditRecord.objects.get(action="charging.session.record")
    assert (row.object_id, row.members) == (str(batch.pk), ["S1"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"id,card,evse,from,to\n", "kwh, note"),
        (HEADINGS.replace("note", "id").encode(), "twice"),
        (b"\xff\xfe\x00", "encoding"),
        ((HEADINGS + 'S1,"open').encode(), "Not a CSV file|empty"),
    ],
    ids=["empty", "headings missing", "headings twice", "encoding", "quotes"],
)
def test_a_file_that_is_not_what_the_profile_says_is_refused_whole(
    profile: ImportProfile, content: bytes, says: str
) -> None:
    if says.startswith("Not a CSV"):
        batch = load(profile, content, dry_run=True)
        assert (batch.rows, batch.refused) == (1, 1)
    else:
        with pytest.raises(BadInput, match=says):
            load(profile, content)
    assert nothing_happened()


def test_limits_are_kept(profile: ImportProfile, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MOST_ROWS", 1)
    with pytest.raises(BadInput, match="200,000 rows"):
        load(profile, HEADINGS + line(world) + line(world, "S2"))
    monkeypatch.setattr(imports, "MOST_BYTES", 10)
    with pytest.raises(BadInput, match="50 MB"):
        load(profile, HEADINGS)
    assert nothing_happened()


def test_a_reference_twice_with_different_content_refuses_the_later_line(world: World, profile: ImportProfile) -> None:
    batch = load(profile, HEADINGS + line(world) + line(world) + line(world).replace("10.0", "11.0"))
    assert (batch.rows, batch.added, batch.unchanged, batch.refused) == (3, 1, 1, 1)
    assert RefusedRow.objects.get().reason == "S1 stands in line 2 already, with different content."


def test_a_line_with_too_many_cells_is_refused(world: World, profile: ImportProfile) -> None:
    batch = load(profile, HEADINGS + line(world).replace("\n", "x,more,cells\n"))
    assert (batch.added, batch.refused) == (0, 1)
    assert RefusedRow.objects.get().content["..."] == "['more', 'cells']"


def test_a_dry_run_counts_and_records_nothing(world: World, profile: ImportProfile) -> None:
    batch = load(profile, HEADINGS + line(world), dry_run=True)
    assert (batch.pk, batch.added) == (None, 1)
    assert nothing_happened()


def test_the_preview_says_what_the_import_will_do(world: World, profile: ImportProfile) -> None:
    load(profile, HEADINGS + line(world) + on(world, "S2", 15))
    text = HEADINGS + line(world) + on(world, "S2", 16) + on(world, "S3", 17) + "S4,\n"
    preview = preview_import(profile=profile, content=text.encode())
    assert (preview.rows, preview.added, preview.revised, preview.unchanged, len(preview.refused)) == (4, 1, 1, 1, 1)
    batch = load(profile, text, at=AT + HOUR)
    assert (batch.rows, batch.added, batch.revised, batch.unchanged, batch.refused) == (4, 1, 1, 1, 1)


def test_a_profile_without_its_columns_is_refused(profile: ImportProfile) -> None:
    profile.columns = {"provider_ref": "id"}
    profile.save()
    with pytest.raises(BadInput, match="token_ref, station_ref, started_at, ended_at, energy"):
        load(profile, HEADINGS)
    assert nothing_happened()


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.PAYMENTS_OFFICER, None])
def test_only_clerks_import(world: World, profile: ImportProfile, role: Role | None) -> None:
    with pytest.raises(NotAllowed):
        load(profile, HEADINGS + line(world), by=make_user(role))
    assert nothing_happened()


def test_an_unknown_profile_is_named(db: None) -> None:
    with pytest.raises(NotFound, match="no import profile nope; known: none yet"):
        imports.profile_by_code("nope")


def command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code, out = 0, io.StringIO()
    try:
        call_command("import_sessions", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        code = int(end.code or 0)
    return code, out.getvalue()


def test_the_command_imports_and_counts(
    world: World, profile: ImportProfile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "january.csv"
    path.write_text(HEADINGS + line(world) + "S2,\n")
    code, out = command(capsys, str(path), "--profile", "test", "--dry-run", "--json")
    assert code == 1
    assert json.loads(out)["refused_rows"] == [
        {"line": 3, "column": "card", "reason": "card is empty; every session needs it."}
    ]
    assert nothing_happened()
    code, out = command(capsys, str(path), "--profile", "test")
    assert (code, out) == (1, "Imported: 2 rows, 1 added, 0 revised, 0 unchanged, 1 refused, 0 held\n")
    path.write_text(HEADINGS + line(world))
    assert command(capsys, str(path), "--profile", "test")[0] == 0


def test_the_command_refuses_with_code_2(
    profile: ImportProfile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(capsys, str(tmp_path / "none.csv"), "--profile", "test") == (2, "")
    (tmp_path / "empty.csv").write_text("")
    assert command(capsys, str(tmp_path / "empty.csv"), "--profile", "test") == (2, "")
