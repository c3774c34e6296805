"""The official rules, run on the bytes of a document. rules_data/ holds them unchanged, with their licences.

XSLT 2 and 3 need Saxon, which runs in a process of its own (`saxon`): it compiles a stylesheet once (0.2 to 0.6 s),
then a document of ten lines takes some 12 ms for EN 16931 and 5 ms on top for XRechnung or Peppol.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from threading import Lock

from django.utils.translation import gettext as _
from lxml import etree

from evbilling.kernel.errors import BillingError
from invoicing.einvoice.model import Finding, Format

_HERE = Path(__file__).parent
_EN_CII = "en16931/EN16931-CII-validation.xslt"
_EN_UBL = "en16931/EN16931-UBL-validation.xslt"
_PEPPOL = "peppol/PEPPOL-EN16931-UBL.xsl"
STYLESHEETS = {
    Format.FACTURX: (_EN_CII,),
    Format.XRECHNUNG: (_EN_UBL, "xrechnung/XRechnung-UBL-validation.xsl", _PEPPOL),
    Format.PEPPOL: (_EN_UBL, _PEPPOL),
}
_XRECHNUNG_TAKES = frozenset(
    f"PEPPOL-EN16931-R{number:03}"
    for number in (1, 5, 8, 10, 20, 40, 41, 42, 43, 44, 46, 53, 54, 55, 61, 101, 110, 111, 120, 121, 130)
)
"""The rules of Peppol that KoSIT merges into XRechnung when it is built (its rule-list.xml)."""
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_ID = re.compile(r"^\[([\w.-]+)\]\W*")
_SELF_BILLING = frozenset({"PEPPOL-EN16931-R004", "PEPPOL-EN16931-R007"})
"""The two rules in which Peppol's self-billing differs: they name the identifiers of ordinary billing."""


class RulesNotRun(BillingError):
    """The official rules could not be run, so nothing is known about the document."""

    code = "rules_not_run"

    def __init__(self, cause: str) -> None:
        super().__init__(
            _("The official rules of e-invoices could not be run (%s). Try again; the document waits.") % cause
        )


def validate(xml: bytes, format: Format, *, self_billed: bool = False) -> list[Finding]:
    """The official rules that the document breaks; warnings are no findings. Raises RulesNotRun."""
    found: dict[str, Finding] = {}
    for stylesheet in STYLESHEETS[format]:
        for finding in broken(_HERE / "rules_data" / stylesheet, xml):
            if stylesheet != _PEPPOL or format is Format.PEPPOL or finding.rule in _XRECHNUNG_TAKES:
                found.setdefault(finding.rule, finding)
    spared = _SELF_BILLING if self_billed else frozenset()
    return [finding for rule, finding in found.items() if rule not in spared]


def broken(stylesheet: Path, xml: bytes) -> list[Finding]:
    """The errors that one set of rules reports (SVRL), each with its rule's id. Raises RulesNotRun."""
    found = []
    for each in etree.fromstring(_saxon.run(stylesheet, xml)).iter(
        f"{_SVRL}failed-assert", f"{_SVRL}successful-report"
    ):
        if (each.get("flag") or each.get("role") or "fatal").lower() not in {"fatal", "error"}:
            continue
        text = " ".join("".join(str(part) for part in each.itertext()).split())
        named = _ID.match(text)
        rule = named[1] if named else each.get("id") or "EN16931"
        found.append(Finding(rule, _ID.sub("", text)))
    return found


class _Saxon:
    """The process beside this one; a fork, or an end of it, gets a new one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def run(self, stylesheet: Path, xml: bytes) -> bytes:
        """The stylesheet's report on a document. Raises RulesNotRun."""
        with self._lock:
            try:
                return self._ask(stylesheet, xml)
            except OSError:  # it has ended since the last document
                self._process = None
            try:
                return self._ask(stylesheet, xml)
            except OSError as error:
                self._process = None
                raise RulesNotRun(str(error)) from error

    def _ask(self, stylesheet: Path, xml: bytes) -> bytes:
        process = self._running()
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(f"{len(xml)} {stylesheet}\n".encode() + xml)
        process.stdin.flush()
        word, _space, length = process.stdout.readline().decode().partition(" ")
        if not length:
            raise BrokenPipeError("it ended")
        answer = process.stdout.read(int(length))
        if word != "ok":
            raise RulesNotRun(answer.decode())
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self._process = subprocess.Popen(  # noqa: S603 - our own program; a session of its own, so that Ctrl-C spares it
                [sys.executable, str(_HERE / "saxon.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            self._owner = os.getpid()
        return self._process


_saxon = _Saxon()
