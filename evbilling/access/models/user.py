"""The user: one sign-in for the workspace and the portal.

A user never points at a party: contracts.Membership joins the two, so access knows no business word. Staff carry a role
(a Django group, see roles.py); portal users carry theirs on the membership.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class UserManager(BaseUserManager["User"]):
    """Makes users from an email address; addresses differ in more than upper and lower case."""

    use_in_migrations = True

    def _create(self, email: str, password: str | None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user without staff rights; no password means that only an invitation link lets the user set one."""
        fields.setdefault("is_staff", False)
        fields.setdefault("is_superuser", False)
        return self._create(email, password, **fields)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """The first administrator (`manage.py createsuperuser`); every later one gets a role instead."""
        fields.update(is_staff=True, is_superuser=True)
        return self._create(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        """Sign-in finds the address in any spelling of upper and lower case."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in with an email address."""

    email = models.EmailField(_("email address"), unique=True, error_messages={"unique": _("This address has a user.")})
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    is_staff = models.BooleanField(_("staff"), default=False, help_text=_("Works in the operator's workspace."))
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Off for leavers: the records stay, the sign-in ends.")
    )
    date_joined = models.DateTimeField(_("added at"), default=timezone.now, editable=False)
    last_access_at = models.DateTimeField(_("last access at"), null=True, blank=True, editable=False)
    session_epoch = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("Raising it ends every session of the user at once.")
    )

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering: ClassVar = ["email"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("email"), name="access_user_email_once", violation_error_message=_("This address has a user.")
            )
        ]

    def __str__(self) -> str:
        return self.full_name or self.email

    def clean(self) -> None:
        """One spelling per address, so that two users never differ by case alone."""
        super().clean()
        self.email = User.objects.normalize_email(self.email).lower()

    def get_full_name(self) -> str:
        """The name shown to colleagues and customers; the address where none is known."""
        return self.full_name or self.email

    def get_short_name(self) -> str:
        """The first word of the name, for greetings."""
        return self.full_name.split(" ")[0] if self.full_name else self.email.split("@", maxsplit=1)[0]

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What ties a session to the user: a new password or a raised epoch ends the others (ASVS 7.4)."""
        return salted_hmac(
            "evbilling.access.User.session", f"{self.session_epoch}:{self.password}", secret=secret, algorithm="sha256"
        ).hexdigest()

    @property
    def initials(self) -> str:
        """One or two letters for the avatar."""
        words = (self.full_name or self.email.split("@", maxsplit=1)[0].replace(".", " ")).split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper() if words else "?"


class PasswordHistory(models.Model):
    """Hashes of a user's earlier passwords: the last four are not accepted again (PCI DSS 8.3.7)."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_history", editable=False)
    encoded = models.CharField(max_length=256, editable=False)
    set_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("earlier password")
        verbose_name_plural = _("earlier passwords")
        ordering: ClassVar = ["-set_at", "-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user_id} {self.set_at:%Y-%m-%d}"
