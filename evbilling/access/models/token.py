"""The token with which a program acts for a user.

Its secret is shown once and kept as a SHA-256: 256 random bits need no slow hash (ASVS 11.5.1 asks for 128).
"""

import datetime as dt
import hashlib
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class TokenState(models.TextChoices):
    """What a token is worth at an instant; it is computed, not stored."""

    UNUSED = "unused", _("never used")
    ACTIVE = "active", _("in use")
    EXPIRED = "expired", _("expired")
    REVOKED = "revoked", _("revoked")


def digest_of(secret: str) -> str:
    """How a token's secret is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiToken(models.Model):
    """A program's key to the API: it may what its user may, until it expires or is revoked.

    `prefix` finds the row and names the token in lists and logs; `digest` proves the rest.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_tokens", verbose_name=_("user")
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("What it is for: the program that uses it."))
    prefix = models.CharField(_("begins with"), max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    expires_at = models.DateTimeField(_("expires at"), editable=False)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="api_token_lives_some_time")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    def state_at(self, at: dt.datetime) -> TokenState:
        """What the token is worth at an instant; whether its user may sign in is asked separately."""
        if self.revoked_at is not None:
            return TokenState.REVOKED
        if at >= self.expires_at:
            return TokenState.EXPIRED
        return TokenState.UNUSED if self.last_used_at is None else TokenState.ACTIVE
