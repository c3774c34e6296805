"""Letters and reports: made once per source, kept for ever as the bytes they were (I8)."""

import datetime as dt
from hashlib import sha256

from django.db import transaction
from django.utils.translation import gettext as _

from contracts.models import Operator, Party
from evbilling.access.models import User
from evbilling.kernel.audit import record_audit
from evbilling.kernel.errors import BadInput, require
from evbilling.kernel.steps import step
from invoicing.models import Letter, LetterKind


def file_letter(
    *,
    kind: LetterKind,
    operator: Operator,
    party: Party | None,
    source: str,
    language: str,
    dated_on: dt.date,
    file_name: str,
    content_type: str,
    content: bytes,
    by: User | None,
    at: dt.datetime,
) -> Letter:
    """Keep the bytes of a notice, statement, receipt or report with their SHA-256; once for each `source`.

    The same source again gives the letter that is kept, whatever was drawn this time. The party is None for reports
    that stay in the house. Raises BadInput for a source or content that is empty.
    """
    require(source.strip(), BadInput("source", source, _("Say what the letter is for.")))
    require(content, BadInput("content", len(content), _("A letter without content is not kept.")))
    with transaction.atomic():
        letter, made = Letter.objects.get_or_create(
            source=source,
            defaults={
                "kind": kind,
                "operator": operator,
                "party": party,
                "language": language,
                "dated_on": dated_on,
                "file_name": file_name[:200],
                "content_type": content_type,
                "content": content,
                "size": len(content),
                "sha256": sha256(content).hexdigest(),
                "made_at": at,
                "made_by": by,
            },
        )
        if not made:
            return letter
        record_audit(
            action="invoicing.letter.file",
            obj=letter,
            by=by,
            at=at,
            changes={"kind": kind.value, "for": source, "sha256": letter.sha256},
        )
        step("invoicing.letter.filed")
    return letter
