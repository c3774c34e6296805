"""A demo starts from an empty database, and never touches one that is not its own."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from contracts.models import Operator
from evbilling.demo.company import OPERATOR
from evbilling.kernel.errors import WrongState
from evbilling.kernel.protection import lift_protections
from evbilling.kernel.strict_json import BadJson, dumps, loads

STATE_FILE = "demo.json"
_SOURCES = ("evbilling/demo/**/*.py", "evbilling/demo/data/**/*.csv", "*/migrations/*.py", "*/*/migrations/*.py")


class NotADemo(WrongState):
    """The database or the mode is not one that the demo may write to."""

    code = "not_a_demo"


def fingerprint() -> str:
    """Changes with the demo's sources and the tables: then what stands is built anew."""
    digest = hashlib.sha256(dumps(settings.DATABASES["default"]["NAME"]).encode())
    for pattern in _SOURCES:
        for path in sorted(settings.BASE_DIR.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def remembered() -> dict[str, object]:
    """What the last finished build left: its fingerprint and summary; empty when there is none."""
    try:
        found = loads(_state_file().read_text())
    except (FileNotFoundError, BadJson):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def remember(summary: dict[str, object]) -> None:
    """A build is finished."""
    _state_file().write_text(dumps({"fingerprint": fingerprint(), "summary": summary}))


def stands() -> bool:
    """Whether a finished demo of these very sources is in the database."""
    if remembered().get("fingerprint") != fingerprint() or not _has_tables():
        return False
    return Operator.objects.filter(legal_name=OPERATOR["legal_name"]).exists()


def clear() -> None:
    """Empty the database for a new build. Raises NotADemo outside MODE=demo or where other operators' data lies."""
    if settings.MODE != "demo":
        raise NotADemo(f"MODE is {settings.MODE}; the demo builds in MODE=demo only.")
    if _has_tables() and Operator.objects.exclude(legal_name=OPERATOR["legal_name"]).exists():
        raise NotADemo(
            "This database holds an operator that is not the demo's; nothing was changed. "
            "Point DATABASE_URL or DATA_DIR somewhere else."
        )
    _state_file().unlink(missing_ok=True)
    if connection.vendor == "sqlite":
        _remove_sqlite_file()
    elif _has_tables():
        lift_protections()
        call_command("flush", interactive=False, verbosity=0)
    _empty(settings.MAIL_FOLDER)
    _empty(settings.DATA_DIR / "broker" / "messages")
    call_command("migrate", interactive=False, verbosity=0)


def _state_file() -> Path:
    return Path(settings.DATA_DIR) / STATE_FILE


def _has_tables() -> bool:
    return Operator._meta.db_table in connection.introspection.table_names()


def _remove_sqlite_file() -> None:
    name = str(connection.settings_dict["NAME"])
    connection.close()
    for ending in ("", "-wal", "-shm"):
        Path(name + ending).unlink(missing_ok=True)


def _empty(folder: Path) -> None:
    if folder.is_dir():
        for file in folder.iterdir():
            if file.is_file():
                file.unlink()
