"""The archived bytes of documents: written once, never changed (I8)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from invoicing.models.invoice import Invoice


class DocumentKind(models.TextChoices):
    PDF = "pdf", _("PDF")
    CSV = "csv", _("session list (CSV)")
    XLSX = "xlsx", _("session list (XLSX)")
    XML = "xml", _("e-invoice (XML)")


class Document(models.Model):
    """What was sent: the bytes with their SHA-256. A resend sends these bytes; nothing is drawn again."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(_("kind"), max_length=4, choices=DocumentKind.choices)
    file_name = models.CharField(_("file name"), max_length=200)
    content_type = models.CharField(max_length=100)
    content = models.BinaryField()
    size = models.PositiveIntegerField(_("size (bytes)"))
    sha256 = models.CharField(max_length=64)
    rendered_at = models.DateTimeField(_("rendered"))

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["invoice", "kind"]
        constraints = [models.UniqueConstraint(fields=["invoice", "kind"], name="document_once_per_kind")]

    def __str__(self) -> str:
        return self.file_name
