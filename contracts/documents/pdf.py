"""A contract document as tagged PDF/A-3a bytes: `render_agreement`. The same view always gives the same bytes."""

from typing import Any

from contracts.documents.view import AgreementView
from evbilling.shell.paper.page import data_address, set_page
from evbilling.shell.paper.pdf import drawing, write_pdf
from evbilling.shell.paper.sheet import Faces, Running


def render_agreement(view: AgreementView) -> bytes:
    """The view set in type, in the look of the operator's other documents."""
    with drawing(view.language):
        running = Running(view.letterhead, view.sides[0].party, view.running, draft=view.draft)
        document = set_page("contract", _context(view), view.letterhead)
        identity = f"{view.sides[0].party.legal_name}\ncontract\n{view.number}\n{view.version}"
        return write_pdf(document, running=running, faces=Faces.of(running), identity=identity)


def _context(view: AgreementView) -> dict[str, Any]:
    operator, party = view.sides
    return {
        "view": view,
        "lang": view.language,
        "title": f"{view.title} {view.number}",
        "subject": f"{view.running}, {party.party.legal_name}",
        "stamp": f"{view.dated_on.isoformat()}T00:00:00Z",
        "logo": data_address(view.letterhead.logo_svg),
        "operator": operator,
        "party": party,
        "sides": [
            {"role": side.role, "party": side.party, "lines": _lines(side.party), "signatories": side.signatories}
            for side in view.sides
        ],
        "sections": [
            {"title": section.title, "number": number, "blocks": list(_numbered(section.blocks, number))}
            for number, section in enumerate(view.sections, start=1)
        ],
    }


def _numbered(blocks: Any, section: int) -> Any:
    """Paragraphs and lists carry the section's number and their own."""
    count = 0
    for block in blocks:
        label = ""
        if block.kind in {"paragraph", "list"}:
            count += 1
            label = f"{section}.{count}"
        yield {"block": block, "label": label}


def _lines(party: Any) -> str:
    """What stands below a side's name, each on its line."""
    tax_ids = (f"{label} {value}" for label, value in party.tax_ids)
    return "\n".join(line for line in (*party.address_lines, party.registration, *tax_ids) if line)
