"""What both sides agreed on: the contract document of each version, the mails that offered it, who acknowledged it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contracts.models.contract import ContractVersion
from contracts.models.party import Contact
from evbilling.kernel.models import OutboxMessage


class ContractDocument(models.Model):
    """The PDF of an approved version's terms, as it was offered: kept with its hash, never changed.

    A contract that is corrected before it binds (another site, another address) gets a new edition; the latest one is
    the document, and what was acknowledged before was another.
    """

    version = models.ForeignKey(
        ContractVersion, on_delete=models.PROTECT, related_name="documents", verbose_name=_("contract version")
    )
    edition = models.PositiveSmallIntegerField(_("edition"))
    language = models.CharField(_("language"), max_length=5)
    content = models.BinaryField()
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    rendered_at = models.DateTimeField(_("drawn at"))

    class Meta:
        verbose_name = _("contract document")
        verbose_name_plural = _("contract documents")
        ordering = ["version", "-edition"]
        constraints = [models.UniqueConstraint(fields=["version", "edition"], name="contract_document_edition_once")]

    def __str__(self) -> str:
        return f"{self.version}"


class OfferMail(models.Model):
    """One mail that offers a version's document to a contact, at most once per intent (I16).

    What became of it is the state of its background step: one left in flight is unknown, and only a person repeats it.
    """

    version = models.ForeignKey(
        ContractVersion, on_delete=models.PROTECT, related_name="offer_mails", verbose_name=_("contract version")
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("contact")
    )
    email = models.EmailField(_("email"), help_text=_("As it was when the mail was asked for"))
    intent = models.PositiveSmallIntegerField(_("intent"))
    message_ref = models.CharField(max_length=200)
    step = models.OneToOneField(
        OutboxMessage, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("background step")
    )
    created_at = models.DateTimeField(_("asked for at"))

    class Meta:
        verbose_name = _("offer mail")
        verbose_name_plural = _("offer mails")
        ordering = ["version", "intent", "email"]
        constraints = [
            models.UniqueConstraint(fields=["version", "intent", "email"], name="offer_mail_once_per_intent")
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.email}"


class Side(models.TextChoices):
    OPERATOR = "operator", _("operator")
    PARTY = "party", _("party")


class Acknowledgement(models.Model):
    """One side's word that it knows a version's terms: who, when, from where, and the hash of what was read.

    Where it is waived, `waived_reason` says why and `user` who waived it. Never changed or deleted.
    """

    version = models.ForeignKey(
        ContractVersion, on_delete=models.PROTECT, related_name="acknowledgements", verbose_name=_("contract version")
    )
    side = models.CharField(_("side"), max_length=8, choices=Side.choices)
    document_sha256 = models.CharField(_("SHA-256 of the document"), max_length=64, blank=True)
    name = models.CharField(_("name"), max_length=120)
    email = models.EmailField(_("email"), blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    address = models.CharField(_("from"), max_length=45, blank=True, help_text=_("IP address"))
    acknowledged_at = models.DateTimeField(_("acknowledged at"))
    waived_reason = models.CharField(_("waived because"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("acknowledgement")
        verbose_name_plural = _("acknowledgements")
        ordering = ["version", "acknowledged_at"]
        constraints = [
            models.UniqueConstraint(fields=["version", "side", "document_sha256"], name="acknowledged_once_per_side"),
            models.CheckConstraint(
                condition=~Q(waived_reason="") | ~Q(document_sha256=""), name="acknowledged_what_or_waived"
            ),
        ]
        permissions = [
            ("acknowledge_contract", "Can acknowledge a contract for the operator"),
            ("waive_acknowledgement", "Can waive a side's acknowledgement of a contract"),
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.get_side_display()}"
