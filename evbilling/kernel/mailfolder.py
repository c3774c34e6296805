"""The embedded default's mailer: every mail becomes one .eml file that any mail program opens."""

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone


class EmlFolderBackend(BaseEmailBackend):
    """Writes mails to a folder, one file each, named by time so that they sort."""

    def __init__(self, *, folder: str, **options: Any) -> None:
        super().__init__(**options)
        self.folder = Path(folder)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each mail; the number written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for mail in email_messages:
            stamp = timezone.now().strftime("%Y%m%d-%H%M%S-%f")
            target = self.folder / f"{stamp}-{uuid.uuid4().hex[:8]}.eml"
            partial = target.with_suffix(".part")
            partial.write_bytes(mail.message().as_bytes())
            partial.rename(target)
        return len(email_messages)
