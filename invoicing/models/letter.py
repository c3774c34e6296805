"""Letters and reports: archived bytes beside the documents about money."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contracts.models import Operator, Party


class LetterKind(models.TextChoices):
    DUNNING_NOTICE = "dunning", _("dunning notice")
    STATEMENT = "statement", _("statement of account")
    RECEIPT = "receipt", _("receipt")
    RUN_REPORT = "run", _("completeness report")


class Letter(models.Model):
    """A notice, statement, receipt or report as it was made: the bytes with their SHA-256, never drawn again.

    `source` names what it is for ("dunning:<invoice>:<level>", the last of a plan with ":last"): each is made once. The
    party is empty for reports that stay in the house.
    """

    kind = models.CharField(_("kind"), max_length=10, choices=LetterKind.choices)
    operator = models.ForeignKey(Operator, on_delete=models.PROTECT, related_name="letters", verbose_name=_("operator"))
    party = models.ForeignKey(
        Party, on_delete=models.PROTECT, null=True, blank=True, related_name="letters", verbose_name=_("party")
    )
    source = models.CharField(_("for"), max_length=120, unique=True)
    language = models.CharField(max_length=5)
    dated_on = models.DateField(_("dated"))
    file_name = models.CharField(_("file name"), max_length=200)
    content_type = models.CharField(max_length=100)
    content = models.BinaryField()
    size = models.PositiveIntegerField(_("size (bytes)"))
    sha256 = models.CharField(_("SHA-256 of the file"), max_length=64)
    made_at = models.DateTimeField(_("made at"))
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("made by")
    )

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering = ["-id"]
        indexes = [models.Index(fields=["party", "kind"], name="letter_party_kind")]

    def __str__(self) -> str:
        return self.file_name
