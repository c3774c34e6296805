"""The official rules, run on the bytes of a document. rules_data/ holds them unchanged, with their licences.

XSLT 2 and 3 need Saxon. It lives in one thread of each process, which compiles a stylesheet once (0.2 to 0.6 s); a run
takes some 12 ms for EN 16931 and 5 ms for XRechnung or Peppol on top.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from invoicing.einvoice.model import Finding, Format

_DATA = Path(__file__).parent / "rules_data"
_EN_CII = "en16931/EN16931-CII-validation.xslt"
_EN_UBL = "en16931/EN16931-UBL-validation.xslt"
STYLESHEETS = {
    Format.FACTURX: (_EN_CII,),
    Format.XRECHNUNG: (_EN_UBL, "xrechnung/XRechnung-UBL-validation.xsl"),
    Format.PEPPOL: (_EN_UBL, "peppol/PEPPOL-EN16931-UBL.xsl"),
}
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_ID = re.compile(r"^\[([\w.-]+)\]\W*")
_SELF_BILLING = frozenset({"PEPPOL-EN16931-R004", "PEPPOL-EN16931-R007"})
"""The two rules in which Peppol's self-billing differs: they name the identifiers of ordinary billing."""


def validate(xml: bytes, format: Format, *, self_billed: bool = False) -> list[Finding]:
    """The official rules that the document breaks; warnings are no findings."""
    found: dict[str, Finding] = {}
    for stylesheet in STYLESHEETS[format]:
        for finding in _failed(_report(stylesheet, xml)):
            found.setdefault(finding.rule, finding)
    spared = _SELF_BILLING if self_billed else frozenset()
    return [finding for rule, finding in found.items() if rule not in spared]


def _report(stylesheet: str, xml: bytes) -> bytes:
    return _saxon(os.getpid()).submit(_run, stylesheet, xml).result().encode()


@lru_cache(maxsize=1)
def _saxon(process: int) -> ThreadPoolExecutor:
    """The thread that owns Saxon; a forked process makes its own."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"saxon-{process}")


def _run(stylesheet: str, xml: bytes) -> str:
    processor = _processor(os.getpid())
    node = processor.parse_xml(xml_text=xml.decode())
    return str(_compiled(stylesheet, os.getpid()).transform_to_string(xdm_node=node))


@lru_cache(maxsize=1)
def _processor(process: int) -> Any:
    from saxonche import PySaxonProcessor  # type: ignore[import-not-found]  # noqa: PLC0415 - only archiving needs it

    return PySaxonProcessor(license=False)


@lru_cache(maxsize=8)
def _compiled(stylesheet: str, process: int) -> Any:
    return _processor(process).new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_DATA / stylesheet))


def _failed(report: bytes) -> list[Finding]:
    tree = etree.fromstring(report)
    found = []
    for tag in ("failed-assert", "successful-report"):
        for each in tree.iter(_SVRL + tag):
            if (each.get("flag") or each.get("role") or "fatal").lower() not in {"fatal", "error"}:
                continue
            text = " ".join("".join(str(part) for part in each.itertext()).split())
            named = _ID.match(text)
            rule = named[1] if named else each.get("id") or "EN16931"
            found.append(Finding(rule, _ID.sub("", text)))
    return found
