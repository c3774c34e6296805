"""Files of sessions: read by a mapping profile, looked at before, recorded whole, and accounted for line by line."""

import csv
import datetime as dt
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from evbilling.access.models import User
from evbilling.kernel import clock
from evbilling.kernel.errors import BadInput, NotAllowed, NotFound, require
from evbilling.kernel.locks import lock
from sessions.models import ChargingSession, ImportBatch, ImportProfile, RefusedRow, SessionSource
from sessions.operations.intake import BATCH, record_sessions
from sessions.rules.intake import Mapped, RowRefused, SessionInput, read_row

MOST_BYTES = 50 * 1024 * 1024
MOST_ROWS = 200_000
MOST_COLUMNS = 200
_LONGEST_CELL = 500


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that could not be read: its number in the file (the headings are line 1), column, reason, content."""

    line: int
    column: str
    reason: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: rows = added + revised + unchanged + refused."""

    rows: int
    added: int
    revised: int
    unchanged: int
    readable: tuple[tuple[int, SessionInput], ...]
    refused: tuple[Refused, ...]


def preview_import(*, profile: ImportProfile, content: bytes) -> Preview:
    """Read a file without recording anything.

    Raises BadInput for a file that is refused whole: too large, another encoding, headings missing or twice.
    """
    readable, refused = _read(profile, content)
    refs = [row.provider_ref for _line, row in readable]
    stored: dict[str, str] = {}
    for start in range(0, len(refs), BATCH):
        current = ChargingSession.objects.filter(
            source=SessionSource.IMPORT,
            source_label=profile.source_label,
            superseded_at__isnull=True,
            provider_ref__in=refs[start : start + BATCH],
        )
        stored |= dict(current.values_list("provider_ref", "content_hash"))
    kinds = Counter(_fate(row, stored) for row in {row.provider_ref: row for _line, row in readable}.values())
    rows = len(readable) + len(refused)
    return Preview(
        rows=rows,
        added=kinds["added"],
        revised=kinds["revised"],
        unchanged=rows - len(refused) - kinds["added"] - kinds["revised"],
        readable=tuple(readable),
        refused=tuple(refused),
    )


def import_file(
    *,
    profile_id: int,
    file_name: str,
    content: bytes,
    by: User | None,
    at: dt.datetime,
    dry_run: bool = False,
) -> ImportBatch:
    """Import a file and account for every line; the batch (unsaved with `dry_run`, which records nothing).

    Lines that cannot be read are kept with line, column and reason; all others are recorded, or none (one
    transaction). The same file again adds a batch and changes no session. Raises BadInput for a file that is refused
    whole, NotAllowed without the permission.
    """
    require(
        by is None or by.has_perm("charging.import_sessions"),
        NotAllowed(_("You may not import sessions; ask a billing clerk.")),
    )
    profile = ImportProfile.objects.filter(pk=profile_id).first()
    if profile is None:
        raise NotFound(_("There is no import profile with the id %(id)s.") % {"id": profile_id})
    preview = preview_import(profile=profile, content=content)
    batch = ImportBatch(
        profile=profile,
        file_name=file_name[-200:],
        file_sha256=hashlib.sha256(content).hexdigest(),
        by=by,
        at=at,
        rows=preview.rows,
        added=preview.added,
        revised=preview.revised,
        unchanged=preview.unchanged,
        refused=len(preview.refused),
    )
    if dry_run:
        return batch
    with transaction.atomic():
        lock(ImportProfile, profile.pk)  # two imports of one source follow each other
        batch.save()
        RefusedRow.objects.bulk_create(
            [
                RefusedRow(
                    batch=batch,
                    line_number=each.line,
                    field=each.column[:60],
                    reason=each.reason[:300],
                    content=dict(each.content),
                )
                for each in preview.refused
            ],
            batch_size=BATCH,
        )
        result = record_sessions(
            rows=[row for _line, row in preview.readable],
            source=SessionSource.IMPORT,
            source_label=profile.source_label,
            by=by,
            at=at,
            max_hours=profile.max_hours,
            batch=batch,
        )
        batch.added, batch.revised, batch.unchanged = result.added, result.revised, result.unchanged
        batch.held = result.held
        batch.save(update_fields=["added", "revised", "unchanged", "held"])
    return batch


def profile_by_code(code: str) -> ImportProfile:
    """The profile of that code. Raises NotFound naming those there are."""
    profile = ImportProfile.objects.filter(code=code).first()
    if profile is None:
        known = ", ".join(ImportProfile.objects.values_list("code", flat=True)) or _("none yet")
        raise NotFound(_("There is no import profile %(code)s; known: %(known)s.") % {"code": code, "known": known})
    return profile


def _fate(row: SessionInput, stored: Mapping[str, str]) -> str:
    if row.provider_ref not in stored:
        return "added"
    return "unchanged" if stored[row.provider_ref] == row.content_hash() else "revised"


def _mapped(profile: ImportProfile) -> Mapped:
    clock.zone(profile.zone)
    mapped = Mapped(
        columns=profile.columns,
        extra_columns=profile.extra_columns,
        instant_format=profile.instant_format,
        year_offset=profile.year_offset,
        zone=profile.zone,
        energy_unit=profile.energy_unit,
        decimal_mark=profile.decimal_mark,
    )
    missing = mapped.missing_fields()
    require(
        not missing,
        BadInput("profile", profile.code, _("Name the columns of: %(fields)s.") % {"fields": ", ".join(missing)}),
    )
    return mapped


def _read(profile: ImportProfile, content: bytes) -> tuple[list[tuple[int, SessionInput]], list[Refused]]:
    mapped = _mapped(profile)
    readable: list[tuple[int, SessionInput]] = []
    refused: list[Refused] = []
    first: dict[str, tuple[int, SessionInput]] = {}
    for line, row in _lines(profile, mapped, content):
        try:
            if None in row:
                raise RowRefused("", _("The line has more cells than the file has columns."))
            session = read_row(mapped, row)
            before = first.setdefault(session.provider_ref, (line, session))
            if before[1] != session:
                raise RowRefused(
                    mapped.columns["provider_ref"],
                    _("%(ref)s stands in line %(line)s already, with different content.")
                    % {"ref": session.provider_ref, "line": before[0]},
                )
            readable.append((line, session))
        except RowRefused as error:
            refused.append(Refused(line, error.column, error.reason, _kept(row)))
    return readable, refused


def _lines(profile: ImportProfile, mapped: Mapped, content: bytes) -> Iterator[tuple[int, dict[str, str | None]]]:
    require(
        len(content) <= MOST_BYTES,
        BadInput("file", f"{len(content)} bytes", _("A file has at most 50 MB; split it.")),
    )
    try:
        text = content.decode(profile.encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise BadInput(
            "file", profile.encoding, _("The file is not in this encoding (%(error)s).") % {"error": error}
        ) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=profile.delimiter)
    try:
        headings = [heading.strip() for heading in reader.fieldnames or []]
        _require_headings(profile, mapped, headings)
        reader.fieldnames = headings
        for number, row in enumerate(reader, start=1):
            require(
                number <= MOST_ROWS,
                BadInput("file", f"> {MOST_ROWS}", _("A file has at most 200,000 rows; split it.")),
            )
            yield reader.line_num, row
    except csv.Error as error:
        raise BadInput("file", f"line {reader.line_num}", _("Not a CSV file: %(error)s.") % {"error": error}) from None


def _require_headings(profile: ImportProfile, mapped: Mapped, headings: list[str]) -> None:
    require(headings, BadInput("file", "", _("The file is empty.")))
    require(
        len(headings) <= MOST_COLUMNS,
        BadInput("file", len(headings), _("A file has at most 200 columns.")),
    )
    twice = sorted(heading for heading, count in Counter(headings).items() if heading and count > 1)
    require(not twice, BadInput("headings", ", ".join(twice), _("They stand twice in the first line; rename one.")))
    missing = mapped.missing_headings(headings)
    require(
        not missing,
        BadInput(
            "headings",
            ", ".join(missing),
            _("The profile %(profile)s needs these columns and the file has: %(found)s.")
            % {"profile": profile.code, "found": ", ".join(headings)[:300]},
        ),
    )


def _kept(row: Mapping[Any, Any]) -> dict[str, Any]:
    """The line as it was, each cell up to 500 characters; NUL, which no database keeps, is shown as a picture."""
    return {
        str(key) if key is not None else "...": str(value)[:_LONGEST_CELL].replace("\0", "\u2400")
        for key, value in list(row.items())[:MOST_COLUMNS]
    }
