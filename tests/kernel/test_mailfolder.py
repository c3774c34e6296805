"""The embedded mailer writes files that any mail program opens."""

import email
from pathlib import Path

from django.core.mail import EmailMessage

from evbilling.kernel.mailfolder import EmlFolderBackend


def test_each_mail_is_one_file_with_its_attachment(tmp_path: Path) -> None:
    backend = EmlFolderBackend(folder=str(tmp_path / "mail"))
    mail = EmailMessage("Invoice 1", "Text", "from@evbilling.example", ["to@evbilling.example"])
    mail.attach("invoice.pdf", b"%PDF-1.7", "application/pdf")
    assert backend.send_messages([mail, mail]) == 2
    files = sorted((tmp_path / "mail").iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    read = email.message_from_bytes(files[0].read_bytes())
    assert read["Subject"] == "Invoice 1"
    assert [part.get_filename() for part in read.walk() if part.get_filename()] == ["invoice.pdf"]
